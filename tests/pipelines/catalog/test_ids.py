from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalog.ids import earlier_id, file_id, readable

LONG = "very-detailed-character-portrait-style-lora-by-someone-epoch-0000"


@pytest.mark.parametrize("name", ["ink", "ink-2", "v1.5_pruned", "detail.tweaker"])
def test_a_plain_name_is_its_own_id(name: str) -> None:
    assert file_id(PurePosixPath(f"{name}.safetensors")) == name


def test_names_that_share_their_letters_have_ids_of_their_own() -> None:
    names = [
        "猫",
        "犬",
        "My Ink",
        "my-ink",
        "a/b",
        "a-b",
        f"{LONG}10",
        f"{LONG}12",
        "アニメ v1",
        "リアル v1",
        "тушь",
    ]
    ids = [file_id(PurePosixPath(f"{name}.safetensors")) for name in names]
    assert len(set(ids)) == len(names)


def test_an_id_does_not_depend_on_how_a_system_writes_accents() -> None:
    one, other = (unicodedata.normalize(form, "Café Ink") for form in ("NFC", "NFD"))
    assert one != other
    assert file_id(PurePosixPath(one)) == file_id(PurePosixPath(other))


def test_a_name_that_looks_like_an_id_with_a_hash_cannot_stand_for_another_file() -> None:
    taken = file_id(PurePosixPath("My Ink.safetensors"))
    assert file_id(PurePosixPath(f"{taken}.safetensors")) != taken


@given(st.text(min_size=1, max_size=90))
def test_every_id_fits_a_request(text: str) -> None:
    name = file_id(PurePosixPath(text))
    assert 1 <= len(name) <= 56
    assert name.isascii()
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def test_earlier_ids_are_still_known() -> None:
    assert earlier_id(PurePosixPath("Styles/My Ink.safetensors")) == "styles-my-ink"


def test_bytes_that_are_no_utf8_can_be_shown() -> None:
    assert readable("\udcffink").encode() == b"?ink"
