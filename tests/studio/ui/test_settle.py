from __future__ import annotations

from pipelines.request import ControlKind, Mode, Reference
from studio.ui.settle import offered_models, settle
from studio.ui.state import StudioState
from tests.studio.ui.models_for_tests import INK, MODELS, PORTRAIT, QUICK, SKETCH, limits, model
from tests.studio.ui.states_for_tests import held, picked, with_references


def test_a_model_that_cannot_edit_is_switched_with_exactly_these_words() -> None:
    settled = settle(with_references("a", model="ink"), MODELS)
    assert settled.state.model == "portrait"
    assert settled.warnings == ("Switched to Portrait (supports image editing).",)


def test_without_references_the_earlier_model_comes_back_silently() -> None:
    editing = settle(with_references("a", model="ink"), MODELS).state
    settled = settle(editing.with_references(()), MODELS)
    assert (settled.state.model, settled.warnings) == ("ink", ())


def test_a_model_chosen_while_editing_stays_when_it_can_paint_from_words() -> None:
    editing = picked(settle(with_references("a", model="ink"), MODELS).state, "portrait")
    assert settle(editing.with_references(()), MODELS).state.model == "portrait"


def test_a_model_that_only_edits_is_left_when_the_references_are_gone() -> None:
    editing = picked(with_references("a", model="ink"), "sketch")
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
    settled = settle(picked(with_references("a"), "sketch"), MODELS)
    assert settled.state.mode is Mode.IMG2IMG
    assert settled.warnings == ("Sketch has no Smart Image Editing. The mode is now Img2Img.",)


def test_references_and_text_to_image_do_not_go_together() -> None:
    sent = with_references("a").set_mode(Mode.TEXT_TO_IMAGE)
    assert settle(sent, MODELS).state.mode is Mode.SMART_EDIT


def test_untouched_knobs_follow_the_modes_defaults_and_touched_ones_stay() -> None:
    before = settle(StudioState(model="portrait"), MODELS).state
    before = before.with_settings({"num_inference_steps": 33})
    after = before.with_references([Reference(image_id="a")])
    settled = settle(after, MODELS).state
    assert held(settled, "guidance_scale", "num_inference_steps") == (5.0, 33)
    painted = settle(settled.set_mode(Mode.IMG2IMG), MODELS).state
    assert held(painted, "guidance_scale", "influence") == (3.5, 40.0)


def test_a_model_begins_with_its_own_steps_however_it_was_chosen() -> None:
    assert (
        settle(StudioState(), (QUICK, INK)).state.settings["num_inference_steps"] == 4
    )  # on a page just opened
    ink = settle(StudioState(model="ink"), (INK, QUICK)).state
    chosen = StudioState.read(ink.model_copy(update={"model": "quick"}).values())
    settled = settle(chosen, (INK, QUICK)).state
    assert settled.settings["num_inference_steps"] == 4
    assert settle(picked(settled, "ink"), (INK, QUICK)).state.settings["num_inference_steps"] == 20


def test_knobs_are_kept_inside_the_limits() -> None:
    wild = with_references("a", guidance_scale=1e9, num_inference_steps=10_000, num_images=0, influence=-5)
    state = settle(wild.set_mode(Mode.CONTROLNET), MODELS).state
    assert held(state, "guidance_scale", "num_inference_steps") == (9.0, 150)
    assert held(state, "num_images", "influence") == (1, 0)


def test_a_control_kind_the_model_lacks_gives_way_to_one_it_has() -> None:
    state = with_references("a", control_kind="canny").set_mode(Mode.CONTROLNET)
    assert settle(state, MODELS).state.settings["control_kind"] is ControlKind.SOFT_EDGE


def test_while_references_are_loaded_only_models_with_the_mode_are_offered() -> None:
    editing = with_references("a")
    assert offered_models(MODELS, editing) == (PORTRAIT,)
    assert offered_models(MODELS, editing.set_mode(Mode.IMG2IMG)) == (PORTRAIT, SKETCH)
    assert offered_models(MODELS, StudioState()) == MODELS


def test_a_mode_that_is_picked_switches_a_model_without_it_in_words() -> None:
    sketching = settle(with_references("a", model="sketch"), MODELS).state
    assert (sketching.model, sketching.mode) == ("sketch", Mode.IMG2IMG)
    settled = settle(sketching.set_mode(Mode.CHARACTER_REFERENCE), MODELS)
    assert (settled.state.model, settled.state.mode) == ("portrait", Mode.CHARACTER_REFERENCE)
    assert settled.warnings == ("Switched to Portrait (supports Character Reference).",)


def test_a_model_that_is_picked_takes_a_mode_it_has() -> None:
    editing = settle(with_references("a", model="portrait"), MODELS).state
    settled = settle(picked(editing, "sketch"), MODELS)
    assert (settled.state.model, settled.state.mode) == ("sketch", Mode.IMG2IMG)


def test_a_model_that_only_fills_masks_is_left_when_a_plain_reference_is_loaded() -> None:
    fill = model("fill", "Fill", {Mode.INPAINT: limits("references", roles=["source", "mask"])})
    assert not fill.edit
    settled = settle(with_references("a", model="fill"), (fill, PORTRAIT))
    assert settled.state.model == "portrait"
    assert settled.warnings == ("Switched to Portrait (supports image editing).",)
    masked = with_references("a", "b", model="fill").set_mode(Mode.INPAINT)
    assert settle(masked, (fill, PORTRAIT)).state.model == "fill"


def test_the_shape_begins_with_one_the_model_was_made_for() -> None:
    tall = model("tall", "Tall", {Mode.TEXT_TO_IMAGE: limits(shapes=["3:4", "1:1"])})
    every = (*MODELS, tall)
    plain = settle(StudioState(model="ink"), every).state
    chosen = settle(plain.model_copy(update={"model": "tall"}), every).state
    assert held(chosen, "aspect_ratio") == ("3:4",)
    back = settle(chosen.model_copy(update={"model": "ink"}), every).state
    assert held(back, "aspect_ratio") == ("1:1",)
    wide = chosen.with_settings({"aspect_ratio": "16:9"}).with_knobs_kept()
    assert held(settle(wide, every).state, "aspect_ratio") == ("16:9",)  # warned of, not taken away
