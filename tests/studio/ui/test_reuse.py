from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.families.settings import CONTROLS, INFLUENCE
from pipelines.request import Control, ControlKind, GenerationRequest, Lora, Mode, Reference, Role
from studio.records import Category, ImageRecord
from studio.ui.knobs import find_model, knobs_of
from studio.ui.loras import AddOns
from studio.ui.reuse import apply_foreign, apply_record, apply_settings, reuse_references, reuse_seed
from studio.ui.settle import settle
from studio.ui.state import LIKE_REFERENCE, StudioState
from tests.studio.ui.models_for_tests import INK, MODELS, QUICK
from tests.studio.ui.states_for_tests import held, ids, with_references


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
    state = settle(apply_record(StudioState(model="ink"), record(MADE), {"a", "b"}), MODELS).state
    again = state.to_request(knobs_of(find_model(MODELS, "portrait"), Mode.CONTROLNET))
    assert again.model_copy(update={"references": MADE.references}) == MADE
    assert [again.role_of(reference) for reference in again.references] == [Role.STRUCTURE, Role.SOURCE]


def test_reuse_settings_shows_the_ratio_where_one_was_chosen() -> None:
    made = MADE.model_copy(update={"aspect_ratio": "4:5"})
    assert apply_record(StudioState(), record(made), {"a", "b"}).settings["aspect_ratio"] == "4:5"


def test_what_another_tool_says_with_its_model_stays_as_it_is_said() -> None:
    ink = settle(StudioState(model="ink"), (INK, QUICK)).state
    said = apply_settings(ink, {"model": "quick", "num_inference_steps": 20})
    assert settle(said, (INK, QUICK)).state.settings["num_inference_steps"] == 20


def test_references_that_are_gone_are_left_out() -> None:
    state = apply_record(StudioState(), record(MADE), {"b"})
    assert ids(state) == ["b"]


def test_reuse_references_takes_the_mode_with_them() -> None:
    state = reuse_references(StudioState(prompt="mine"), record(MADE), {"a", "b"})
    assert (ids(state), state.mode, state.prompt) == (["a", "b"], Mode.CONTROLNET, "mine")


def test_reuse_seed_takes_the_seed_of_this_very_picture() -> None:
    assert reuse_seed(StudioState(), record(MADE, seed=101)).settings["seed"] == "101"


def test_an_upload_has_neither_seed_nor_settings() -> None:
    upload = record(None)
    for reuse in (
        lambda: reuse_seed(StudioState(), upload),
        lambda: apply_record(StudioState(), upload, set()),
        lambda: reuse_references(StudioState(), upload, set()),
    ):
        with pytest.raises(RequestError, match="was not made here"):
            reuse()


# --- what other tools' files say ----------------------------------------------------------------


def worn() -> StudioState:
    """A tab in which everything was set to something else."""
    return with_references(
        "a",
        model="quick",
        prompt="mine",
        negative_prompt="beard, hat",
        guidance_scale=5.5,
        num_inference_steps=77,
        seed="12",
        influence=91.0,
        aspect_ratio="640x512",
        num_images=4,
        character="ana",
        control_kind=ControlKind.SOFT_EDGE,
        control_weight=0.2,
        control_start=0.1,
        control_end=0.3,
        add_ons=AddOns(loras=(Lora(id="oil"),), vae="v", ip_adapter="i", control_network="c"),
    )


def test_another_tools_settings_leave_nothing_from_before() -> None:
    said = {"prompt": "a knight", "num_inference_steps": 31, "seed": 12, "strength": 0.4, "model": "ink"}
    state = apply_foreign(worn(), said, MODELS)
    fresh = StudioState()
    told = {"references", "mode", "model", "model_picked", "model_begun", "earlier_model", "knobs_of"}
    told |= {"prompt", "settings"}
    for name in set(StudioState.model_fields) - told:
        assert getattr(state, name) == getattr(fresh, name), name
    told = {"num_inference_steps", "seed", "influence", "aspect_ratio", "guidance_scale"}
    for name in set(CONTROLS) - told:
        assert state.settings[name] == fresh.settings[name], name
    assert (state.prompt, state.settings["num_inference_steps"], state.settings["seed"]) == (
        "a knight",
        31,
        "12",
    )
    assert (state.settings["influence"], state.model, ids(state)) == (60.0, "ink", ["a"])
    assert state.settings["aspect_ratio"] == LIKE_REFERENCE


def test_what_a_file_leaves_out_goes_to_the_models_own_defaults() -> None:
    bare = worn().model_copy(update={"references": (), "mode": Mode.TEXT_TO_IMAGE})
    state = settle(apply_foreign(bare, {"model": "quick"}, (INK, QUICK)), (INK, QUICK)).state
    own = knobs_of(QUICK, Mode.TEXT_TO_IMAGE)
    assert held(state, "num_inference_steps", "guidance_scale") == (
        own.defaults["num_inference_steps"],
        own.defaults["guidance_scale"],
    )
    assert (
        state.settings["influence"],
        state.prompt,
        state.settings["seed"],
        state.settings["aspect_ratio"],
    ) == (INFLUENCE.standard(own.defaults), "", "-1", "1:1")
    assert apply_foreign(bare, {"prompt": "x"}, (INK, QUICK)).model == "quick"


def test_our_own_settings_leave_nothing_from_before_either() -> None:
    made = GenerationRequest(model="portrait", prompt="a knight", seed=9)
    state = apply_record(worn(), record(made), ())
    assert (state.settings["negative_prompt"], state.settings["influence"], state.character) == (
        "",
        StudioState().settings["influence"],
        None,
    )
    assert (state.add_ons, state.settings["control_weight"], state.settings["num_images"]) == (
        AddOns(),
        1.0,
        1,
    )


def test_single_settings_are_set_and_the_others_left() -> None:
    state = apply_settings(worn(), {"prompt": "a knight", "strength": 0.4})
    assert (state.prompt, state.settings["influence"], state.settings["negative_prompt"]) == (
        "a knight",
        60.0,
        "beard, hat",
    )


@pytest.mark.parametrize(
    ("said", "shape"), [({"width": 640, "height": 512}, "640x512"), ({"width": 640}, "1:1"), ({}, "1:1")]
)
def test_a_shape_is_taken_where_both_sides_are_known(said: dict[str, Any], shape: str) -> None:
    assert apply_settings(StudioState(), said).settings["aspect_ratio"] == shape


def test_another_tools_settings_can_be_asked_for_once_they_are_settled() -> None:
    wild = apply_settings(StudioState(), {"guidance_scale": 99.0, "num_inference_steps": 900, "seed": -1})
    state = settle(wild, MODELS).state
    request = state.to_request(knobs_of(find_model(MODELS, state.model), state.mode))
    assert (request.guidance_scale, request.num_inference_steps, request.seed) == (20.0, 150, -1)


def test_words_without_a_field_here_change_nothing() -> None:
    assert (
        apply_settings(StudioState(), {"sampler": "Euler a", "references": "x", "mode": "nonsense"})
        == StudioState()
    )
