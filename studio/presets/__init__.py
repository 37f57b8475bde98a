"""Words and settings under a name, put into a request with one press."""
