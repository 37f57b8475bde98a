"""REST, `/api/v1`: what scripts use, and where the page's pictures come from."""

from studio.api.routes import add_api

__all__ = ["add_api"]
