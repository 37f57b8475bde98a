"""scikit-image, in whole: two threads that load parts of it at the same moment would each meet half a module.

Its modules import each other, and Python lets a thread go on with one that another is still loading rather
than have both wait for ever. So whoever needs a part of it calls `load` first. It takes half a second, once.
"""

from __future__ import annotations

import importlib
import threading

_PARTS = ("color", "data", "feature", "measure", "metrics", "morphology")
_ONE_AT_A_TIME = threading.Lock()


def load() -> None:
    """All parts that the studio uses are there afterwards, whichever thread asked first."""
    with _ONE_AT_A_TIME:
        for part in _PARTS:
            importlib.import_module(f"skimage.{part}")
