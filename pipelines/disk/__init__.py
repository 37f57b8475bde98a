"""What lies on this disk: single files told by their headers, diffusers folders, the hub's cache."""
