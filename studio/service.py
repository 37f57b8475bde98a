"""The few verbs of the product. REST and the page call these and nothing below them.

All methods are thread-safe and quick (they never wait for the worker). They raise errors of
`pipelines.errors` whose words are meant for the artist.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.request import GenerationRequest, Mode
from studio.records import Category, ImagePage, ImageRecord, JobRecord, JobStatus, ModelInfo, QueueSnapshot


class StudioService(Protocol):
    """Written out as a class by the collection's and queue's owner; the signatures are the contract."""

    # --- models -----------------------------------------------------------------------------
    def models(self) -> tuple[ModelInfo, ...]:
        """All models of the catalogue, with availability and measured cost."""
        ...

    # --- pictures ---------------------------------------------------------------------------
    def add_upload(self, source: BinaryIO | Path, filename: str) -> tuple[ImageRecord, bool]:
        """Take a picture in as an upload. Returns (record, created); the same bytes again: the record there is.

        Raises PictureRefused, StorageFailure.
        """
        ...

    def image(self, image_id: str) -> ImageRecord:
        """The record with request, parents and children. Raises NotFound."""
        ...

    def images(
        self,
        *,
        category: Category | None = None,
        query: str | None = None,
        model: str | None = None,
        character: str | None = None,
        starred: bool | None = None,
        trashed: bool = False,
        cursor: str | None = None,
        limit: int = 60,
    ) -> ImagePage:
        """Newest first, keyset paging. Raises RequestError for a bad cursor."""
        ...

    def image_file(self, image_id: str) -> tuple[Path, ImageRecord]:
        """The stored file, unchanged bytes. Raises NotFound."""
        ...

    def thumbnail(self, image_id: str) -> Path:
        """A WebP thumbnail (longest side 384 px), made on first demand. Raises NotFound."""
        ...

    def update_image(
        self,
        image_id: str,
        *,
        starred: bool | None = None,
        name: str | None = None,
        tags: tuple[str, ...] | None = None,
        category: Category | None = None,
    ) -> ImageRecord:
        """Star, rename, tag, change category. Raises NotFound."""
        ...

    def trash(self, image_id: str) -> ImageRecord:
        """Put into the trash; the file stays. Raises NotFound."""
        ...

    def restore(self, image_id: str) -> ImageRecord:
        """Take out of the trash. Raises NotFound."""
        ...

    # --- jobs -------------------------------------------------------------------------------
    def submit(self, request: GenerationRequest, *, tab: str | None = None) -> JobRecord:
        """Complete the request (model, seed, size), freeze it and queue it. Raises RequestError, NotFound."""
        ...

    def job(self, job_id: str) -> JobRecord:
        """Raises NotFound."""
        ...

    def jobs(self, *, status: JobStatus | None = None, limit: int = 100) -> tuple[JobRecord, ...]:
        """Newest first."""
        ...

    def cancel(self, job_id: str) -> JobRecord:
        """Ask a queued or running job to end as cancelled. Ended jobs are returned as they are."""
        ...

    def preview(self, job_id: str) -> tuple[bytes, str] | None:
        """Latest preview of a running job: (bytes, mime); None where there is none."""
        ...

    def control_image(self, job_id: str) -> bytes | None:
        """PNG of the control image made for the job; None where there is none."""
        ...

    def snapshot(self) -> QueueSnapshot:
        """The queue now."""
        ...

    def watch(self, after: int, timeout: float) -> QueueSnapshot:
        """Block (in a thread) until the version is beyond `after` or `timeout` seconds have passed."""
        ...

    # --- helpers for the page ---------------------------------------------------------------
    def used_references(self, image_id: str) -> tuple[ImageRecord, ...]:
        """The parents of a picture that are in the collection (also trashed), in order."""
        ...

    def preview_request(self, request: GenerationRequest) -> tuple[GenerationRequest, tuple[str, ...]]:
        """What `submit` would make of it, with the notices (cut words, rounded size). Raises like submit."""
        ...

    def mode_availability(self, model_id: str, references: int) -> dict[Mode, str | None]:
        """Per mode None where it can be used, else the reason why not, in words."""
        ...

    def events(self) -> Iterator[QueueSnapshot]:
        """Endless: one snapshot per change, for server-sent events."""
        ...
