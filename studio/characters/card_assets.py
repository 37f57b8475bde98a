"""The files of a card on their way out: which go along, under which URI, and who is the icon.

`assets` of a card that leaves here points at nothing that is not in the file. URIs that must be written
another way there are replaced wherever the card uses them, in extensions of other programs too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.characters.card_files import CHARX_SCHEME, PNG_SCHEME, Assets, assets_of, keyword
from studio.json_values import is_list, is_object

_MAIN = {"type": "icon", "name": "main"}
ICON_PATH = "assets/icon/images/main.png"
_SAFE_PATH = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[^/\\:\x00-\x1f][^\\:\x00-\x1f]{0,198}")
_ENDING = re.compile(r"[A-Za-z0-9]{1,8}")


def for_png(data: dict[str, Any], assets: Assets) -> tuple[dict[str, Any], Assets]:
    """(the card, contents by PNG keyword): the picture itself is the icon."""
    icon = {**_MAIN, "uri": "ccdefault:", "ext": "png"} if assets_of(data) else None
    said, going = _with_icon(data, assets, icon)
    names = dict(_png_uris(going))
    files = {f"chara-ext-asset_:{new.removeprefix(PNG_SCHEME)}": going[old] for old, new in names.items()}
    return _pointing(said, names), files


def for_charx(
    data: dict[str, Any], assets: Assets, portrait: Callable[[], bytes] | None
) -> tuple[dict[str, Any], Assets]:
    """(the card, contents by path in the zip). `portrait`: PNG, becomes the icon."""
    icon = {**_MAIN, "uri": f"{CHARX_SCHEME}{ICON_PATH}", "ext": "png"} if portrait else None
    said, going = _with_icon(data, assets, icon)
    names = dict(_charx_uris(going, data))
    files = {new.removeprefix(CHARX_SCHEME): going[old] for old, new in names.items()}
    pointing = _pointing(said, {**names, f"{CHARX_SCHEME}{ICON_PATH}": f"{CHARX_SCHEME}{ICON_PATH}"})
    return pointing, {ICON_PATH: portrait, **files} if portrait else files


def _with_icon(
    data: dict[str, Any], assets: Assets, icon: dict[str, str] | None
) -> tuple[dict[str, Any], Assets]:
    """The portrait takes the main icon's place; an icon that nothing else uses stays behind."""
    if icon is None:
        return data, assets
    listed = assets_of(data)
    before = next(
        (each for each in listed if each.get("type") == "icon" and each.get("name") == "main"), None
    )
    others = [each for each in listed if each is not before]
    said = {**data, "assets": [icon, *others]}
    unused = before is not None and before["uri"] not in set(_texts({**said, "assets": others}))
    gone = before["uri"] if before and unused else None
    return said, {uri: content for uri, content in assets.items() if uri != gone}


def _png_uris(assets: Assets) -> Iterator[tuple[str, str]]:
    """(URI, URI in a PNG): those that do not fit into a PNG's keyword get a number."""
    taken = {uri for uri in assets if keyword(uri)}
    number = 0
    for uri in assets:
        if uri in taken:
            yield uri, uri
            continue
        while (new := f"{PNG_SCHEME}{number}") in taken:
            number += 1
        taken.add(new)
        yield uri, new


def _charx_uris(assets: Assets, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = {each["uri"]: each for each in assets_of(data)}
    for number, uri in enumerate(assets):
        path = uri.removeprefix(CHARX_SCHEME)
        if (
            uri.startswith(CHARX_SCHEME)
            and _SAFE_PATH.fullmatch(path)
            and path not in (ICON_PATH, "card.json")
        ):
            yield uri, uri
            continue
        ending = str(said.get(uri, {}).get("ext", ""))
        plain = ending if _ENDING.fullmatch(ending) else "bin"
        yield uri, f"{CHARX_SCHEME}assets/other/other/{number}.{plain}"


def _pointing(data: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The card with the new URIs; entries of `assets` that would point at nothing are left out."""
    said = _renamed(data, names)
    if assets_of(data):
        there = set(names.values())
        said["assets"] = [
            each for each in assets_of(said) if not _embedded(each["uri"]) or each["uri"] in there
        ]
    return said


def _embedded(uri: str) -> bool:
    return uri.startswith((PNG_SCHEME, CHARX_SCHEME, "embedded://"))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if is_object(value):
        return {key: _renamed(each, names) for key, each in value.items()}
    return [_renamed(each, names) for each in value] if is_list(value) else value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_object(value) or is_list(value):
        for each in value.values() if is_object(value) else value:
            yield from _texts(each)
