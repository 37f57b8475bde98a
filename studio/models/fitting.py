"""How a model would run on this machine, in words for its card. Pure looks at headers; loads nothing."""

from __future__ import annotations

import functools
from pathlib import Path

from pipelines.catalog.catalog import Catalog
from pipelines.disk import model_size
from pipelines.memory import planner
from pipelines.memory.plan import (
    CHOICE_LABEL,
    Hardware,
    MemoryChoice,
    MemoryPlan,
    ModelSize,
    Placement,
    Storage,
)
from pipelines.spec import ModelSpec
from studio.models.records import Fit, FitVerdict, MemorySetting

DEFAULT = MemorySetting()
_PROCESSOR = 1e11
"""Multiplications and additions a second of a desktop processor: an order of magnitude."""
_PLACE_PX = 16
_LONG = 5.0
"""Seconds a step from which it is worth a warning."""


def fit(
    spec: ModelSpec, catalog: Catalog, hardware: Hardware | None, setting: MemorySetting = DEFAULT
) -> Fit | None:
    """The memory planner's answer; None where the machine or the model's size is not known."""
    size = _size(spec, catalog)
    if size is None or hardware is None:
        return None
    if reason := planner.unreadable(size, hardware):
        return Fit(verdict="impossible", label="not possible here", reason=f"It can't run here: {reason}")
    if refused := planner.refusal(setting.choice, size, hardware):
        return Fit(verdict="impossible", label="not possible here", reason=refused)
    plan = planner.plan(size, hardware, setting.choice, setting.tiling)
    estimated = catalog.availability(spec) != "ready"
    return Fit(
        verdict=_verdict(plan),
        label=plan.label,
        reason=plan.reason,
        pace=pace(size, hardware),
        tiling=plan.tiling,
        estimated=estimated,
    )


def pace(size: ModelSize, hardware: Hardware) -> str | None:
    """How long a step will take on a processor, in words; None where that is short, or a card computes.

    Each of the network's numbers is used once for every place of the picture, 16 px apart.
    """
    if hardware.kind != "cpu":
        return None
    numbers = sum(part.numbers for part in size.parts if part.is_denoiser)
    seconds = 2 * numbers * (size.resolution / _PLACE_PX) ** 2 / _PROCESSOR
    if seconds < _LONG:
        return None
    about = f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
    return f"It will be slow: a processor takes about {about} a step, one of two cores several times that."


def choices(
    spec: ModelSpec, catalog: Catalog, hardware: Hardware | None
) -> tuple[dict[MemoryChoice, str], dict[MemoryChoice, str]]:
    """The ways of keeping the model that can be had here, with their labels; the others, with the reason."""
    labels = dict(CHOICE_LABEL)
    if hardware is not None and not hardware.has_own_memory:
        del labels[MemoryChoice.RESIDENT]  # there is no other place: the same as automatic
    size = _size(spec, catalog)
    refused = {
        way: why for way in labels if size and hardware and (why := planner.refusal(way, size, hardware))
    }
    return {way: labels[way] for way in labels if way not in refused}, refused


def refusal(choice: MemoryChoice, spec: ModelSpec, catalog: Catalog, hardware: Hardware | None) -> str | None:
    """Why a way cannot be had, in words; None where it can, or where nothing is known yet."""
    size = _size(spec, catalog)
    return planner.refusal(choice, size, hardware) if size and hardware else None


def _verdict(plan: MemoryPlan) -> FitVerdict:
    if not plan.fits:
        return "too_large"
    if plan.storage not in (Storage.FULL, Storage.HALF):
        return "quantised"
    return "full" if plan.placement is Placement.RESIDENT else "offloaded"


def _size(spec: ModelSpec, catalog: Catalog) -> ModelSize | None:
    place = catalog.place(spec)
    if catalog.availability(spec) == "ready" and place is not None:
        try:
            parts = tuple((name, model_size.located(place, at)) for name, at in spec.parts.items())
            return _measured(place, spec.resolution, place.stat().st_mtime_ns, parts)
        except (OSError, ValueError, KeyError):
            return None
    weighs = spec.weights_gb or spec.download_gb
    if weighs is None:
        return None
    return model_size.declared(round(weighs * 1e9), spec.resolution, spec.quantised_with)


@functools.lru_cache(maxsize=4096)
def _measured(
    place: Path, resolution: int, stamp: int, parts: tuple[tuple[str, Path], ...] = ()
) -> ModelSize:
    """`stamp` makes a changed folder a new question; a file that could not be read is asked again."""
    if place.is_file():
        return model_size.of_file(place, resolution, dict(parts))
    return model_size.of_folder(place, resolution)
