"""The `parameters` text that AUTOMATIC1111's web UI began and most tools and galleries read.

Prompt, then the negative prompt, then one line of `Name: value` pairs. A line of the artist's own that begins
as the negative prompt does is shifted by a space, so that it is still told apart when only this text is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pipelines.families.settings import SETTINGS
from pipelines.request import GenerationRequest
from studio.collection.metadata import foreign
from studio.collection.metadata.likeness import Likeness
from studio.json_values import objects

_SAMPLERS = {
    "DDIM": "DDIM",
    "DDPM": "DDPM",
    "DPMSolverMultistep": "DPM++ 2M",
    "DPMSolverSDE": "DPM++ SDE",
    "EulerAncestralDiscrete": "Euler a",
    "EulerDiscrete": "Euler",
    "FlowMatchEulerDiscrete": "Euler",
    "HeunDiscrete": "Heun",
    "KDPM2AncestralDiscrete": "DPM2 a",
    "KDPM2Discrete": "DPM2",
    "LCM": "LCM",
    "LMSDiscrete": "LMS",
    "PNDM": "PLMS",
    "UniPCMultistep": "UniPC",
}
"""diffusers' names of schedulers as other tools call them; those they do not have keep theirs."""
NEGATIVE = "Negative prompt:"
_HASH = 12
_DISTILLED = "Flux"
"""Pipelines whose guidance is an input of the model: others read that under a name of its own."""


def infotext(likeness: Likeness, width: int, height: int) -> str:
    """The text for one picture of `width` x `height` px."""
    request = likeness.request
    pairs: dict[str, object] = {
        "Steps": request.num_inference_steps,  # first: readers know the line by it
        "Sampler": _sampler(likeness),
        **_guidance(likeness),
        "Seed": likeness.seed,
        "Size": f"{width}x{height}",
        "Model": likeness.model.label,
        **_settings(request),
        **_finish(likeness),
        "Lora hashes": _hashes(likeness),
        "Mode": request.mode.value,
        "Version": likeness.software,
    }
    prompt, negative = _words(likeness)
    lines = [_shifted(" ".join((prompt, *_called(likeness))).strip())]
    if negative:
        lines.append(f"{NEGATIVE} {_shifted(negative)}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None))
    return "\n".join(lines)


def _words(likeness: Likeness) -> tuple[str, str]:
    """Those this very picture was made with."""
    alone = likeness.request.alone(likeness.seed)
    drawn = alone.drawn[0] if alone.drawn else alone
    return drawn.prompt, drawn.negative_prompt


def _settings(request: GenerationRequest) -> dict[str, object]:
    """Those that other tools know by a name of their own, where they do something."""
    values = {s.parameter: (getattr(request, s.field), s.field) for s in SETTINGS if s.parameter}
    fields = type(request).model_fields
    return {name: value for name, (value, field) in values.items() if value != fields[field].default}


def _finish(likeness: Likeness) -> dict[str, object]:
    """As other tools call an enlarging of what was made, in the same job."""
    finish = likeness.request.finish
    return {} if finish is None else {"Hires upscale": finish.scale, "Hires upscaler": finish.upscaler}


def _shifted(words: str) -> str:
    return re.sub(f"((?:^|(?<=\r)) *{NEGATIVE})", r" \1", words, flags=re.MULTILINE)


def unshifted(lines: Iterable[str]) -> str:
    """The words as they were before a line of them was shifted."""
    return "\n".join(
        re.sub(f"^ ( *{NEGATIVE})", r"\1", line) if line.startswith(" ") else line for line in lines
    )


def _loras(likeness: Likeness) -> list[tuple[str, float, str]]:
    """(name without the characters that end one, weight, hash) of those the worker tells of."""
    marks = objects(likeness.provenance.get("loras"))
    weights = [foreign.number(mark.get("weight")) for mark in marks]
    return [
        (_name(str(mark.get("name"))), 1.0 if weight is None else weight, str(mark.get("sha256", "")))
        for mark, weight in zip(marks, weights, strict=True)
    ]


def _name(text: str) -> str:
    return "".join("_" if c in "<>:," else c for c in text)


def _called(likeness: Likeness) -> list[str]:
    """As other tools call a LoRA up: in the prompt."""
    return [f"<lora:{name}:{weight:g}>" for name, weight, _ in _loras(likeness)]


def _hashes(likeness: Likeness) -> str | None:
    """The first twelve characters are what sites look a LoRA up by."""
    return ", ".join(f"{name}: {digest[:_HASH]}" for name, _, digest in _loras(likeness) if digest) or None


def _sampler(likeness: Likeness) -> str:
    """Never left out: readers take the line for settings by it."""
    scheduler = str(likeness.provenance.get("scheduler") or "Unknown").removesuffix("Scheduler")
    return _SAMPLERS.get(scheduler, scheduler)


def _guidance(likeness: Likeness) -> dict[str, object]:
    scale = likeness.request.guidance_scale
    if str(likeness.provenance.get("pipeline", "")).startswith(_DISTILLED):
        return {"CFG scale": 1, "Distilled CFG Scale": scale}
    return {"CFG scale": scale}


def _quoted(value: object) -> str:
    """Values that hold the separators are written as JSON strings; readers expect that."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(",:\n") else text
