"""A catalogue with an enlarger of random weights, and tiny models that redraw and finish."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from pipelines.running.enlarging import Compact

ENTRIES = """\
  - id: tiny-enlarger
    label: Tiny Enlarger
    family: upscaler
    source: {enlarger}
    licence: none
    resolution: 256
    modes: [upscale]
  - id: absent-enlarger
    label: Absent Enlarger
    family: upscaler
    source: nobody/nothing
    file: nothing.safetensors
    licence: none
    modes: [upscale]
  - id: tiny-redraws
    label: Tiny Redraws
    family: stable-diffusion
    source: {plain}
    licence: none
    resolution: 64
    modes: [text_to_image, img2img, upscale]
  - id: tiny-wide
    label: Tiny Wide
    family: stable-diffusion
    source: {plain}
    licence: none
    resolution: 512
    modes: [text_to_image]
  - id: tiny-finished
    label: Tiny Finished
    family: stable-diffusion
    source: {plain}
    licence: none
    resolution: 64
    modes: [text_to_image, img2img]
    defaults:
      text_to_image: {{finish: 4}}
"""


def write_enlarger(path: Path, factor: int = 4) -> Path:
    """A network that repeats pixels and adds a little that depends on all around them."""
    torch.manual_seed(3)
    net = Compact(8, 3, factor)
    with torch.no_grad():
        net.body[-1].weight.mul_(0.2)
    save_file(net.state_dict(), path)
    return path


def write_catalogue(folder: Path, tiny: Path) -> Path:
    """The catalogue `tiny` with the entries above."""
    text = tiny.read_text(encoding="utf-8")
    plain = text.split("id: tiny-plain")[1].split("source: ")[1].splitlines()[0]
    enlarger = write_enlarger(folder / "enlarger.safetensors")
    path = folder / "models.yaml"
    path.write_text(text + ENTRIES.format(plain=plain, enlarger=enlarger), encoding="utf-8")
    return path
