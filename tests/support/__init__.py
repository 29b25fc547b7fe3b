"""What tests share.  Import as `from support.<module> import ...`."""
