"""Inference library: requests in, pictures out. Knows nothing of Gradio, the database or the studio."""
