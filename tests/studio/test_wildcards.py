from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import RequestError
from pipelines.planning.alternatives import every
from studio.wildcards import MAX_BYTES, Wildcards


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "wildcards"
    (made / "people").mkdir(parents=True)
    (made / "hair.txt").write_text("# colours\nred\n\n  {light|dark} blue \n", encoding="utf-8")
    (made / "people" / "elf.txt").write_bytes("\ufeffun elfe\r\n__hair__ elf\r\n".encode())
    return made


def test_a_line_is_a_choice_and_lists_may_name_lists(folder: Path) -> None:
    cards = Wildcards(folder)
    assert cards.lines("hair") == ("red", "{light|dark} blue")
    assert cards.names() == ("hair", "people/elf")
    assert every("__people/elf__", cards.lines, 10) == (
        "un elfe",
        "red elf",
        "light blue elf",
        "dark blue elf",
    )
    assert cards.lines("people.elf") == cards.lines("people/elf")


def test_an_edited_list_acts_at_once(folder: Path) -> None:
    cards = Wildcards(folder)
    cards.lines("hair")
    (folder / "hair.txt").write_text("green", encoding="utf-8")
    assert cards.lines("hair") == ("green",)


def refusal(cards: Wildcards, name: str) -> str:
    with pytest.raises(RequestError) as error:
        cards.lines(name)
    assert error.value.field == "prompt"
    return error.value.detail


def test_a_list_that_is_not_there_is_said_with_those_that_are(folder: Path) -> None:
    words = refusal(Wildcards(folder), "hat")
    assert "hat.txt" in words
    assert "There are: hair, people/elf." in words
    assert "no lists yet" in refusal(Wildcards(None), "hat")
    assert "no lists yet" in refusal(Wildcards(folder / "missing"), "hat")


@pytest.mark.parametrize("encoding", ["gbk", "euc-kr", "koi8-r"])
def test_a_list_in_an_encoding_that_is_not_known_is_refused_in_place_of_wrong_letters(
    folder: Path, encoding: str
) -> None:
    words = {"gbk": "红发女人\n黑发", "euc-kr": "빨간 머리\n검은 머리", "koi8-r": "рыжая\nкрасная"}[encoding]  # noqa: RUF001
    (folder / "odd.txt").write_bytes(words.encode(encoding))
    assert "The encoding of the list odd.txt is not known" in refusal(Wildcards(folder), "odd")
    (folder / "odd.txt").write_text(words, encoding="utf-8")
    assert Wildcards(folder).lines("odd") == tuple(words.splitlines())


def test_empty_and_giant_lists_are_refused(folder: Path) -> None:
    (folder / "empty.txt").write_text("# nothing\n\n", encoding="utf-8")
    (folder / "giant.txt").write_bytes(b"a\n" * (MAX_BYTES // 2 + 1))
    assert "no lines" in refusal(Wildcards(folder), "empty")
    assert "larger than 4 MB" in refusal(Wildcards(folder), "giant")


@pytest.mark.posix("makes symbolic links")
def test_what_a_link_leads_out_to_is_not_read(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("token", encoding="utf-8")
    (folder / "leak.txt").symlink_to(secret)
    (folder / "same.txt").symlink_to(folder / "hair.txt")
    assert "There is no list" in refusal(Wildcards(folder), "leak")
    assert Wildcards(folder).lines("same")[0] == "red"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "people/../../secret"])
def test_no_name_leads_out_of_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("token", encoding="utf-8")
    assert "There is no list" in refusal(Wildcards(folder), name)
