"""Where the `pyrs` command enters the package manager."""

from .fast import main

__all__ = ["main"]
