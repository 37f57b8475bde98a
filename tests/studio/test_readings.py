from __future__ import annotations

from pathlib import Path

import pytest

from studio.readings import Readings

PIXELS = "ab" * 32


@pytest.mark.parametrize("reading", ["a woman with red hair", (0.5, -0.25), None])
def test_what_was_kept_is_found_by_model_and_pixels(
    tmp_path: Path, reading: str | tuple[float, ...] | None
) -> None:
    kept = Readings(tmp_path / "readings")
    assert kept.get("one", PIXELS) is None
    kept.keep("one", PIXELS, reading)
    assert Readings(tmp_path / "readings").get("one", PIXELS) == (reading,)
    assert kept.get("two", PIXELS) is None
    assert kept.get("one", "cd" * 32) is None


def test_a_damaged_file_and_a_folder_that_cannot_be_written_only_forget(tmp_path: Path) -> None:
    kept = Readings(tmp_path)
    kept.keep("one", PIXELS, "words")
    (file,) = tmp_path.rglob("*.json")
    file.write_text("{half")
    assert kept.get("one", PIXELS) is None
    file.write_text('["no number"]')
    assert kept.get("one", PIXELS) is None
    (tmp_path / "file").write_text("")
    Readings(tmp_path / "file").keep("one", PIXELS, "words")
    assert Readings(tmp_path / "file").get("one", PIXELS) is None
    Readings(None).keep("one", PIXELS, "words")
    assert Readings(None).get("one", PIXELS) is None
