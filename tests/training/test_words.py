"""Captions, instructions and the tokenizer of the bundled model's training."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from training import attributes as a
from training.attributes import IGNORE, Portrait, held_out
from training.captions import caption, instruction
from training.reader import labels
from training.tokenizer import MAX_LENGTH, build

ALICE = Portrait(
    "ink", "long", "red", "fair", "hoodie", "green", "happy", True, False, "dark library", "dramatic left"
)


def test_captions_vary_and_say_only_what_is_there():
    rng = random.Random(0)
    texts = [caption(ALICE, rng) for _ in range(300)]
    assert len(set(texts)) > 250
    words = " ".join(texts)
    assert "library" in words
    assert any(w in words for w in a.GLASSES)
    assert "beard" not in words
    for other in ("blonde", "purple", "forest", "turtleneck", "sad", "light from the right"):
        assert other not in words


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"background": "forest"}, ("forest", "woods")),
        ({"hair_color": "silver"}, ("silver", "white")),
        ({"glasses": False}, ("glasses", "spectacles")),
        ({"expression": "serious"}, ("serious", "stern", "calm", "neutral")),
        ({"light": "none"}, ("light",)),
        ({"style": "paper cut"}, ("paper", "geometric")),
    ],
)
def test_an_instruction_names_what_changes(change, word):
    rng = random.Random(1)
    for _ in range(40):
        text = instruction(ALICE, replace(ALICE, **change), rng)
        assert any(w in text for w in word), text


def test_instruction_names_every_change():
    rng = random.Random(2)
    text = instruction(ALICE, replace(ALICE, background="beach", beard=True), rng)
    assert "beard" in text
    assert any(w in text for w in ("beach", "seaside"))


def test_hair_color_of_a_bald_head_is_no_difference():
    bald = replace(ALICE, haircut="bald")
    assert bald.differences(replace(bald, hair_color="blue")) == ()
    assert ALICE.differences(replace(ALICE, hair_color="blue")) == ("hair_color",)


def test_about_one_combination_in_twelve_is_held_out():
    every = [
        {"style": s, "haircut": h, "hair_color": c}
        for s in a.STYLES
        for h in a.HAIRCUTS
        for c in a.HAIR_COLORS
    ]
    share = sum(map(held_out, every)) / len(every)
    assert 0.05 < share < 0.12


def test_tokenizer_keeps_known_words_whole_and_spells_unknown_ones(tmp_path: Path):
    tokenizer = build(tmp_path)
    text = "portrait of a woman in a candlelit stone chamber"
    pieces = tokenizer.tokenize(text)
    assert len(pieces) == len(text.split())
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).strip() == text
    strange = tokenizer("quokka ünïcode", padding="max_length", truncation=True).input_ids
    assert len(strange) == MAX_LENGTH == 77
    assert max(strange) < len(tokenizer)
    again = type(tokenizer).from_pretrained(tmp_path)
    assert again(text).input_ids == tokenizer(text).input_ids


def test_what_cannot_be_seen_is_no_difference_and_has_no_class() -> None:
    happy = replace(ALICE, style="paper cut", glasses=True, expression="happy")
    winking = replace(happy, expression="winking")
    assert happy.differences(winking) == ()
    assert labels(happy)["expression"] == labels(winking)["expression"] == IGNORE
    bare = replace(winking, glasses=False)
    assert bare.differences(happy) == ("expression", "glasses")
    assert labels(bare)["expression"] != IGNORE
    assert replace(happy, expression="sad").differences(happy) == ("expression",)
