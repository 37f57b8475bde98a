"""Stand-ins for a process that ends in the middle of what it does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from studio import jsonlines


class Crash(BaseException):
    """Stands for the process ending here: nothing may catch it."""


@contextmanager
def crash_at(monkeypatch: pytest.MonkeyPatch, place: object, name: str) -> Generator[None]:
    """The block ends where it would call `place.name`."""

    def crash(*_: object, **__: object) -> NoReturn:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(place, name, crash)
        with pytest.raises(Crash):
            yield


@contextmanager
def crash_before_commit(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """The block ends with its lines in the journal and its rows not committed."""
    begin = jsonlines.begin

    def append_and_crash(*arguments: object) -> None:
        appended = begin(*arguments)  # pyright: ignore[reportArgumentType]
        assert appended is not None
        appended.keep()
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(jsonlines, "begin", append_and_crash)
        with pytest.raises(Crash):
            yield
