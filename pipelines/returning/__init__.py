"""Bring what a model made of a shrunk picture back to the picture itself: only the change, at full size.

Arrays in, arrays out, on numpy, scipy and Pillow; knows nothing of models, of files and of torch.
"""
