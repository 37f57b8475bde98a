"""Fooocus' own JSON, in PNG `parameters` or `Comment`, EXIF UserComment or a JPEG comment.

Its other scheme is AUTOMATIC1111's text, which `a1111` reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.foreign import ForeignMetadata
from studio.json_values import is_list, items

_PLACES = ("parameters", "exif:UserComment", "Comment", "comment")
_MARKS = ({"base_model", "sharpness"}, {"metadata_scheme", "prompt"}, {"base_model", "performance"})
_USED = (
    "prompt", "negative_prompt", "seed", "steps", "guidance_scale", "sampler", "base_model", "resolution",
    "width", "height", "loras", "full_prompt", "full_negative_prompt",
)  # fmt: skip
_COMBINED = "lora_combined_"


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where no text is Fooocus' JSON."""
    for place in _PLACES:
        said = foreign.json_object(texts.get(place, ""))
        if any(marks <= set(said) for marks in _MARKS):
            return said_by(said)
    return None


def said_by(said: Mapping[str, Any]) -> ForeignMetadata:
    """From its JSON."""
    width, height = foreign.size(said.get("resolution"))
    return ForeignMetadata(
        tool="Fooocus",
        prompt=foreign.words(said.get("prompt")),
        negative_prompt=foreign.words(said.get("negative_prompt")),
        seed=foreign.whole(said.get("seed")),
        steps=foreign.whole(said.get("steps")),
        guidance=foreign.number(said.get("guidance_scale")),
        sampler=foreign.name_of(said.get("sampler")),
        width=width or foreign.whole(said.get("width")),
        height=height or foreign.whole(said.get("height")),
        model=foreign.name_of(said.get("base_model")),
        loras=foreign.told_once(foreign.loras(_loras(said))),
        unmapped=foreign.rest(said, (*_USED, *(key for key in said if str(key).startswith(_COMBINED)))),
    )


def _loras(said: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """A list of [name, weight, hash], or `lora_combined_1: "name : weight"`; some versions write both."""
    for entry in items(said.get("loras")):
        if is_list(entry) and len(entry) >= 2:
            yield entry[0], entry[1]
    for key, value in said.items():
        if str(key).startswith(_COMBINED) and isinstance(value, str):
            name, _, weight = value.rpartition(" : ")
            yield name, weight
