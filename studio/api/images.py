"""`/images`: taking pictures in, one picture's record and bytes, its star, name, tags, rights, trash."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from pipelines.errors import PictureRefused, RequestError
from studio.exchange.exporting import file_name
from studio.records import Category, ImageRecord, Rights
from studio.service import StudioService

_FOREVER = "private, max-age=31536000, immutable"
_ALONE = "sandbox; default-src 'none'"
"""Content-Security-Policy of a picture opened as a page of its own."""
_UPLOADS_AT_ONCE = 4
"""Others wait in line and not in the threads that answer everything else."""
_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "category": {
                            "type": "string",
                            "enum": ["upload", "control"],
                            "default": "upload",
                            "description": "control: only a means, a mask for instance; not listed.",
                        },
                    },
                }
            }
        },
    }
}


class ImagePatch(BaseModel):
    """What of a record can be changed; fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    starred: bool | None = None
    name: str | None = Field(default=None, max_length=200)
    tags: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] | None = Field(
        default=None, max_length=64
    )
    category: Category | None = None
    rights: Rights | None = Field(default=None, description="Without any words: not stated.")
    anchor: bool | None = Field(default=None, description="Measure later pictures of the line against it.")


def add_images(router: APIRouter, service: StudioService) -> None:
    """Add the calls about pictures."""
    _add_record(router, service)
    _add_upload(router, service)
    _add_files(router, service)
    _add_changes(router, service)


def _add_record(router: APIRouter, service: StudioService) -> None:
    @router.get("/images/{image_id}")
    def image(image_id: str) -> ImageRecord:
        """The record with request, parents and children."""
        return service.image(image_id)


def _add_upload(router: APIRouter, service: StudioService) -> None:
    uploads = CapacityLimiter(_UPLOADS_AT_ONCE)

    @router.post(
        "/images",
        status_code=201,
        openapi_extra=_UPLOAD_BODY,
        responses={200: {"model": ImageRecord, "description": "The same file is here already."}},
    )
    async def add_image(request: Request, response: Response) -> ImageRecord:
        """Take a picture in as an upload; the same bytes again give the record that exists."""
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise PictureRefused(_no_file(file), field="file")
            named, kind = _name(file.filename or "picture"), _category(form.get("category"))
            record, created = await to_thread.run_sync(
                service.add_upload, file.file, named, kind, limiter=uploads
            )
        response.status_code = 201 if created else 200
        response.headers["Location"] = f"/api/v1/images/{record.id}"
        return record


def _no_file(sent: str | None) -> str:
    if sent is not None and sent.strip().lower().startswith(("http://", "https://")):
        return (
            "This is a web address, not a picture, and the studio fetches no pictures from elsewhere. "
            "Save the picture and load the saved file."
        )
    return "Send the picture as the multipart field “file”."


def _category(sent: object) -> Category:
    """What the form says it is. Raises RequestError."""
    if sent in (None, "", Category.UPLOAD.value):
        return Category.UPLOAD
    if sent == Category.CONTROL.value:
        return Category.CONTROL
    raise RequestError("A picture comes in as “upload” or as “control”.", field="category")


def _name(sent: str) -> str:
    """The file's own name: in a form, browsers write these characters, and no others, as codes."""
    return sent.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _add_files(router: APIRouter, service: StudioService) -> None:
    @router.get("/images/{image_id}/file", response_class=FileResponse)
    def image_file(image_id: str, download: bool = False) -> FileResponse:
        """The stored bytes, unchanged. `download=1` makes a browser save rather than show them."""
        path, record = service.image_file(image_id)
        return FileResponse(
            path,
            media_type=record.mime,
            filename=file_name(record, record.mime),
            content_disposition_type="attachment" if download else "inline",
            headers={"Cache-Control": _FOREVER, "Content-Security-Policy": _ALONE},
        )

    @router.get("/images/{image_id}/thumbnail", response_class=FileResponse)
    def thumbnail(image_id: str, side: Literal["192", "384"] = "384") -> FileResponse:
        """A WebP whose longest side is 384 px, or 192 px for grids."""
        path = service.thumbnail(image_id, int(side))
        headers = {"Cache-Control": _FOREVER, "Content-Security-Policy": _ALONE}
        return FileResponse(path, media_type="image/webp", headers=headers)


def _add_changes(router: APIRouter, service: StudioService) -> None:
    @router.patch("/images/{image_id}")
    def change_image(image_id: str, patch: ImagePatch) -> ImageRecord:
        """Star, rename, tag, change category, state rights, choose as anchor."""
        return service.update_image(
            image_id,
            starred=patch.starred,
            name=patch.name,
            tags=patch.tags,
            category=patch.category,
            rights=patch.rights,
            anchor=patch.anchor,
        )

    @router.delete("/images/{image_id}")
    def trash_image(image_id: str) -> ImageRecord:
        """Put into the trash; the file stays and `restore` brings it back."""
        return service.trash(image_id)

    @router.post("/images/{image_id}/restore")
    def restore_image(image_id: str) -> ImageRecord:
        """Take out of the trash."""
        return service.restore(image_id)
