"""What to expect in time of a model on a processor."""

from __future__ import annotations

import pytest

from pipelines.memory.plan import GIB, Hardware, ModelSize, Part
from studio.models.fitting import pace

LARGE = ModelSize((Part("transformer", 3_880_000_000), Part("text_encoder", 4_022_000_000)), 1024)
SMALL = ModelSize((Part("unet", 60_000_000), Part("text_encoder", 900_000_000)), 128)
MIDDLE = ModelSize((Part("unet", 860_000_000),), 512)


def machine(kind: str) -> Hardware:
    memory = 64 * GIB
    return Hardware(
        kind=kind,
        name="x",
        total=memory,
        free=memory,
        ram_total=memory,
        ram_free=memory,  # pyright: ignore[reportArgumentType]
    )


@pytest.mark.parametrize(
    ("size", "kind", "words"),
    [
        (LARGE, "cpu", "about 5 minutes a step"),
        (MIDDLE, "cpu", "about 18 seconds a step"),
        (SMALL, "cpu", None),
        (LARGE, "cuda", None),
        (LARGE, "mps", None),
    ],
)
def test_a_processor_is_said_to_be_slow_where_it_is(size: ModelSize, kind: str, words: str | None) -> None:
    said = pace(size, machine(kind))
    assert (said is None) == (words is None)
    assert words is None or words in str(said)
