"""Append-only files: lines survive torn ends, damage, several writers and a full disk."""

from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import jsonlines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.jsonl"


def numbers(path: Path) -> list[int]:
    return [line["n"] for line in jsonlines.read(path)]


def test_what_was_appended_is_read_in_order(path: Path) -> None:
    assert numbers(path) == []
    jsonlines.append(path, [])
    assert not path.exists()
    jsonlines.append(path, [{"n": 1}, {"n": 2, "text": "ä\n\ud800"}])
    jsonlines.append(path, [{"n": 3}])
    assert numbers(path) == [1, 2, 3]


@pytest.mark.parametrize("torn", [b'{"n": 2', b"\xff\xfe\0", b"[1]\n7\n", b'{"n":' * 5000])
def test_lines_that_are_none_are_passed_by(path: Path, torn: bytes) -> None:
    jsonlines.append(path, [{"n": 1}])
    with path.open("ab") as file:
        file.write(torn)
    assert numbers(path) == [1]
    jsonlines.append(path, [{"n": 3}])
    assert numbers(path) == [1, 3]


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jsonlines.append(path, [{"n": 1}])
    before, write = path.read_bytes(), os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 10:
            return write(handle, data[: len(data) - 5])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            jsonlines.append(path, [{"n": 2}, {"n": 3}])
    assert path.read_bytes() == before


def _append_many(path: Path, first: int) -> None:
    for n in range(first, first + 200):
        jsonlines.append(path, [{"n": n, "filling": "x" * 300}])


def test_two_processes_lose_nothing_of_each_other(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, first)) for first in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert sorted(numbers(path)) == [*range(200), *range(1000, 1200)]


def test_replacing_is_all_or_nothing(path: Path) -> None:
    jsonlines.append(path, [{"n": 1}])

    def lines() -> Iterator[dict[str, int]]:
        yield {"n": 2}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        jsonlines.replace(path, lines())
    assert numbers(path) == [1]
    jsonlines.replace(path, [{"n": 5}])
    assert numbers(path) == [5]
