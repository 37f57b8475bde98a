"""The coach on the Studio page: what a press of one of its buttons changes.

A step comes from a browser: its values are checked as those of any request. Knows the tab's state and the
handlers; the rules stand in `studio.coach`, the words come to the browser over REST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pipelines.errors import RequestError
from pipelines.request import MAX_PROMPT_CHARS, GenerationRequest
from studio.coach.said import Step
from studio.ui.controls import Updates
from studio.ui.reuse import apply_settings
from studio.ui.state import StudioState
from studio.ui.wiring import StudioHandlers

UNKNOWN_STEP = "The studio does not know that step. Reload the page."


def take_step(state: StudioState, step: Step) -> StudioState:
    """Set what the step sets. Raises RequestError for values that no request may have."""
    try:
        asked = GenerationRequest.model_validate(step.set)
    except ValidationError as problem:
        raise RequestError(UNKNOWN_STEP) from problem
    wanted = asked.model_dump(exclude_unset=True)
    if step.use_image:
        state = state.use_reference(step.use_image)
    if "mode" in wanted:
        state = state.set_mode(asked.mode)
    state = apply_settings(state, wanted)
    return state if step.append is None else _appended(state, step.append)


def _appended(state: StudioState, words: str) -> StudioState:
    prompt = state.prompt.rstrip().rstrip(",.;")
    joined = f"{prompt}, {words}" if prompt else words
    return state.model_copy(update={"prompt": joined[:MAX_PROMPT_CHARS]})


def bind_coach(handlers: StudioHandlers) -> None:
    """Let the coach's buttons turn the Studio's knobs: the action `coach_step`."""

    def on_step(data: Mapping[str, Any], values: Sequence[object]) -> Updates:
        try:
            step = Step.model_validate(data.get("step"))
        except ValidationError as problem:
            raise RequestError(UNKNOWN_STEP) from problem
        if step.use_image:
            handlers.service.image(step.use_image)
        return handlers.transition(lambda state: take_step(state, step), values)

    handlers.verbs["coach_step"] = on_step
