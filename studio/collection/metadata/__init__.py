"""What a picture file says about itself; one module per format."""
