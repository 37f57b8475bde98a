"""What a quick draft leaves out: blocks that are computed, seconds, how far its picture is from the full one.

`python -m benchmarks.quick_draft` makes, with tiny models of every family that drafts, one picture in full,
one as a quick draft, and one in full with only as many steps as the draft computes. Their weights are random:
what is left out is the same with real ones; how good a picture is, only real ones can say. Each block is
there `DEPTH` times, so that blocks take most of the time, as they do in real models.
"""

from __future__ import annotations

import argparse
import copy
import re
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image

from benchmarks.second_try import SEED, SIDE, Rig, tiny_rig
from benchmarks.upscale import psnr
from pipelines.request import Mode
from pipelines.running import loading

DEPTH = 8
CALLS = (
    ("tiny-flux1", "text_to_image"), ("tiny-flux1", "img2img"),
    ("tiny-flux1", "inpaint"), ("tiny-flux1", "controlnet"),
    ("tiny-kontext", "text_to_image"), ("tiny-kontext", "smart_edit"), ("tiny-kontext", "inpaint"),
    ("tiny-fill", "inpaint"),
    ("tiny-klein-base", "text_to_image"), ("tiny-klein-base", "smart_edit"), ("tiny-klein-base", "inpaint"),
    ("tiny-dev", "text_to_image"), ("tiny-dev", "smart_edit"),
    ("tiny-qwen-edit", "smart_edit"),
    ("tiny-qwen-image", "text_to_image"), ("tiny-qwen-image", "img2img"), ("tiny-qwen-image", "inpaint"),
    ("tiny-qwen-image", "controlnet"),
    ("tiny-qwen-whole", "text_to_image"), ("tiny-qwen-whole", "smart_edit"),
)  # fmt: skip
"""Every pipeline that drafts; an IP-Adapter is made for so many blocks, and cannot be deepened."""
HEAD = "| model, mode | steps | blocks computed | seconds | times as fast | PSNR | PSNR of fewer steps |"
_BLOCKS = re.compile(r"[^.]*block[^.]*\.[^.]+")


@dataclass
class Made:
    """A picture, blocks computed for it, and seconds of its steps."""

    picture: Image.Image
    blocks: int
    seconds: float


@contextmanager
def counted_blocks(transformer: Any) -> Generator[list[str]]:
    """Names of the blocks whose own code has run within, one for each time."""
    ran: list[str] = []
    blocks = [(name, block) for name, block in transformer.named_modules() if _BLOCKS.fullmatch(name)]

    def counting(name: str, plain: Any) -> Any:
        def forward(*args: Any, **kwargs: Any) -> Any:
            ran.append(name)
            return plain(*args, **kwargs)

        return forward

    plains = [block.forward for _, block in blocks]
    for name, block in blocks:
        block.forward = counting(name, block.forward)
    try:
        yield ran
    finally:
        for (_, block), plain in zip(blocks, plains, strict=True):
            block.forward = plain


def deepen(transformer: Any, times: int) -> None:
    """Every block so many times, one after the other."""
    for name, blocks in transformer.named_children():
        if "block" in name and isinstance(blocks, torch.nn.ModuleList):
            own = list(blocks)
            blocks.extend([copy.deepcopy(block) for _ in range(times - 1) for block in own])


def make(rig: Rig, name: str, mode: str, steps: int, *, quick: bool, repeats: int = 1) -> Made:
    """One picture; seconds are the median of `repeats`."""
    model = rig.models(name)[1]
    masked = mode == "inpaint"
    faces = [{"image_id": "face0"}] if Mode(mode) is not Mode.TEXT_TO_IMAGE else []
    planned, images = rig.planned({
        "model": name, "mode": mode, "prompt": "a face", "seed": SEED, "num_inference_steps": steps,
        "width": SIDE, "height": SIDE, "quick_draft": quick, "result_size": "model",
        "references": [*faces, *([{"image_id": "mask", "role": "mask"}] if masked else [])],
        **({} if masked or not faces else {"keep": {"enabled": False}}),
    })  # fmt: skip
    call = model.prepare(planned, images, lambda event: None)
    with counted_blocks(call._pipeline.transformer) as ran:
        picture = call.decode(call.denoise(SEED, _quietly))
    return Made(picture, len(ran), median(_seconds(call) for _ in range(repeats)))


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call.denoise(SEED, _quietly)
    return time.perf_counter() - began


def _quietly(step: int, of: int, latents: Any) -> None:
    """Steps are told to nobody."""


def row(rig: Rig, name: str, mode: str, repeats: int) -> str:
    """One line of the table."""
    route = rig.catalog.route(name, Mode(mode))
    steps = int(route.knobs["num_inference_steps"])
    full = make(rig, name, mode, steps, quick=False, repeats=repeats)
    draft = make(rig, name, mode, steps, quick=True, repeats=repeats)
    assert route.step_cache is not None
    fewer = make(rig, name, mode, len(route.step_cache.computed(steps)), quick=False)
    return (
        f"| {name.removeprefix('tiny-')}, {mode} | {steps} | {full.blocks} → {draft.blocks} "
        f"| {full.seconds:.2f} → {draft.seconds:.2f} | {full.seconds / draft.seconds:.2f} "
        f"| {psnr(full.picture, draft.picture):.1f} | {psnr(full.picture, fewer.picture):.1f} |"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", help="only these")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    loading.quieten_libraries()
    print(HEAD)
    print("|---" * HEAD.count(" |") + "|")
    deepened: set[int] = set()
    with tempfile.TemporaryDirectory(prefix="likeness-quick-draft-") as folder:
        rig = tiny_rig(Path(folder))
        for name, mode in CALLS:
            if options.models is not None and name not in options.models:
                continue
            transformer = rig.models(name)[1].components["transformer"]
            if id(transformer) not in deepened:
                deepened = {id(transformer)}
                deepen(transformer, DEPTH)
            print(row(rig, name, mode, options.repeats), flush=True)


if __name__ == "__main__":
    main()
