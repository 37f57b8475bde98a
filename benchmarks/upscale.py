"""`python -m benchmarks.upscale`: how long the bundled enlarger takes, and how much memory, by size.

Prints a table for docs/performance.md: seconds by the clock (the quickest try) and of all processors, and by
how much the process grew at its largest.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from pipelines.running.enlarging import Compact, enlarge, load

WEIGHTS = Path(__file__).parents[1] / "pipelines" / "bundled" / "enlarger" / "enlarger.safetensors"
SIDES = (128, 256, 512, 1024)
MEGA = 1024**2


def picture(side: int) -> Image.Image:
    """A drawing's like: smooth colours with hard borders."""
    colours = np.random.default_rng(side).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)


class Growth:
    """Watches, while its block runs, by how many bytes this process is larger than before."""

    def __init__(self) -> None:
        self.most, self._process, self._over = 0, psutil.Process(), threading.Event()

    def __enter__(self) -> Growth:
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self.most = max(self.most, self._process.memory_info().rss - self._before)


def line(net: Compact, side: int, tries: int) -> str:
    """One row: the quickest of some tries at a picture of side * side pixels."""
    source, clock, processor = picture(side), float("inf"), float("inf")
    with Growth() as growth:
        for _ in range(tries):
            start, spent = time.perf_counter(), time.process_time()
            enlarge(net, source)
            clock = min(clock, time.perf_counter() - start)
            processor = min(processor, time.process_time() - spent)
    return f"| {side} → {side * net.factor} | {clock:.2f} | {processor:.2f} | {growth.most / MEGA:.0f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upscale", description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--tries", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    net = load(WEIGHTS)
    enlarge(net, picture(64))  # the first call prepares the convolutions
    print(f"{args.threads} threads\n\n| px | s | processor s | MB more |\n|---|---|---|---|")
    for side in SIDES:
        print(line(net, side, args.tries), flush=True)


if __name__ == "__main__":
    main()
