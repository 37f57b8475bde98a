"""Request → complete request → plan: pure functions, no torch, no files.

`complete` closes what the artist left open (model, seed, size, strength) and refuses what cannot be
done; the studio calls it at submit and shows its notices before generating.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.catalog import Catalog
from pipelines.request import GenerationRequest


@dataclass(frozen=True, slots=True)
class Completed:
    """A complete request and what the artist should be told about it."""

    request: GenerationRequest
    notices: tuple[str, ...] = ()


def complete(
    request: GenerationRequest,
    catalog: Catalog,
    sizes: Mapping[str, tuple[int, int]],
    draw_seed: Callable[[], int],
) -> Completed:
    """Close the open fields of `request`.

    `sizes`: (width, height) of each referenced picture by id. `draw_seed`: a random seed in
    [0, 2**32). Raises RequestError (field and words) where the request cannot be carried out.
    """
    raise NotImplementedError
