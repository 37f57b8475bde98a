"""Enlargers of other layouts (ESRGAN, SPAN, DAT, HAT, RealPLKSR, …), built from their weights by spandrel.

An extra of this project, imported on first use. It imports torchvision for two of its architectures, neither
of which enlarges; where that cannot be imported (its common build does not fit a PyTorch for processors
alone), the import goes on without it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch

from pipelines.catalog.enlargers import NEEDS_SPANDREL
from pipelines.errors import ModelUnavailable

OVERLAP = 32
"""Pixels of the small picture that tiles share with their neighbours, to each side."""
TILE = 192
_ABSENT = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


class Foreign:
    """An enlarger as `pipelines.running.enlarging.Network`."""

    reach = OVERLAP
    tile = TILE

    def __init__(self, descriptor: Any, device: str) -> None:
        self.model = descriptor.model.to(device).requires_grad_(False).eval()
        self.factor = int(descriptor.scale)
        self.layout = str(descriptor.architecture.name)
        self.device = torch.device(device)
        self._descriptor = descriptor

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """The enlarged pictures."""
        return self._descriptor(pictures)


def network(weights: Mapping[str, torch.Tensor], label: str, device: str) -> Foreign:
    """The network these weights belong to, in float32. Raises ModelUnavailable in words."""
    spandrel = _spandrel(label)
    try:
        found = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(weights))
    except (spandrel.UnsupportedModelError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(
            f"{label} is no enlarger that the studio knows. Choose another, or remove the file."
        ) from error
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.scale < 2:
        raise ModelUnavailable(f"{label} does not make pictures larger. Choose an enlarger instead.")
    if (found.input_channels, found.output_channels) != (3, 3):
        raise ModelUnavailable(f"{label} is not made for pictures in colour. Choose another enlarger.")
    return Foreign(found, device)


def _spandrel(label: str) -> Any:
    try:
        with _without_broken_torchvision():
            return importlib.import_module("spandrel")
    except ImportError as error:
        raise ModelUnavailable(NEEDS_SPANDREL.format(label=label)) from error


@contextmanager
def _without_broken_torchvision() -> Generator[None]:
    """While spandrel is imported, three names of torchvision are there even where it is not."""
    if "spandrel" in sys.modules or _works():
        yield
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    modules = {name: ModuleType(name) for name in _ABSENT}
    functional: Any = modules[_ABSENT[-1]]
    functional.InterpolationMode = functional.rotate = functional.normalize = None
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in _ABSENT:
            sys.modules.pop(name, None)


def _works() -> bool:
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError):
        return False
    return True
