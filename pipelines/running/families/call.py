"""A prepared call of a diffusers pipeline: from noise to latents, from latents to the finished picture."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import torch
from PIL import Image

from pipelines.errors import GenerationFailed
from pipelines.events import Phase
from pipelines.planning.plan import Plan
from pipelines.returning.views import Check, never
from pipelines.running import finishing, placement, preview, replaying, step_caches, together
from pipelines.running.contract import FinishedPicture, LoadSettings, OnStep
from pipelines.running.families.guidance_spans import GuidanceSpan
from pipelines.running.soft_masks import SoftMask

Arguments = dict[str, Any]


class Stock(NamedTuple):
    """A pipeline of diffusers and the listener on its scheduler."""

    pipeline: Any
    guess: preview.CleanGuess


class LatentsReader(Protocol):
    """What a call asks of its model: how latents become pixels, and small pictures of them."""

    settings: LoadSettings

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """Latents as a step leaves them → (n, channels, h, w), as `pixels` takes them."""
        ...

    def finished(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """Latents as the pipeline returns them → (n, channels, h, w)."""
        ...

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1]."""
        ...

    def colours(self) -> preview.LatentColours:
        """How latents look."""
        ...


class DiffusersCall:
    """See `pipelines.running.contract.Call`."""

    phase = Phase.DENOISING

    def __init__(
        self,
        model: LatentsReader,
        stock: Stock,
        plan: Plan,
        arguments: Arguments,
        finish: finishing.Finisher,
        soft: SoftMask | None = None,
        span: GuidanceSpan | None = None,
    ) -> None:
        self._model = model
        self._pipeline, self._guess = stock
        self._plan = plan
        self._arguments = arguments
        self._finish = finish
        self._soft = soft
        self._span = span

    @property
    def pipeline(self) -> str:
        """Name of the diffusers class that runs."""
        return getattr(self._pipeline, "runs", type(self._pipeline).__name__)

    @property
    def arguments(self) -> Arguments:
        """What the pipeline is called with, but for noise and callback."""
        return dict(self._arguments)

    @property
    def at_once(self) -> int:
        """Most pictures that may be asked for together."""
        if self._soft is not None or not self._plan.route.step_callback:
            return 1
        return together.most(self._pipeline, self._plan, self._model.settings)

    def denoise(self, seed: int, on_step: OnStep) -> torch.Tensor:
        """Latents of one picture."""
        return self._run([seed], on_step)

    def denoise_together(
        self, seeds: Sequence[int], on_step: OnStep, check: Check
    ) -> list[torch.Tensor] | None:
        """Latents of each seed's picture; None where one call would give others than one for each."""
        return together.drawn(self._pipeline, self._arguments, self._run, seeds, on_step, check)

    def _run(self, seeds: Sequence[int], on_step: OnStep) -> torch.Tensor:
        """One call of the pipeline: latents of as many pictures as there are seeds."""
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        call_only: Arguments = {"generator": noise, "return_dict": False}
        if len(seeds) > 1:
            call_only["num_images_per_prompt"] = len(seeds)
        if self._plan.route.step_callback:
            call_only["callback_on_step_end"] = self._callback(on_step, seeds[0])
        else:
            self._guess.listen(on_step)
        try:
            placement.bring_newcomers(self._pipeline, self._model.settings)
            replays = replaying.replayed(self._pipeline, self._model.settings)
            drafts = step_caches.drafted(self._pipeline, self._plan)
            with torch.no_grad(), replays, drafts:
                result = self._pipeline(**self._arguments, **call_only)
        finally:
            self._guess.forget()
            # A raise out of the callback skips diffusers' own clean-up and would leave hooks behind.
            self._pipeline.maybe_free_model_hooks()
        return result[0]

    def decode(self, latents: torch.Tensor) -> Image.Image:
        """The model's RGB picture of `latents`. Raises GenerationFailed where the numbers are not finite."""
        with torch.no_grad():
            pixels = self._model.pixels(self._model.finished(latents, self._plan))
        if not torch.isfinite(pixels).all():
            raise GenerationFailed(
                "The model's numbers ran over and no picture came out. Try a lower guidance."
            )
        return self._pipeline.image_processor.postprocess(pixels.float(), output_type="pil")[0]

    def finish(self, latents: torch.Tensor, check: Check = never) -> FinishedPicture:
        """The finished picture of `latents`, with what it keeps of its source. Raises as `decode` does."""
        return self._finish(self.decode(latents), check)

    def preview(self, latents: torch.Tensor) -> Callable[[], bytes]:
        """What makes a small JPEG of `latents` as they are now, without the full decoder, in any thread."""
        first = self._model.spatial(latents, self._plan)[:1].detach().to(torch.float32, copy=True)
        return partial(self._model.colours().jpeg, first, self._plan.width // first.shape[-1])

    def _callback(self, on_step: OnStep, seed: int) -> Callable[..., dict[str, Any]]:
        def callback(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            guess = self._guess.latest
            on_step(step, pipeline.num_timesteps, tensors["latents"] if guess is None else guess)
            if self._span is not None:
                self._span.after(pipeline, step)
            if self._soft is None:
                return {}
            return {"latents": self._soft.held(pipeline, step, tensors["latents"], seed)}

        return callback


def accepts(pipeline: Any, argument: str) -> bool:
    """Whether a pipeline's call takes `argument`."""
    return argument in inspect.signature(pipeline.__call__).parameters


def unpacked(latents: torch.Tensor, plan: Plan) -> torch.Tensor:
    """Tokens of 16×16 px, two by two latents each: (n, h·w/4, 4·channels) → (n, channels, h, w)."""
    packed = latents.transpose(1, 2).unflatten(2, (plan.height // 16, plan.width // 16))
    return torch.nn.functional.pixel_shuffle(packed, 2)


def packed(latents: torch.Tensor) -> torch.Tensor:
    """The other way round: (n, channels, h, w) → (n, h·w/4, 4·channels)."""
    return torch.nn.functional.pixel_unshuffle(latents, 2).flatten(2).transpose(1, 2)
