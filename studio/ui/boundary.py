"""The page's one boundary: what a handler refuses becomes words for the artist, the rest goes to the log.

Knows Gradio and the studio's errors, nothing of panels.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gradio as gr

from pipelines.errors import LikenessError

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong, nothing was lost. Try again; the studio's log says more."
_SECONDS = 10

P = ParamSpec("P")
T = TypeVar("T")


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
