"""Text and JSON files that lie beside a picture and tell how it was made, or what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.collection.metadata import a1111, comfyui, drawthings, fooocus, foreign, invokeai, swarmui
from studio.collection.metadata.foreign import ForeignMetadata

MAX_BYTES = 2**20
_KEYS = {
    "prompt": ("prompt", "positive_prompt", "caption", "Prompt"),
    "negative_prompt": ("negative_prompt", "negativePrompt", "Negative Prompt", "uc"),
    "seed": ("seed", "Seed"),
    "steps": ("num_inference_steps", "steps", "Steps"),
    "guidance": ("guidance_scale", "cfg_scale", "cfgScale", "cfg", "scale"),
    "sampler": ("sampler_name", "sampler", "Sampler", "scheduler"),
    "width": ("width", "Width"),
    "height": ("height", "Height"),
    "model": ("model", "sd_model", "use_stable_diffusion_model", "Model", "model_name"),
    "strength": ("strength", "denoising_strength", "prompt_strength"),
}


def beside(path: Path) -> Iterator[Path]:
    """Where the sidecars of a picture may be, best first."""
    for name in (f"{path.stem}.swarm.json", f"{path.name}.json", f"{path.stem}.json"):
        yield path.with_name(name)
    for name in (f"{path.name}.txt", f"{path.stem}.txt"):
        yield path.with_name(name)


def read(name: str, text: str) -> ForeignMetadata | None:
    """What a sidecar says. Raises what broken JSON raises."""
    if not name.lower().endswith(".json"):
        if _is_no_text(text):
            return None
        said = a1111.parse(text)
        prompt = foreign.words(text)
        return said or (ForeignMetadata(tool="Text file", prompt=prompt) if prompt else None)
    return _from_json(foreign.json_object(text))


def _is_no_text(text: str) -> bool:
    """Bytes of something else, whatever they were decoded as: texts have no control signs but for spaces."""
    odd = sum(sign < " " and not sign.isspace() for sign in text)
    return odd > len(text) // 20


def _from_json(said: dict[str, Any]) -> ForeignMetadata | None:
    if "sui_image_params" in said:
        return swarmui.said_by(said)
    if "positive_prompt" in said and "app_version" in said:
        return invokeai.said_by(said)
    if {"base_model", "performance"} <= set(said):
        return fooocus.said_by(said)
    if {"c", "uc", "model"} <= set(said):
        return drawthings.said_by(said)
    return comfyui.from_document(said) or _plain(said)


def _plain(said: dict[str, Any]) -> ForeignMetadata | None:
    """JSON of no known tool, by the names that most use."""
    found = {field: next((said[k] for k in keys if k in said), None) for field, keys in _KEYS.items()}
    metadata = ForeignMetadata(
        tool="JSON file",
        prompt=foreign.words(found["prompt"]),
        negative_prompt=foreign.words(found["negative_prompt"]),
        seed=foreign.whole(found["seed"]),
        steps=foreign.whole(found["steps"]),
        guidance=foreign.number(found["guidance"]),
        sampler=foreign.name_of(found["sampler"]),
        width=foreign.whole(found["width"]),
        height=foreign.whole(found["height"]),
        model=foreign.name_of(found["model"]),
        strength=foreign.number(found["strength"]),
        unmapped=foreign.rest(said, (key for keys in _KEYS.values() for key in keys)),
    )
    return None if metadata.empty else metadata
