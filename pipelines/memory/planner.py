"""Decides how a model is kept in memory: whole, its parts taking turns, in smaller numbers, in tiles.

Pure arithmetic over what a model weighs (`pipelines.disk.model_size`) and what the machine has (`Hardware`);
imports no torch and knows no family. `pipelines.running.placement` carries a plan out. Needs are estimates:
weights are counted, working memory grows with the picture, and a reserve stays free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from pipelines.errors import RequestError

GIB = 2**30
RESERVE = GIB // 2
"""Left free beyond all estimates: the driver's own needs, other programs' windows."""
_WORKING_NUMBERS_PER_PIXEL = 900
"""Numbers alive while a step is made, for each pixel of the picture (guidance doubles the batch)."""
_DECODING_NUMBERS_PER_PIXEL = 1300
"""Numbers alive in the last layers of a decoder, for each pixel decoded at once."""
_TILE = 512
_STREAMED_SHARE = 0.08
"""Share of a network on the card while its layers come and go, two at a time."""


class Placement(StrEnum):
    """Where the weights are between two uses."""

    RESIDENT = "resident"
    MODEL_OFFLOAD = "model_offload"
    GROUP_OFFLOAD = "group_offload"


class Storage(StrEnum):
    """In which numbers the big networks are kept; they always compute in the card's own precision."""

    FULL = "full"
    HALF = "half"
    FP8 = "fp8"
    INT8 = "int8"
    NF4 = "nf4"


class MemoryChoice(StrEnum):
    """What an artist can ask for instead of the studio's own plan."""

    AUTO = "auto"
    RESIDENT = "resident"
    MODEL_OFFLOAD = "model_offload"
    GROUP_OFFLOAD = "group_offload"
    FP8 = "fp8"
    INT8 = "int8"
    NF4 = "nf4"


CHOICE_LABEL = {
    MemoryChoice.AUTO: "Automatic",
    MemoryChoice.RESIDENT: "All on the card (quickest)",
    MemoryChoice.MODEL_OFFLOAD: "Parts take turns on the card",
    MemoryChoice.GROUP_OFFLOAD: "Layers stream through the card (slowest, least memory)",
    MemoryChoice.FP8: "8-bit weights (half the memory, very close pictures)",
    MemoryChoice.INT8: "8-bit weights by a quantisation package",
    MemoryChoice.NF4: "4-bit weights (a quarter of the memory, slightly different pictures)",
}
BACKENDS = {Storage.INT8: ("torchao", "bitsandbytes"), Storage.NF4: ("bitsandbytes",)}
"""Python packages that can do it, best first."""
_BYTES_PER_NUMBER = {Storage.HALF: 2.0, Storage.FP8: 1.05, Storage.INT8: 1.1, Storage.NF4: 0.6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What the worker runs on; plain data, so that it can be sent to the studio.

    `free`: bytes a model may take on the card now (for cpu and mps, of the computer's memory).
    `itemsize`: bytes of a number in the precision the card computes in. `backends`: quantisation
    packages installed.
    """

    kind: Literal["cuda", "rocm", "xpu", "mps", "cpu"]
    name: str
    total: int
    free: int
    ram_total: int
    ram_free: int
    itemsize: int = 2
    backends: frozenset[str] = frozenset()

    @property
    def has_own_memory(self) -> bool:
        """Weights can lie in the computer's memory instead of the card's."""
        return self.kind in ("cuda", "rocm", "xpu")

    @property
    def has_streams(self) -> bool:
        """Weights can travel to the card while it computes."""
        return self.kind in ("cuda", "rocm")

    @property
    def place(self) -> str:
        """What its memory is called in a sentence."""
        return "graphics card" if self.has_own_memory else "computer"


@dataclass(frozen=True, slots=True)
class Part:
    """A network of a model. `numbers` take the precision it is loaded in; `fixed` bytes are as they are."""

    name: str
    numbers: int
    fixed: int = 0

    @property
    def is_denoiser(self) -> bool:
        """Runs at every step (ControlNets, LoRAs and IP-Adapters do, too, beside the main network)."""
        return self.name.startswith(("unet", "transformer", "controlnet")) or self.is_hung_in

    @property
    def is_hung_in(self) -> bool:
        """Layers inside another network, kept as they are."""
        return self.name.startswith(("lora", "adapter"))

    @property
    def is_decoder(self) -> bool:
        """Makes pixels of latents."""
        return self.name.startswith("vae")

    @property
    def is_encoder(self) -> bool:
        """Reads words or pictures, once for each picture."""
        return "encoder" in self.name


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The networks of a model, and the side in px of the square it was made for.

    `convertible`: quantisation packages can read its files (they cannot read single-file checkpoints).
    `packages`: those that its files were quantised with, and without which nothing reads them.
    """

    parts: tuple[Part, ...]
    resolution: int = 1024
    convertible: bool = True
    packages: frozenset[str] = frozenset()

    @property
    def is_shared(self) -> bool:
        """A UNet has twins with the same tensors; these stay one only while nobody rewrites them."""
        return any(part.name.startswith("unet") for part in self.parts)

    @property
    def quantised(self) -> bool:
        """The files hold quantised weights, which are kept as they are."""
        return any(part.fixed > part.numbers // 8 for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How a model is kept. `gpu_bytes`: the most it is expected to take on the card (for cpu and mps 0);

    `ram_bytes`: what it keeps in the computer's memory. `fits` is False for the last resort.
    """

    placement: Placement = Placement.RESIDENT
    storage: Storage = Storage.FULL
    tiling: bool = False
    streams: bool = False
    fits: bool = True
    gpu_bytes: int = 0
    ram_bytes: int = 0
    reason: str = ""

    @property
    def label(self) -> str:
        """A few words for a list: 'parts take turns, 8-bit weights'."""
        words = [_PLACED[self.placement], *([_STORED[self.storage]] if self.storage in _STORED else [])]
        return ", ".join(words)


WHOLE = MemoryPlan(reason="All of the model stays in memory.")
"""The simplest plan."""

_PLACED = {
    Placement.RESIDENT: "whole in memory",
    Placement.MODEL_OFFLOAD: "parts take turns",
    Placement.GROUP_OFFLOAD: "layers stream through",
}
_STORED = {
    Storage.HALF: "16-bit weights",
    Storage.FP8: "8-bit weights",
    Storage.INT8: "8-bit weights",
    Storage.NF4: "4-bit weights",
}


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
    best = next((way for way in ways if way.fits), None) or min(ways, key=_need)
    return replace(best, reason=_reason(best, size, hardware, choice))


def cheaper(current: MemoryPlan, size: ModelSize, hardware: Hardware) -> MemoryPlan | None:
    """The next way that needs clearly less than `current`; None where there is none."""
    later = [way for way in _ways(size, hardware) if _need(way) < 0.95 * _need(current)]
    fitting = [way for way in later if way.fits]
    best = next(iter(fitting), None) or min(later, key=_need, default=None)
    if best is None:
        return None
    return replace(best, reason=f"Memory ran out before, so now {_kept(best)}.")


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
    shrinks = (part.is_denoiser and not part.is_hung_in) or part.is_encoder or storage is Storage.HALF
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


def _need(way: MemoryPlan) -> int:
    return way.gpu_bytes or way.ram_bytes


# --- words ------------------------------------------------------------------------------------

_WAY = {
    Placement.RESIDENT: "all of the model stays in memory",
    Placement.MODEL_OFFLOAD: "its parts take turns on the graphics card",
    Placement.GROUP_OFFLOAD: "its layers pass through the graphics card one after the other",
}
_PRICE = {
    Placement.RESIDENT: "",
    Placement.MODEL_OFFLOAD: " Pictures are the same, a little later.",
    Placement.GROUP_OFFLOAD: " Pictures are the same, but take much longer.",
}
_CHANGE = {
    Storage.HALF: " Pictures differ a little from those of full precision.",
    Storage.FP8: " Pictures differ a little from those of full weights.",
    Storage.INT8: " Pictures differ a little from those of full weights.",
    Storage.NF4: " Pictures differ visibly in small things from those of full weights.",
}


def _reason(way: MemoryPlan, size: ModelSize, hardware: Hardware, choice: MemoryChoice) -> str:
    """Why this way, what it costs, and a warning where it may not be enough."""
    has = f"the {hardware.place} has {_gb(hardware.free)} GB free"
    what = _kept(way)
    tiles = " The picture is decoded in tiles." if way.tiling else ""
    whole = _need(next(_ways(size, hardware)))
    if not way.fits:
        need = f"{_gb(_need(way))} GB are needed and {has}"
        return f"Probably too little memory: {need}. The studio will try: {what}. A smaller model is safer."
    if choice is not MemoryChoice.AUTO:
        return f"Your choice: {what}.{tiles}"
    if way.placement is Placement.RESIDENT and way.storage is Storage.FULL:
        return f"It needs {_gb(_need(way))} GB and {has}, so {what}.{tiles}"
    price = _CHANGE.get(way.storage) or _PRICE[way.placement]
    need = f"; that needs {_gb(_need(way))} GB" if way.storage is not Storage.FULL else ""
    return f"Whole and unchanged it would need {_gb(whole)} GB, and {has}. So {what}{need}.{price}{tiles}"


def _kept(way: MemoryPlan) -> str:
    """“Its parts take turns on the graphics card”; kept smaller, that is the point of it."""
    if way.placement is Placement.RESIDENT and way.storage in _STORED:
        return f"it is kept with {_STORED[way.storage]}"
    return f"{_WAY[way.placement]}{_stored(way)}"


def _stored(way: MemoryPlan) -> str:
    return f" with {_STORED[way.storage]}" if way.storage in _STORED else ""


def _gb(count: int) -> str:
    return "less than 0.1" if 0 < count < 0.05 * GIB else f"{count / GIB:.1f}"
