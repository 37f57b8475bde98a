from __future__ import annotations

import time

import pytest

from pipelines.planning.prompt_syntax import found, notices
from pipelines.request import MAX_PROMPT_CHARS


@pytest.mark.parametrize(
    ("prompt", "marks"),
    [
        ("a (red hair:1.4) woman, [hat]", ("(red hair:1.4)", "[hat]")),
        ("a woman <lora:ink:0.8>", ("<lora:ink:0.8>",)),
        ("a {red|blue} coat, __color__", ("{red|blue}", "__color__")),
        ("a woman BREAK a dog", ("BREAK",)),
        ("((masterpiece)), (((best)))", ("((masterpiece))", "(((best)))")),
        ("(red:.5) (blue: 2)", ("(red:.5)", "(blue: 2)")),
        ("[a cat:a dog:0.5] [red|blue]", ("[a cat:a dog:0.5]", "[red|blue]")),
        ("{2$$red|blue|green}", ("{2$$red|blue|green}",)),
        ("__clothes/hats*__, embedding:easy-neg", ("__clothes/hats*__", "embedding:easy-neg")),
        ("[hat] and [hat]", ("[hat]",)),
        ("((a cat:1.2)) {[x]|y}", ("((a cat:1.2))", "{[x]|y}")),
        ("a (rote Haare, größer:1.2)", ("(rote Haare, größer:1.2)",)),
    ],
)
def test_marks_of_other_tools_are_found(prompt: str, marks: tuple[str, ...]) -> None:
    assert found(prompt) == marks


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a woman (in a red coat), smiling",
        "a picture of the format (16:9)",
        "a clock (showing 10:30)",
        "as in [1] and [2]",
        'a wall with the words "[OPEN] BREAK (now:1.2) {a|b}"',
        "a poster saying “((SALE))”",
        "TAKE A BREAK",
        "a coffee break, Break dance, BREAKFAST",
        r"rei \(series\), miku \(vocaloid:1\)",
        "a_snake_case word, __, ____",
        "{curly} <b>bold</b>",
        "lora: the girl, embedding her in the scene",
    ],
)
def test_ordinary_words_are_none(prompt: str) -> None:
    assert found(prompt) == ()
    assert notices(prompt) == ()


def test_one_sentence_tells_all_and_what_to_do() -> None:
    (told,) = notices("(red hair:1.4) woman", "[hat]")
    assert told.startswith("Marks of other tools are read as plain words here: (red hair:1.4), [hat]. ")
    assert told.endswith("Instead, say in words what you mean.")
    (told,) = notices("<lora:ink:0.8> [a] [b] [" + "c" * 100 + "]")
    assert told.endswith("and others. Instead, choose LoRAs under Additional settings.")
    assert len(notices("[" + "c" * 150 + "]")[0]) < 160


@pytest.mark.parametrize(
    "part", ["(", "[", "{", "__", "<lora:", "(a:", "((", "a__b", '"', "{|", "embedding:"]
)
def test_no_prompt_takes_long(part: str) -> None:
    begin = time.process_time()
    notices((part * MAX_PROMPT_CHARS)[:MAX_PROMPT_CHARS])
    assert time.process_time() - begin < 2.0
