"""The page's one boundary: what a handler refuses becomes words for the artist, the rest goes to the log.

Knows Gradio and the studio's errors, nothing of panels.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

import gradio as gr

from pipelines.errors import LikenessError
from studio.json_values import is_object

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong, nothing was lost. Try again; the studio's log says more."
_SECONDS = 10

P = ParamSpec("P")
T = TypeVar("T")


class BoundEvent(Protocol):
    """An event that something was bound to: what follows it."""

    def success(self, *args: Any, **options: Any) -> BoundEvent:
        """When it went well."""
        ...

    def failure(self, *args: Any, **options: Any) -> BoundEvent:
        """When it was refused."""
        ...


def event(owner: object, name: str) -> Callable[..., BoundEvent]:
    """The event of that name, to be bound: Gradio makes them at run time, where no type checker sees them."""
    return getattr(owner, name)


def data_of(event: gr.EventData) -> dict[str, Any]:
    """What a component told with its event; anyone may have sent it."""
    data: object = event._data  # pyright: ignore[reportPrivateUsage] Gradio has no other way to all of it
    return data if is_object(data) else {}


def guarded(handler: Callable[P, T]) -> Callable[P, T]:
    """Wrap an event handler: refusals show their own words and stop the event, the rest is logged."""

    @functools.wraps(handler)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return handler(*args, **kwargs)
        except LikenessError as refusal:
            raise gr.Error(refusal.detail, duration=_SECONDS, print_exception=False) from refusal
        except Exception as error:
            log.exception("%s failed", getattr(handler, "__name__", "a handler"))
            raise gr.Error(UNEXPECTED, duration=_SECONDS, print_exception=False) from error

    return wrapper


def warn(sentences: tuple[str, ...]) -> None:
    """Show each sentence as a warning; the event goes on."""
    for sentence in sentences:
        gr.Warning(sentence, duration=_SECONDS)
