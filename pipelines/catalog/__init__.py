"""models.yaml and the models folder as one catalogue, and why something in it cannot be used."""
