"""Our own `likeness` record in a file from anywhere: a PNG chunk, or inside XMP in JPEG and WebP."""

from __future__ import annotations

from collections.abc import Mapping

from studio.collection.metadata import foreign, xmp
from studio.collection.metadata.foreign import ForeignMetadata
from studio.collection.metadata.likeness import Likeness, parse
from studio.json_values import objects

TOOL = "Likeness"


def find(texts: Mapping[str, str]) -> Likeness | None:
    """The record, where the file has one that this studio understands."""
    if "likeness" in texts:
        return parse(texts["likeness"])
    packet = texts.get("xmp", "")
    if xmp.RECORD not in packet:
        return None
    records = xmp.values(packet, xmp.RECORD.partition(":")[2])
    return next((said for said in map(parse, records) if said is not None), None)


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """The record in the common shape; references are told, since another studio has other ids."""
    said = find(texts)
    if said is None:
        return None
    request = said.request
    return ForeignMetadata(
        tool=TOOL,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        seed=said.seed,
        steps=request.num_inference_steps,
        guidance=request.guidance_scale,
        sampler=foreign.name_of(said.provenance.get("scheduler")),
        width=request.width,
        height=request.height,
        model=said.model.label,
        strength=request.strength,
        loras=foreign.loras((_names(said).get(lora.id, lora.id), lora.weight) for lora in request.loras),
        unmapped=_unmapped(said),
    )


def _names(said: Likeness) -> dict[str, str]:
    """The files' names, which another studio may know a LoRA by."""
    marks = objects(said.provenance.get("loras"))
    return {str(mark.get("id")): str(mark.get("name")) for mark in marks}


def _unmapped(said: Likeness) -> tuple[tuple[str, str], ...]:
    entries = {
        "Mode": said.request.mode.value,
        "References": len(said.parents) or None,
        "Software": said.software,
    }
    return foreign.rest(entries, ())
