"""What changed between two requests, in words."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.request import Control, ControlKind, GenerationRequest, Mode, Reference, Role
from studio.collection.changes import compare


def request(prompt: str = "a woman", **changes: Any) -> GenerationRequest:
    return GenerationRequest(prompt=prompt, **changes)


def words(before: GenerationRequest | None, after: GenerationRequest | None, **options: Any) -> list[str]:
    return [change.words for change in compare(before, after, **options)]


def test_the_same_request_has_no_changes() -> None:
    assert compare(request(), request()) == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("a woman", "a woman, serious expression", "+ 'serious expression'"),
        ("a smiling woman", "a woman", "– 'smiling'"),
        ("a woman, red hair", "a woman, blonde hair", "'red' → 'blonde'"),
        ("", "a woman", "+ 'a woman'"),
    ],
)
def test_prompts_are_compared_by_words(before: str, after: str, said: str) -> None:
    assert words(request(before), request(after)) == [said]


def test_another_instruction_is_shown_whole_and_not_by_its_pieces() -> None:
    (change,) = compare(request("make it night, blue light"), request("make her hair black"))
    assert change.words == "prompt 'make her hair black'"
    assert (change.before, change.after) == ("make it night, blue light", "make her hair black")
    assert words(request("a man"), request("the woman")) == ["'a man' → 'the woman'"]


def test_every_place_of_a_prompt_is_a_change_of_its_own() -> None:
    (first, second) = compare(request("a young woman, red hair"), request("an old woman, red hair, hat"))
    assert (first.before, first.after) == ("a young", "an old")
    assert (second.before, second.after, second.words) == (None, "hat", "+ 'hat'")


def test_a_prompt_that_is_another_is_shown_whole() -> None:
    before = " ".join(f"old{n} same{n}" for n in range(20))
    after = " ".join(f"new{n} same{n}" for n in range(20))
    (change,) = compare(request(before), request(after))
    assert (change.before, change.after) == (before, after)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"guidance_scale": 3.5}, {"guidance_scale": 5.0}, "guidance 3.5 → 5"),
        ({"num_inference_steps": 20}, {"num_inference_steps": 30}, "steps 20 → 30"),
        ({"strength": 0.75}, {"strength": 0.5}, "influence 25 % → 50 %"),
        ({"seed": 1}, {"seed": 2}, "seed 1 → 2"),
        ({"model": "a"}, {"model": "b"}, "model a → b"),
        ({"width": 64, "height": 64}, {"width": 64, "height": 96}, "size 64×64 → 64×96"),
        ({}, {"negative_prompt": "blurry"}, "negative prompt: + 'blurry'"),
        ({}, {"mode": Mode.IMG2IMG}, "Text to Image → Img2Img"),
        (
            {"control": Control()},
            {"control": Control(kind=ControlKind.SOFT_EDGE)},
            "control kind canny, weight 1, start 0, end 1 → kind soft_edge, weight 1, start 0, end 1",
        ),
    ],
)
def test_settings_are_said_as_artists_know_them(
    before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    assert words(request(**before), request(**after)) == [said]


def test_every_setting_of_a_request_is_compared() -> None:
    handled = {"num_images", "aspect_ratio"}
    for name, field in GenerationRequest.model_fields.items():
        if name in handled or not isinstance(field.default, int | float):
            continue
        assert words(request(), request().model_copy(update={name: 7})), name


def test_references_are_compared_but_for_the_picture_itself() -> None:
    style = Reference(image_id="style", role=Role.STYLE)
    before = request(mode=Mode.IMG2IMG, references=(Reference(image_id="first"), style))
    heavier = style.model_copy(update={"weight": 0.5})
    after = request(mode=Mode.IMG2IMG, references=(Reference(image_id="parent"), heavier))
    assert words(before, after, parent_id="parent") == ["weight of the style reference 1 → 0.5"]
    assert words(before, request(mode=Mode.IMG2IMG), parent_id="parent") == ["– style reference"]
    assert sorted(words(before, after)) == [
        "+ source reference", "weight of the style reference 1 → 0.5", "– source reference",
    ]  # fmt: skip


def test_what_was_not_made_has_nothing_to_compare() -> None:
    assert words(request(), None) == []
    edit = request("serious expression", mode=Mode.SMART_EDIT)
    assert words(None, edit) == ["+ 'serious expression'", "Smart Image Editing"]


def test_hostile_prompts_are_compared_in_time() -> None:
    before, after = ("ab " * 3333)[:10_000], ("ba " * 3333)[:10_000]
    assert len(words(request(before), request(after))) == 1
