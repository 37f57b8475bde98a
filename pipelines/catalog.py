"""models.yaml as data: the only place where a model is named.

`load_catalog` validates every entry (pydantic, unknown keys refused) and raises `CatalogError` with
file, entry and key in the message. Importing this module imports neither torch nor diffusers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import Mode
from pipelines.route import Route


class ModelSpec(BaseModel):
    """One entry of models.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    label: str
    family: str
    source: str = Field(description="Folder (relative to models.yaml), or a hub id 'owner/name'.")
    revision: str | None = None
    description: str = ""
    licence: str
    modes: tuple[Mode, ...]
    resolution: int = Field(default=512, description="Side in px of the square the model was made for.")
    defaults: dict[Mode, dict[str, Any]] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict, description="For the family: sub-folders, adapter files, scales.")


class Catalog:
    """The models this studio knows, in the order of models.yaml; the first ready one is the default."""

    def __init__(self, specs: tuple[ModelSpec, ...], path: Path) -> None:
        self.specs = specs
        self.path = path

    def get(self, model_id: str) -> ModelSpec:
        """Raises NotFound."""
        raise NotImplementedError

    def route(self, model_id: str, mode: Mode) -> Route:
        """The route, or RequestError that says what to do instead."""
        raise NotImplementedError

    def availability(self, spec: ModelSpec) -> Literal["ready", "downloadable", "missing"]:
        """Looks at the disk only; never at the network."""
        raise NotImplementedError


def load_catalog(path: Path) -> Catalog:
    """Read and validate models.yaml. Raises CatalogError."""
    raise NotImplementedError
