"""`/images` as a whole: listings, ids, places to jump to, counts, changes of many; emptying the trash.

A virtual grid asks `/images/stops` once, which tells how many pictures there are and a cursor for every
so many of them, and then for the page at any cursor it scrolls to. `/images/ids` is for selecting all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipelines.request import Mode
from studio.collection.bulk import Action
from studio.collection.listings import MAX_IDS
from studio.collection.queries import Filter
from studio.records import BulkResult, Category, Emptied, Facets, ImageIds, ImagePage, ImageStops, Sort
from studio.service import StudioService


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


_OR_BLANK = BeforeValidator(_blank_is_none)
_Words = Annotated[Annotated[str, Field(max_length=1000)] | None, _OR_BLANK]
_Moment = Annotated[datetime | None, _OR_BLANK]


class ImageQuery(BaseModel):
    """Which pictures, in which order; what is left out or empty is not asked for."""

    category: Annotated[Category | None, _OR_BLANK] = None
    q: _Words = Field(
        default=None,
        description="Every word must begin one of the picture's words; in scripts without spaces it may be "
        "any part of one.",
    )
    model: _Words = None
    mode: Annotated[Mode | None, _OR_BLANK] = None
    tag: _Words = None
    starred: Annotated[bool | None, _OR_BLANK] = None
    has_references: Annotated[bool | None, _OR_BLANK] = None
    trashed: Annotated[bool | None, _OR_BLANK] = None
    character: _Words = None
    after: _Moment = Field(
        default=None, description="Made at this moment or later; UTC where no zone is given."
    )
    before: _Moment = Field(default=None, description="Made before this moment.")
    sort: Annotated[Sort | None, _OR_BLANK] = None

    def filter(self) -> Filter:
        """As the collection knows it."""
        return Filter(
            category=self.category,
            query=self.q,
            model=self.model,
            mode=self.mode,
            tag=self.tag,
            starred=self.starred,
            has_references=self.has_references,
            trashed=bool(self.trashed),
            after=_in_a_zone(self.after),
            before=_in_a_zone(self.before),
            character=self.character,
        )


class PageQuery(ImageQuery):
    """Query of one page of the listing."""

    cursor: _Words = None
    limit: int = Field(default=60, ge=1, le=200)


class StopsQuery(ImageQuery):
    """Query of the places that a grid can jump to."""

    every: int = Field(default=200, ge=1, le=200)


class BulkChange(BaseModel):
    """One change of many pictures."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=MAX_IDS)]
    action: Action
    tag: str | None = Field(default=None, max_length=64, description="For `tag` and `untag`.")


class Emptying(BaseModel):
    """How many pictures the artist was told would be deleted."""

    model_config = ConfigDict(extra="forbid")

    expected_count: int = Field(ge=0)


def add_gallery(router: APIRouter, service: StudioService) -> None:
    """Add the calls about all pictures."""
    _add_listings(router, service)
    _add_changes(router, service)


def _add_listings(router: APIRouter, service: StudioService) -> None:
    def asked(query: ImageQuery) -> tuple[Filter, Sort]:
        service.check_character(query.character)
        return query.filter(), query.sort or Sort.NEWEST

    @router.get("/images")
    def images(query: Annotated[PageQuery, Query()]) -> ImagePage:
        """Newest first unless sorted otherwise. `next` is the `cursor` of the following page, or null."""
        wanted, sort = asked(query)
        return service.gallery.page(wanted, query.cursor, query.limit, sort)

    @router.get("/images/ids")
    def ids(query: Annotated[ImageQuery, Query()]) -> ImageIds:
        """The ids of the whole listing in its order, up to 100,000."""
        return service.gallery.ids(*asked(query))

    @router.get("/images/stops")
    def stops(query: Annotated[StopsQuery, Query()]) -> ImageStops:
        """How many there are, and a cursor for every so many: page n is `/images?cursor=…&limit={every}`."""
        return service.gallery.stops(*asked(query), query.every)

    @router.get("/images/facets")
    def facets() -> Facets:
        """How many pictures there are per category, model, mode and tag, and in the trash."""
        return service.gallery.facets()


def _add_changes(router: APIRouter, service: StudioService) -> None:
    @router.post("/images/bulk")
    def bulk(change: BulkChange) -> BulkResult:
        """Star, tag, trash or restore many pictures: all of them, or none where something is wrong."""
        return service.gallery.bulk(change.ids, change.action, change.tag)

    @router.post("/trash/empty")
    def empty(emptying: Emptying) -> Emptied:
        """Delete what is in the trash; 409 where that is not `expected_count` pictures.

        A file that another picture was made from stays for that one, out of every list.
        """
        return service.bin.empty(emptying.expected_count)


def _in_a_zone(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
