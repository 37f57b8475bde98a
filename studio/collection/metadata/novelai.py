"""NovelAI: `Software`, `Description` and a JSON `Comment`; also what it hides in the alpha channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.foreign import ForeignMetadata
from studio.json_values import is_object, objects

_USED = (
    "prompt",
    "uc",
    "seed",
    "steps",
    "scale",
    "sampler",
    "width",
    "height",
    "strength",
    "v4_prompt",
    "v4_negative_prompt",
)


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where the file is not NovelAI's."""
    software = texts.get("Software") or texts.get("exif:Software", "")
    if not software.startswith("NovelAI"):
        return None
    said = foreign.json_object(texts.get("Comment", "{}"))
    base = foreign.words(said.get("prompt")) or foreign.words(texts.get("Description"))
    return ForeignMetadata(
        tool="NovelAI",
        prompt=_with_characters(base, said.get("v4_prompt")),
        negative_prompt=_with_characters(foreign.words(said.get("uc")), said.get("v4_negative_prompt")),
        seed=foreign.whole(said.get("seed")),
        steps=foreign.whole(said.get("steps")),
        guidance=foreign.number(said.get("scale")),
        sampler=foreign.name_of(said.get("sampler")),
        width=foreign.whole(said.get("width")),
        height=foreign.whole(said.get("height")),
        model=foreign.name_of(texts.get("Source")),
        strength=foreign.number(said.get("strength")),
        unmapped=(*_of_characters(said.get("v4_negative_prompt")), *foreign.rest(said, _USED)),
    )


def _with_characters(base: str, prompt: Any) -> str:
    """Version 4 keeps the words as a caption with one part for each character: all of them were asked for."""
    captions = _captions(prompt)
    whole = base or (foreign.words(prompt["caption"].get("base_caption")) if captions is not None else "")
    return foreign.words("\n".join(dict.fromkeys(filter(None, (whole, *(captions or ()))))))


def _of_characters(prompt: Any) -> tuple[tuple[str, str], ...]:
    """What was unwanted in one character only; here it holds for the whole picture, and so it is told."""
    captions = enumerate(_captions(prompt) or (), start=1)
    joined = "; ".join(f"character {number}: {words}" for number, words in captions if words)
    return (("Unwanted in one character", foreign.words(joined)),) if joined else ()


def _captions(prompt: Any) -> tuple[str, ...] | None:
    """The words of each character, in their order; None where there is no caption."""
    caption = prompt.get("caption") if is_object(prompt) else None
    if not is_object(caption):
        return None
    return tuple(foreign.words(each.get("char_caption")) for each in objects(caption.get("char_captions")))
