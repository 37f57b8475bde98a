"""What is measured once, also where several threads ask for it at the same moment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Once(Generic[P, R]):
    """`functools.lru_cache` of a function, but who asks while another thread is at the same waits for it.

    The page and a call of REST often ask for the same picture together, and measuring takes a tenth of a
    second of one core.
    """

    def __init__(self, function: Callable[P, R], maxsize: int) -> None:
        functools.update_wrapper(self, function)
        self._known = functools.lru_cache(maxsize)(function)
        self._asked: dict[Hashable, Lock] = {}
        self._guard = Lock()

    @property
    def answered(self) -> int:
        """How often the function itself has been asked."""
        return self._known.cache_info().misses

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's answer; what it raises is raised, and asked for again the next time."""
        question = (args, tuple(sorted(kwargs.items())))
        with self._guard:
            turn = self._asked.setdefault(question, Lock())
        with turn:
            try:
                return self._known(*args, **kwargs)
            finally:
                with self._guard:
                    self._asked.pop(question, None)


def once(maxsize: int) -> Callable[[Callable[P, R]], Once[P, R]]:
    """See `Once`; so many answers are kept."""
    return lambda function: Once(function, maxsize)
