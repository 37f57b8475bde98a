"""The files that character cards travel in: PNG, JSON and CHARX, as version 3 of the format defines them.

    PNG     tEXt `ccv3` (version 3) and `chara` (2 or 1): base64 of JSON; more files in
            `chara-ext-asset_:PATH`, which the card calls `__asset:PATH`
    JSON    the card alone
    CHARX   a zip with `card.json`; its other files are `embeded://PATH` (the format spells it so)

What a card brings beside its words are its assets, by the URI it calls them. Knows no rows, and nothing of
what a card says but its assets.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipelines.errors import PictureRefused
from studio.characters import card_json
from studio.collection.metadata.texts import read_texts
from studio.exchange.exporting import ExportTarget
from studio.json_values import is_object, objects
from studio.zips import SentZip

PNG_SCHEME, CHARX_SCHEME = "__asset:", "embeded://"
CHARX_CARD = "card.json"
MAX_ASSETS = 2000
MAX_ASSET_BYTES = 64 * 2**20
_PNG = b"\x89PNG\r\n\x1a\n"
_ASSET_KEY = b"chara-ext-asset_"
_NO_CARD = "This PNG is no character card. Load it as a picture instead, or export the card again."
_STRANGE = "This is no character card: those are PNG, JSON or CHARX files. Export the character again."
_DAMAGED_CHARX = "This CHARX file is damaged. Export the character again and load that."


Assets = Mapping[str, Callable[[], bytes]]
"""What reads each, by its URI."""


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card as it was sent."""

    said: dict[str, Any]
    """The card's `data`, clean."""
    assets: Assets
    picture: bytes | None
    """The portrait's file."""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """In the chunks of a PNG."""

    cards: dict[str, bytes] = field(default_factory=dict[str, bytes])
    assets: dict[str, Callable[[], bytes]] = field(default_factory=dict[str, Callable[[], bytes]])
    notes: list[str] = field(default_factory=list[str])


_BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
"""Byte order marks, the zeros of UTF-16, and spaces."""


def read(data: bytes) -> CardFile:
    """A card in any of its files but CHARX. Raises PictureRefused."""
    if data.startswith(_PNG):
        return _from_png(data)
    if not data.lstrip(_BEFORE_JSON).startswith(b"{"):
        raise PictureRefused(_STRANGE, field="file")
    said, notes = card_json.parse(data, "The card")
    return _card(said, {}, None, notes)


def read_charx(sent: SentZip) -> CardFile:
    """A card in a CHARX file. Raises PictureRefused."""
    said, notes = card_json.parse(sent.read(CHARX_CARD, card_json.MAX_BYTES), "The card in the CHARX file")
    others = [name for name in sent.names() if name != CHARX_CARD and not name.endswith("/")]
    assets = {f"{CHARX_SCHEME}{name}": partial(sent.read, name, MAX_ASSET_BYTES) for name in others}
    return _card(said, assets, None, notes)


def chunks(texts: Mapping[str, bytes]) -> bytes:
    """tEXt chunks that hold these bytes as base64, by keyword."""
    return b"".join(_chunk(key.encode("latin-1") + b"\0" + base64.b64encode(b)) for key, b in texts.items())


def with_chunks(png: bytes, more: bytes) -> bytes:
    """A PNG with more chunks behind its header."""
    at = len(_PNG) + 12 + struct.unpack_from(">I", png, len(_PNG))[0]
    return png[:at] + more + png[at:]


def keyword(uri: str) -> str | None:
    """The PNG keyword of an asset, for those whose URI fits into one."""
    key = f"{_ASSET_KEY.decode()}:{uri.removeprefix(PNG_SCHEME)}"
    fits = uri.startswith(PNG_SCHEME) and len(key) <= 79 and key.isascii() and key.isprintable()
    return key if fits and len(uri) > len(PNG_SCHEME) else None


def _card(said: dict[str, Any], assets: Assets, picture: bytes | None, notes: tuple[str, ...]) -> CardFile:
    inner = said.get("data")
    data = inner if is_object(inner) else said
    if picture is None:
        if not _is_card(data):
            raise PictureRefused("This JSON is no character card: it names nobody.", field="file")
        picture = _icon(data, assets)
    return CardFile(data, assets, picture, (*notes, *_later(said)))


def _is_card(data: dict[str, Any]) -> bool:
    return isinstance(data.get("name"), str) and any(
        isinstance(data.get(key), str) for key in ("description", "personality", "scenario", "first_mes")
    )


def _later(said: dict[str, Any]) -> Iterator[str]:
    try:
        version = float(said.get("spec_version", 0))
    except (TypeError, ValueError, OverflowError):
        return
    if version > 3.0:
        yield f"The card was made for version {version:g} of the format; what is new in it is only kept."


def _icon(data: dict[str, Any], assets: Assets) -> bytes | None:
    """The main icon, or the first; one that would have to be fetched is none."""
    icons = [each for each in assets_of(data) if each.get("type") == "icon"]
    ordered = sorted(icons, key=lambda each: each.get("name") != "main")
    found = (assets.get(uri, partial(_inline, uri))() for each in ordered if (uri := each["uri"]))
    return next((picture for picture in found if picture), None)


def assets_of(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of `assets` that are such."""
    return [each for each in objects(data.get("assets")) if isinstance(each.get("uri"), str)]


def _inline(uri: str) -> bytes | None:
    head, comma, body = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return _unpacked(body.encode("ascii", "ignore"))


def _unpacked(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text + b"==", validate=False)  # some writers leave its end out
    except (binascii.Error, ValueError):
        return None


def _from_png(data: bytes) -> CardFile:
    found = _found(data)
    faults: list[PictureRefused] = []
    for key, version in (("ccv3", "version 3"), ("chara", "version 2")):
        if key in found.cards:
            try:
                said, notes = _parsed(found.cards[key], f"The card in this PNG ({version})")
            except PictureRefused as error:
                faults.append(error)
            else:
                older = tuple(f"{error.detail} Its older copy was read." for error in faults)
                return _card(said, found.assets, data, (*older, *notes, *found.notes))
    raise faults[0] if faults else PictureRefused(_NO_CARD, field="file")


def _parsed(text: bytes, what: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    card_json.check_size(len(text) * 3 // 4, what)
    unpacked = _unpacked(text)
    if unpacked is None:
        raise PictureRefused(f"{what} is damaged: it is no base64.", field="file")
    return card_json.parse(unpacked, what)


def _found(data: bytes) -> _Found:
    found = _Found()
    for keyword_, text in _texts(data):
        if keyword_.startswith(_ASSET_KEY):
            _add_asset(found, keyword_, text)
        else:
            found.cards.setdefault(keyword_.decode("latin-1").casefold(), text)
    for name, text in read_texts(data).named.items():  # compressed ones, as some tools write them
        found.cards.setdefault(name.casefold(), text.encode("utf-8", "replace"))
    return found


def _add_asset(found: _Found, key: bytes, text: bytes) -> None:
    path = key.removeprefix(_ASSET_KEY).removeprefix(b":").decode("latin-1")
    unpacked = _unpacked(text)
    if unpacked is None or not path or len(found.assets) >= MAX_ASSETS:
        found.notes.append(f"The card's file “{path[:60]}” could not be read and was left out.")
    else:
        found.assets.setdefault(f"{PNG_SCHEME}{path}", lambda: unpacked)


def _texts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(keyword, text) of the tEXt chunks that cards use, however long; as far as the file goes."""
    at = len(_PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"tEXt" and at + 8 + length <= len(data):
            keyword_, zero, text = data[at + 8 : at + 8 + length].partition(b"\0")
            if zero and (keyword_.startswith(_ASSET_KEY) or keyword_.lower() in (b"ccv3", b"chara")):
                yield keyword_, text
        at += 12 + length


def _chunk(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))


def charx(said: dict[str, Any], files: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    """A CHARX file in parts: the card, and what reads its files, by their path."""
    sink = ExportTarget()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        made.writestr(CHARX_CARD, card_json.dump(said))
        for path, content in files:
            made.writestr(path, content())
            yield from sink.take()
    yield from sink.take()
