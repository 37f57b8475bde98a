"""Names of files that go out, against what Windows, macOS and Linux forbid."""

from __future__ import annotations

import re

import pytest

from studio import file_names


@pytest.mark.parametrize(
    ("called", "stem"),
    [
        ("Mira v1.5", "Mira-v1.5"),
        ("Dr. House", "Dr-House"),
        ("Anna / draft 2", "Anna-draft-2"),
        ("portrait.JPG", "portrait"),
        ("Zoë «x».png", "Zoë-x"),
        ("हिन्दी नाम", "हिन्दी-नाम"),
        ("a\\b:c*d?e", "a-b-c-d-e"),
        ("..a..b..", "a-b"),
        ("trailing. ", "trailing"),
        ("🧝‍♀️ ✨", "picture"),
        ("", "picture"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_picture_is_called_as_the_artist_calls_it(called: str, stem: str) -> None:
    assert file_names.stem(called, "picture") == stem


@pytest.mark.parametrize("called", ["CON", "nul.png", "Aux.v2", "com1", "LPT9", "COM¹", "prn.tar"])
def test_no_name_is_one_that_windows_keeps_for_itself(called: str) -> None:
    stem = file_names.stem(called, "picture")
    assert not re.match(r"(?i)(con|prn|aux|nul|com.|lpt.)(\.|$)", stem)


def test_no_name_is_too_long_for_any_system() -> None:
    for letter in ("女", "𠀀", "\U0001d4dc", "g\u0308"):
        name = file_names.picture(letter * 300, "ab" * 32, "image/avif")
        assert name.startswith(letter * 20)
        assert name.endswith("-abababab.avif")
        assert len(f"100000-{name}".encode()) < 255


def test_a_header_holds_any_name() -> None:
    assert file_names.attachment("a-1.png") == 'attachment; filename="a-1.png"'
    told = file_names.attachment("Éva-1.png")
    assert told == "attachment; filename*=utf-8''%C3%89va-1.png"
    told.encode("latin-1")
