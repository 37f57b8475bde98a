"""`python -m benchmarks.upscale`: how long the bundled enlarger takes, how much memory, and how well it does.

Prints tables for docs/performance.md. By size: seconds by the clock (the quickest try) and of all processors,
and by how much the process grew at its largest. On one drawing: against Pillow's Lanczos filter and, where
spandrel is installed (`pip install --no-deps spandrel einops`), the same layout as spandrel builds it.
`--worker`: how large a worker of its own becomes that makes 4096 × 4096 px of 1024 × 1024 the way a job does.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from benchmarks.growth import Growth
from pipelines.running.enlarging import Compact, Network, enlarge, load

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "pipelines" / "bundled" / "enlarger" / "enlarger.safetensors"
DRAWING = ROOT / "studio" / "ui" / "static" / "samples" / "portrait.webp"
SIDES = (128, 256, 512, 1024)
LARGE = 1024
MEGA = 1024**2
Enlarging = Callable[[Image.Image], Image.Image]


def picture(side: int) -> Image.Image:
    """A drawing's like: smooth colours with hard borders."""
    colours = np.random.default_rng(side).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)


def timed(enlarging: Enlarging, source: Image.Image, tries: int) -> tuple[float, float, float]:
    """Seconds by the clock and of all processors (the quickest try's), and MB that the process grew by."""
    clock = processor = float("inf")
    with Growth() as growth:
        for _ in range(tries):
            start, spent = time.perf_counter(), time.process_time()
            enlarging(source)
            clock = min(clock, time.perf_counter() - start)
            processor = min(processor, time.process_time() - spent)
    return clock, processor, growth.most / MEGA


def line(net: Compact, side: int, tries: int) -> str:
    """One row: a picture of side * side pixels."""
    clock, processor, more = timed(lambda source: enlarge(net, source), picture(side), tries)
    megapixels = (side * net.factor) ** 2 / 1e6
    size = f"{side} → {side * net.factor}"
    return f"| {size} | {clock:.2f} | {processor:.2f} | {processor / megapixels:.3f} | {more:.0f} |"


def ways(net: Compact) -> dict[str, Enlarging]:
    """What can be held against each other here, by name."""
    found: dict[str, Enlarging] = {
        "Lanczos (Pillow)": lambda source: source.resize(
            (source.width * net.factor, source.height * net.factor), Image.Resampling.LANCZOS
        ),
        "Portrait Enlarger": lambda source: enlarge(net, source),
    }
    if importlib.util.find_spec("spandrel"):
        from pipelines.running import foreign_enlargers

        theirs: Network = foreign_enlargers.network(load_file(WEIGHTS), "Portrait Enlarger", "cpu")
        found["the same weights in spandrel's Compact"] = lambda source: enlarge(theirs, source)
    return found


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio of two RGB pictures of one size, in dB."""
    a, b = (np.asarray(each.convert("RGB"), np.float64) for each in (one, other))
    return float(10 * np.log10(255**2 / max(((a - b) ** 2).mean(), 1e-9)))


def against(name: str, enlarging: Enlarging, factor: int, tries: int) -> str:
    """One row: the drawing made small by area and enlarged again, against itself."""
    truth = Image.open(DRAWING).convert("RGB")
    small = truth.resize((truth.width // factor, truth.height // factor), Image.Resampling.BOX)
    clock, processor, _ = timed(enlarging, small, tries)
    megapixels = truth.width * truth.height / 1e6
    quality = psnr(enlarging(small), truth)
    return f"| {name} | {processor / megapixels:.3f} | {clock / megapixels:.3f} | {quality:.1f} |"


def enlarge_as_a_job(path: str) -> None:
    """In a process of its own: what the worker does with one job."""
    from pipelines.catalog.catalog import load_catalog
    from pipelines.events import WorkOrder
    from pipelines.planning.complete import complete
    from pipelines.request import GenerationRequest
    from pipelines.running.runner import PipelineRunner

    torch.set_num_threads(1)
    catalog = load_catalog(ROOT / "models.yaml")
    wish = {"mode": "upscale", "model": "portrait-enlarger", "scale": 4, "references": [{"image_id": "it"}]}
    request = GenerationRequest.model_validate(wish)
    done = complete(request, catalog, {"it": Image.open(path).size}, lambda: 0).request
    order = WorkOrder("job", done, {"it": path})
    PipelineRunner(catalog, "cpu").run(order, lambda event: None, lambda: False)


def worker() -> str:
    """How large that process became, in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.png"
        picture(LARGE).save(path)
        made = multiprocessing.get_context("spawn").Process(target=enlarge_as_a_job, args=(str(path),))
        made.start()
        with Growth(made.pid) as growth:
            made.join()
    if made.exitcode:
        raise SystemExit(f"The job ended with {made.exitcode}.")
    most = (growth.before + growth.most) / MEGA
    return (
        f"A worker that makes {4 * LARGE} × {4 * LARGE} px of {LARGE} × {LARGE}: {most:.0f} MB at its largest"
    )


def heading(*names: str) -> tuple[str, str]:
    """The first two lines of a table."""
    return f"| {' | '.join(names)} |", "|---" * len(names) + "|"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upscale", description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help="how large a worker becomes, and nothing else")
    args = parser.parse_args()
    if args.worker:
        print(worker())
        return
    torch.set_num_threads(args.threads)
    net = load(WEIGHTS)
    enlarge(net, picture(64))  # the first call prepares the convolutions
    print(f"{args.threads} threads\n")
    print(*heading("px", "s", "processor s", "processor s a megapixel", "MB more"), sep="\n")
    for side in SIDES:
        print(line(net, side, args.tries), flush=True)
    print(
        "\n",
        *heading("128 → 512 px", "processor s a megapixel", "s a megapixel", "MB more", "PSNR, dB"),
        sep="\n",
    )
    for name, enlarging in ways(net).items():
        print(against(name, enlarging, net.factor, args.tries), flush=True)


if __name__ == "__main__":
    main()
