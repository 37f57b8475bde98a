"""`python -m benchmarks.importing`: how fast folders come in, and what a long import does to memory.

Imports pictures of 1 megapixel (half PNG, half JPEG, with grain as photographs have it), with both
thumbnails, everything synced. Then a folder of many small pictures, while this process's memory is looked at.
Prints a table for docs/performance.md; processor time beside the clock's, for machines that are not idle.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.collection import opened
from studio.exchange.importing import Importer
from studio.exchange.records import ImportProgress

SIDE = 1024


@dataclass(frozen=True, slots=True)
class Took:
    """An import of so many pictures; seconds by the clock and of all processors."""

    pictures: int
    clock: float
    processor: float

    def line(self, name: str) -> str:
        """As Markdown."""
        each = self.processor / self.pictures * 1000
        return f"| {name} | {self.pictures} | {self.pictures / self.clock:.1f} | {each:.1f} |"


def make_large(folder: Path, count: int) -> None:
    """Smooth colours and grain: files of about 1.7 MB (PNG) and 0.3 MB (JPEG)."""
    dice = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        patches = Image.fromarray(dice.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        smooth = np.asarray(patches.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)
        grain = dice.normal(0, 3, smooth.shape)
        picture = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
        if number % 2:
            picture.save(folder / f"{number:05}.png")
        else:
            picture.save(folder / f"{number:05}.jpg", quality=92)


def make_small(folder: Path, count: int) -> None:
    """Pictures of 32 px, each of its own pixels, a thousand to a folder."""
    dice = np.random.default_rng(1)
    for number in range(count):
        place = folder / f"{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = dice.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number:06}.png", compress_level=1)


def imported(data: Path, folder: Path, look: Callable[[ImportProgress], None]) -> Took:
    """Import `folder` into a new collection; `look` is called with the progress four times a second."""
    with opened(data, 0) as collection:
        importer = Importer(collection)
        clock, processor = time.perf_counter(), _processor()
        started = importer.start(folder)
        while (progress := importer.get(started.id)).status in ("scanning", "running"):
            look(progress)
            importer.wait(0.25)
        took = Took(progress.added, time.perf_counter() - clock, _processor() - processor)
        if progress.status != "done" or progress.failed:
            raise SystemExit(f"The import ended as {progress.status}, {progress.failed} failed.")
        gc.collect()
        look(progress)
    return took


def memory_mb() -> int:
    """Resident memory of this process."""
    return round(psutil.Process().memory_info().rss / 2**20)


def _processor() -> float:
    used = psutil.Process().cpu_times()
    return used.user + used.system


def _memory_over(data: Path, folder: Path, count: int) -> tuple[Took, list[int]]:
    """Memory at each tenth of the import, and after it."""
    seen: dict[int, int] = {}

    def look(progress: ImportProgress) -> None:
        if progress.done:
            seen.setdefault(10 * progress.done // count, memory_mb())

    took = imported(data, folder, look)
    return took, [*seen.values(), memory_mb()]


def main() -> None:
    """Make, import, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=400, help="pictures of 1 MP")
    parser.add_argument("--small", type=int, default=20_000, help="pictures of 32 px, for memory; 0: none")
    asked = parser.parse_args()
    print(f"| {len(os.sched_getaffinity(0))} cores | pictures | a second | processor, ms each |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="likeness-bench-") as name:
        folder = Path(name)
        make_large(folder / "large", asked.large)
        took = imported(folder / "one", folder / "large", lambda progress: None)
        print(took.line("1 MP, half PNG, half JPEG"), flush=True)
        if asked.small:
            make_small(folder / "small", asked.small)
            took, memory = _memory_over(folder / "two", folder / "small", asked.small)
            print(took.line("32 px"))
            print(f"\nMemory in MiB at each tenth of the small ones, and after: {memory}")


if __name__ == "__main__":
    main()
