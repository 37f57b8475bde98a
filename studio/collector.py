"""Python's garbage collector in a process that first loads a million objects and keeps them until its end.

It looks for cycles again and again while modules are loaded, a seventh of the time a worker takes to start,
and once more when Python ends.
"""

from __future__ import annotations

import gc


def pause() -> None:
    """Collect nothing until `settle`."""
    gc.disable()


def settle() -> None:
    """What is there now stays; only what comes from now on is looked at."""
    gc.freeze()
    gc.enable()


def leave_all() -> None:
    """The process ends: what is left goes with it, without a look."""
    gc.freeze()
