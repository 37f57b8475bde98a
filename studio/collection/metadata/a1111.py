"""AUTOMATIC1111's text, as Forge, SD.Next, Krita and many galleries write it, too.

Prompt, `Negative prompt:`, then a line of `Name: value` pairs. In PNG `parameters`, EXIF UserComment, `.txt`.
A prompt may hold the very words that part the text, so these count only where the tools write them: at the
beginning of a line, and with values that can be settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from studio.collection.metadata import foreign
from studio.collection.metadata.foreign import ForeignMetadata
from studio.collection.metadata.infotext import NEGATIVE, unshifted

_PLACES = ("parameters", "exif:UserComment", "postprocessing", "comment")
_USED = (
    "Steps",
    "Sampler",
    "CFG scale",
    "Distilled CFG Scale",
    "Seed",
    "Size",
    "Model",
    "Denoising strength",
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"[\w][\w .\-/+]{0,59}")
_MAX_LINES_AFTER = 20
_MAX_LINE = 100_000
_MAX_PAIRS = 500


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """The first text that ends in settings."""
    return next((said for place in _PLACES if (said := parse(texts.get(place, ""))) is not None), None)


def parse(text: str) -> ForeignMetadata | None:
    """None where the text has no line of settings."""
    lines = _LINE_END.split(text[: foreign.MAX_JSON_CHARS])
    for index in range(len(lines) - 1, max(-1, len(lines) - _MAX_LINES_AFTER), -1):
        settings: dict[str, str] = {}
        for name, value in pairs(lines[index]):
            settings.setdefault(name, value)  # what comes later may be words of the artist's
        if _are_settings(settings):
            return _said(lines[:index], settings, "\n".join(lines[index + 1 :]))
    return None


def pairs(line: str) -> Iterator[tuple[str, str]]:
    """`Name: value` pairs; a value that holds a comma is in quotes or brackets."""
    at = 0
    for _ in range(_MAX_PAIRS if len(line) <= _MAX_LINE else 0):
        colon = line.find(":", at)
        said = line[at:colon].strip(" ,")
        name = said.rpartition(",")[2].strip() if at else said  # a value with a comma of its own
        if colon < 0 or not _NAME.fullmatch(name):
            return
        value, at = _value(line, colon + 1)
        yield name, value


def _value(line: str, at: int) -> tuple[str, int]:
    """The value that begins at `at`, and where the next pair begins."""
    while line[at : at + 1].isspace():
        at += 1
    if line[at : at + 1] in ('"', "{", "["):
        try:
            value, end = json.JSONDecoder().raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            return foreign.shown(value), end
    comma = line.find(",", at)
    end = len(line) if comma < 0 else comma
    return line[at:end].strip(), end + 1


def _are_settings(settings: Mapping[str, str]) -> bool:
    """Also prose has colons; “Steps: down to the river” is none."""
    known = (
        bool(settings.get("Sampler")),
        foreign.number(settings.get("CFG scale")) is not None,
        foreign.whole(settings.get("Seed")) is not None,
        foreign.size(settings.get("Size")) != (None, None),
    )
    return foreign.whole(settings.get("Steps")) is not None or sum(known) >= 2


def _parted(lines: Sequence[str]) -> tuple[str, str]:
    """(prompt, negative prompt): the first line that begins with the mark begins the second."""
    at = next((i for i, line in enumerate(lines) if line.startswith(NEGATIVE)), len(lines))
    negative = [lines[at].removeprefix(NEGATIVE), *lines[at + 1 :]] if at < len(lines) else []
    return unshifted(lines[:at]), unshifted(negative)


def _said(lines: Sequence[str], settings: Mapping[str, str], after: str) -> ForeignMetadata:
    prompt, negative = _parted(lines)
    clean, loras = foreign.without_loras(foreign.words(prompt))
    width, height = foreign.size(settings.get("Size"))
    guidance = foreign.number(settings.get("CFG scale"))
    distilled = foreign.number(settings.get("Distilled CFG Scale"))
    further = {"Further text": after} if after.strip() else {}
    return ForeignMetadata(
        tool=_tool(settings),
        prompt=clean,
        negative_prompt=foreign.words(negative),
        seed=foreign.whole(settings.get("Seed")),
        steps=foreign.whole(settings.get("Steps")),
        guidance=distilled if distilled is not None and guidance in (None, 1.0) else guidance,
        sampler=foreign.name_of(settings.get("Sampler")),
        width=width,
        height=height,
        model=foreign.name_of(settings.get("Model")),
        strength=foreign.number(settings.get("Denoising strength")),
        loras=loras,
        unmapped=foreign.rest({**settings, **further}, _USED),
    )


def _tool(settings: Mapping[str, str]) -> str:
    version, app = settings.get("Version", ""), settings.get("App", "")
    if app:
        return foreign.words(app, 60)
    for name in ("Fooocus", "ComfyUI", "Likeness", "SD.Next", "Draw Things"):
        if version.startswith(name):
            return name
    return "Forge" if re.match(r"f\d|neo|classic", version) else "AUTOMATIC1111"
