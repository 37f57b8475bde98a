"""The `parameters` text that AUTOMATIC1111's web UI began and most tools and galleries read.

Prompt, then the negative prompt, then one line of `Name: value` pairs.
"""

from __future__ import annotations

import json

from studio.collection.metadata.likeness import Likeness


def infotext(likeness: Likeness, width: int, height: int) -> str:
    """The text for one picture of `width` x `height` px."""
    request = likeness.request
    pairs: dict[str, object] = {
        "Steps": request.num_inference_steps,
        "Sampler": likeness.provenance.get("scheduler"),
        "CFG scale": request.guidance_scale,
        "Seed": likeness.seed,
        "Size": f"{width}x{height}",
        "Model": likeness.model.label,
        "Denoising strength": request.strength,
        "Mode": request.mode.value,
        "Version": likeness.software,
    }
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None))
    return "\n".join(lines)


def _quoted(value: object) -> str:
    """Values that hold the separators are written as JSON strings; readers expect that."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(",:\n") else text
