"""Python's garbage collector in tests that run models in their own process."""

from __future__ import annotations

import gc


def leave_the_libraries_alone() -> None:
    """From now on the collector passes over what torch, diffusers and transformers hold, which stays anyway.

    It looks for cycles each time a model leaves memory, and would go through a million of their objects. To
    be called before a model is loaded: what is alive now is never collected.
    """
    gc.collect()
    gc.freeze()
