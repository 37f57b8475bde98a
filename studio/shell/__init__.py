"""Commands for the terminal that talk to a studio over REST, and know nothing of what is behind that."""
