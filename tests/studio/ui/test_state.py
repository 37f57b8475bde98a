from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.request import MAX_PROMPT_CHARS, MAX_SEED, Mode, Role
from studio.ui.knobs import SettingRanges, find_model, knobs_of
from studio.ui.state import StudioState
from tests.studio.ui.models_for_tests import MODELS, model
from tests.studio.ui.states_for_tests import ids, in_role, made, with_references


def test_a_fresh_state_has_the_studios_defaults() -> None:
    state = StudioState()
    assert (
        state.settings["guidance_scale"],
        state.settings["num_inference_steps"],
        state.settings["seed"],
    ) == (3.5, 20, "-1")
    assert (state.settings["influence"], state.settings["num_images"], state.mode) == (
        25,
        1,
        Mode.TEXT_TO_IMAGE,
    )


def test_the_first_reference_begins_editing_and_the_last_one_ends_it() -> None:
    editing = with_references("a", model="ink")
    assert (editing.mode, editing.settings["aspect_ratio"], editing.earlier_model) == (
        Mode.SMART_EDIT,
        "reference",
        "ink",
    )
    over = editing.with_references(())
    assert (over.mode, over.settings["aspect_ratio"], over.model) == (Mode.TEXT_TO_IMAGE, "1:1", "ink")


def test_further_references_leave_mode_and_shape_alone() -> None:
    state = with_references("a").set_mode(Mode.IMG2IMG).with_settings({"aspect_ratio": "2:3"})
    state = state.add_reference("b")
    state = state.with_references(state.references[1:])
    assert (state.mode, state.settings["aspect_ratio"], ids(state)) == (Mode.IMG2IMG, "2:3", ["b"])


def test_ten_references_fit_and_the_eleventh_is_refused_in_words() -> None:
    full = with_references(*[f"p{i}" for i in range(10)])
    with pytest.raises(RequestError, match="up to 10 references") as refusal:
        full.add_reference("one more")
    assert refusal.value.field == "references"


def test_a_picture_is_added_once_and_use_replaces_all() -> None:
    state = with_references("a", "b")
    assert ids(state.add_reference("a")) == ["a", "b"]
    assert ids(state.use_reference("c")) == ["c"]


def test_edit_image_opens_smart_editing_whatever_the_mode_was() -> None:
    state = with_references("a").set_mode(Mode.CONTROLNET).edit_image("b")
    assert (ids(state), state.mode) == (["b"], Mode.SMART_EDIT)


def test_several_pictures_become_the_references_in_their_order_each_once() -> None:
    state = with_references("old").use_references(["b", "a", "b"])
    assert (ids(state), state.mode) == (["b", "a"], Mode.SMART_EDIT)
    assert StudioState().use_references([]) == StudioState()
    with pytest.raises(RequestError, match="up to 10 references"):
        state.use_references([f"p{i}" for i in range(11)])


def test_edits_are_put_together_in_one_prompt_each_once() -> None:
    state = with_references("old", prompt="before").set_mode(Mode.IMG2IMG)
    edited = state.edit_together("anchor", ["red hair.", "  ", " a hat ", "red hair", "smile"])
    assert (ids(edited), edited.mode) == (["anchor"], Mode.SMART_EDIT)
    assert edited.prompt == "red hair. a hat. smile"
    places = ["change the background to a library", "change the background to a forest"]
    assert state.edit_together("anchor", places).prompt == "change the background to a forest"


def test_edits_put_together_fit_the_prompt() -> None:
    state = StudioState().edit_together("anchor", [letter * 6000 for letter in "ab"])
    assert len(state.prompt) == MAX_PROMPT_CHARS
    assert state.to_request(SettingRanges()).prompt == state.prompt


# --- what a browser sends -----------------------------------------------------------------------


def test_values_and_read_are_each_others_inverse() -> None:
    state = with_references("a", "b", prompt="hair", influence=40, seed="7")
    state = in_role(state, 0, Role.STYLE)
    assert StudioState.read(state.values()) == state


@pytest.mark.parametrize(
    "broken",
    [
        {"guidance_scale": float("nan")},
        {"guidance_scale": "many"},
        {"num_inference_steps": None},
        {"mode": "teleport"},
        {"references": [{"image_id": "x", "role": "<script>"}]},
        {"references": "<img onerror=alert(1)>"},
        {"model": 7},
        {"model": {"chosen": ["a"], "earlier": {}}},
        {"seed": 5},
    ],
)
def test_what_is_not_understood_gets_its_default_and_the_rest_is_kept(broken: dict[str, Any]) -> None:
    state = StudioState.read({"prompt": "kept", "unknown": 1, **broken})
    assert state == StudioState(prompt="kept")


# --- the request ------------------------------------------------------------------------------------


def knobs(mode: Mode) -> SettingRanges:
    return knobs_of(find_model(MODELS, "portrait"), mode)


def test_only_knobs_in_use_are_asked_for() -> None:
    state = with_references("a", prompt="red hair", negative_prompt="blur", influence=40)
    edit = state.to_request(knobs(Mode.SMART_EDIT))
    assert (edit.strength, edit.control, edit.negative_prompt) == (None, None, "blur")
    assert (edit.aspect_ratio, edit.references) == ("reference", state.references)
    painted = state.set_mode(Mode.IMG2IMG).to_request(knobs(Mode.IMG2IMG))
    assert painted.strength == pytest.approx(0.6)


def test_influence_is_only_shown_where_a_reference_is_a_source() -> None:
    state = with_references("a").set_mode(Mode.CONTROLNET)
    assert "strength" not in state.knobs_shown(knobs(Mode.CONTROLNET))
    assert "strength" in in_role(state, 0, Role.SOURCE).knobs_shown(knobs(Mode.CONTROLNET))


def test_a_knob_the_model_does_not_use_is_not_asked_for() -> None:
    bare = model("bare", "Bare", {Mode.TEXT_TO_IMAGE: {"fields": ["prompt", "seed"]}})
    state = made(model="bare", prompt="a", negative_prompt="b", guidance_scale=9)
    request = state.to_request(knobs_of(bare, Mode.TEXT_TO_IMAGE))
    assert not {"negative_prompt", "guidance_scale"} & request.model_fields_set


@pytest.mark.parametrize(("text", "seed"), [("-1", -1), (" 42 ", 42), (str(MAX_SEED), MAX_SEED), ("007", 7)])
def test_seeds_are_read_from_their_text(text: str, seed: int) -> None:
    assert made(seed=text).to_request(SettingRanges()).seed == seed


@pytest.mark.parametrize("text", ["", "-2", "1.5", "1e9", str(MAX_SEED + 1), "9" * 5000, "٣", "--1", "seed"])
def test_other_seeds_are_refused_in_words(text: str) -> None:
    with pytest.raises(RequestError, match="whole number") as refusal:
        made(seed=text).to_request(SettingRanges())
    assert refusal.value.field == "seed"


def test_a_prompt_that_is_too_long_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="longer than 10,000 characters"):
        StudioState(prompt="x" * 10_001).to_request(SettingRanges())


@pytest.mark.parametrize(
    ("shape", "asked"),
    [
        ("2:3", {"aspect_ratio": "2:3"}),
        ("640x512", {"width": 640, "height": 512}),
        ("reference", {}),
    ],
)
def test_the_shape_becomes_a_ratio_or_a_size(shape: str, asked: dict[str, Any]) -> None:
    request = made(aspect_ratio=shape).to_request(SettingRanges())
    given = {name: getattr(request, name) for name in ("aspect_ratio", "width", "height")}
    assert {name: value for name, value in given.items() if value is not None} == asked


def test_a_size_beyond_reason_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="width is outside"):
        made(aspect_ratio="99999x512").to_request(SettingRanges())


def test_a_mask_stands_beside_its_picture_and_replaces_the_one_before() -> None:
    state = StudioState().add_reference("one").add_reference("two")
    masked = state.with_mask("two", "mask")
    assert [(r.image_id, r.role) for r in masked.references] == [("two", None), ("mask", Role.MASK)]
    again = masked.with_mask("two", "other")
    assert [(r.image_id, r.role) for r in again.references] == [("two", None), ("other", Role.MASK)]
    assert [r.image_id for r in again.with_mask("two", None).references] == ["two"]
    assert [r.image_id for r in masked.with_mask("three", "its").references] == ["three", "its"]
