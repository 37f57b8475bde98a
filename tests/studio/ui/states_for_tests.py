"""A state with references, as the tests of the settings side begin with."""

from __future__ import annotations

from typing import Any

from pipelines.request import Reference
from studio.ui.state import StudioState


def with_references(*ids: str, **values: Any) -> StudioState:
    start = StudioState.model_validate({"model": "portrait", **values})
    return start.with_references([Reference(image_id=each) for each in ids])


def ids(state: StudioState) -> list[str]:
    return [reference.image_id for reference in state.references]
