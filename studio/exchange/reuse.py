"""From what another tool said to the part of a request that can be used here, and what is left over.

Knows the catalogue and the request's own limits; a value the request would refuse is told instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from pipelines.catalog.add_ons import plain_name
from pipelines.catalog.catalog import Catalog
from pipelines.families.settings import heading
from pipelines.request import MAX_LORAS, GenerationRequest
from studio.collection.metadata.foreign import ForeignLora, ForeignMetadata
from studio.exchange.records import NamedValue
from studio.records import ImageRecord


def of_own(record: ImageRecord) -> dict[str, Any]:
    """Settings of a picture made here: its request as written, as one picture with its own seed."""
    if record.request is None:
        return {}
    request = record.request.alone(record.seed)
    return request.model_dump(mode="json", exclude_none=True, exclude={"drawn"})


def of_foreign(said: ForeignMetadata, catalog: Catalog) -> tuple[dict[str, Any], tuple[NamedValue, ...]]:
    """(settings, what could not be mapped)."""
    wanted: dict[str, Any] = {
        "prompt": said.prompt or None,
        "negative_prompt": said.negative_prompt or None,
        "seed": said.seed,
        "num_inference_steps": said.steps,
        "guidance_scale": said.guidance,
        "strength": said.strength if said.strength is not None and said.strength < 1.0 else None,
        "width": said.width,
        "height": said.height,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    settings = {name: value for name, value in given.items() if _allowed(name, value)}
    left = [(heading(name), str(value)) for name, value in given.items() if name not in settings]
    model = _model_id(said.model, catalog)
    if model is not None:
        settings["model"] = model
    elif said.model:
        left.append((heading("model"), said.model))
    if said.sampler:
        left.append(("Sampler", said.sampler))
    loras, strange = _loras(said.loras, catalog)
    if loras:
        settings["loras"] = loras
    left += [("LoRA", f"{lora.name} ({lora.weight:g})") for lora in strange]
    return settings, tuple(NamedValue(name=name, value=value) for name, value in (*left, *said.unmapped))


def _allowed(name: str, value: Any) -> bool:
    try:
        GenerationRequest.model_validate({name: value})
    except ValidationError:
        return False
    return not (name == "seed" and value < 0)


def _loras(said: Sequence[ForeignLora], catalog: Catalog) -> tuple[list[dict[str, Any]], list[ForeignLora]]:
    """Those in the models folder, as a request names them, and the others; other tools write file names."""
    known = {
        plain_name(each.name): each.id for each in catalog.dropped.add_ons if each.identified.kind == "lora"
    }
    found: dict[str, dict[str, Any]] = {}
    strange: list[ForeignLora] = []
    for lora in said:
        named = {"id": known.get(plain_name(lora.name)), "weight": lora.weight}
        if named["id"] is None or len(found) == MAX_LORAS or not _allowed("loras", [named]):
            strange.append(lora)
        else:
            found.setdefault(str(named["id"]), named)
    return list(found.values()), strange


def _model_id(name: str | None, catalog: Catalog) -> str | None:
    """The catalogue's model of that name, label or file; other tools write all three."""
    wanted = plain_name(name or "")
    for spec in catalog.specs:
        if wanted and wanted in {
            plain_name(spec.id),
            plain_name(spec.label),
            plain_name(spec.source.rsplit("/", 1)[-1]),
        }:
            return spec.id
    return None
