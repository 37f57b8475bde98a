"""The collection: every picture that was ever loaded or made, with its history."""
