"""SwarmUI: JSON with `sui_image_params`, in PNG `parameters`, EXIF UserComment or Model, or a sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.foreign import ForeignMetadata
from studio.json_values import items

_MARK = "sui_image_params"
_PLACES = ("parameters", "exif:UserComment", "exif:Model", "comment")
_USED = (
    "prompt", "negativeprompt", "seed", "steps", "cfgscale", "fluxguidancescale", "sampler", "width",
    "height", "model", "initimagecreativity", "loras", "loraweights",
)  # fmt: skip


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where no text is SwarmUI's."""
    for place in _PLACES:
        text = texts.get(place, "")
        said = foreign.json_object(text) if _MARK in text else {}
        if _MARK in said:
            return said_by(said)
    return None


def said_by(document: Mapping[str, Any]) -> ForeignMetadata:
    """From its JSON, also as a sidecar."""
    said = foreign.json_object(document.get(_MARK))
    prompt, tagged = foreign.without_loras(foreign.words(said.get("prompt")))
    width, height = foreign.whole(said.get("width")), foreign.whole(said.get("height"))
    extra = foreign.json_object(document.get("sui_extra_data"))
    return ForeignMetadata(
        tool="SwarmUI",
        prompt=prompt,
        negative_prompt=foreign.words(said.get("negativeprompt")),
        seed=foreign.whole(said.get("seed")),
        steps=foreign.whole(said.get("steps")),
        guidance=_guidance(said),
        sampler=foreign.name_of(said.get("sampler") or said.get("comfyuisampler")),
        width=width,
        height=height,
        model=foreign.name_of(said.get("model")),
        strength=foreign.number(said.get("initimagecreativity")),
        loras=foreign.told_once((*tagged, *_loras(said))),
        unmapped=foreign.rest({**said, **extra}, _USED),
    )


def _guidance(said: Mapping[str, Any]) -> float | None:
    scale = foreign.number(said.get("cfgscale"))
    own = foreign.number(said.get("fluxguidancescale"))
    return own if own is not None and scale in (None, 1.0) else scale


def _loras(said: Mapping[str, Any]) -> tuple[foreign.ForeignLora, ...]:
    names, weights = _listed(said.get("loras")), _listed(said.get("loraweights"))
    return foreign.loras(zip(names, weights + [1.0] * len(names), strict=False))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value[: foreign.MAX_WORDS].split(",")]
    return items(value)
