"""What loads and runs each family: stock diffusers pipelines around one set of weights.

`load` is the only way in. A family's file imports torch and diffusers, so it is imported on first use.
"""

from __future__ import annotations

from importlib import import_module

from pipelines.families.registry import FAMILIES
from pipelines.running.contract import LoadedModel, LoadSettings
from pipelines.spec import ModelSpec

MODULES = {
    "stable-diffusion": "stable_diffusion",
    "sdxl": "sdxl",
    "flux2": "flux2",
    "flux3": "flux3",
    "qwen-image": "qwen_image",
    "z-image": "z_image",
    "flux1": "flux1",
    "joyimage": "joyimage",
    "upscaler": "upscaler",
}
"""Family → the module of this package whose `load` reads its weights."""


def load(spec: ModelSpec, settings: LoadSettings) -> LoadedModel:
    """Read the weights of an entry. Raises ModelUnavailable."""
    module = import_module(f"{__name__}.{MODULES[spec.family]}")
    options = FAMILIES[spec.family].options.model_validate(spec.options)
    return module.load(spec, options, settings)
