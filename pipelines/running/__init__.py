"""Everything that needs torch: loads models, makes pictures, reads pictures. Closed to the server process."""
