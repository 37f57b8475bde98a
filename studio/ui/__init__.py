"""The page artists work in."""
