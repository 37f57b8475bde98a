"""`/characters`: the cast, blueprints, versions, avatars, reference sets, sheets, import and export."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from pipelines.errors import PictureRefused, RequestError
from pipelines.request import MAX_REFERENCES, GenerationRequest
from studio.api.character_sheets import add_sheets
from studio.characters.characters import Characters
from studio.characters.records import (
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    Avatar,
    Blueprint,
    BlueprintDraft,
    BlueprintWords,
    Character,
    CharacterSummary,
    Crop,
    CropGuess,
    Design,
    Imported,
    PortraitDefaults,
    PortraitVersion,
    ReferenceSet,
    Versions,
)
from studio.file_names import attachment
from studio.records import JobRecord

_ALONE = "sandbox; default-src 'none'"
_Id = Annotated[str, Field(min_length=1, max_length=64)]
_FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewCharacter(_Body):
    """A character to be made."""

    name: str = Field(max_length=MAX_NAME_CHARS)
    description: str = Field(default="", max_length=MAX_TEXT_CHARS)


class CharacterPatch(_Body):
    """What can be changed; fields left out stay as they are."""

    name: str | None = Field(default=None, max_length=MAX_NAME_CHARS)
    description: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    archived: bool | None = None


class Order(_Body):
    """Ids in their new order."""

    ids: Annotated[tuple[_Id, ...], Field(max_length=10_000)]


class Joining(_Body):
    """A picture that joins the reference set."""

    image_id: _Id
    anchor: bool = False


class FromPicture(_Body):
    """A version from a picture of the collection, or from all pictures of an ended job."""

    image_id: _Id | None = None
    job_id: _Id | None = None


class PortraitOrder(GenerationRequest, frozen=True):
    """A portrait to be made: a request whose prompt is the image prompt."""

    styled: bool = Field(default=True, description="Join the active design's style prompt to the prompt.")
    tab: str | None = Field(default=None, max_length=128)

    def request(self) -> GenerationRequest:
        """The request alone, with only what was sent set in it."""
        return GenerationRequest.model_validate(
            self.model_dump(exclude_unset=True, exclude={"styled", "tab"})
        )


def add_characters(router: APIRouter, characters: Characters) -> None:
    """Add the calls about characters."""
    _add_cast(router, characters)
    _add_character(router, characters)
    _add_blueprint(router, characters)
    _add_versions(router, characters)
    _add_version(router, characters)
    _add_making(router, characters)
    _add_avatar(router, characters)
    _add_references(router, characters)
    add_sheets(router, characters)
    _add_transfer(router, characters)


def _add_cast(router: APIRouter, characters: Characters) -> None:
    @router.get("/characters")
    def cast(
        q: Annotated[str, Query(max_length=1000)] = "", archived: bool = False
    ) -> tuple[CharacterSummary, ...]:
        """The whole cast in its order; every word of `q` must be in name or description."""
        return characters.list(query=q, archived=archived)

    @router.post("/characters", status_code=201)
    def create(new: NewCharacter, response: Response) -> Character:
        """A new character at the end of the list."""
        made = characters.create(new.name, description=new.description)
        response.headers["Location"] = f"/api/v1/characters/{made.id}"
        return made

    @router.post("/characters/order", status_code=204)
    def order(wanted: Order) -> None:
        """Put these characters into this order, in the places they have between them."""
        characters.reorder(wanted.ids)


def _add_character(router: APIRouter, characters: Characters) -> None:
    @router.get("/characters/{character_id}")
    def one(character_id: str) -> Character:
        """A character with description and blueprint."""
        return characters.get(character_id)

    @router.patch("/characters/{character_id}")
    def change(character_id: str, patch: CharacterPatch) -> Character:
        """Rename, describe, archive or bring back."""
        return characters.change(
            character_id, name=patch.name, description=patch.description, archived=patch.archived
        )

    @router.delete("/characters/{character_id}", status_code=204)
    def delete(character_id: str) -> None:
        """Remove the character for good; its pictures stay in the collection."""
        characters.delete(character_id)

    @router.post("/characters/{character_id}/duplicate", status_code=201)
    def duplicate(character_id: str) -> Character:
        """A second one with the same blueprint, versions, references and avatar."""
        return characters.duplicate(character_id)


def _add_blueprint(router: APIRouter, characters: Characters) -> None:
    @router.get("/characters/{character_id}/blueprint")
    def blueprint(character_id: str) -> Blueprint:
        """What is said of the character; `revision` goes back with a save."""
        return characters.blueprint(character_id)

    @router.put("/characters/{character_id}/blueprint")
    def save_blueprint(character_id: str, draft: BlueprintDraft, overwrite: bool = False) -> Blueprint:
        """Save it; 409 where somebody saved meanwhile, with what `overwrite=true` would overwrite."""
        return characters.save_blueprint(character_id, draft, overwrite=overwrite)

    @router.get("/characters/{character_id}/words")
    def words(character_id: str) -> BlueprintWords:
        """For prompts: picker entries, identity line, keep clauses, the description made anew."""
        return characters.words(character_id)


def _add_versions(router: APIRouter, characters: Characters) -> None:
    @router.get("/characters/{character_id}/versions")
    def versions(character_id: str, trashed: bool = False) -> Versions:
        """All versions, newest first."""
        return characters.versions.list(character_id, trashed=trashed)

    @router.post("/characters/{character_id}/versions", status_code=201)
    def add_version(character_id: str, chosen: FromPicture) -> tuple[PortraitVersion, ...]:
        """A picture (`image_id`), or all pictures of an ended job (`job_id`), as newest version."""
        if chosen.job_id is not None:
            return characters.versions.add_job(character_id, chosen.job_id)
        if chosen.image_id is None:
            raise RequestError("Say which picture, or which job's pictures.", field="image_id")
        return (characters.versions.add_picture(character_id, chosen.image_id),)

    @router.post("/characters/{character_id}/versions/upload", status_code=201, openapi_extra=_FILE_BODY)
    async def upload_version(character_id: str, request: Request) -> PortraitVersion:
        """A file as newest version."""
        async with request.form(max_files=1, max_fields=8) as form:
            file = _file(form.get("file"))
            add = characters.versions.add_upload
            return await run_in_threadpool(add, character_id, file.file, file.filename or "picture")


def _add_version(router: APIRouter, characters: Characters) -> None:
    place = "/characters/{character_id}/versions/{version_id}"

    @router.get(place)
    def version(character_id: str, version_id: str) -> PortraitVersion:
        """One version."""
        return characters.versions.get(character_id, version_id)

    @router.post(f"{place}/use")
    def use(character_id: str, version_id: str) -> PortraitVersion:
        """“Use this version”; accepts a proposed one."""
        return characters.versions.use(character_id, version_id)

    @router.post(f"{place}/leave")
    def leave(character_id: str, version_id: str) -> PortraitVersion:
        """Leave a proposed version."""
        return characters.versions.leave(character_id, version_id)

    @router.delete(place)
    def trash(character_id: str, version_id: str) -> PortraitVersion:
        """Into the trash, with its picture where nothing else has it."""
        return characters.versions.trash(character_id, version_id)

    @router.post(f"{place}/restore")
    def restore(character_id: str, version_id: str) -> PortraitVersion:
        """Out of the trash."""
        return characters.versions.restore(character_id, version_id)

    @router.post(f"{place}/design-default")
    def save_as_default(character_id: str, version_id: str, activate: bool = True) -> Design:
        """Seed, negative prompt, model, guidance and steps become the active design's.

        Without an active one a design is made; `activate`: it becomes the active one.
        """
        return characters.versions.save_as_default(character_id, version_id, activate=activate)


def _add_making(router: APIRouter, characters: Characters) -> None:
    @router.get("/characters/{character_id}/portrait")
    def defaults(character_id: str) -> PortraitDefaults:
        """What a portrait starts with: description, active design, reference set."""
        return characters.versions.defaults(character_id)

    @router.post("/characters/{character_id}/portrait", status_code=202)
    def generate(character_id: str, wanted: PortraitOrder, response: Response) -> JobRecord:
        """Queue a portrait; its pictures become versions. Fields left out are the active design's."""
        versions = characters.versions
        job = versions.generate(character_id, wanted.request(), tab=wanted.tab, styled=wanted.styled)
        response.headers["Location"] = f"/api/v1/jobs/{job.id}"
        return job


def _add_avatar(router: APIRouter, characters: Characters) -> None:
    avatars = characters.avatars

    @router.get("/characters/{character_id}/versions/{version_id}/crop-guess")
    def guess(character_id: str, version_id: str, aspect: Literal["free", "1:1", "3:4"] = "1:1") -> CropGuess:
        """Where the crop tool starts: around the face where one is found."""
        return avatars.guess(character_id, version_id, aspect)

    @router.put("/characters/{character_id}/versions/{version_id}/crop")
    def set_crop(character_id: str, version_id: str, crop: Crop) -> Avatar:
        """This part of this version is the avatar; the picture stays as it is."""
        return avatars.set(character_id, version_id, crop)

    @router.delete("/characters/{character_id}/avatar", status_code=204)
    def clear(character_id: str) -> None:
        """No crop any more."""
        avatars.clear(character_id)

    @router.get("/characters/{character_id}/avatar", response_class=Response)
    def avatar(
        request: Request,
        character_id: str,
        side: Annotated[int, Query(ge=16, le=2048)] = 256,
        kind: Literal["png", "webp", "jpeg"] = "png",
        download: bool = False,
    ) -> Response:
        """The avatar, `side` px at its longest; made on demand."""
        image_id, crop = avatars.source(character_id)
        tag = f'"{hashlib.sha256(f"{image_id} {crop} {side} {kind}".encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": _ALONE}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        data, mime = avatars.export(character_id, side, kind)
        if download:
            name = characters.transfer.file_name(character_id, kind)
            headers["Content-Disposition"] = attachment(name)
        return Response(data, media_type=mime, headers=headers)


def _add_references(router: APIRouter, characters: Characters) -> None:
    references = characters.references

    @router.get("/characters/{character_id}/references")
    def reference_set(character_id: str, measure: bool = True) -> ReferenceSet:
        """The set; `measure`: how far each is from the anchor, and a warning where the set disagrees."""
        return references.get(character_id, measure=measure)

    @router.post("/characters/{character_id}/references", status_code=201)
    def join(character_id: str, joining: Joining) -> ReferenceSet:
        """A picture joins at the end."""
        return references.add(character_id, joining.image_id, anchor=joining.anchor)

    @router.put("/characters/{character_id}/references")
    def reorder(
        character_id: str, images: Annotated[tuple[_Id, ...], Field(max_length=MAX_REFERENCES)]
    ) -> ReferenceSet:
        """All pictures of the set in a new order."""
        return references.reorder(character_id, images)

    @router.put("/characters/{character_id}/references/{image_id}/anchor")
    def set_anchor(character_id: str, image_id: str) -> ReferenceSet:
        """This one is the anchor."""
        return references.set_anchor(character_id, image_id)

    @router.delete("/characters/{character_id}/references/{image_id}")
    def remove(character_id: str, image_id: str) -> ReferenceSet:
        """Take a picture out of the set; it stays in the collection."""
        return references.remove(character_id, image_id)


def _add_transfer(router: APIRouter, characters: Characters) -> None:
    transfer = characters.transfer

    @router.post("/characters/import", status_code=201, openapi_extra=_FILE_BODY)
    async def import_character(request: Request) -> Imported:
        """Take a character in: a zip of this studio, or a character card (PNG, JSON or CHARX)."""
        async with request.form(max_files=1, max_fields=8) as form:
            file = _file(form.get("file"))
            return await run_in_threadpool(transfer.import_file, file.file, file.filename or "character.png")

    @router.get("/characters/{character_id}/export", response_class=StreamingResponse)
    def export(character_id: str) -> StreamingResponse:
        """The character as a zip: pictures and character.json."""
        name = transfer.file_name(character_id, "zip")
        return StreamingResponse(
            transfer.zipped(character_id), media_type="application/zip", headers=_saved_as(name)
        )

    @router.get("/characters/{character_id}/card", response_class=Response)
    def card(character_id: str, kind: Literal["png", "charx"] = "png") -> Response:
        """A character card: the portrait as PNG, V3 and V2 in it, or a CHARX file (V3)."""
        if kind == "charx":
            name = transfer.file_name(character_id, kind)
            parts = transfer.charx(character_id)
            return StreamingResponse(parts, media_type="application/zip", headers=_saved_as(name))
        data = transfer.card(character_id)
        name = transfer.file_name(character_id, "png")
        return Response(data, media_type="image/png", headers=_saved_as(name))


def _saved_as(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": attachment(name),
        "Cache-Control": "no-store",
        "Content-Security-Policy": _ALONE,
    }


def _file(sent: object) -> UploadFile:
    if not isinstance(sent, UploadFile):
        raise PictureRefused("Send the file as the multipart field “file”.", field="file")
    return sent
