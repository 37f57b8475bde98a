"""A press on a preset: its words go into the prompt, its settings into the controls, all to be seen there.

Knows the tab's state and the handlers; what a preset says stands in `studio.presets`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.families.settings import NEGATIVE_PROMPT
from pipelines.request import GenerationRequest
from studio.presets.presets import Presets
from studio.ui.controls import Updates
from studio.ui.reuse import apply_settings
from studio.ui.state import StudioState
from studio.ui.wiring import StudioHandlers

_TAKEN: set[str] = {"prompt", "negative_prompt", "guidance_scale", "num_inference_steps", "strength"}


def with_preset(state: StudioState, preset_id: str, presets: Presets) -> StudioState:
    """The state with the preset, or without it where it was there. Raises NotFound, RequestError."""
    asked = GenerationRequest(
        mode=state.mode,
        model=state.model,
        prompt=state.prompt,
        negative_prompt=str(state.get(NEGATIVE_PROMPT) or ""),
    )
    applied = presets.applied(preset_id, asked).request
    changed = applied.model_dump(include=_TAKEN & applied.model_fields_set)
    return apply_settings(state, changed)


def bind_presets(handlers: StudioHandlers) -> None:
    """The action `preset`."""

    def on_preset(data: Mapping[str, Any], values: Sequence[object]) -> Updates:
        preset_id = str(data.get("preset", ""))
        return handlers.transition(
            lambda state: with_preset(state, preset_id, handlers.service.presets), values
        )

    handlers.verbs["preset"] = on_preset
