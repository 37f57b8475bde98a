from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import RequestError
from pipelines.planning.alternatives import DEEPEST, MOST_MARKS, draw, every, is_open, read, written
from pipelines.request import MAX_PROMPT_CHARS

LISTS = {
    "broken": ("one", "two", "three", "four", "{five|__nothing__}"),
    "hair": ("red", "{long|short} blue"),
    "people/elf": ("an elf with __hair__ hair",),
    "猫": ("三毛猫",),
    "me": ("__me__",),
    **{f"deep{n}": (f"__deep{n + 1}__",) for n in range(DEEPEST + 2)},
}


def lists(name: str) -> tuple[str, ...]:
    if name not in LISTS:
        raise RequestError(f"There is no list {name}.", field="prompt")
    return LISTS[name]


MARKS = st.text(alphabet=st.sampled_from(list("{}|_\\ab 猫😀()[]<:>\n")), max_size=80)


@settings(max_examples=400, deadline=None)
@given(st.one_of(MARKS, st.text(max_size=80)))
def test_reading_and_writing_loses_nothing(text: str) -> None:
    assert written(read(text)) == text


@settings(max_examples=200, deadline=None)
@given(MARKS, st.integers(0, 2**63))
def test_what_is_drawn_is_one_of_all(text: str, seed: int) -> None:
    try:
        possible = every(text, lists, 500)
    except RequestError:
        return
    assert draw(text, seed, lists) in possible


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("{red|blue} hair", ["red hair", "blue hair"]),
        ("{a|b}{c|d}", ["ac", "ad", "bc", "bd"]),
        ("{a|{b|c} d}", ["a", "b d", "c d"]),
        ("{|very }old", ["old", "very old"]),
        ("{a|a}", ["a"]),
        ("__hair__ coat", ["red coat", "long blue coat", "short blue coat"]),
        (
            "__people/elf__",
            ["an elf with red hair", "an elf with long blue hair", "an elf with short blue hair"],
        ),
        ("{__猫__|🐈 and 👩‍🎨}", ["三毛猫", "🐈 and 👩‍🎨"]),
        (r"\{a|b\} {c|d\|e}", ["{a|b} c", "{a|b} d|e"]),
        (r"\__hair__ {a|b}", ["__hair__ a", "__hair__ b"]),
        ("{plain} braces {a|b}", ["{plain} braces a", "{plain} braces b"]),
        ("{open {a|b}", ["{open a", "{open b"]),
        ("closed} {a|b} | bar", ["closed} a | bar", "closed} b | bar"]),
        ("(red:1.2) [x] {a|b}", ["(red:1.2) [x] a", "(red:1.2) [x] b"]),
    ],
)
def test_every_prompt_there_is(text: str, possible: list[str]) -> None:
    assert list(every(text, lists, 10)) == possible


@pytest.mark.parametrize("text", ["", "plain", "{", "a|b", "{a}", r"C:\new\{x}", "snake__case__name", "{a|b"])
def test_plain_words_come_back_as_they_are(text: str) -> None:
    assert not is_open(text)
    assert draw(text, 1, lists) == text
    assert every(text, lists, 1) == (text,)


def test_a_seed_draws_the_same_words_always() -> None:
    text = "{red|blue|green} hair, {smiling|serious}, {hat|scarf|crown|nothing}"
    assert [draw(text, seed, lists) for seed in range(4)] == [
        "green hair, smiling, crown",
        "green hair, serious, nothing",
        "red hair, serious, scarf",
        "green hair, serious, scarf",
    ]


def test_all_options_come_up_about_equally_often() -> None:
    drawn = Counter(draw("{red|blue|green}", seed, lists) for seed in range(3000))
    assert all(900 < number < 1100 for number in drawn.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__nothing__", "no list nothing"),
        ("__me__", "contains itself (me → me)"),
        ("__deep0__", "12 deep"),
        ("{a|b}" * (MOST_MARKS + 1), "more than 400 choices"),
    ],
)
def test_what_cannot_be_drawn_is_said(text: str, words: str) -> None:
    with pytest.raises(RequestError) as error:
        draw(text, 1, lists)
    assert words in error.value.detail
    assert error.value.field == "prompt"


@pytest.mark.parametrize("text", ["{a|b|c|__nothing__}", "{a|b|{c|__me__}}", "__broken__"])
@pytest.mark.parametrize("seed", range(6))
def test_no_seed_decides_whether_a_prompt_is_a_good_one(text: str, seed: int) -> None:
    with pytest.raises(RequestError):
        draw(text, seed, lists)


def test_too_many_are_counted_before_they_are_made() -> None:
    began = time.process_time()
    with pytest.raises(RequestError, match=r"1,048,576 prompts; 10,000 are the most"):
        every("{a|b}" * 20, lists, 10_000)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("text", ["{" * 10_000, "{a|" * 3_000, "{a|b}" * 2_000, "}" * 10_000, "\\" * 10_000])
def test_the_longest_prompts_are_read_at_once(text: str) -> None:
    text = text[:MAX_PROMPT_CHARS]
    began = time.process_time()
    assert written(read(text)) == text
    assert time.process_time() - began < 2
