"""The parts of the page: each makes its components and binds no events."""
