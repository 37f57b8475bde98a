"""Draw Things: JSON as `exif:UserComment` inside an XMP packet, or in EXIF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.collection.metadata import foreign, xmp
from studio.collection.metadata.foreign import ForeignMetadata
from studio.json_values import objects

_USED = ("c", "uc", "seed", "steps", "scale", "sampler", "size", "model", "strength", "lora", "v2")


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where neither XMP nor EXIF hold its JSON."""
    packet = texts.get("xmp", "")
    inside = xmp.values(packet, "UserComment") if "UserComment" in packet else ()
    for text in (*inside, texts.get("exif:UserComment", "")):
        said = foreign.json_object(text) if '"c"' in text else {}
        if {"c", "model"} <= set(said):
            return said_by(said)
    return None


def said_by(said: Mapping[str, Any]) -> ForeignMetadata:
    """From its JSON."""
    width, height = foreign.size(said.get("size"))
    return ForeignMetadata(
        tool="Draw Things",
        prompt=foreign.words(said.get("c")),
        negative_prompt=foreign.words(said.get("uc")),
        seed=foreign.whole(said.get("seed")),
        steps=foreign.whole(said.get("steps")),
        guidance=foreign.number(said.get("scale")),
        sampler=foreign.name_of(said.get("sampler")),
        width=width,
        height=height,
        model=foreign.name_of(said.get("model")),
        strength=foreign.number(said.get("strength")),
        loras=foreign.loras(
            (entry.get("model") or entry.get("file"), entry.get("weight"))
            for entry in objects(said.get("lora"))
        ),
        unmapped=foreign.rest(said, _USED),
    )
