"""How models of known size would be kept on cards of several sizes: a table for docs/performance.md.

`python -m benchmarks.plans` asks the planner alone; nothing is loaded and no card is needed.
"""

from __future__ import annotations

import argparse

from pipelines.memory import planner
from pipelines.memory.plan import GIB, Hardware, ModelSize, Part

CARDS = (4, 6, 8, 12, 16, 24, 48, 80)
"""GB as sold; 6 % are taken for what the system and the driver hold."""
MODELS = {
    "SD 1.5": ModelSize(
        (Part("unet", 860_000_000), Part("text_encoder", 123_000_000), Part("vae", 84_000_000)), 512
    ),
    "SDXL": ModelSize(
        (
            Part("unet", 2_567_000_000),
            Part("text_encoder", 123_000_000),
            Part("text_encoder_2", 695_000_000),
            Part("vae", 84_000_000),
        )
    ),
    "FLUX.2 klein 4B": ModelSize(
        (Part("transformer", 3_876_000_000), Part("text_encoder", 4_022_000_000), Part("vae", 84_000_000))
    ),
    "FLUX.3 Image Klein": ModelSize(
        (Part("transformer", 5_549_000_000), Part("text_encoder", 4_438_000_000), Part("vae", 84_000_000))
    ),
    "Z-Image": ModelSize(
        (Part("transformer", 6_155_000_000), Part("text_encoder", 4_022_000_000), Part("vae", 84_000_000))
    ),
    "Qwen-Image": ModelSize(
        (Part("transformer", 20_430_000_000), Part("text_encoder", 8_290_000_000), Part("vae", 127_000_000))
    ),
}


def card(gigabytes: int, ram: int, packages: frozenset[str]) -> Hardware:
    """A CUDA card with nothing else on it."""
    free = int(gigabytes * GIB * 0.94)
    return Hardware(
        kind="cuda",
        name=f"{gigabytes} GB",
        total=gigabytes * GIB,
        free=free,
        ram_total=ram * GIB,
        ram_free=ram * GIB,
        backends=packages,
    )


def table(ram: int, packages: frozenset[str]) -> str:
    """Markdown: a row for each card, a column for each model."""
    lines = ["| card | " + " | ".join(MODELS) + " |", "|---" * (len(MODELS) + 1) + "|"]
    for gigabytes in CARDS:
        cells = []
        for size in MODELS.values():
            plan = planner.plan(size, card(gigabytes, ram, packages))
            cells.append(plan.label + (", tiles" if plan.tiling else "") if plan.fits else "too large")
        lines.append(f"| {gigabytes} GB | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ram", type=int, default=64, help="GB of the computer's memory")
    parser.add_argument("--packages", nargs="*", default=[], choices=("bitsandbytes", "torchao"))
    options = parser.parse_args()
    print(table(options.ram, frozenset(options.packages)))


if __name__ == "__main__":
    main()
