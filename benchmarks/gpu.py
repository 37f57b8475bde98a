"""What big models cost here, with stock diffusers and through the studio's own path, in one run.

`python -m benchmarks.gpu` makes SDXL and FLUX.2-klein-4B at full size with seeded random weights
(23 GB of disk, kept in `--folder` for the next run), then takes turns: each way loads the model, makes
a picture nobody counts, then `--pictures` that count, and gives everything back. Printed per way:
seconds to load, per step, per picture, to switch to the model from another; most memory on the card;
and which share of the card's own matrix multiplication the steps reach. With `--references 2` klein edits
two pictures and SDXL redraws the first, each time with one word changed: the second try. `--size tiny` shows
on any computer that the benchmark runs; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks import random_models
from pipelines.catalog.catalog import load_catalog
from pipelines.events import Completed, Event, ImageReady, StepProgress, WorkOrder
from pipelines.memory import devices
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest
from pipelines.running import loading
from pipelines.running.runner import PipelineRunner

PROMPT = "a portrait of a woman with {} hair, studio light, looking at the camera"
WORDS = ("red", "black", "blonde", "silver", "brown", "green", "pink", "blue")
STRENGTH = 0.6
STEPS = {"sdxl": 30, "klein": 4}
GUIDANCE = {"sdxl": 5.0, "klein": 1.0}
SIDE = {"full": 1024, "tiny": 64}
ENTRY = """\
  - {{id: {name}, label: {name}, family: {family}, source: {folder}, licence: none, resolution: {side},
     modes: [text_to_image, {mode}], options: {options}}}
"""
REFINES = {"sdxl": "img2img", "klein": "smart_edit"}


@dataclass
class Figures:
    """Seconds (lists: one for each time it was measured) and MiB of one way with one model."""

    load: list[float] = field(default_factory=list)
    switch: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    picture: list[float] = field(default_factory=list)
    memory_mb: int = 0
    plan: str = ""


@dataclass(frozen=True)
class Setup:
    """What is measured and how."""

    size: str
    device: str
    dtype: Any
    folder: Path
    pictures: int
    steps: dict[str, int]
    references: int = 0

    @property
    def files(self) -> dict[str, str]:
        """The references by their ids: smooth colours, made where they are not there yet."""
        from PIL import Image

        paths = {f"face{n}": self.folder / f"face{n}-{self.side}.png" for n in range(self.references)}
        for seed, path in enumerate(paths.values()):
            if not path.is_file():
                coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(coarse).resize((self.side, self.side), Image.Resampling.BICUBIC).save(path)
        return {name: str(path) for name, path in paths.items()}

    @property
    def side(self) -> int:
        """Of the pictures, px."""
        return SIDE[self.size]

    def model(self, name: str) -> Path:
        """The folder of a model."""
        return self.folder / f"{name}-{self.size}"


class Way(Protocol):
    """A way to make pictures. `make` returns the clock at the end of each step."""

    plan: str

    def load(self, name: str) -> None:
        """Bring a model to where it computes."""
        ...

    def make(self, name: str, seed: int) -> list[float]:
        """One picture."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class Stock:
    """diffusers as its documentation says: from_pretrained, to, call."""

    plan = "whole in memory"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.pipeline: Any = None

    def load(self, name: str) -> None:
        """Drops the model before, as a script that needs the room would."""
        from diffusers import DiffusionPipeline

        self.close()
        setup = self._setup
        self.pipeline = DiffusionPipeline.from_pretrained(
            setup.model(name), dtype=setup.dtype, local_files_only=True
        ).to(setup.device)
        self.pipeline.set_progress_bar_config(disable=True)

    def make(self, name: str, seed: int) -> list[float]:
        """One picture."""
        import torch

        ends: list[float] = []

        def stepped(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            synchronize(self._setup.device)
            ends.append(time.perf_counter())
            return tensors

        setup = self._setup
        self._call(name)(
            prompt=worded(seed), num_inference_steps=setup.steps[name], guidance_scale=GUIDANCE[name],
            generator=torch.Generator("cpu").manual_seed(seed), callback_on_step_end=stepped,
        )  # fmt: skip
        return ends

    def _call(self, name: str) -> Callable[..., Any]:
        """The pipeline with what it is given beside words."""
        from diffusers import AutoPipelineForImage2Image
        from PIL import Image

        setup = self._setup
        pictures = [Image.open(path).convert("RGB") for path in setup.files.values()]
        size = {"width": setup.side, "height": setup.side}
        if not pictures:
            return partial(self.pipeline, **size)
        if REFINES[name] == "smart_edit":
            return partial(self.pipeline, image=pictures, **size)
        redraw = AutoPipelineForImage2Image.from_pipe(self.pipeline)
        redraw.set_progress_bar_config(disable=True)
        return partial(redraw, image=pictures[0], strength=STRENGTH)

    def close(self) -> None:
        """Give the memory back."""
        self.pipeline = None
        devices.free_memory()


class Studio:
    """The studio's own path: a complete request, carried out by the runner with previews at every step."""

    plan = ""

    def __init__(self, setup: Setup, models_yaml: Path) -> None:
        self._setup = setup
        self._catalog = load_catalog(models_yaml)
        self._runner = PipelineRunner(self._catalog, setup.device, setup.dtype)

    def load(self, name: str) -> None:
        """Whatever was loaded before stays where there is room for both."""
        self._runner.preload(name)
        self.plan = self._runner.models.take(self._catalog.get(name)).plan.label

    def make(self, name: str, seed: int) -> list[float]:
        """One picture."""
        ends: list[float] = []
        events: list[type[Event]] = []

        def emit(event: Event) -> None:
            events.append(type(event))
            if isinstance(event, StepProgress):
                ends.append(time.perf_counter())

        setup = self._setup
        fields: dict[str, Any] = {
            "model": name, "prompt": worded(seed), "seed": seed, "width": setup.side, "height": setup.side,
            "num_inference_steps": setup.steps[name], "guidance_scale": GUIDANCE[name],
        }  # fmt: skip
        given = dict(list(setup.files.items())[: None if REFINES[name] == "smart_edit" else 1])
        if given:
            fields |= {
                "mode": REFINES[name], "references": [{"image_id": image_id} for image_id in given],
                "result_size": "model", "keep": {"enabled": False},
            }  # fmt: skip
            if REFINES[name] == "img2img":
                fields["strength"] = STRENGTH
        sizes = dict.fromkeys(given, (setup.side, setup.side))
        request = GenerationRequest.model_validate(fields)
        whole = complete(request, self._catalog, sizes, lambda: seed).request
        self._runner.run(WorkOrder("benchmark", whole, given), emit, lambda: False)
        assert ImageReady in events
        assert events[-1] is Completed
        return ends

    def close(self) -> None:
        """Give the memory back."""
        self._runner.models.clear()


def worded(seed: int) -> str:
    """The prompt, with one word of its own for each seed."""
    return PROMPT.format(WORDS[seed % len(WORDS)])


def synchronize(device: str) -> None:
    """Wait until the card has done all it was given."""
    import torch

    if torch.device(device).type != "cpu":
        torch.accelerator.synchronize(device)


@contextmanager
def timed(seconds: list[float], device: str) -> Iterator[None]:
    """Append how long the block took, the card's work included."""
    synchronize(device)
    began = time.perf_counter()
    yield
    synchronize(device)
    seconds.append(time.perf_counter() - began)


def one_turn(way: Way, name: str, other: str | None, figures: Figures, setup: Setup) -> None:
    """Load, make pictures, switch to the other model and back, give everything back."""
    with timed(figures.load, setup.device):
        way.load(name)
    way.make(name, seed=0)
    devices.reset_peak(setup.device)
    for seed in range(1, setup.pictures + 1):
        with timed(figures.picture, setup.device):
            ends = way.make(name, seed)
        figures.step += [(ends[-1] - ends[0]) / (len(ends) - 1)]
    figures.memory_mb = max(figures.memory_mb, devices.peak_mb(setup.device))
    figures.plan = way.plan
    if other is not None:
        way.load(other)
        with timed(figures.switch, setup.device):
            way.load(name)
    way.close()


def measure(names: list[str], rounds: int, setup: Setup, models_yaml: Path) -> dict[str, dict[str, Figures]]:
    """Figures by model and way; the ways take turns, and turns at being first."""
    ways: dict[str, Callable[[], Way]] = {
        "stock": lambda: Stock(setup),
        "studio": lambda: Studio(setup, models_yaml),
    }
    found = {name: {way: Figures() for way in ways} for name in names}
    for number in range(rounds):
        for name in names:
            other = next((each for each in names if each != name), None)
            for way in sorted(ways, reverse=number % 2 == 1):
                one_turn(ways[way](), name, other, found[name][way], setup)
    return found


def ceiling(device: str, dtype: Any, side: int) -> float:
    """Multiply-adds of the quickest square matrix multiplication, in FLOP per second."""
    import torch

    one, two = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    seconds: list[float] = []
    for _ in range(12):
        with timed(seconds, device):
            for _ in range(4):
                one @ two
    return 4 * 2 * side**3 / min(seconds[2:])


def work_per_step(name: str, setup: Setup) -> float:
    """FLOP of the denoiser in one step, counted while stock diffusers makes one."""
    from torch.utils.flop_counter import FlopCounterMode

    way = Stock(setup)
    way.load(name)
    denoiser = getattr(way.pipeline, "unet", None) or way.pipeline.transformer
    counter, forward, calls = FlopCounterMode(display=False), denoiser.forward, [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        with counter:
            return forward(*args, **kwargs)

    denoiser.forward = counted
    way.make(name, 0)
    way.close()
    return counter.get_total_flops() / calls[0]


def table(name: str, figures: dict[str, Figures], flops: float, top: float) -> str:
    """Markdown: medians of both ways and their ratio."""
    stock, studio = figures["stock"], figures["studio"]
    lines = [f"| {name} ({studio.plan}) | stock | studio | studio / stock |", "|---|---|---|---|"]
    for label, key in (
        ("load, s", "load"), ("switch to it, s", "switch"), ("step, s", "step"), ("picture, s", "picture"),
    ):  # fmt: skip
        if getattr(stock, key):
            one, two = statistics.median(getattr(stock, key)), statistics.median(getattr(studio, key))
            lines.append(f"| {label} | {one:.3f} | {two:.3f} | {two / one:.3f} |")
    ratio = studio.memory_mb / stock.memory_mb
    lines.append(f"| most memory, MiB | {stock.memory_mb} | {studio.memory_mb} | {ratio:.3f} |")
    shares = [flops / statistics.median(each.step) / top for each in (stock, studio)]
    lines.append(f"| share of the card's matmul | {shares[0]:.1%} | {shares[1]:.1%} | |")
    return "\n".join(lines)


def write_catalogue(names: list[str], setup: Setup) -> Path:
    """A models.yaml of the random models."""
    entries = [
        ENTRY.format(
            name=name,
            family=random_models.FAMILY[name][0],
            options=random_models.FAMILY[name][1],
            mode=REFINES[name],
            folder=setup.model(name),
            side=setup.side,
        )
        for name in names
    ]
    path = setup.folder / f"models-{setup.size}.yaml"
    path.write_text("models:\n" + "".join(entries), encoding="utf-8")
    return path


def run(names: list[str], rounds: int, setup: Setup) -> str:
    """Everything; returns the report."""
    loading.forbid_remote_code()
    loading.quieten_libraries()
    for name in names:
        random_models.make(name, setup.size, setup.model(name), setup.device, setup.dtype)
        devices.free_memory()
    top = ceiling(setup.device, setup.dtype, 8192 if setup.size == "full" else 256)
    flops = {name: work_per_step(name, setup) for name in names}
    found = measure(names, rounds, setup, write_catalogue(names, setup))
    head = f"{devices.describe(setup.device, setup.dtype)}; matmul {top / 1e12:.1f} TFLOP/s"
    tables = [table(name, found[name], flops[name], top) for name in names]
    return "\n\n".join([head, *tables])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--models", nargs="+", choices=tuple(STEPS), default=list(STEPS))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=3, help="counted pictures a round")
    parser.add_argument("--steps", type=json.loads, default={}, help='e.g. {"sdxl": 10}')
    parser.add_argument(
        "--references", type=int, default=0, help="edit so many pictures, a word changed each time"
    )
    parser.add_argument("--folder", type=Path, help="where the models are kept; else they are thrown away")
    options = parser.parse_args()
    device = devices.choose(options.device)
    with tempfile.TemporaryDirectory(prefix="likeness-gpu-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        setup = Setup(
            options.size, device, devices.precision(device), folder.resolve(), options.pictures,
            {**STEPS, **options.steps}, options.references,
        )  # fmt: skip
        print(run(options.models, options.rounds, setup))


if __name__ == "__main__":
    main()
