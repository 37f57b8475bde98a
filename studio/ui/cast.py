"""A character that is loaded into the Studio: its pictures become the references, in a mode that keeps it.

The transition is pure; which pictures, and which mode and model can hold them, is for the service to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.characters.versions import PortraitStart
from studio.ui.controls import Updates
from studio.ui.state import StudioState
from studio.ui.wiring import StudioHandlers


def load_character(state: StudioState, character_id: str, start: PortraitStart) -> StudioState:
    """The character beside the prompt, its pictures as the references; without any, those there are stay."""
    loaded = state.model_copy(update={"character": character_id})
    if not start.references:
        return loaded
    follow_mode = [each.model_copy(update={"role": None}) for each in start.references]
    ready = loaded.with_references(follow_mode).set_mode(start.mode)
    return ready if start.model is None else ready.model_copy(update={"model": start.model})


def bind_cast(handlers: StudioHandlers) -> None:
    """Let the Characters section load one: the action `load_character`. It raises NotFound."""

    def on_load(data: Mapping[str, Any], values: Sequence[object]) -> Updates:
        character_id = str(data.get("character", ""))
        start = handlers.service.characters.versions.in_studio(character_id)
        return handlers.transition(lambda state: load_character(state, character_id, start), values)

    handlers.verbs["load_character"] = on_load
