from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.request import (
    MAX_SEED,
    Control,
    ControlKind,
    GenerationRequest,
    Mode,
    Reference,
    Role,
)
from studio.records import Category, ImageRecord
from studio.ui.knobs import Knobs, find_model, knobs_of
from studio.ui.state import StudioState, offered_models, settle
from tests.studio.ui.models_for_tests import INK, MODELS, PORTRAIT, SKETCH, model


def with_references(*ids: str, **values: Any) -> StudioState:
    start = StudioState.model_validate({"model": "portrait", **values})
    return start.with_references([Reference(image_id=each) for each in ids])


def ids(state: StudioState) -> list[str]:
    return [reference.image_id for reference in state.references]


def record(request: GenerationRequest | None, seed: int | None = None) -> ImageRecord:
    return ImageRecord(
        id="made",
        sha256="0" * 64,
        pixel_sha256="0" * 64,
        width=64,
        height=64,
        size_bytes=1,
        category=Category.EDITED,
        label="Portrait",
        created_at=datetime.now(UTC),
        request=request,
        seed=seed,
    )


def test_a_fresh_state_has_the_studios_defaults() -> None:
    state = StudioState()
    assert (state.guidance_scale, state.num_inference_steps, state.seed) == (3.5, 20, "-1")
    assert (state.influence, state.num_images, state.mode) == (25, 1, Mode.TEXT_TO_IMAGE)


def test_the_first_reference_begins_editing_and_the_last_one_ends_it() -> None:
    editing = with_references("a", model="ink")
    assert (editing.mode, editing.aspect_ratio, editing.earlier_model) == (
        Mode.SMART_EDIT,
        "reference",
        "ink",
    )
    over = editing.remove_reference(0)
    assert (over.mode, over.aspect_ratio, over.model) == (Mode.TEXT_TO_IMAGE, "1:1", "ink")


def test_further_references_leave_mode_and_shape_alone() -> None:
    state = with_references("a").set_mode(Mode.IMG2IMG).model_copy(update={"aspect_ratio": "2:3"})
    state = state.add_reference("b").remove_reference(0)
    assert (state.mode, state.aspect_ratio, ids(state)) == (Mode.IMG2IMG, "2:3", ["b"])


def test_ten_references_fit_and_the_eleventh_is_refused_in_words() -> None:
    full = with_references(*[f"p{i}" for i in range(10)])
    with pytest.raises(RequestError, match="up to 10 references") as refusal:
        full.add_reference("one more")
    assert refusal.value.field == "references"


def test_a_picture_is_added_once_and_use_replaces_all() -> None:
    state = with_references("a", "b")
    assert ids(state.add_reference("a")) == ["a", "b"]
    assert ids(state.use_reference("c")) == ["c"]


@pytest.mark.parametrize(
    ("index", "to", "order"), [(0, 2, ["b", "c", "a"]), (2, 0, ["c", "a", "b"]), (1, 1, ["a", "b", "c"])]
)
def test_references_can_be_moved(index: int, to: int, order: list[str]) -> None:
    assert ids(with_references("a", "b", "c").move_reference(index, to)) == order


def test_a_role_stays_with_its_reference_and_can_follow_the_mode_again() -> None:
    state = with_references("a", "b").set_role(1, Role.STYLE).move_reference(1, 0)
    assert [reference.role for reference in state.references] == [Role.STYLE, None]
    assert state.set_role(0, None).references[0].role is None


def test_edit_image_opens_smart_editing_whatever_the_mode_was() -> None:
    state = with_references("a").set_mode(Mode.CONTROLNET).edit_image("b")
    assert (ids(state), state.mode) == (["b"], Mode.SMART_EDIT)


# --- what a browser sends -----------------------------------------------------------------------


def test_values_and_read_are_each_others_inverse() -> None:
    state = with_references("a", "b", prompt="hair", influence=40, seed="7").set_role(0, Role.STYLE)
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


# --- settle ---------------------------------------------------------------------------------------


def test_a_model_that_cannot_edit_is_switched_with_exactly_these_words() -> None:
    settled = settle(with_references("a", model="ink"), MODELS)
    assert settled.state.model == "portrait"
    assert settled.warnings == ("Switched to Portrait (supports image editing).",)


def test_without_references_the_earlier_model_comes_back_silently() -> None:
    editing = settle(with_references("a", model="ink"), MODELS).state
    settled = settle(editing.with_references(()), MODELS)
    assert (settled.state.model, settled.warnings) == ("ink", ())


def test_a_model_chosen_while_editing_stays_when_it_can_paint_from_words() -> None:
    editing = settle(with_references("a", model="ink"), MODELS).state.choose_model("portrait")
    assert settle(editing.with_references(()), MODELS).state.model == "portrait"


def test_a_model_that_only_edits_is_left_when_the_references_are_gone() -> None:
    editing = with_references("a", model="ink").choose_model("sketch")
    settled = settle(editing.with_references(()), MODELS)
    assert (settled.state.model, settled.warnings) == ("ink", ("Switched to Ink.",))


def test_a_ready_model_is_preferred_to_one_that_is_not_here() -> None:
    far = PORTRAIT.model_copy(update={"id": "far", "label": "Far", "available": "downloadable"})
    assert settle(with_references("a", model="ink"), (INK, far, SKETCH)).state.model == "sketch"


def test_without_any_model_that_edits_nothing_is_switched() -> None:
    settled = settle(with_references("a", model="ink"), (INK,))
    assert (settled.state.model, settled.warnings) == ("ink", ())


def test_the_first_choice_of_a_model_says_nothing() -> None:
    settled = settle(StudioState(), MODELS)
    assert (settled.state.model, settled.warnings) == ("ink", ())


def test_a_mode_the_chosen_model_does_not_have_is_replaced_in_words() -> None:
    settled = settle(with_references("a").choose_model("sketch"), MODELS)
    assert settled.state.mode is Mode.IMG2IMG
    assert settled.warnings == ("Sketch has no Smart Image Editing. The mode is now Img2Img.",)


def test_references_and_text_to_image_do_not_go_together() -> None:
    sent = with_references("a").set_mode(Mode.TEXT_TO_IMAGE)
    assert settle(sent, MODELS).state.mode is Mode.SMART_EDIT


def test_untouched_knobs_follow_the_modes_defaults_and_touched_ones_stay() -> None:
    before = StudioState(model="portrait", num_inference_steps=33)
    after = before.with_references([Reference(image_id="a")])
    settled = settle(after, MODELS, before).state
    assert (settled.guidance_scale, settled.num_inference_steps) == (5.0, 33)
    painted = settle(settled.set_mode(Mode.IMG2IMG), MODELS, settled).state
    assert (painted.guidance_scale, painted.influence) == (3.5, 40.0)


def test_knobs_are_kept_inside_the_limits() -> None:
    wild = with_references("a", guidance_scale=1e9, num_inference_steps=10_000, num_images=0, influence=-5)
    state = settle(wild.set_mode(Mode.CONTROLNET), MODELS).state
    assert (state.guidance_scale, state.num_inference_steps) == (9.0, 150)
    assert (state.num_images, state.influence) == (1, 0)


def test_a_control_kind_the_model_lacks_gives_way_to_one_it_has() -> None:
    state = with_references("a", control_kind="canny").set_mode(Mode.CONTROLNET)
    assert settle(state, MODELS).state.control_kind is ControlKind.SOFT_EDGE


def test_while_editing_only_models_that_edit_are_offered() -> None:
    assert offered_models(MODELS, editing=True) == (PORTRAIT, SKETCH)
    assert offered_models(MODELS, editing=False) == MODELS


# --- the request ------------------------------------------------------------------------------------


def knobs(mode: Mode) -> Knobs:
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
    assert "strength" in state.set_role(0, Role.SOURCE).knobs_shown(knobs(Mode.CONTROLNET))


def test_a_knob_the_model_does_not_use_is_not_asked_for() -> None:
    bare = model("bare", "Bare", {Mode.TEXT_TO_IMAGE: {"fields": ["prompt", "seed"]}})
    state = StudioState(model="bare", prompt="a", negative_prompt="b", guidance_scale=9)
    request = state.to_request(knobs_of(bare, Mode.TEXT_TO_IMAGE))
    assert not {"negative_prompt", "guidance_scale"} & request.model_fields_set


@pytest.mark.parametrize(("text", "seed"), [("-1", -1), (" 42 ", 42), (str(MAX_SEED), MAX_SEED), ("007", 7)])
def test_seeds_are_read_from_their_text(text: str, seed: int) -> None:
    assert StudioState(seed=text).to_request(Knobs()).seed == seed


@pytest.mark.parametrize("text", ["", "-2", "1.5", "1e9", str(MAX_SEED + 1), "9" * 5000, "٣", "--1", "seed"])
def test_other_seeds_are_refused_in_words(text: str) -> None:
    with pytest.raises(RequestError, match="whole number") as refusal:
        StudioState(seed=text).to_request(Knobs())
    assert refusal.value.field == "seed"


def test_a_prompt_that_is_too_long_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="longer than 10,000 characters"):
        StudioState(prompt="x" * 10_001).to_request(Knobs())


@pytest.mark.parametrize(
    ("shape", "asked"),
    [
        ("2:3", {"aspect_ratio": "2:3"}),
        ("640x512", {"width": 640, "height": 512}),
        ("reference", {}),
    ],
)
def test_the_shape_becomes_a_ratio_or_a_size(shape: str, asked: dict[str, Any]) -> None:
    request = StudioState(aspect_ratio=shape).to_request(Knobs())
    given = {name: getattr(request, name) for name in ("aspect_ratio", "width", "height")}
    assert {name: value for name, value in given.items() if value is not None} == asked


def test_a_size_beyond_reason_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="width is outside"):
        StudioState(aspect_ratio="99999x512").to_request(Knobs())


# --- reuse ------------------------------------------------------------------------------------------


MADE = GenerationRequest(
    mode=Mode.CONTROLNET,
    model="portrait",
    prompt="a knight",
    negative_prompt="blur",
    guidance_scale=7.0,
    num_inference_steps=30,
    seed=99,
    strength=0.35,
    width=640,
    height=512,
    num_images=3,
    references=(
        Reference(image_id="a", role=Role.STRUCTURE, weight=0.5),
        Reference(image_id="b", role=Role.SOURCE),
    ),
    control=Control(kind=ControlKind.SOFT_EDGE, weight=0.7, start=0.1, end=0.8),
)


def test_reuse_settings_asks_for_the_very_same_picture() -> None:
    state = settle(StudioState(model="ink").apply_record(record(MADE), {"a", "b"}), MODELS).state
    again = state.to_request(knobs(Mode.CONTROLNET))
    assert again.model_copy(update={"references": MADE.references}) == MADE
    assert [again.role_of(reference) for reference in again.references] == [Role.STRUCTURE, Role.SOURCE]


def test_reuse_settings_shows_the_ratio_where_one_was_chosen() -> None:
    made = MADE.model_copy(update={"aspect_ratio": "4:5"})
    assert StudioState().apply_record(record(made), {"a", "b"}).aspect_ratio == "4:5"


def test_references_that_are_gone_are_left_out() -> None:
    state = StudioState().apply_record(record(MADE), {"b"})
    assert ids(state) == ["b"]


def test_reuse_references_takes_the_mode_with_them() -> None:
    state = StudioState(prompt="mine").reuse_references(record(MADE), {"a", "b"})
    assert (ids(state), state.mode, state.prompt) == (["a", "b"], Mode.CONTROLNET, "mine")


def test_reuse_seed_takes_the_seed_of_this_very_picture() -> None:
    assert StudioState().reuse_seed(record(MADE, seed=101)).seed == "101"


def test_an_upload_has_neither_seed_nor_settings() -> None:
    upload = record(None)
    for reuse in (
        lambda: StudioState().reuse_seed(upload),
        lambda: StudioState().apply_record(upload, set()),
        lambda: StudioState().reuse_references(upload, set()),
    ):
        with pytest.raises(RequestError, match="was not made here"):
            reuse()
