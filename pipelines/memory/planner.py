"""Decides how a model is kept in memory: whole, its parts taking turns, in smaller numbers, in tiles.

Pure arithmetic over what a model weighs (`pipelines.disk.model_size`) and what the machine has (`Hardware`);
imports no torch and knows no family. `pipelines.running.placement` carries a plan out. Needs are estimates:
weights are counted, working memory grows with the picture, and a reserve stays free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipelines.errors import RequestError
from pipelines.memory import reasons
from pipelines.memory.plan import (
    BACKENDS,
    GIB,
    Hardware,
    MemoryChoice,
    MemoryPlan,
    ModelSize,
    Part,
    Placement,
    Storage,
)

RESERVE = GIB // 2
"""Left free beyond all estimates: the driver's own needs, other programs' windows."""
_WORKING_NUMBERS_PER_PIXEL = 900
"""Numbers alive while a step is made, for each pixel of the picture (guidance doubles the batch)."""
_DECODING_NUMBERS_PER_PIXEL = 1300
"""Numbers alive in the last layers of a decoder, for each pixel decoded at once."""
_TILE = 512
_STREAMED_SHARE = 0.08
"""Share of a network on the card while its layers come and go, two at a time."""
_BYTES_PER_NUMBER = {Storage.HALF: 2.0, Storage.FP8: 1.05, Storage.INT8: 1.1, Storage.NF4: 0.6}


def plan(
    size: ModelSize,
    hardware: Hardware,
    choice: MemoryChoice = MemoryChoice.AUTO,
    tiling: bool | None = None,
) -> MemoryPlan:
    """The first way, from quick and exact to slow and close, that fits; else the one that needs least.

    `tiling`: with or without decoding in tiles; None: where that makes it fit.
    Raises RequestError (field `memory`) for a choice that cannot be had here.
    """
    if refused := refusal(choice, size, hardware):
        raise RequestError(refused, field="memory")
    ways = [way for way in _ways(size, hardware) if _chosen(way, choice) and tiling in (None, way.tiling)]
    best = next((way for way in ways if way.fits), None) or min(ways, key=lambda way: way.need)
    whole = next(_ways(size, hardware)).need
    return replace(best, reason=reasons.reason(best, whole, hardware, choice))


def cheaper(current: MemoryPlan, size: ModelSize, hardware: Hardware) -> MemoryPlan | None:
    """The next way that needs clearly less than `current`; None where there is none."""
    later = [way for way in _ways(size, hardware) if way.need < 0.95 * current.need]
    fitting = [way for way in later if way.fits]
    best = next(iter(fitting), None) or min(later, key=lambda way: way.need, default=None)
    if best is None:
        return None
    return replace(best, reason=f"Memory ran out before, so now {reasons.kept(best)}.")


def counted(current: MemoryPlan, size: ModelSize, hardware: Hardware) -> MemoryPlan:
    """The same way with its needs counted anew, for a model with further parts."""
    return _weighed(current, size, hardware)


def refusal(choice: MemoryChoice, size: ModelSize, hardware: Hardware) -> str | None:
    """Why `choice` cannot be had on this machine with this model, and what to do; None where it can."""
    storage = _STORAGE_OF.get(choice)
    if choice in (MemoryChoice.MODEL_OFFLOAD, MemoryChoice.GROUP_OFFLOAD) and not hardware.has_own_memory:
        return "Parts can only take turns on a graphics card with memory of its own. Choose Automatic."
    if storage and storage in BACKENDS and hardware.kind not in _QUANTISES:
        return (
            f"Quantising to {storage.value} needs a CUDA card, and this machine computes on {hardware.name}. "
            "Choose Automatic."
        )
    if storage and not hardware.has_own_memory:
        return "Smaller weights are for graphics cards with memory of their own. Choose Automatic."
    if storage and size.quantised:
        return "This model's files are quantised already. Choose Automatic."
    if storage in BACKENDS and (size.is_shared or not size.convertible):
        return "The quantisation packages can't be used with this model. Choose 8-bit weights (fp8)."
    if storage and storage in BACKENDS and not backend(storage, hardware):
        package = BACKENDS[storage][-1]
        return f"{storage.value} needs the package {package}. Install it with: pip install {package}"
    return None


def unreadable(size: ModelSize, hardware: Hardware) -> str | None:
    """Why files that are quantised already cannot be loaded here, and what to do; None where they can."""
    for package in sorted(size.packages & {*_QUANTISED}):
        if hardware.kind not in _QUANTISES:
            return (
                f"its files are quantised to {_QUANTISED[package]}, which needs a CUDA card, and this "
                f"machine computes on {hardware.name}. Choose another model."
            )
        if package not in hardware.backends:
            return f"its files need the package {package}. Install it with: pip install {package}"
    return None


def backend(storage: Storage, hardware: Hardware) -> str | None:
    """The installed package that makes such weights; None for those that need none."""
    return next((name for name in BACKENDS.get(storage, ()) if name in hardware.backends), None)


def weight(part: Part, storage: Storage, itemsize: int) -> int:
    """Bytes of a network kept as `storage`; decoders and small parts always stay as they are."""
    shrinks = (part.is_denoiser and not part.is_adapter) or part.is_encoder or storage is Storage.HALF
    per_number = _BYTES_PER_NUMBER.get(storage, itemsize) if shrinks else itemsize
    return int(part.numbers * per_number) + part.fixed


_QUANTISES = ("cuda", "rocm")
"""Kinds of cards the quantisation packages compute on."""
_QUANTISED = {"bitsandbytes": "nf4 or int8"}
_STORAGE_OF = {
    MemoryChoice.FP8: Storage.FP8,
    MemoryChoice.INT8: Storage.INT8,
    MemoryChoice.NF4: Storage.NF4,
}


def _chosen(way: MemoryPlan, choice: MemoryChoice) -> bool:
    if choice is MemoryChoice.AUTO:
        return True
    if choice in _STORAGE_OF:
        return way.storage is _STORAGE_OF[choice]
    return way.placement.value == choice.value and way.storage in (Storage.FULL, Storage.HALF)


def _ways(size: ModelSize, hardware: Hardware) -> Iterator[MemoryPlan]:
    """All ways this machine has, from quick and exact to slow; each with what it needs."""
    if not hardware.has_own_memory:
        numbers = (Storage.FULL, Storage.HALF) if hardware.itemsize > 2 else (Storage.FULL,)
        pairs = [(Placement.RESIDENT, storage) for storage in numbers]
    else:
        pairs = [(Placement.RESIDENT, Storage.FULL), (Placement.MODEL_OFFLOAD, Storage.FULL)]
        for storage in _smaller(size, hardware):
            resident = [] if size.is_shared else [(Placement.RESIDENT, storage)]
            pairs += [*resident, (Placement.MODEL_OFFLOAD, storage)]
        pairs.append((Placement.GROUP_OFFLOAD, Storage.FULL))
    for placement, storage in pairs:
        for tiling in (False, True):
            yield _weighed(MemoryPlan(placement=placement, storage=storage, tiling=tiling), size, hardware)


def _smaller(size: ModelSize, hardware: Hardware) -> list[Storage]:
    """Smaller numbers this model can be kept in on this machine, best first."""
    if size.quantised:
        return []
    packaged = [] if size.is_shared or not size.convertible else [Storage.INT8, Storage.NF4]
    return [Storage.FP8, *(storage for storage in packaged if backend(storage, hardware))]


def _weighed(way: MemoryPlan, size: ModelSize, hardware: Hardware) -> MemoryPlan:
    weights = {part: weight(part, way.storage, hardware.itemsize) for part in size.parts}
    peak, total = _peak(way, weights, size, hardware.itemsize), sum(weights.values())
    if not hardware.has_own_memory:
        return replace(way, ram_bytes=peak, fits=peak + RESERVE <= hardware.free)
    kept = 0 if way.placement is Placement.RESIDENT else total
    passing = max(weights.values(), default=0)  # a network goes through the computer's memory on its way
    fits = peak + RESERVE <= hardware.free and max(kept, passing) + RESERVE <= hardware.ram_free
    streams = way.placement is Placement.GROUP_OFFLOAD and hardware.has_streams
    return replace(way, gpu_bytes=peak, ram_bytes=kept, fits=fits, streams=streams)


def _peak(way: MemoryPlan, weights: dict[Part, int], size: ModelSize, itemsize: int) -> int:
    """Most bytes at once: of weights that are there together, and of the work they do."""
    pixels = size.resolution**2
    working = pixels * _WORKING_NUMBERS_PER_PIXEL * itemsize
    at_once = min(pixels, _TILE**2) if way.tiling else pixels
    decoding = at_once * _DECODING_NUMBERS_PER_PIXEL * itemsize
    if way.placement is Placement.RESIDENT:
        return sum(weights.values()) + max(working, decoding)
    share = _STREAMED_SHARE if way.placement is Placement.GROUP_OFFLOAD else 1.0
    denoisers = sum(taken for part, taken in weights.items() if part.is_denoiser)
    decoders = sum(taken for part, taken in weights.items() if part.is_decoder)
    others = max((t for part, t in weights.items() if not (part.is_denoiser or part.is_decoder)), default=0)
    return int(max(denoisers * share + working, decoders + decoding, others * share + working / 4))
