"""The nouns of exchange as scripts and pages see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Format = Literal["png", "jpeg", "webp"]
MAX_EXPORT = 100_000
_Id = Annotated[str, Field(min_length=1, max_length=64)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class NamedValue(_Record):
    """One thing a file says."""

    name: str
    value: str


class ImageMetadata(_Record):
    """What a picture's file, or its sidecar, says of how it was made."""

    tool: str | None = Field(description="Who made it; null where the file does not say.")
    settings: dict[str, Any] = Field(description="The part of a request that can be used again as it is.")
    unmapped: tuple[NamedValue, ...] = Field(description="Said, but without a place in a request.")
    raw: tuple[NamedValue, ...] = Field(description="The file's own texts.")
    sidecar: str | None = Field(description="Name of the text file that came with it.")
    notes: tuple[str, ...] = Field(default=(), description="What could not be read.")


class ExportWish(_Record):
    """What to export: pictures by id, or a picture with all it came from and all that came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: Annotated[tuple[_Id, ...], Field(max_length=MAX_EXPORT)] = ()
    branch_of: _Id | None = None
    clean: bool = Field(default=False, description="Without any metadata in the files.")
    format: Format | None = Field(default=None, description="Null: the stored bytes.")
    with_rights: bool = Field(default=False, description="Rights of each picture in the manifest.")

    @model_validator(mode="after")
    def _something(self) -> ExportWish:
        if bool(self.ids) == (self.branch_of is not None):
            raise ValueError("Send either ids or branch_of.")
        return self


ImportStatus = Literal["scanning", "running", "done", "cancelled", "interrupted", "failed"]


class ImportProblem(_Record):
    """A file or folder that was not imported, and why."""

    path: str
    reason: str


class ImportProgress(_Record):
    """How an import stands."""

    id: str
    folder: str
    status: ImportStatus
    found: int = Field(default=0, description="Picture files in the folder, as far as it is known.")
    done: int = 0
    added: int = 0
    restored: int = Field(default=0, description="Were in the trash, and are out of it again.")
    duplicates: int = Field(default=0, description="Were in the collection already.")
    failed: int = Field(default=0, description="Could not be imported.")
    problems: tuple[ImportProblem, ...] = Field(default=(), description="The first thousand.")
    started_at: datetime
    finished_at: datetime | None = None
    per_second: float | None = Field(default=None, description="Pictures per second of this run.")
    eta_seconds: float | None = None
