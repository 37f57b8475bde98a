"""The handlers with a real service on a real folder; only the engine is not there."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from pipelines.errors import NotFound, RequestError
from pipelines.request import GenerationRequest, Mode, Reference
from studio.coach.advisor import Advisor
from studio.coach.said import Advice
from studio.jobs import JobQueue
from studio.records import ImageRecord
from studio.service import StudioService
from studio.ui.app import build_page
from studio.ui.boundary import UNEXPECTED, guarded
from studio.ui.coach import checked
from studio.ui.controls import Controls, Updates
from studio.ui.panels.model import create_model
from studio.ui.panels.prompt import create_prompt
from studio.ui.panels.references import create_references
from studio.ui.panels.settings import create_settings
from studio.ui.state import StudioState
from studio.ui.widgets.changes import Changes
from studio.ui.widgets.reference_strip import ReferenceStrip
from studio.ui.wiring import LOST_CHARACTER, LOST_REFERENCES, UNKNOWN_MODEL, StudioHandlers, _on_asked
from tests.studio import foreign_files
from tests.studio.fixtures import Durable, open_durable, save, upload
from tests.studio.ui.states_for_tests import held


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    with open_durable(tmp_path) as durable:
        yield durable


@pytest.fixture(scope="module")
def controls() -> Controls:
    with gr.Blocks():
        return Controls(create_references(), create_model(), create_prompt(), create_settings())


@pytest.fixture
def handlers(durable: Durable, controls: Controls) -> StudioHandlers:
    service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
    return StudioHandlers(service, controls)


def values_of(handlers: StudioHandlers, state: StudioState) -> list[object]:
    """What a browser showing `state` sends."""
    values = state.values()
    return [values[name] for name in handlers.controls.by_name]


def shown(handlers: StudioHandlers, updates: dict[Any, Any], before: StudioState) -> StudioState:
    """The state a browser shows once it has applied `updates`."""
    changed = {
        name: updates[component]["value"]
        for name, component in handlers.controls.by_name.items()
        if "value" in updates.get(component, {})
    }
    return StudioState.read({**before.values(), **changed})


def after(handlers: StudioHandlers, action: str, record: ImageRecord, before: StudioState) -> StudioState:
    updates = handlers.act(action, record.id, values_of(handlers, before))
    return shown(handlers, updates, before)


pytestmark = pytest.mark.filterwarnings("ignore:Tiny Portrait has no Smart Image Editing")
FRESH = StudioState(model="tiny", model_begun="text_to_image:", knobs_of="text_to_image:tiny")


def test_a_fresh_browser_gets_the_first_ready_model_and_all_its_choices(handlers: StudioHandlers) -> None:
    updates = handlers.restore({})
    assert shown(handlers, updates, StudioState()).model == "tiny"
    scene = updates[handlers.controls.model.select]["scene"]
    assert [model["id"] for model in scene["models"]] == ["tiny", "plain", "away"]
    assert scene["models"][2]["reason"]
    modes = updates[handlers.controls.prompt.assistant]["scene"]["modes"]
    assert len(modes) == len(Mode)
    assert all(mode["reason"] for mode in modes if mode["id"] != "text_to_image")


@pytest.mark.parametrize("saved", [None, [], "x", {"references": 5, 7: 8}])
def test_a_browser_with_broken_memory_is_a_fresh_one(handlers: StudioHandlers, saved: object) -> None:
    assert shown(handlers, handlers.restore(saved), StudioState()) == FRESH


def test_restoring_drops_references_that_are_gone(handlers: StudioHandlers, durable: Durable) -> None:
    kept = upload(durable)
    references = [{"image_id": "gone"}, {"image_id": kept.id}]
    updates = handlers.restore({"references": references, "mode": "img2img", "model": {"chosen": "tiny"}})
    state = shown(handlers, updates, StudioState())
    assert [reference.image_id for reference in state.references] == [kept.id]
    assert state.mode is Mode.IMG2IMG


def test_a_reference_makes_the_page_switch_the_model(handlers: StudioHandlers, durable: Durable) -> None:
    state = StudioState.read({"references": [{"image_id": upload(durable).id}], "model": {"chosen": "plain"}})
    with pytest.warns(UserWarning, match=r"^Switched to Tiny Portrait \(supports image editing\)\.$"):
        updates = handlers.changed(*values_of(handlers, state))
    switched = shown(handlers, updates, state)
    assert (switched.model, switched.earlier_model, switched.mode) == ("tiny", "plain", Mode.IMG2IMG)
    offered = updates[handlers.controls.model.select]["scene"]["models"]
    assert [model["id"] for model in offered] == ["tiny"]


def test_what_was_offered_a_moment_ago_is_not_refused(handlers: StudioHandlers) -> None:
    sent = {"aspect_ratio": "reference", "control_kind": "pose", "guidance_scale": 40.0, "influence": -3.0}
    for name, value in sent.items():
        assert handlers.controls.by_name[name].preprocess(value) == value
    values = values_of(handlers, FRESH.with_settings({"guidance_scale": 40.0, "influence": -3.0}))
    settled = shown(handlers, handlers.changed(*values), FRESH)
    assert held(settled, "guidance_scale", "influence") == (20.0, 0.0)


def test_controls_that_hold_their_value_are_left_alone(handlers: StudioHandlers) -> None:
    state = FRESH.model_copy(update={"prompt": "being typed"})
    updates = handlers.changed(*values_of(handlers, state))
    assert not [component for component, update in updates.items() if "value" in update]


def test_knobs_the_mode_does_not_use_are_hidden(handlers: StudioHandlers, durable: Durable) -> None:
    settings = handlers.controls.settings
    updates = handlers.changed(*values_of(handlers, FRESH))
    assert updates[settings.groups["strength"]]["visible"] is False
    assert updates[settings.groups["control"]]["visible"] is False
    editing = FRESH.use_reference(upload(durable).id).set_mode(Mode.IMG2IMG)
    updates = handlers.changed(*values_of(handlers, editing))
    assert updates[settings.groups["strength"]]["visible"] is True


@pytest.mark.parametrize(("action", "left"), [("use", 1), ("add", 2), ("edit", 1)])
def test_pictures_become_references(
    handlers: StudioHandlers, durable: Durable, action: str, left: int
) -> None:
    loaded, chosen = upload(durable, 1), upload(durable, 2)
    before = FRESH.use_reference(loaded.id).set_mode(Mode.IMG2IMG)
    state = after(handlers, action, chosen, before)
    assert len(state.references) == left
    assert state.references[-1].image_id == chosen.id


def test_reuse_settings_asks_for_the_same_picture_again(handlers: StudioHandlers, durable: Durable) -> None:
    parent = upload(durable)
    made = save(durable, parent, seed=11, strength=0.4, guidance_scale=6.0, num_inference_steps=9)
    state = after(handlers, "reuse_settings", made, FRESH)
    handlers.generate(*values_of(handlers, state), "tab-1")
    (job,) = handlers.service.jobs()
    assert made.request is not None
    again = job.request.model_copy(update={"references": made.request.references})
    assert again == made.request
    assert [reference.image_id for reference in job.request.references] == [parent.id]
    assert job.tab == "tab-1"


def test_what_cannot_be_reused_is_said(handlers: StudioHandlers, durable: Durable) -> None:
    made = save(durable, model="of another studio")
    with pytest.warns(UserWarning, match=UNKNOWN_MODEL):
        state = after(handlers, "reuse_settings", made, FRESH)
    assert state.model == "tiny"
    with pytest.raises(RequestError, match="was not made here"):
        after(handlers, "reuse_seed", upload(durable), FRESH)


def test_settings_of_a_file_leave_nothing_of_the_last_picture(
    handlers: StudioHandlers, durable: Durable
) -> None:
    text = "a knight\nSteps: 11, Sampler: Euler a, CFG scale: 5, Seed: 77, Size: 128x128"
    data = foreign_files.png(parameters=text)
    image, _ = durable.collection.add_upload(io.BytesIO(data), "foreign.png")
    before = FRESH.model_copy(update={"prompt": "old"}).with_settings(
        {"negative_prompt": "beard, hat", "num_images": 3}
    )
    state = after(handlers, "reuse_foreign", image, before)
    assert (state.prompt, state.settings["negative_prompt"], state.settings["num_images"]) == (
        "a knight",
        "",
        1,
    )
    assert (
        state.settings["seed"],
        state.settings["num_inference_steps"],
        state.settings["aspect_ratio"],
    ) == ("77", 11, "128x128")


def test_reuse_seed_and_references(handlers: StudioHandlers, durable: Durable) -> None:
    parent = upload(durable)
    made = save(durable, parent)
    assert after(handlers, "reuse_seed", made, FRESH).settings["seed"] == str(made.seed)
    state = after(handlers, "reuse_references", made, FRESH)
    assert [reference.image_id for reference in state.references] == [parent.id]


def many(handlers: StudioHandlers, action: str, ids: list[str], before: StudioState) -> StudioState:
    """The state shown after an action on several pictures."""
    return shown(handlers, handlers.act_on_many(action, ids, values_of(handlers, before)), before)


def test_several_pictures_become_references_together(handlers: StudioHandlers, durable: Durable) -> None:
    first, second = upload(durable, 1), upload(durable, 2)
    state = many(handlers, "use_all", [second.id, first.id, second.id], FRESH)
    assert [reference.image_id for reference in state.references] == [second.id, first.id]
    assert state.mode is not Mode.TEXT_TO_IMAGE


def test_the_edits_of_a_branch_are_applied_together_on_its_anchor(
    handlers: StudioHandlers, durable: Durable
) -> None:
    anchor = upload(durable)
    edits = ("red hair.", "a hat", "red hair.")
    steps = [save(durable, anchor, job_id=f"job-{i}", prompt=words) for i, words in enumerate(edits)]
    state = many(handlers, "edit_together", [anchor.id, *(step.id for step in steps)], FRESH)
    assert [reference.image_id for reference in state.references] == [anchor.id]
    assert state.prompt == "red hair. a hat"


def test_more_pictures_than_fit_and_none_at_all_are_refused(
    handlers: StudioHandlers, durable: Durable
) -> None:
    ids = [upload(durable, seed).id for seed in range(11)]
    with pytest.raises(RequestError, match="up to 10 references"):
        many(handlers, "use_all", ids, FRESH)
    with pytest.raises(RequestError, match="Choose a picture first"):
        many(handlers, "use_all", [], FRESH)
    with pytest.raises(NotFound):
        many(handlers, "use_all", [ids[0], "gone"], FRESH)
    with pytest.raises(RequestError, match="does not know that action"):
        many(handlers, "use", ids[:2], FRESH)


def test_unknown_pictures_and_actions_are_refused(handlers: StudioHandlers, durable: Durable) -> None:
    with pytest.raises(NotFound):
        handlers.act("use", "no such picture", values_of(handlers, FRESH))
    with pytest.raises(RequestError):
        handlers.act("format_disk", upload(durable).id, values_of(handlers, FRESH))


def test_generate_queues_and_returns_and_refuses_in_words(handlers: StudioHandlers) -> None:
    asked = FRESH.model_copy(update={"prompt": "a knight"}).with_settings({"num_images": 2, "seed": "5"})
    handlers.generate(*values_of(handlers, asked), None)
    (job,) = handlers.service.jobs()
    assert (job.request.prompt, job.request.num_images, job.request.seed) == ("a knight", 2, 5)
    assert job.request.strength is None
    with pytest.raises(RequestError, match="The prompt is empty"):
        handlers.generate(*values_of(handlers, FRESH), "tab")


def test_the_plans_notices_are_told_before_generating(handlers: StudioHandlers) -> None:
    asked = FRESH.model_copy(update={"prompt": "a"}).with_settings(
        {"negative_prompt": "b", "guidance_scale": 1.0}
    )
    assert handlers.check(*values_of(handlers, FRESH)) == []
    (notice,) = handlers.check(*values_of(handlers, asked))
    assert "negative prompt without effect" in notice
    (refusal,) = handlers.check(*values_of(handlers, asked.with_settings({"seed": "x"})))
    assert "whole number" in refusal
    assert handlers.service.jobs() == ()


class _Speaking(Advisor):
    """Says one thing of everything, or refuses."""

    def __init__(self, service: StudioService) -> None:
        super().__init__(service)
        self.asked: list[tuple[str, str | None]] = []
        self.refuses = False

    def before(self, request: GenerationRequest, previous_image: str | None = None) -> tuple[Advice, ...]:
        self.asked.append((request.prompt, previous_image))
        if self.refuses:
            raise NotFound("This picture is no longer in the collection.")
        return (Advice(id="one", words="Say what should change", why="Because"),)


def test_the_coachs_line_comes_with_the_check(handlers: StudioHandlers) -> None:
    advisor = _Speaking(handlers.service)
    asking = FRESH.model_copy(update={"prompt": "a knight"})
    update = checked(handlers, advisor, values_of(handlers, asking), "before")
    assert update["value"] == handlers.check(*values_of(handlers, asking))
    assert update["scene"]["request"]["prompt"] == "a knight"
    assert [each["words"] for each in update["scene"]["advice"]] == ["Say what should change"]
    assert advisor.asked == [("a knight", "before")]
    assert checked(handlers, advisor, values_of(handlers, FRESH))["scene"]["advice"] == []
    unreadable = checked(handlers, advisor, values_of(handlers, asking.with_settings({"seed": "x"})))
    assert unreadable["scene"] == {"request": None, "loras": [], "advice": []}
    assert len(advisor.asked) == 1
    advisor.refuses = True
    assert checked(handlers, advisor, values_of(handlers, asking))["scene"]["advice"] == []


def test_lost_references_are_told(
    handlers: StudioHandlers, durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = save(durable, upload(durable))
    monkeypatch.setattr(StudioService, "used_references", lambda self, image_id: ())
    with pytest.warns(UserWarning, match=LOST_REFERENCES):
        state = after(handlers, "reuse_settings", made, FRESH)
    assert state.references == ()


def test_a_character_that_was_deleted_is_told_and_left_out(
    handlers: StudioHandlers, durable: Durable
) -> None:
    mara = handlers.service.characters.create("Mara")
    made = save(durable, character=mara.id)
    assert after(handlers, "reuse_settings", made, FRESH).character == mara.id
    handlers.service.characters.delete(mara.id)
    with pytest.warns(UserWarning, match=LOST_CHARACTER):
        state = after(handlers, "reuse_settings", made, FRESH)
    assert state.character is None
    handlers.generate(*values_of(handlers, state), "tab-1")


# --- the one way from the page to the controls --------------------------------------------------------


def asked(handlers: StudioHandlers, data: dict[str, Any], state: StudioState) -> tuple[Updates, Updates]:
    """What goes to the controls at once, and what the browser is left to put in."""
    with gr.Blocks():
        changes = Changes()
    updates = _on_asked(handlers, changes)(gr.EventData(None, data), *values_of(handlers, state))
    return updates, updates.pop(changes)


def test_an_answer_brings_choices_at_once_and_leaves_values_to_the_browser(
    handlers: StudioHandlers, durable: Durable
) -> None:
    picture = upload(durable)
    updates, answer = asked(handlers, {"action": "use", "image_id": picture.id}, FRESH)
    assert not [update for update in updates.values() if "value" in update]
    assert updates[handlers.controls.references.strip]["scene"]
    names = list(handlers.controls.by_name)
    values = {names[int(place)]: value for place, value in answer["values"].items()}
    assert [reference["image_id"] for reference in values["references"]] == [picture.id]
    assert [names[place] for place in answer["again"]] == ["references"]
    assert json.loads(json.dumps(answer)) == answer


def test_what_is_not_an_action_lets_the_rest_follow(handlers: StudioHandlers, durable: Durable) -> None:
    state = FRESH.model_copy(update={"references": (Reference(image_id=upload(durable).id),)})
    _, answer = asked(handlers, {}, state)
    names = list(handlers.controls.by_name)
    assert {names[int(place)] for place in answer["values"]} >= {"mode", "aspect_ratio"}


def test_generate_goes_the_same_way_and_changes_nothing(handlers: StudioHandlers) -> None:
    wanted = FRESH.model_copy(update={"prompt": "a knight"})
    updates, answer = asked(handlers, {"action": "generate", "tab": "tab-1"}, wanted)
    (job,) = handlers.service.jobs()
    assert (job.request.prompt, job.tab, updates, answer["values"]) == ("a knight", "tab-1", {}, {})


def test_others_can_bring_actions_along(handlers: StudioHandlers) -> None:
    seen: list[object] = []
    handlers.verbs["wave"] = lambda data, values: seen.append((data["to"], len(values))) or {}
    asked(handlers, {"action": "wave", "to": "you"}, FRESH)
    assert seen == [("you", len(handlers.controls.inputs))]


def test_no_event_but_the_first_and_this_one_can_change_the_references(durable: Durable) -> None:
    service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
    page = build_page(service, durable.settings)
    strip = next(block for block in page.blocks.values() if isinstance(block, ReferenceStrip))
    writing = [fn for fn in page.fns.values() if strip in fn.outputs]
    assert {fn.targets[0][1] for fn in writing} == {"load", "asked", "success"}
    assert [fn.targets[0][1] for fn in writing if fn.fn is None] == ["success"]


# --- the boundary -----------------------------------------------------------------------------------


def test_refusals_become_toasts_with_their_own_words() -> None:
    def refuse() -> None:
        raise NotFound("That picture is not here.")

    with pytest.raises(gr.Error, match=r"That picture is not here\."):
        guarded(refuse)()


def test_everything_else_is_logged_and_kept_from_the_artist(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.raises(gr.Error) as shown_error:
        guarded(fail)()
    assert shown_error.value.message == UNEXPECTED
    assert "secret detail" in caplog.text


def test_the_boundary_lets_results_through() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert guarded(lambda a, b=1: a + b)(2, b=3) == 5
