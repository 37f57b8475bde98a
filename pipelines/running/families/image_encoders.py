"""Image encoders through which IP-Adapters look at pictures: a model's own, or one of the models folder.

Knows CLIP's networks and how they are placed; nothing of adapters and denoisers.
"""

from __future__ import annotations

from typing import Any

from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from pipelines.catalog.add_ons import IMAGE_ENCODER
from pipelines.families.options import AdapterOptions
from pipelines.planning.plan import Plan
from pipelines.running import loading
from pipelines.running.families.stock import StockModel
from pipelines.running.single_file_parts import load_image_encoder
from pipelines.spec import SINGLE_FILE, ModelSpec


def own(model: StockModel, spec: ModelSpec, options: AdapterOptions) -> dict[str, Any]:
    """The encoder an entry names and what prepares pictures for it, as parts of a pipeline."""
    assert options.image_encoder is not None
    settings, location = model.settings, options.image_encoder
    if location.endswith(SINGLE_FILE):
        network = load_image_encoder(loading.file_at(location, spec, settings), settings.dtype)
    else:
        network = loading.load_part(
            CLIPVisionModelWithProjection,
            location,
            spec,
            settings,
            dtype=settings.dtype,
            use_safetensors=True,
        )
    if options.feature_extractor is None:
        return {"image_encoder": model.placed(network), "feature_extractor": _preparation(network)}
    extractor = loading.load_part(CLIPImageProcessor, options.feature_extractor, spec, settings)
    return {"image_encoder": model.placed(network), "feature_extractor": extractor}


def brought(model: StockModel, plan: Plan) -> dict[str, Any] | None:
    """The same for an encoder of the models folder; None where the plan's IP-Adapter needs none."""
    if IMAGE_ENCODER not in plan.files:
        return None
    path, dtype = plan.files[IMAGE_ENCODER], model.settings.dtype
    network = model.brought.get(
        "image encoder", path, "ip_adapter", lambda: model.placed(load_image_encoder(path, dtype))
    )
    return {"image_encoder": network, "feature_extractor": _preparation(network)}


_prepared: dict[int, CLIPImageProcessor] = {}


def _preparation(encoder: Any) -> CLIPImageProcessor:
    """CLIP's usual one at the size the encoder reads; one object per size, as pipelines are kept by it."""
    side = encoder.config.image_size
    crop = {"height": side, "width": side}
    return _prepared.setdefault(side, CLIPImageProcessor(size={"shortest_edge": side}, crop_size=crop))
