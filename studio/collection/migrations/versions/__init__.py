"""One file per schema change; the number leads the name."""
