"""Where models come from: the hub, this disk, a file dropped into the models folder."""
