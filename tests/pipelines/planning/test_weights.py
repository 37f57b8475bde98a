from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import RequestError
from pipelines.planning.weights import HEAVIEST, Fragment, chunks, unweighed, weighs
from pipelines.request import MAX_PROMPT_CHARS

SIGNS = st.text(alphabet=st.sampled_from(list("()[]:\\1.5 ab猫😀|BREAK\n")), max_size=60)


def one(*parts: tuple[str, float]) -> tuple[tuple[Fragment, ...], ...]:
    return (tuple(Fragment(text, pytest.approx(weight)) for text, weight in parts),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain words", [("plain words", 1)]),
        ("a (red) hat", [("a ", 1), ("red", 1.1), (" hat", 1)]),
        ("a ((red)) hat", [("a ", 1), ("red", 1.21), (" hat", 1)]),
        ("a [red] hat", [("a ", 1), ("red", 1 / 1.1), (" hat", 1)]),
        ("(red hair:1.4), freckles", [("red hair", 1.4), (", freckles", 1)]),
        ("(red: .5)(blue:2.)", [("red", 0.5), ("blue", 2)]),
        ("(a (b:1.5) c:2)", [("a ", 2), ("b", 3), (" c", 2)]),
        (r"a \(quoted\) (b)", [("a (quoted) ", 1), ("b", 1.1)]),
        ("(unclosed [a] b", [("(unclosed ", 1), ("a", 1 / 1.1), (" b", 1)]),
        ("closed) (a)", [("closed) ", 1), ("a", 1.1)]),
        ("(a [b) c]", [("a [b", 1.1), (" c]", 1)]),
        ("[a:b:0.5] [a|b] (c)", [("[a:b:0.5] [a|b] ", 1), ("c", 1.1)]),
        ("(12:30)", None),
        ("(a:0)", [("a", 0)]),
        ("(猫:1.2)👩‍🎨", [("猫", 1.2), ("👩‍🎨", 1)]),
        ("(a:nan)", [("a:nan", 1.1)]),
        ("()", [("", 1)]),
    ],
)
def test_brackets_mean_what_they_mean_elsewhere(text: str, parts: list[tuple[str, float]] | None) -> None:
    if parts is None:
        with pytest.raises(RequestError):
            chunks(text)
    else:
        assert chunks(text) == one(*parts)


def test_break_begins_another_chunk_also_inside_of_brackets() -> None:
    assert chunks("a BREAK (b BREAK c:1.5) BREAK") == (
        (Fragment("a "),),
        (Fragment(" "), Fragment("b ", 1.5)),
        (Fragment(" c", 1.5), Fragment(" ")),
    )
    assert chunks("BREAKFAST") == ((Fragment("BREAKFAST"),),)


@pytest.mark.parametrize("text", ["(a:1e9)", "(a:-1)", "(a:4.1)", "(" * 20 + "a" + ")" * 20])
def test_weights_beyond_all_measure_are_refused_in_words(text: str) -> None:
    with pytest.raises(RequestError) as error:
        chunks(text)
    assert f"from 0 to {HEAVIEST:g}" in error.value.detail
    assert error.value.field == "prompt"


@settings(max_examples=500, deadline=None)
@given(st.one_of(SIGNS, st.text(max_size=60)))
def test_any_text_is_read_and_keeps_its_letters(text: str) -> None:
    try:
        found = chunks(text)
    except RequestError:
        return
    assert found
    letters = "".join(each.text for chunk in found for each in chunk)
    assert [sign for sign in letters if sign in "猫😀"] == [sign for sign in text if sign in "猫😀"]
    assert all(0 <= each.weight <= HEAVIEST for chunk in found for each in chunk)
    if not set(text) & set("()[]") and "BREAK" not in text:
        assert not weighs(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a (red hair:1.4) woman", "a red hair woman"),
        ("a woman (smiling)", "a woman (smiling)"),
        ("[x] (a (b:2) c)", "[x] (a b c)"),
        ("a BREAK b BREAK", "a b "),
        ("plain", "plain"),
    ],
)
def test_a_model_that_cannot_weigh_reads_the_words(text: str, plain: str) -> None:
    assert unweighed(text) == plain


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "()" * 5_000, "(a:1)" * 2_000, "[" * 5_000 + "]" * 5_000, ")" * 9_999]
)
def test_the_longest_prompts_are_read_at_once(text: str) -> None:
    began = time.process_time()
    chunks(text[:MAX_PROMPT_CHARS])
    assert time.process_time() - began < 2
