"""Render the SVG corpus: `figures{px}.npy` (n, px, px, 4) and `records.jsonl` (attributes, same order)."""

from __future__ import annotations

import gzip
import io
import json
import lzma
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image


def rasterise(job: tuple[str, int]) -> np.ndarray:
    """Draw one SVG at `px` wide: straight-alpha RGBA uint8 of shape (px, px, 4)."""
    import resvg_py  # needed by no other stage, and not among the project's requirements

    svg, px = job
    data = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=px, height=px, skip_system_fonts=True))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def lines(corpus: Path) -> Iterator[dict[str, object]]:
    """The figures of a corpus, packed with gzip or xz: attributes and `svg`."""
    unpacked = lzma.open if corpus.suffix == ".xz" else gzip.open
    with unpacked(corpus, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def render(corpus: Path, out: Path, px: int, workers: int = 1) -> int:
    """Render `corpus` into folder `out` unless it is there already; returns the number of figures."""
    target, records = out / f"figures{px}.npy", out / "records.jsonl"
    if target.exists() and records.exists():
        return int(np.load(target, mmap_mode="r").shape[0])
    out.mkdir(parents=True, exist_ok=True)
    count = sum(1 for _ in lines(corpus))
    temporary = out / f"figures{px}.partial.npy"
    figures = open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(count, px, px, 4))
    with records.open("w") as notes, Pool(workers) as pool:
        stream = lines(corpus)
        jobs = ((_note(record, notes), px) for record in stream)
        for i, image in enumerate(pool.imap(rasterise, jobs, chunksize=32)):
            figures[i] = image
    figures.flush()
    temporary.replace(target)
    return count


def _note(record: dict[str, object], notes: io.TextIOBase) -> str:
    svg = str(record.pop("svg"))
    notes.write(json.dumps(record) + "\n")
    return svg
