"""A state with references, as the tests of the settings side begin with."""

from __future__ import annotations

from typing import Any

from pipelines.families.settings import CONTROLS
from pipelines.request import Reference, Role
from studio.ui.state import StudioState


def made(**values: Any) -> StudioState:
    """A state with these fields and settings."""
    settings = {name: values.pop(name) for name in list(values) if name in CONTROLS}
    return StudioState.model_validate(values).with_settings(settings)


def held(state: StudioState, *names: str) -> tuple[Any, ...]:
    """What the controls of these names hold."""
    return tuple(state.settings[name] for name in names)


def with_references(*ids: str, **values: Any) -> StudioState:
    start = made(**{"model": "portrait", **values})
    return start.with_references([Reference(image_id=each) for each in ids])


def ids(state: StudioState) -> list[str]:
    return [reference.image_id for reference in state.references]


def picked(state: StudioState, model: str) -> StudioState:
    """As the model selector says that the artist picked one."""
    return state.model_copy(update={"model": model, "earlier_model": None, "model_picked": True})


def in_role(state: StudioState, index: int, role: Role) -> StudioState:
    """The reference at `index` in another role."""
    references = list(state.references)
    references[index] = references[index].model_copy(update={"role": role})
    return state.with_references(references)
