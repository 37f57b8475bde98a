"""Networks that come without their text encoder and VAE, as ComfyUI and Forge keep them, as entries.

A network's own shapes say which encoders it listens to. Those of the artist's folders serve; what is in none
of them is a part of the hub, which can be downloaded. Looks at what headers said; imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.catalog.models_folder import CONFIGS, AddOnFile, entry_of
from pipelines.disk.identify import Identified
from pipelines.spec import HUB, ModelSpec

_FLUX2_9B = 4096
_CLIP_TOKENIZER = str(CONFIGS / "sd1" / "tokenizer")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network becomes a model. `encoders`: component → (kind, width of its words).

    `repo`: where on the hub everything beside the network is; `always`: components that come from there or
    from this package, since no tool keeps them among its models.
    """

    config: str
    family: str
    options: Mapping[str, Any]
    encoders: Mapping[str, tuple[str, int | None]]
    vae: str
    repo: str
    always: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: int | None = None


def models(
    networks: Iterable[AddOnFile], parts: Sequence[AddOnFile], listed: Sequence[ModelSpec]
) -> tuple[ModelSpec, ...]:
    """An entry for each network that `refusal` does not refuse. `listed`: those of models.yaml."""
    revisions = {entry.source: entry.revision for entry in listed if entry.revision}
    return tuple(_model(each, recipe(each), parts, revisions) for each in networks)


def recipe(network: AddOnFile) -> Recipe:
    """What goes with it; what shapes do not say is told by its name, as its makers write it."""
    told, name = network.identified, network.path.name.lower()
    make = {"flux1": _flux1, "flux2": _flux2, "qwen-image": _qwen_image, "z-image": _z_image}
    return make[told.base or ""](told, name)


def _flux1(told: Identified, name: str) -> Recipe:
    kontext = told.variant == "dev" and "kontext" in name
    return Recipe(
        f"flux1-{told.variant}",
        "flux1",
        {"checkpoint": "kontext" if kontext else "fill" if told.variant == "fill" else "dev"},
        {"text_encoder": ("clip", told.pooled), "text_encoder_2": ("t5", told.width)},
        "flux1",
        "black-forest-labs/FLUX.1-schnell",
        {"tokenizer": _CLIP_TOKENIZER, "tokenizer_2": "tokenizer_2"},
        steps=4 if told.variant == "schnell" else None,
    )


def _flux2(told: Identified, name: str) -> Recipe:
    large = told.width == _FLUX2_9B
    checkpoint = "klein-kv" if "kv" in name else "klein-base" if "base" in name else "klein"
    return Recipe(
        "flux2-klein-9b" if large else "flux2-klein-4b",
        "flux2",
        {"checkpoint": checkpoint},
        {"text_encoder": ("qwen3", told.width)},
        "flux2",
        "black-forest-labs/FLUX.2-klein-9B" if large else "black-forest-labs/FLUX.2-klein-4B",
        {"tokenizer": "tokenizer"},
    )


def _qwen_image(told: Identified, name: str) -> Recipe:
    edits = told.variant == "edit" or "edit" in name
    newest = told.variant == "edit" or "2511" in name
    return Recipe(
        "qwen-image-edit-2511" if edits and newest else "qwen-image",
        "qwen-image",
        {"checkpoint": "edit" if edits else "image"},
        {"text_encoder": ("qwen2.5-vl", told.width)},
        "qwen-image",
        "Qwen/Qwen-Image-Edit-2511" if edits else "Qwen/Qwen-Image-2512",
        {"tokenizer": "tokenizer", **({"processor": "processor"} if edits else {})},
    )


def _z_image(told: Identified, name: str) -> Recipe:
    base = "turbo" not in name and ("base" in name or name.startswith(("z_image_bf16", "z-image-bf16")))
    return Recipe(
        "z-image" if base else "z-image-turbo",
        "z-image",
        {"checkpoint": "base" if base else "turbo"},
        {"text_encoder": ("qwen3", told.width)},
        "flux1",
        "Tongyi-MAI/Z-Image-Turbo",
        {"tokenizer": "tokenizer"},
    )


def _model(
    network: AddOnFile, wanted: Recipe, parts: Sequence[AddOnFile], revisions: Mapping[str, str]
) -> ModelSpec:
    def away(component: str) -> str:
        at = f"@{revisions[wanted.repo]}" if wanted.repo in revisions else ""
        return f"{HUB}{wanted.repo}{at}/{component}"

    locations = {
        component: said if said == _CLIP_TOKENIZER else away(said)
        for component, said in wanted.always.items()
    }
    for component, (kind, width) in wanted.encoders.items():
        found = _best(
            each
            for each in parts
            if each.identified.kind == "text_encoder"
            and (each.identified.base, each.identified.width) == (kind, width)
        )
        locations[component] = str(found.path) if found else away(component)
    vae = _best(each for each in parts if (each.identified.kind, each.identified.base) == ("vae", wanted.vae))
    locations["vae"] = str(vae.path) if vae else away("vae")
    defaults = {"num_inference_steps": wanted.steps} if wanted.steps else {}
    return entry_of(
        network,
        wanted.family,
        1024,
        config=str(CONFIGS / wanted.config),
        options=dict(wanted.options),
        parts=locations,
        defaults=defaults,
    )


def _best(fitting: Iterable[AddOnFile]) -> AddOnFile | None:
    """Of several the one with the fullest numbers, as far as 16 bits go; of equals the first."""
    return max(fitting, key=lambda each: min(each.identified.bits, 16), default=None)
