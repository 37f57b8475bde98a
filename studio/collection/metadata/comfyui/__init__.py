"""ComfyUI: what a picture was made with, read from the graph of nodes in its file."""

from studio.collection.metadata.comfyui.reader import from_document, read

__all__ = ["from_document", "read"]
