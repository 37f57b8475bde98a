"""The coach on the Studio page: what it says of the settings, and what a press of one of its buttons changes.

Its line comes to the browser with what the studio has to tell before Generate, in one answer. A step comes
from a browser: its values are checked as those of any request. The rules stand in `studio.coach`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from pydantic import ValidationError

from pipelines.errors import LikenessError, RequestError
from pipelines.request import MAX_PROMPT_CHARS, GenerationRequest
from studio.coach.advisor import Advisor
from studio.coach.said import Step
from studio.ui.boundary import data_of, event, guarded
from studio.ui.controls import Updates
from studio.ui.reuse import apply_settings
from studio.ui.state import StudioState
from studio.ui.widgets.notices import Notices
from studio.ui.wiring import QUIET, StudioHandlers

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


def checked(
    handlers: StudioHandlers, advisor: Advisor, values: Sequence[object], previous: str | None = None
) -> dict[str, Any]:
    """What is to be said before Generate, what that would ask for, and the coach's advice, as one update.

    `previous`: the id of the last picture that this tab has made.
    """
    request = handlers.asked(*values)
    update = handlers.checked(*values)
    advice = [] if request is None else _advice(advisor, request, previous)
    return {**update, "scene": {**update["scene"], "advice": advice}}


def _advice(advisor: Advisor, request: GenerationRequest, previous: str | None) -> list[dict[str, Any]]:
    if not request.prompt.strip() and not request.references:
        return []
    try:
        return [advice.model_dump(mode="json") for advice in advisor.before(request, previous)]
    except LikenessError:
        return []  # advice is no reason to complain


def bind_coach(handlers: StudioHandlers, notices: Notices) -> None:
    """Let the coach speak whenever the settings are checked, and its buttons turn the Studio's knobs."""
    advisor = Advisor(handlers.service)

    def on_settled(settled: gr.EventData, *values: object) -> dict[str, Any]:
        previous = data_of(settled).get("previous_image")
        return checked(handlers, advisor, values, str(previous)[:64] if previous else None)

    event(notices, "settled")(
        guarded(on_settled),
        inputs=handlers.controls.inputs,
        outputs=notices,
        trigger_mode="always_last",
        **QUIET,
    )

    def on_step(data: Mapping[str, Any], values: Sequence[object]) -> Updates:
        try:
            step = Step.model_validate(data.get("step"))
        except ValidationError as problem:
            raise RequestError(UNKNOWN_STEP) from problem
        if step.use_image:
            handlers.service.image(step.use_image)
        return handlers.transition(lambda state: take_step(state, step), values)

    handlers.verbs["coach_step"] = on_step
