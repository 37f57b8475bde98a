"""From a blueprint to words. Pure text."""

from __future__ import annotations

import pytest

from studio.characters import wording
from studio.characters.records import Blueprint, BlueprintField, FieldName, FreeField


def blueprint(script: str = "", free: tuple[FreeField, ...] = (), **fields: str) -> Blueprint:
    said = {
        name: BlueprintField(
            value=fields.get(name, "").lstrip("!"), locked=fields.get(name, "").startswith("!")
        )
        for name in FieldName
    }
    return Blueprint(character_id="c", revision=1, updated_at=None, fields=said, free=free, script=script)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("eyes", "green", "green eyes"),
        ("eyes", "one blue eye", "one blue eye"),
        ("hair", "long  red", "long red hair"),
        ("hair", "a silver bob", "a silver bob"),
        ("age", "30", "30 years old"),
        ("age", "elderly", "elderly"),
        ("outfit", "a red coat", "wearing a red coat"),
        ("outfit", "wearing armour", "wearing armour"),
        ("accessories", "round glasses", "with round glasses"),
        ("expression", "stern", "stern expression"),
        ("expression", "smiling", "smiling"),
        ("pose", "arms crossed", "arms crossed"),
    ],
)
def test_a_field_as_part_of_a_prompt(field: str, value: str, said: str) -> None:
    assert wording.phrase(FieldName(field), value) == said


def test_picker_identity_line_and_keep_clauses() -> None:
    free = (FreeField(name="Tattoo", value="an anchor on the neck", locked=True), FreeField(name="voice"))
    words = wording.words(blueprint(hair="!red", eyes="green", face="!round", outfit="!a coat", free=free))
    assert [(e.field, e.text, e.locked) for e in words.picker] == [
        ("face", "round face", True),
        ("eyes", "green eyes", False),
        ("hair", "red hair", True),
        ("outfit", "wearing a coat", True),
        ("Tattoo", "an anchor on the neck", True),
    ]
    assert words.identity_line == "round face, red hair, wearing a coat, an anchor on the neck"
    assert [e.text for e in words.keep] == [
        "same face",
        "maintain current hair",
        "maintain current outfit",
        "maintain current tattoo",
    ]


@pytest.mark.parametrize(
    ("fields", "script", "said"),
    [
        ({}, "", ""),
        ({"hair": "red"}, "", "portrait of a person, red hair"),
        ({"age": "30", "hair": "red"}, "", "portrait of a 30-year-old person, red hair"),
        ({"age": "elderly"}, "", "portrait of an elderly person"),
        ({"age": "a young woman"}, "", "portrait of a young woman"),
        (
            {"hair": "red", "age": "30"},
            "Mara is the ship's engineer, and late. She has a scar on her chin. She hates captains!",
            "portrait of the ship's engineer, 30 years old, red hair, She has a scar on her chin",
        ),
    ],
)
def test_a_description(fields: dict[str, str], script: str, said: str) -> None:
    assert wording.description(blueprint(script, **fields)) == said


@pytest.mark.parametrize(
    ("fields", "script", "caption", "said"),
    [
        ({}, "", "a woman with red hair and a coat", "portrait of a woman, red hair, a coat"),
        (
            {},
            "",
            "arafed woman standing in front of hills",
            "portrait of a woman, standing, in front of hills",
        ),
        ({}, "", "there is a man in a suit", "portrait of a man, in a suit"),
        ({}, "", "a black and white photo of an old man", "portrait of an old man"),
        ({}, "", "close up of a woman with glasses", "portrait of a woman, glasses"),
        ({"hair": "black"}, "", "a woman with red hair", "portrait of a woman, black hair"),
        (
            {"outfit": "a robe"},
            "Mara is the ship's engineer.",
            "a drawing of a woman wearing a blue coat on a beach",
            "portrait of the ship's engineer, wearing a robe, on a beach",
        ),
        ({"hair": "red"}, "", "a woman with red hair and hair", "portrait of a woman, red hair"),
        ({}, "", " , and", ""),
    ],
)
def test_a_caption_only_adds_what_was_left_open(
    fields: dict[str, str], script: str, caption: str, said: str
) -> None:
    assert wording.description(blueprint(script, **fields), caption) == said


def test_style_is_joined_once() -> None:
    assert wording.joined("a sailor,", "ink drawing") == "a sailor, ink drawing"
    assert wording.joined("a sailor, Ink drawing", "ink drawing") == "a sailor, Ink drawing"
    assert wording.joined("", "ink") == "ink"
    assert wording.joined("a sailor", " ") == "a sailor"
