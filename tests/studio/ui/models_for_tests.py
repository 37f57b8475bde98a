"""Models as the selector gets them: one that only paints from words, two that edit, in many shapes."""

from __future__ import annotations

from typing import Any

from pipelines.families.limits import Limits
from pipelines.request import Mode
from pipelines.spec import EDITS
from studio.records import Cost, ModelInfo

PLAIN = [
    "prompt",
    "num_inference_steps",
    "seed",
    "num_images",
    "aspect_ratio",
    "guidance_scale",
    "negative_prompt",
]


def limits(*extra: str, **changes: Any) -> Limits:
    """Limits of one mode that uses the plain knobs and `extra`."""
    return Limits.model_validate({"fields": [*PLAIN, *extra], "min_references": 1, **changes})


def model(model_id: str, label: str, modes: dict[Mode, Limits], **changes: Any) -> ModelInfo:
    """A model with these limits per mode."""
    values = {
        "family": "test",
        "edit": not EDITS.isdisjoint(modes),
        "available": "ready",
        "licence": "none",
        "defaults": {mode.value: {} for mode in modes},
        "cost": Cost(seconds=2.5, vram_mb=900),
        **changes,
    }
    return ModelInfo(
        id=model_id,
        label=label,
        modes=tuple(mode.value for mode in modes),
        limits={mode.value: given for mode, given in modes.items()},
        **values,
    )


INK = model("ink", "Ink", {Mode.TEXT_TO_IMAGE: limits()})
PORTRAIT = model(
    "portrait",
    "Portrait",
    {
        Mode.TEXT_TO_IMAGE: limits(),
        Mode.SMART_EDIT: limits("references", roles=["source"], max_references=1),
        Mode.IMG2IMG: limits("references", "strength", roles=["source"], max_references=1),
        Mode.CHARACTER_REFERENCE: limits("references", reference_weights=True, roles=["character", "style"]),
        Mode.CONTROLNET: limits(
            "references",
            "strength",
            "control",
            roles=["structure", "source"],
            control_kinds=["soft_edge"],
            guidance_scale=[1.0, 9.0],
        ),
    },
    defaults={
        "text_to_image": {},
        "smart_edit": {"guidance_scale": 5.0, "num_inference_steps": 12},
        "img2img": {"strength": 0.6},
        "character_reference": {},
        "controlnet": {},
    },
)
SKETCH = model("sketch", "Sketch", {Mode.IMG2IMG: limits("references", "strength", roles=["source"])})
QUICK = INK.model_copy(
    update={"id": "quick", "defaults": {Mode.TEXT_TO_IMAGE.value: {"num_inference_steps": 4}}}
)
"""Paints from words in four steps; not one of MODELS."""

MODELS = (INK, PORTRAIT, SKETCH)
