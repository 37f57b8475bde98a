"""IP-Adapters in a FLUX.1 transformer: attached for a mode that uses them, detached for the others.

There is one transformer for all modes, too large to have a twin, and with an adapter in it every call needs
pictures; so it comes and goes with the mode. Knows diffusers' loader; nothing of words and latents.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pipelines.errors import RequestError
from pipelines.events import Notice
from pipelines.families.flux1 import Options
from pipelines.planning.plan import Plan
from pipelines.request import Role
from pipelines.running import loading, references
from pipelines.running.contract import Emit, RoleImage
from pipelines.running.families import image_encoders
from pipelines.running.families.call import Arguments, Stock
from pipelines.running.families.role_images import share
from pipelines.running.families.stock import StockModel
from pipelines.running.single_file_parts import fitting
from pipelines.spec import ModelSpec


class Adapters:
    """The IP-Adapters of one loaded model."""

    def __init__(self, model: StockModel, spec: ModelSpec, options: Options) -> None:
        settings = model.settings
        self._model = model
        self._label = spec.label
        self._scales = {Role(role): scale for role, scale in options.ip_scales.items()}
        self._files = {Role(r): loading.file_at(at, spec, settings) for r, at in options.ip_adapters.items()}
        self._parts = image_encoders.own(model, spec, options)
        self._pipeline: Any = None
        self._attached: list[Path] = []

    def attach(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """One adapter slot per reference, in order, so that each has a weight of its own."""
        stock = self._model.stock(plan.pipeline, **self._parts)
        known = self._files
        if plan.ip_adapter is not None:
            known = {**known, plan.route.roles[0]: plan.files[plan.ip_adapter]}
        files = [known[image.role] for image in images]
        if files != self._attached:
            self._load(stock.pipeline, files)
        blocks = stock.pipeline.transformer.config.num_layers
        scales = [self._scales.get(image.role, 1.0) * share(image, images) for image in images]
        stock.pipeline.set_ip_adapter_scale([[scale] * blocks for scale in scales])
        embeds = [self._encode(stock.pipeline, image, emit) for image in images]
        return stock, {"ip_adapter_image_embeds": embeds}

    def _load(self, pipeline: Any, files: list[Path]) -> None:
        """Raises RequestError (field `ip_adapter`) for a file that does not fit; then none is left in."""
        self.detach()
        self._pipeline = pipeline
        try:
            with fitting("IP-Adapter", files[0], self._label, "ip_adapter"):
                pipeline.load_ip_adapter(
                    [str(file.parent) for file in files],
                    weight_name=[file.name for file in files],
                    subfolder=[""] * len(files),
                    local_files_only=True,
                )
        except RequestError:
            self.detach()
            raise
        self._attached = files

    def detach(self) -> None:
        """Leave the transformer as it was."""
        if self._pipeline is None:
            return
        self._pipeline.unload_ip_adapter()
        self._pipeline.register_modules(**self._parts)
        self._pipeline, self._attached = None, []

    def _encode(self, pipeline: Any, image: RoleImage, emit: Emit) -> torch.Tensor:
        """Shape (1, 1, width)."""
        if notice := references.square_notice(image.image, image.number):
            emit(Notice(notice))
        with torch.no_grad():
            return pipeline.encode_image(image.image, self._model.settings.device, 1)[None, :]
