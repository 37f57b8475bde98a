"""Request → complete request → plan. Pure; no torch."""
