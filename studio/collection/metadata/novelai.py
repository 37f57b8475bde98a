"""NovelAI: `Software`, `Description` and a JSON `Comment`; also what it hides in the alpha channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.foreign import ForeignMetadata

_USED = ("prompt", "uc", "seed", "steps", "scale", "sampler", "width", "height", "strength", "v4_prompt")


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where the file is not NovelAI's."""
    software = texts.get("Software") or texts.get("exif:Software", "")
    if not software.startswith("NovelAI"):
        return None
    said = foreign.json_object(texts.get("Comment", "{}"))
    return ForeignMetadata(
        tool="NovelAI",
        prompt=foreign.words(said.get("prompt")) or foreign.words(texts.get("Description")) or _caption(said),
        negative_prompt=foreign.words(said.get("uc")),
        seed=foreign.whole(said.get("seed")),
        steps=foreign.whole(said.get("steps")),
        guidance=foreign.number(said.get("scale")),
        sampler=foreign.name_of(said.get("sampler")),
        width=foreign.whole(said.get("width")),
        height=foreign.whole(said.get("height")),
        model=foreign.name_of(texts.get("Source")),
        strength=foreign.number(said.get("strength")),
        unmapped=foreign.rest(said, _USED),
    )


def _caption(said: Mapping[str, Any]) -> str:
    """Version 4 keeps the prompt as a caption with parts; the base is what counts."""
    prompt = said.get("v4_prompt")
    caption = prompt.get("caption") if isinstance(prompt, dict) else None
    return foreign.words(caption.get("base_caption")) if isinstance(caption, dict) else ""
