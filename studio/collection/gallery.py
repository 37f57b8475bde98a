"""The collection as a whole: listings and their ids, counts, and one change of many pictures.

Each method is one transaction around `listings`, or several of `bulk`. Thread-safe; may raise StorageFailure.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.errors import RequestError
from studio.collection import bulk, listings, marks
from studio.collection.bulk import Action
from studio.collection.queries import Filter
from studio.database import Database
from studio.records import BulkResult, Facets, ImageIds, ImagePage, ImageStops, Sort


class Gallery:
    """All pictures of one data folder, seen from above."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: Filter, cursor: str | None, limit: int, sort: Sort = Sort.NEWEST) -> ImagePage:
        """One page of a listing. Raises RequestError for a bad cursor."""
        with self._database.reading() as session:
            return listings.page(session, wanted, cursor, limit, sort)

    def ids(self, wanted: Filter, sort: Sort = Sort.NEWEST) -> ImageIds:
        """The ids of a whole listing, up to 100,000."""
        with self._database.reading() as session:
            return listings.ids(session, wanted, sort)

    def stops(self, wanted: Filter, sort: Sort = Sort.NEWEST, every: int = 200) -> ImageStops:
        """Cursors of a listing for every so many pictures."""
        with self._database.reading() as session:
            return listings.stops(session, wanted, sort, every)

    def facets(self) -> Facets:
        """Counts per category, model, mode and tag, and of the trash."""
        with self._database.reading() as session:
            return listings.facets(session)

    def bulk(self, image_ids: Sequence[str], action: Action, tag: str | None = None) -> BulkResult:
        """Change many pictures. Raises RequestError for an action that needs a tag and has none."""
        line = marks.clean(tag or "", marks.MAX_TAG_CHARS, "tag")
        if action in (Action.TAG, Action.UNTAG) and not line:
            raise RequestError("Say which tag.", field="tag")
        return bulk.change(self._database, image_ids, action, line)
