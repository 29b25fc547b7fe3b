"""One module per command; `dispatch` finds them by name."""
