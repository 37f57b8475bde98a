from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.request import MAX_PROMPT_CHARS, Mode, Reference
from studio.coach.said import Step
from studio.ui.coach import take_step
from studio.ui.state import StudioState
from tests.studio.ui.states_for_tests import held

STATE = StudioState(references=(Reference(image_id="a"), Reference(image_id="b")), mode=Mode.SMART_EDIT)


def taken(state: StudioState = STATE, **step: Any) -> StudioState:
    return take_step(state, Step(label="x", **step))


def test_a_step_sets_knobs_in_the_words_of_the_page() -> None:
    state = taken(set={"guidance_scale": 5.0, "strength": 0.55, "seed": 7, "aspect_ratio": "reference"})
    assert held(state, "guidance_scale", "influence", "seed") == (
        5.0,
        45.0,
        "7",
    )
    assert state.settings["aspect_ratio"] == "reference"
    assert state.references == STATE.references


def test_a_step_takes_a_picture_and_then_its_mode() -> None:
    state = taken(use_image="c", set={"mode": "img2img", "strength": 0.25})
    assert [reference.image_id for reference in state.references] == ["c"]
    assert state.mode is Mode.IMG2IMG


def test_a_clause_is_added_to_the_end_of_the_prompt() -> None:
    prompt = StudioState(prompt="make her smile. ")
    assert taken(prompt, append="keep the face").prompt == "make her smile, keep the face"
    assert taken(StudioState(), append="keep the face").prompt == "keep the face"
    assert len(taken(StudioState(prompt="x" * MAX_PROMPT_CHARS), append="keep").prompt) == MAX_PROMPT_CHARS


@pytest.mark.parametrize("wrong", [{"guidance_scale": 1e9}, {"mode": "nothing"}, {"nobody": 1}])
def test_values_no_request_may_have_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        taken(set=wrong)
