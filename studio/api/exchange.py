"""What a file says, clean copies, exports and imports of folders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from studio.exchange.exchange import Exchange
from studio.exchange.exporting import file_name
from studio.exchange.records import ExportWish, ImageMetadata, ImportProgress
from studio.file_names import attachment

_ALONE = "sandbox; default-src 'none'"


class ImportWish(BaseModel):
    """Which folder to import."""

    model_config = ConfigDict(extra="forbid")

    folder: str = Field(min_length=1, max_length=4096, description="Its whole path on the studio's machine.")


def add_exchange(router: APIRouter, exchange: Exchange) -> None:
    """Add the calls of exchange."""
    _add_files(router, exchange)
    _add_imports(router, exchange)


def _add_files(router: APIRouter, exchange: Exchange) -> None:
    @router.get("/images/{image_id}/metadata")
    def metadata(image_id: str) -> ImageMetadata:
        """What the file says of how it was made, whatever tool made it, and what of it can be used here."""
        return exchange.metadata(image_id)

    @router.get("/images/{image_id}/clean", response_class=Response)
    def clean(image_id: str) -> Response:
        """A copy without any metadata, to be saved."""
        data, mime, record = exchange.clean(image_id)
        return Response(
            data,
            media_type=mime,
            headers={
                "Content-Disposition": attachment(file_name(record, mime)),
                "Content-Security-Policy": _ALONE,
            },
        )

    @router.post("/export", response_class=StreamingResponse)
    def export(wish: ExportWish) -> StreamingResponse:
        """A zip of pictures with a manifest.json, sent while it is made."""
        name = f"likeness-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
        return StreamingResponse(
            exchange.export(wish),
            media_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


def _add_imports(router: APIRouter, exchange: Exchange) -> None:
    @router.post("/imports", status_code=202)
    def start_import(wish: ImportWish, response: Response) -> ImportProgress:
        """Import a folder with all below it; one that was interrupted goes on. Nothing in it is changed."""
        progress = exchange.imports.start(Path(wish.folder))
        response.headers["Location"] = f"/api/v1/imports/{progress.id}"
        return progress

    @router.get("/imports")
    def imports() -> tuple[ImportProgress, ...]:
        """All imports, newest first."""
        return exchange.imports.list()

    @router.get("/imports/{import_id}")
    def one_import(import_id: str) -> ImportProgress:
        """How it stands."""
        return exchange.imports.get(import_id)

    @router.post("/imports/{import_id}/cancel", status_code=202)
    def cancel_import(import_id: str) -> ImportProgress:
        """End it soon; what was imported stays, and it can go on later."""
        return exchange.imports.cancel(import_id)

    @router.post("/imports/{import_id}/resume", status_code=202)
    def resume_import(import_id: str) -> ImportProgress:
        """Go on where it stopped."""
        return exchange.imports.resume(import_id)
