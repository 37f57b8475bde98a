"""Reference sets: up to ten approved pictures that hold a character's identity, in order, one the anchor."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.request import Reference
from studio.characters.records import ReferenceSet


class References:
    """The reference sets of all characters."""

    def get(self, character_id: str, *, measure: bool = True) -> ReferenceSet:
        """The set. `measure`: drifts from the anchor, measured once each, and the warning they give."""
        raise NotImplementedError

    def add(self, character_id: str, image_id: str, *, anchor: bool = False) -> ReferenceSet:
        """Any picture joins at the end; the first one is the anchor. Raises Conflict when ten are in it."""
        raise NotImplementedError

    def remove(self, character_id: str, image_id: str) -> ReferenceSet:
        """Take one out; where it was the anchor, the first one left is."""
        raise NotImplementedError

    def reorder(self, character_id: str, image_ids: Sequence[str]) -> ReferenceSet:
        """All pictures of the set in a new order. Raises RequestError for another list of pictures."""
        raise NotImplementedError

    def set_anchor(self, character_id: str, image_id: str) -> ReferenceSet:
        """This one is the anchor."""
        raise NotImplementedError

    def as_request(self, character_id: str, most: int | None = None) -> tuple[Reference, ...]:
        """The set as references of a request with the role `character`, the anchor first, `most` of them."""
        raise NotImplementedError
