"""A request while it is being completed, as each step of `complete` gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.catalog.catalog import Catalog
from pipelines.families.route import Route
from pipelines.request import MODE_LABEL, GenerationRequest, Role
from pipelines.spec import ModelSpec


@dataclass(slots=True)
class Draft:
    """The request as sent, the model and route chosen for it, and what has been decided so far."""

    request: GenerationRequest
    catalog: Catalog
    spec: ModelSpec
    route: Route
    sizes: Mapping[str, tuple[int, int]]
    """(width, height) in px of each referenced picture, by id."""
    notices: list[str] = field(default_factory=list[str])
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    """Fields of the complete request that differ from those sent, or might."""

    @property
    def label(self) -> str:
        """The mode in words."""
        return MODE_LABEL[self.request.mode]

    @property
    def leading_size(self) -> tuple[int, int] | None:
        """Size in px of the reference whose shape the picture follows, if any.

        The first source or structure, else the first reference.
        """
        references = self.request.references
        shaping = [r for r in references if self.request.role_of(r) in (Role.SOURCE, Role.STRUCTURE)]
        first = next(iter((*shaping, *references)), None)
        return self.sizes[first.image_id] if first else None

    def left_open(self, name: str) -> bool:
        """Whether the request as sent says nothing of a field."""
        return name not in self.request.model_fields_set
