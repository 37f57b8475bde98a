"""Files that orders need, on a folder as each machine has one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.events import ReadOrder, Region, WorkOrder
from pipelines.request import CompleteRequest
from studio.cluster import references
from studio.cluster.references import KeptFiles, NotKept

REQUEST = CompleteRequest(model="m", seed=1, width=64, height=64, num_inference_steps=1)


def old(folder: Path, key: str, seconds: float) -> None:
    path = folder / "files" / key
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def test_what_is_kept_is_sent_once(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path, 1000)
    assert kept.lacking(["a.png", "b.png"]) == ["a.png", "b.png"]
    kept.keep("a.png", b"picture")
    assert kept.lacking(["a.png", "b.png"]) == ["b.png"]
    assert KeptFiles(tmp_path, 1000).lacking(["a.png"]) == []  # another worker of the machine


def test_the_least_recently_used_go_beyond_the_limit_but_not_under_an_order(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path, 250)
    for age, key in enumerate(("c.png", "b.png", "a.png")):
        kept.keep(key, bytes(80))
        old(tmp_path, key, 100 * (3 - age))
    names = kept.names_for("order", ["b.png"])
    assert kept.lacking(["c.png"]) == []  # asked for: used now
    kept.keep("d.png", bytes(80))
    assert kept.lacking(["a.png", "b.png", "c.png", "d.png"]) == ["b.png"]
    assert Path(names["b.png"]).read_bytes() == bytes(80)
    kept.done("order")
    assert not Path(names["b.png"]).exists()


def test_one_file_larger_than_the_limit_is_kept_for_its_order(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path, 10)
    kept.keep("a.png", bytes(100))
    assert Path(kept.names_for("order", ["a.png"])["a.png"]).stat().st_size == 100
    kept.keep("b.png", bytes(100))
    assert kept.lacking(["a.png"]) == ["a.png"]
    with pytest.raises(NotKept):
        kept.names_for("other", ["a.png"])


def test_the_key_is_the_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one.PNG", tmp_path / "other.png"
    one.write_bytes(b"same")
    other.write_bytes(b"same")
    assert references.key_of(one) == references.key_of(other)
    other.write_bytes(b"another")
    assert references.key_of(one) != references.key_of(other)


def test_every_path_of_an_order_is_moved() -> None:
    order = WorkOrder("j", REQUEST, {"p": "/a"}, masks={"m": "/b"}, originals={"o": "/c"})
    assert references.paths_of(order) == {"/a", "/b", "/c"}
    moved = references.with_paths(order, {path: f"/there{path}" for path in references.paths_of(order)})
    assert (moved.files, moved.masks, moved.originals) == (
        {"p": "/there/a"},
        {"m": "/there/b"},
        {"o": "/there/c"},
    )
    read = ReadOrder("r", "words", (Region("/a", (0, 0, 1, 1)), Region("/b")))
    there = references.with_paths(read, {"/a": "/x", "/b": "/y"})
    assert [(region.path, region.box) for region in there.regions] == [("/x", (0, 0, 1, 1)), ("/y", None)]
