"""What the studio costs on top of diffusers: the same 20-step edit both ways, interleaved in one run.

`python -m benchmarks.overhead` times, in turn, a bare call of `StableDiffusionInstructPix2PixPipeline`
(prompt in, PIL picture out) and the studio (submit → the picture's file and row are durable, preview
at every step), with the same weights, size, seed and number of threads, and prints medians and their
ratio. It also compares the pixels, to show that both did the same work.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from pipelines.catalog.catalog import load_catalog
from pipelines.request import GenerationRequest, Keep, Mode, Reference
from studio.main import open_studio
from studio.records import JobRecord, JobStatus
from studio.service import StudioService
from studio.settings import ROOT, Settings

PROMPT = "give her a red scarf"
GUIDANCE = 3.5
IMAGE_GUIDANCE = 1.5

Timed = Callable[[int], tuple[float, Image.Image]]
"""Makes the picture of a seed; returns (seconds, picture)."""


def source_picture(side: int) -> Image.Image:
    """The reference, `side` x `side` RGB."""
    return Image.radial_gradient("L").resize((side, side)).convert("RGB")


def bare(folder: Path, side: int, steps: int, threads: int) -> Timed:
    """diffusers alone, loaded as its documentation says."""
    import torch
    from diffusers import StableDiffusionInstructPix2PixPipeline

    torch.set_num_threads(threads)
    pipeline: Any = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        folder, safety_checker=None, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    source = source_picture(side)

    def make(seed: int) -> tuple[float, Image.Image]:
        began = time.perf_counter()
        picture = pipeline(
            PROMPT,
            image=source,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            image_guidance_scale=IMAGE_GUIDANCE,
            generator=torch.Generator("cpu").manual_seed(seed),
        ).images[0]
        return time.perf_counter() - began, picture

    return make


def through(service: StudioService, model: str, side: int, steps: int) -> Timed:
    """The studio, from submit to the durable picture."""
    upload = io.BytesIO()
    source_picture(side).save(upload, "PNG")
    upload.seek(0)
    reference, _ = service.add_upload(upload, "source.png")

    def make(seed: int) -> tuple[float, Image.Image]:
        request = GenerationRequest(
            mode=Mode.SMART_EDIT,
            model=model,
            prompt=PROMPT,
            seed=seed,
            width=side,
            height=side,
            guidance_scale=GUIDANCE,
            num_inference_steps=steps,
            result_size="model",
            keep=Keep(enabled=False),
            references=(Reference(image_id=reference.id),),
        )
        began = time.perf_counter()
        job = service.submit(request)
        image = _first_image(service, job)
        seconds = time.perf_counter() - began
        path, _ = service.image_file(image)
        _until_ended(service, job)
        return seconds, Image.open(path).convert("RGB")

    return make


def _first_image(service: StudioService, job: JobRecord) -> str:
    snapshot = service.snapshot()
    while not (now := service.job(job.id)).images:
        if now.status is JobStatus.FAILED:
            sys.exit(f"The studio could not do it: {now.error and now.error.message}")
        snapshot = service.watch(snapshot.version, 60.0)
    return now.images[0]


def _until_ended(service: StudioService, job: JobRecord) -> None:
    snapshot = service.snapshot()
    while service.job(job.id).status is JobStatus.RUNNING:
        snapshot = service.watch(snapshot.version, 60.0)


def _worker_threads(service: StudioService) -> int:
    """Waits until the worker is ready; its detail reads like `float32, 2 threads`."""
    snapshot = service.snapshot()
    while snapshot.worker.state != "ready":
        if snapshot.worker.state == "down":
            sys.exit(snapshot.worker.detail)
        snapshot = service.watch(snapshot.version, 60.0)
    return int(snapshot.worker.detail.split()[-2])


def measure(ways: dict[str, Timed], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way; the ways take turns, and turns at being first."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    worst = 0
    for number in range(-1, rounds):
        pictures = []
        for name in sorted(ways, reverse=number % 2 == 0):
            taken, picture = ways[name](1000 + number)
            pictures.append(picture)
            if number >= 0:  # the first turn warms up
                seconds[name].append(taken)
        difference = ImageChops.difference(pictures[0], pictures[1]).getextrema()
        worst = max(worst, *(high for _, high in difference))
    print(f"largest difference of a pixel between the two: {worst} of 255")
    return seconds


def _report(seconds: dict[str, list[float]]) -> None:
    for name, values in seconds.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{name:8} min {low:.3f} s  median {middle:.3f} s  max {high:.3f} s")
    ratio = statistics.median(seconds["studio"]) / statistics.median(seconds["bare"])
    pairs = [studio / bare for studio, bare in zip(seconds["studio"], seconds["bare"], strict=True)]
    print(f"ratio of the medians {ratio:.3f} (median of the pairs' ratios {statistics.median(pairs):.3f})")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models.yaml")
    parser.add_argument("--model", default="portrait-mini")
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    catalog = load_catalog(options.models)
    folder = catalog.folder(catalog.get(options.model))
    if folder is None:
        sys.exit(f"{options.model} must be a folder on this machine.")
    with tempfile.TemporaryDirectory(prefix="likeness-overhead-") as data:
        settings = Settings(data_dir=Path(data), models=options.models, device="cpu")
        with open_studio(settings) as service:
            threads = _worker_threads(service)
            ways = {
                "bare": bare(folder, options.side, options.steps, threads),
                "studio": through(service, options.model, options.side, options.steps),
            }
            print(f"{options.model}, {options.side} px, {options.steps} steps, {threads} threads")
            _report(measure(ways, options.rounds))


if __name__ == "__main__":
    main()
