"""An enlarger in memory: pictures in, larger pictures out, transparency and colours kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from PIL import Image
from safetensors.torch import load_file

from pipelines.events import Phase, TileProgress
from pipelines.families.upscaler import Options
from pipelines.planning.plan import Plan
from pipelines.running import foreign_enlargers, loading, pickled
from pipelines.running.contract import Emit, LoadSettings, OnStep, RoleImage
from pipelines.running.enlarging import Network, compact, enlarge_to, is_compact
from pipelines.running.picture_calls import PictureCall
from pipelines.spec import SINGLE_FILE, ModelSpec

_PREVIEW_SIDE = 512


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> EnlargerModel:
    """Read the weights of an entry. Raises ModelUnavailable."""
    del options
    file = settings.file
    if file is not None and file.suffix != SINGLE_FILE:
        file = pickled.as_safetensors(file, spec.label, settings.converted)
    with loading.explained(spec, settings):
        weights = load_file(str(file))
    settings = replace(settings, file=file)
    if not is_compact(weights):
        return EnlargerModel(spec, settings, foreign_enlargers.network(weights, spec.label, settings.device))
    with loading.explained(spec, settings):
        return EnlargerModel(spec, settings, compact(weights).to(settings.device))


class EnlargerModel:
    """See `pipelines.running.contract.LoadedModel`. Always in 32 bits: tones in 16 would show steps."""

    scheduler = "None"

    def __init__(self, spec: ModelSpec, settings: LoadSettings, network: Network) -> None:
        self.modes = settings.modes
        self.fingerprint = loading.identity(spec, settings)
        self.network = network

    def prepare(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> EnlargerCall:
        """The one source, at the plan's size."""
        source = images[0].whole or images[0].image
        return EnlargerCall(self, source, (plan.width, plan.height), emit)

    def enlarge(self, picture: Image.Image, size: tuple[int, int], emit: Emit) -> Image.Image:
        """An RGB or RGBA picture at `size` (width, height) px; what its `info` says of colours stays.

        Tells of every tile; what `emit` raises ends the work.
        """
        large = enlarge_to(
            self.network,
            picture.convert("RGB"),
            size,
            self.network.tile,
            lambda at, of: emit(TileProgress(at, of)),
        )
        if picture.mode == "RGBA":
            large.putalpha(picture.getchannel("A").resize(size, Image.Resampling.BICUBIC))
        if profile := picture.info.get("icc_profile"):
            large.info["icc_profile"] = profile
        return large


class EnlargerCall(PictureCall):
    """See `pipelines.running.contract.Call`: the same picture for every seed."""

    phase = Phase.ENLARGING

    def __init__(self, model: EnlargerModel, source: Image.Image, size: tuple[int, int], emit: Emit) -> None:
        self._model, self._source, self._size, self._emit = model, source, size, emit

    @property
    def pipeline(self) -> str:
        """How the network is laid out."""
        return self._model.network.layout

    def denoise(self, seed: int, on_step: OnStep) -> Image.Image:
        """The enlarged picture."""
        del seed, on_step
        return self._model.enlarge(self._source, self._size, self._emit)

    def preview(self, latents: Any) -> Callable[[], bytes]:
        """What makes a small JPEG of a picture."""
        return partial(small_jpeg, latents)


def small_jpeg(picture: Image.Image) -> bytes:
    """JPEG bytes of an RGB picture, its longest side at most 512 px."""
    small = picture.convert("RGB")
    small.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()
