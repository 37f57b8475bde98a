"""The application: collection, queue, REST and page. Never imports torch or diffusers."""

__version__ = "0.1.0"
