"""The coach: advice before Generate and after it. Quiet, explained, never in the way."""
