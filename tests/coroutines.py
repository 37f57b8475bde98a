"""Runs a coroutine in a thread of its own.

Playwright keeps an event loop in the main thread from the first browser test to the end of the session;
`asyncio.run` would refuse to start a second one there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def finish(coroutine: Coroutine[object, object, T]) -> T:
    """What `coroutine` returns; its exception is raised here."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
