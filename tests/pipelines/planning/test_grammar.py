"""The marks of prompts, all together, over ten thousand texts that nobody would write."""

from __future__ import annotations

import random

import pytest

from pipelines.errors import RequestError
from pipelines.planning import alternatives, weights
from pipelines.planning.prompt_words import PromptTexts, read, tags

TEXTS = 10_000
_PIECES = (
    *"{}|()[]<>:,\\ \n_.",
    *("red", "青い髪", "🎩", "é", "BREAK", "__hair__", "__deep/hair__", "__nothing__", ":1.3)", ":1e9)"),
    *("<lora:ink:0.8>", "<lora:../../etc:1>", "<lora:x:nan>", "(a:1.2)", "{a|b}", ":nan)", "\\{", "\\("),
)  # fmt: skip
_LISTS = {"hair": ("red", "{black|__deep/hair__}"), "deep/hair": ("blue (dyed:1.2)", "緑")}


def lists(name: str) -> tuple[str, ...]:
    if name not in _LISTS:
        raise RequestError(f"There is no list “{name}”.", field="prompt")
    return _LISTS[name]


def texts() -> list[str]:
    chosen = random.Random(18)
    return ["".join(chosen.choices(_PIECES, k=chosen.randint(0, 14))) for _ in range(TEXTS)]


@pytest.fixture(scope="module", name="texts")
def made() -> list[str]:
    return texts()


def test_what_is_read_is_written_as_it_was(texts: list[str]) -> None:
    for text in texts:
        assert alternatives.written(alternatives.read(text)) == text


def test_no_text_ends_in_anything_but_words(texts: list[str]) -> None:
    """It is read, the same twice, or refused with the field that is to blame."""
    blamed: list[str | None] = []
    for seed, text in enumerate(texts):
        for weighs in (True, False):
            try:
                found = read(PromptTexts(text, "", weighs), seed, 2, lists)
            except RequestError as error:
                blamed.append(error.field)
                continue
            assert found == read(PromptTexts(text, "", weighs), seed, 2, lists)
            assert len(found.drawn) in (0, 2)
            for drawn in found.drawn:
                assert not tags(drawn.prompt)
    assert set(blamed) == {"prompt"}
    assert len(blamed) < TEXTS


def test_what_is_drawn_is_among_all_that_there_is(texts: list[str]) -> None:
    for seed, text in enumerate(texts):
        try:
            every = alternatives.every(text, lists, 400)
        except RequestError:
            continue
        assert alternatives.draw(text, seed, lists) in every


@pytest.mark.parametrize("openers", ["{", "(", "[", "{([", "<lora:"])
def test_brackets_that_never_close_are_words(texts: list[str], openers: str) -> None:
    plain = str.maketrans("", "", "{}()[]<>|\\_:")
    for text in texts[:1000]:
        words = text.translate(plain).replace("BREAK", "")
        odd = f"{openers}{words}{openers}"
        assert alternatives.draw(odd, 1, lists) == odd
        assert weights.unweighed(odd) == odd
        assert tags(odd) == ()
        (chunk,) = weights.chunks(odd)
        assert [fragment.weight for fragment in chunk] == [1]
