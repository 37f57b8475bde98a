"""The `likeness` chunk: everything needed to show, repeat and re-adopt a made picture, as versioned JSON.

Carries no timings and nothing else of the moment but `created_at`. Knows nothing of PNG or of rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.request import GenerationRequest
from studio import kept_requests
from studio.records import Category, ParentLink

VERSION = 1


class ModelMark(BaseModel):
    """The model that made the picture."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str
    revision: str | None = None


class Likeness(BaseModel):
    """How one picture came to be. Unknown keys of later writers are left out when read."""

    model_config = ConfigDict(frozen=True)

    version: int = VERSION
    software: str
    created_at: datetime
    category: Category
    pixel_sha256: str = Field(
        description="Of the picture itself: tells whether the pixels were changed since."
    )
    job_id: str
    batch_index: int
    seed: int
    model: ModelMark
    request: Annotated[GenerationRequest, BeforeValidator(kept_requests.known_fields)]
    parents: tuple[ParentLink, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: dict[str, Any] = Field(default_factory=dict, description="Device, dtype, library versions.")

    def text(self) -> str:
        """The JSON as it is written; the same for the same content."""
        return self.model_dump_json()


def parse(text: str) -> Likeness | None:
    """Read the chunk's JSON; None where it is not ours or of a version this studio does not know."""
    try:
        likeness = Likeness.model_validate_json(text)
    except ValidationError:
        return None
    return likeness if likeness.version == VERSION else None
