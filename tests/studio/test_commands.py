"""The collection from the command line, on real folders: exit codes, words, and what is on the disk after."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.main import main
from tests.studio.fixtures import make_catalog, open_durable, picture, save, upload

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command of `collection`; gives (exit code, what was printed)."""
    make_catalog(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        options = ["--data-dir", str(tmp_path / "data"), "--models", str(tmp_path / "models.yaml")]
        code = main(["collection", *words, *options])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def test_a_folder_is_imported_and_exported_again(tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.png").write_bytes(picture(n))
    code, words = call("import", str(folder))
    assert code == 0
    assert "3 pictures imported, 0 were here already" in words
    assert "0 pictures imported, 3 were here already" in call("import", str(folder))[1]
    with open_durable(tmp_path) as durable:
        one = upload(durable, seed=1)
        durable.collection.update(one.id, starred=True)
    target = tmp_path / "out.zip"
    code, words = call("export", "--starred", "--to", str(target))
    assert (code, "1 pictures are in" in words) == (0, True)
    with zipfile.ZipFile(target) as archive:
        (entry,) = json.loads(archive.read("manifest.json"))["images"]
        assert archive.read(entry["file"]) == picture(1)


def test_what_was_not_imported_is_named_and_the_exit_code_says_so(tmp_path: Path, call: Call) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "broken.png").write_bytes(b"no picture")
    code, words = call("import", str(tmp_path / "pictures"))
    assert code == 1
    assert "broken.png" in words


def test_words_that_cannot_be_carried_out(tmp_path: Path, call: Call) -> None:
    target = str(tmp_path / "out.zip")
    assert call("export", "a", "--to", target)[0] == 2  # no collection yet
    with open_durable(tmp_path) as durable:
        upload(durable)
    assert call("import", str(tmp_path / "nowhere"))[0] == 2
    assert call("export", "--to", target)[0] == 2
    assert call("export", "--branch", "nothing", "--to", target)[0] == 2
    code, words = call("export", "nothing", "--to", target)
    assert (code, "not exported: nothing" in words) == (1, True)
    assert call("export", "a", "--to", str(tmp_path / "no" / "folder.zip"))[0] == 2


def test_what_can_be_mended_is_mended(tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture(1))
    (folder / "b.png").write_bytes(picture(2))
    call("import", str(folder))
    with open_durable(tmp_path) as durable:
        made = save(durable)
        missing, changed = (upload(durable, seed=n) for n in (1, 2))
        paths = [durable.collection.file(one.id)[0] for one in (missing, changed, made)]
        durable.collection.store.put(picture(9), "png")
    paths[0].unlink()
    paths[1].write_bytes(picture(3))
    durable.settings.journal.unlink()
    code, words = call("verify")
    assert code == 1
    assert "--mend" in words
    code, words = call("verify", "--mend")
    assert code == 0, words
    assert words.count("came back from") == 2
    assert [path.read_bytes() for path in paths[:2]] == [picture(1), picture(2)]
    assert call("verify")[0] == 0


def test_what_cannot_be_mended_stays_and_is_named(tmp_path: Path, call: Call) -> None:
    with open_durable(tmp_path) as durable:
        made = save(durable)
        path = durable.collection.file(made.id)[0]
    damaged = path.read_bytes()[:-40]
    path.write_bytes(damaged)
    code, words = call("verify", "--mend")
    assert code == 1
    assert f"changed: {path.name}" in words
    assert path.read_bytes() == damaged
