"""What the studio costs on top of diffusers: the same 20 steps both ways, interleaved in one run.

`python -m benchmarks.overhead` times, in turn, a bare call of diffusers (prompt in, PIL picture out) and the
studio (submit → the picture's file and row are durable, previews meanwhile), with the same weights, size,
seed and number of threads, and prints medians and their ratio, by the clock and in processor time of all
processes, which says more on a machine that is busy. It also compares the pixels, to show that both did the
same work.

`--second-try` changes one word every time, so that the reference is known and the words are new.
`--pictures 8` makes eight seeds at a time: the studio as one job, diffusers in a call for each and, as a
third way, all in one call. With another `--precision` than float32 diffusers does it in float32, too.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from PIL import Image, ImageChops

from pipelines.catalog.catalog import load_catalog
from pipelines.memory.plan import Precision
from pipelines.request import GenerationRequest, Keep, Mode, Reference
from studio.main import open_studio
from studio.records import JobRecord, JobStatus
from studio.service import StudioService
from studio.settings import ROOT, Settings

PROMPT = "give her a red scarf"
WORDS = (
    "blue", "green", "white", "black", "golden", "silver", "brown", "grey", "pink", "violet", "yellow",
    "long", "short", "silk", "wool", "thin", "thick", "torn", "new", "old", "striped", "dotted", "plain",
)  # fmt: skip
"""Each takes the place of "red" once."""
GUIDANCE = 3.5


class Made(NamedTuple):
    """Pictures, and what they took: seconds by the clock, and of processors in all processes at it."""

    seconds: float
    processor: float
    pictures: list[Image.Image]


Timed = Callable[[int, str], Made]
"""Makes the pictures of a prompt, from a seed on."""


@dataclass(frozen=True)
class Work:
    """What both ways do."""

    side: int
    steps: int
    pictures: int
    precision: Precision
    options: dict[str, Any]
    """Of the model's entry."""


def source_picture(side: int) -> Image.Image:
    """The reference, `side` x `side` RGB."""
    return Image.radial_gradient("L").resize((side, side)).convert("RGB")


def bare(folder: Path, work: Work, threads: int, *, at_once: int = 1) -> Timed:
    """diffusers alone, loaded as its documentation says; `at_once`: pictures of one call."""
    import torch

    torch.set_num_threads(threads)
    pipeline, told = _bare_edit(folder, work)
    pipeline.set_progress_bar_config(disable=True)

    def call(prompt: str, seeds: range) -> list[Image.Image]:
        return pipeline(
            prompt,
            num_inference_steps=work.steps,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
            num_images_per_prompt=len(seeds),
            **told,
        ).images

    def make(seed: int, prompt: str) -> Made:
        began, worked = time.perf_counter(), time.process_time()
        seeds = range(seed, seed + work.pictures)
        calls = [call(prompt, seeds[at : at + at_once]) for at in range(0, work.pictures, at_once)]
        pictures = [picture for each in calls for picture in each]
        return Made(time.perf_counter() - began, time.process_time() - worked, pictures)

    return make


def _bare_edit(folder: Path, work: Work) -> tuple[Any, dict[str, Any]]:
    from diffusers import StableDiffusionInstructPix2PixPipeline

    from pipelines.memory import devices

    pipeline: Any = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        folder, safety_checker=None, dtype=devices.precision("cpu", work.precision)
    )
    told = {"image_guidance_scale": work.options.get("image_guidance_scale", 1.5)}
    return pipeline, {"image": source_picture(work.side), **told}


def through(service: StudioService, model: str, work: Work) -> Timed:
    """The studio, from submit to the durable picture."""
    upload = io.BytesIO()
    source_picture(work.side).save(upload, "PNG")
    upload.seek(0)
    reference, _ = service.add_upload(upload, "source.png")

    def make(seed: int, prompt: str) -> Made:
        request = GenerationRequest(
            mode=Mode.SMART_EDIT,
            model=model,
            prompt=prompt,
            seed=seed,
            width=work.side,
            height=work.side,
            guidance_scale=GUIDANCE,
            num_inference_steps=work.steps,
            num_images=work.pictures,
            result_size="model",
            keep=Keep(enabled=False),
            references=(Reference(image_id=reference.id),),
        )
        began, worked = time.perf_counter(), _processor_time()
        job = service.submit(request)
        images = _images(service, job, work.pictures)
        seconds = time.perf_counter() - began
        _until_ended(service, job)
        worked = _processor_time() - worked
        pictures = [Image.open(service.image_file(image)[0]).convert("RGB") for image in images]
        return Made(seconds, worked, pictures)

    return make


def _processor_time() -> float:
    """Seconds of processors that this process and its children have used."""
    own = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (own, *own.children(recursive=True)))


def _images(service: StudioService, job: JobRecord, count: int) -> Sequence[str]:
    """Once there are that many."""
    snapshot = service.snapshot()
    while len((now := service.job(job.id)).images) < count:
        if now.status is JobStatus.FAILED:
            sys.exit(f"The studio could not do it: {now.error and now.error.message}")
        snapshot = service.watch(snapshot.version, 60.0)
    return now.images


def _until_ended(service: StudioService, job: JobRecord) -> None:
    snapshot = service.snapshot()
    while service.job(job.id).status is JobStatus.RUNNING:
        snapshot = service.watch(snapshot.version, 60.0)


def worker_threads(service: StudioService) -> int:
    """Waits until the worker is ready; its detail reads like `float32, 2 threads`."""
    snapshot = service.snapshot()
    while snapshot.worker.state != "ready":
        if snapshot.worker.state == "down":
            sys.exit(snapshot.worker.detail)
        snapshot = service.watch(snapshot.version, 60.0)
    return int(snapshot.worker.detail.split()[-2])


def measure(ways: dict[str, Timed], rounds: int, *, second_try: bool) -> dict[str, list[Made]]:
    """What each way took; the ways take turns, and turns at being first."""
    made: dict[str, list[Made]] = {name: [] for name in ways}
    worst = 0
    for number in range(-1, rounds):
        prompt = PROMPT.replace("red", WORDS[number % len(WORDS)]) if second_try and number >= 0 else PROMPT
        seed = 1000 + 100 * number
        now = {name: ways[name](seed, prompt) for name in sorted(ways, reverse=number % 2 == 0)}
        if number >= 0:  # the first turn warms up
            for name, each in now.items():
                made[name].append(each)
        for one, other in zip(now["bare"].pictures, now["studio"].pictures, strict=True):
            worst = max(worst, *(high for _, high in ImageChops.difference(one, other).getextrema()))
    print(f"largest difference of a pixel between bare and studio: {worst} of 255")
    return made


def _report(made: dict[str, list[Made]]) -> None:
    for what in ("seconds", "processor"):
        took = {name: [getattr(each, what) for each in values] for name, values in made.items()}
        for name, values in took.items():
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"{what:9} {name:8} min {low:.3f} s  median {middle:.3f} s  max {high:.3f} s")
        for name in took.keys() - {"studio"}:
            ratio = statistics.median(took["studio"]) / statistics.median(took[name])
            pairs = [studio / other for studio, other in zip(took["studio"], took[name], strict=True)]
            middle = statistics.median(pairs)
            print(f"{what:9} studio / {name}: of the medians {ratio:.3f} (median of the pairs' {middle:.3f})")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models.yaml")
    parser.add_argument("--model", default="portrait-mini")
    parser.add_argument("--second-try", action="store_true", help="another word each time")
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pictures", type=int, default=1, help="of each turn")
    parser.add_argument("--precision", type=Precision, default=Precision.FLOAT32, choices=list(Precision))
    options = parser.parse_args()
    catalog = load_catalog(options.models)
    spec = catalog.get(options.model)
    folder = catalog.folder(spec)
    if folder is None:
        sys.exit(f"{options.model} must be a folder on this machine.")
    work = Work(options.side, options.steps, options.pictures, options.precision, dict(spec.options))
    with tempfile.TemporaryDirectory(prefix="likeness-overhead-") as data:
        settings = Settings(
            data_dir=Path(data), models=options.models, device="cpu", precision=options.precision
        )
        with open_studio(settings) as service:
            threads = worker_threads(service)
            ways = {"bare": bare(folder, work, threads), "studio": through(service, options.model, work)}
            if work.precision is not Precision.FLOAT32:
                ways["float32"] = bare(folder, replace(work, precision=Precision.FLOAT32), threads)
            if work.pictures > 1:
                ways["call"] = bare(folder, work, threads, at_once=work.pictures)
            print(f"{options.model}, smart edit, {work.side} px, {work.steps} steps, {threads} threads")
            _report(measure(ways, options.rounds, second_try=options.second_try))


if __name__ == "__main__":
    main()
