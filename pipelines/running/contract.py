"""What the runner asks of a model in memory: how it is loaded, prepared, denoised and decoded.

Types only; every family in `pipelines.running.families` fulfils them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from PIL import Image

from pipelines.events import Event, Phase
from pipelines.memory.plan import WHOLE, MemoryPlan
from pipelines.planning.plan import Plan
from pipelines.request import Mode, Role
from pipelines.returning.composing import EnlargedView
from pipelines.returning.step import Measures
from pipelines.returning.views import Views
from pipelines.running.remembered import ResultCache


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """Where and how weights are loaded. `folder` is None for a model of the hub's cache and a single file.

    `modes`: those whose files are on this machine; parts that only others need are left out. `memory`:
    how the weights are kept; `pipelines.running.placement` carries it out. `file`: a single-file checkpoint,
    whose configuration is in the folder `config`.
    `warm_up`: compile the network that runs at every step.
    """

    folder: Path | None
    modes: frozenset[Mode]
    device: str
    dtype: torch.dtype
    memory: MemoryPlan = WHOLE
    file: Path | None = None
    config: Path | None = None
    warm_up: bool = False
    converted: Path | None = None
    """Where safetensors made of other files are kept."""
    backend: str | None = None
    """The package that makes the plan's int8 or nf4 weights."""
    remembered: ResultCache = field(default_factory=ResultCache, compare=False)
    """Where what the networks compute is kept for the next try."""


@dataclass(frozen=True, slots=True)
class RoleImage:
    """A reference as a pipeline gets it: 8-bit RGB, role, weight and place (from 1) in the request.

    `whole`: of a picture that is to be enlarged or refined, all of it: RGB or RGBA in its own colours, with
    the ICC profile that says which in its `info`.
    """

    image: Image.Image
    role: Role
    weight: float
    number: int
    whole: Image.Image | None = None


Emit = Callable[[Event], None]
"""What is told while a call is prepared and runs."""
OnStep = Callable[[int, int, Any], None]
"""(index of the step from 0, steps in all, latents to preview); raising ends the run."""


class FinishedPicture(NamedTuple):
    """A finished picture, and how it came from its source; `views` None where no source is refined.

    `large`: the model's picture as it was enlarged, where it was.
    """

    picture: Image.Image
    change: Image.Image | None = None
    views: Views | None = None
    measures: Measures | None = None
    words: str | None = None
    large: EnlargedView | None = None


class Call(Protocol):
    """A prepared generation: everything is encoded, only noise is missing."""

    @property
    def pipeline(self) -> str:
        """Name of the diffusers class that runs; of an enlarger, how its network is laid out."""
        ...

    @property
    def phase(self) -> Phase:
        """What the artist is told while it denoises."""
        ...

    def denoise(self, seed: int, on_step: OnStep) -> Any:
        """Latents of one picture."""
        ...

    @property
    def at_once(self) -> int:
        """Most pictures that may be asked for together; 1: each is a call of its own."""
        ...

    def denoise_together(
        self, seeds: Sequence[int], on_step: OnStep, check: Callable[[], None]
    ) -> list[Any] | None:
        """Latents of each seed's picture, by one call; None where they would be others than alone.

        `check` raises where it is to end; so may `on_step`.
        """
        ...

    def decode(self, latents: Any) -> Image.Image:
        """The model's RGB picture of `latents`; of an enlarged one also RGBA, its ICC profile in `info`.

        Raises GenerationFailed where the numbers are not finite.
        """
        ...

    def finish(self, latents: Any, check: Callable[[], None]) -> FinishedPicture:
        """The finished picture, with what it keeps of its source; `check` raises where it is to end."""
        ...

    def preview(self, latents: Any) -> Callable[[], bytes]:
        """What makes a small JPEG of `latents` as they are now, without the full decoder, in any thread."""
        ...


class LoadedModel(Protocol):
    """A model in memory, able to do all of `modes` without loading anything more."""

    modes: frozenset[Mode]
    fingerprint: str
    """Names these very weights: the hub's commit, or a hash over the folder's files."""
    scheduler: str
    """diffusers' class name of the scheduler that pictures are made with."""

    def prepare(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> Call:
        """Encode words and references. Emits notices and control images."""
        ...


class Enlarger(LoadedModel, Protocol):
    """A model that also enlarges pictures that are no references."""

    def enlarge(self, picture: Image.Image, size: tuple[int, int], emit: Emit) -> Image.Image:
        """An RGB or RGBA picture at `size` (width, height) px, with what its `info` says of colours.

        Tells of every tile; what `emit` raises ends the work.
        """
        ...
