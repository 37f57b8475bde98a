from __future__ import annotations

from pipelines.families.limits import Limits
from pipelines.request import GenerationRequest, Mode
from studio.records import ModelInfo
from studio.ui.settle import settle
from studio.ui.state import StudioState
from tests.studio.ui.models_for_tests import INK, PORTRAIT, SKETCH, model
from tests.studio.ui.states_for_tests import picked, with_references

WISE = model("wise", "Wise", {mode: PORTRAIT.limits.get(mode.value, Limits()) for mode in Mode})


def default(info: ModelInfo, *modes: Mode, **changes: object) -> ModelInfo:
    return info.model_copy(update={"default_for": tuple(mode.value for mode in modes), **changes})


MODELS = (INK, PORTRAIT, SKETCH, default(WISE, Mode.SMART_EDIT, Mode.IMG2IMG))
TEXT_MODELS = (INK, default(PORTRAIT, Mode.TEXT_TO_IMAGE), SKETCH, WISE)


def on_open(models: tuple[ModelInfo, ...], **values: object) -> StudioState:
    settled = settle(StudioState.model_validate(values), models)
    assert settled.warnings == ()
    return settled.state


def test_a_page_begins_with_the_modes_default() -> None:
    assert on_open(TEXT_MODELS).model == "portrait"
    assert on_open(TEXT_MODELS, model="ink").model == "portrait"
    assert on_open(TEXT_MODELS, model="ink", model_picked=True).model == "ink"
    assert on_open((INK, PORTRAIT)).model == "ink"


def test_a_mode_that_is_picked_begins_with_its_default_and_says_so() -> None:
    editing = settle(with_references("a").set_mode(Mode.CHARACTER_REFERENCE), MODELS).state
    assert editing.model == "portrait"
    settled = settle(editing.set_mode(Mode.IMG2IMG), MODELS)
    assert settled.state.model == "wise"
    assert settled.warnings == ("Switched to Wise, your default for Img2Img.",)
    assert settle(settled.state, MODELS).warnings == ()


def test_what_the_artist_chose_in_this_tab_stays() -> None:
    chosen = picked(settle(with_references("a"), MODELS).state, "portrait")
    for mode in (Mode.IMG2IMG, Mode.SMART_EDIT):
        settled = settle(chosen.set_mode(mode), MODELS)
        assert (settled.state.model, settled.warnings) == ("portrait", ())


def test_the_first_reference_switches_to_the_default_that_edits_in_the_usual_words() -> None:
    for start in (on_open(MODELS, model="ink"), picked(on_open(MODELS), "ink")):
        settled = settle(start.use_reference("a"), MODELS)
        assert (settled.state.model, settled.state.mode) == ("wise", Mode.SMART_EDIT)
        assert settled.warnings == ("Switched to Wise (supports image editing).",)
        over = settle(settled.state.with_references(()), MODELS)
        assert (over.state.model, over.warnings) == ("ink", ())


def test_a_default_that_cannot_edit_or_is_not_here_is_passed_over() -> None:
    far = default(WISE, Mode.SMART_EDIT, available="downloadable")
    odd = default(INK, Mode.SMART_EDIT)
    settled = settle(on_open((odd, PORTRAIT, far)).use_reference("a"), (odd, PORTRAIT, far))
    assert settled.state.model == "portrait"
    assert settled.warnings == ("Switched to Portrait (supports image editing).",)


def test_a_default_chosen_later_holds_where_nothing_else_was_chosen() -> None:
    state = on_open((INK, PORTRAIT))
    later = settle(state, (INK, default(PORTRAIT, Mode.TEXT_TO_IMAGE)))
    assert later.state.model == "portrait"
    assert later.warnings == ("Switched to Portrait, your default for Text to Image.",)


def test_a_mode_that_falls_back_does_not_switch_the_model_afterwards() -> None:
    models = (default(WISE, Mode.IMG2IMG), SKETCH)
    fallen = settle(picked(with_references("a"), "sketch"), models).state
    assert (fallen.model, fallen.mode) == ("sketch", Mode.IMG2IMG)
    unpicked = fallen.model_copy(update={"model_picked": False})
    assert settle(unpicked, models).state.model == "sketch"


def test_the_settings_of_a_picture_bring_its_own_model() -> None:
    from studio.ui.reuse import apply_record
    from tests.studio.ui.test_reuse import record

    request = GenerationRequest(mode=Mode.TEXT_TO_IMAGE, model="ink", prompt="x")
    state = apply_record(on_open(TEXT_MODELS), record(request), ())
    assert settle(state, TEXT_MODELS).state.model == "ink"
