"""How much of a model lies on this disk, also while a download gives its files their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.models import places


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `someone/model` in a cache: 100 bytes, two names for 50 of them."""
    monkeypatch.setattr(places, "cache_folder", lambda: tmp_path)
    folder = places.repository_folder("someone/model")
    for name in ("blobs/one", "blobs/two", "snapshots/abc/one"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not name.startswith("snap"):
            (folder / name).write_bytes(b"x" * 50)
    (folder / "snapshots/abc/one").hardlink_to(folder / "blobs/one")
    return folder


def test_what_has_two_names_counts_once(cached: Path) -> None:
    assert places.stored("someone/model") == 100


def test_a_file_that_gets_its_name_meanwhile_stops_nothing(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there when it is listed, and gone when its size is asked for."""
    stat: Callable[..., object] = Path.stat

    def asked(path: Path, **how: object) -> object:
        found = stat(path, **how)
        if path == cached / "blobs/two":
            path.unlink()
        return found

    monkeypatch.setattr(Path, "stat", asked)
    assert places.stored("someone/model") in (50, 100)
    assert places.stored("someone/model") == 50


def test_what_is_not_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "cache_folder", lambda: tmp_path)
    assert places.stored("no/body") == 0
