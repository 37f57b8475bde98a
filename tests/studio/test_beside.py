"""Texts beside pictures of which a byte is wrong, or that are in an encoding nobody named."""

from __future__ import annotations

import pytest

from studio.collection import beside


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("a woman, Mä".encode() + b"\xff" + b"dchen", "a woman, Mä\ufffddchen"),
        ("ein Mädchen aus Köln, müde".encode()[:-3], "ein Mädchen aus Köln, m\ufffd"),
        ("Mädchen".encode("cp1252"), "Mädchen"),
        ("Mädchen aus Köln".encode("latin-1"), "Mädchen aus Köln"),
    ],
)
def test_a_byte_that_is_wrong_does_not_make_another_encoding_of_it(data: bytes, text: str) -> None:
    assert beside.decoded(data) == text


def test_what_cannot_be_told_apart_is_read_as_western_text_and_loses_letters() -> None:
    assert "\ufffd" in beside.decoded("赤い髪の女性".encode("shift-jis"))
