"""What a card brought that has no place here: files named by their bytes, for the next export.

A character's row names the files. Rows of earlier versions hold what the card said themselves.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from sqlalchemy import select

from pipelines.errors import NotFound, StorageFailure
from studio.characters import card_json
from studio.collection.character_models import CharacterRow
from studio.collection.store import ImageStore
from studio.database import Database

SETTLING = threading.RLock()
"""Held from the moment that files are kept until a row names them, and while unneeded ones are deleted."""


@dataclass(frozen=True, slots=True)
class CardRemainder:
    """What a card brought: its words, which of them the script context was made of, its files by URI."""

    rest: dict[str, Any] = field(default_factory=dict[str, Any])
    merged: tuple[str, ...] = ()
    assets: Mapping[str, Callable[[], bytes]] = field(default_factory=dict[str, Callable[[], bytes]])


def keep(
    store: ImageStore,
    rest: dict[str, Any],
    merged: Iterable[str],
    assets: Mapping[str, Callable[[], bytes]],
) -> dict[str, Any]:
    """Keep it durably; returns what goes into the character's row. `rest` must be clean.

    Under `SETTLING`; to be settled once a row names it.
    """
    contents = chain([card_json.dump(rest)], (content() for content in assets.values()))  # one at a time
    said, *files = store.keep_card_parts(contents)
    return {"rest": said, "merged": list(merged), "assets": dict(zip(assets, files, strict=True))}


def kept(store: ImageStore, said: dict[str, Any] | None) -> CardRemainder:
    """What the row names. Raises NotFound where its words are lost; lost assets are left out."""
    if said is None:
        return CardRemainder()
    if "description" in said:
        return CardRemainder(card_json.clean(said)[0])
    names: dict[str, str] = said.get("assets", {})
    here = {uri: name for uri, name in names.items() if store.has_card_part(name)}
    return CardRemainder(
        json.loads(_read(store, said["rest"])),
        tuple(said.get("merged", ())),
        {uri: partial(_read, store, name) for uri, name in here.items()},
    )


def unsettle(store: ImageStore, said: dict[str, Any]) -> None:
    """The row that names these files is about to be deleted. Under `SETTLING`; to be settled then."""
    store.unsettle_card_parts(_names(said))


def settle(store: ImageStore, database: Database) -> None:
    """Delete the files that a card brought, or a deleted character had, and that no row needs.

    After each import and deletion, and at a start, since a crash may have come between files and row. Where
    the disk refuses, a later one does it.
    """
    with SETTLING, contextlib.suppress(StorageFailure):
        names = store.unsettled_card_parts()
        if not names:
            return
        with database.reading() as session:
            others = session.scalars(select(CharacterRow.card).where(CharacterRow.card.is_not(None)))
            needed = {name for card in others for name in _names(card)}
        for name in names - needed:
            store.drop_card_part(name)
        store.settle_card_parts()


def _names(said: dict[str, Any] | None) -> set[str]:
    if said is None or "description" in said:
        return set()
    return {str(said["rest"]), *map(str, said.get("assets", {}).values())}


def _read(store: ImageStore, name: str) -> bytes:
    if store.has_card_part(name):
        return store.card_part(name).read_bytes()
    raise NotFound(
        f"{store.card_part(name)} is missing or damaged: it holds what the character's card said. Bring it "
        "back from a copy of the data folder."
    )
