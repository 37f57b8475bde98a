"""Why a model is kept as it is, in words for the artist."""

from __future__ import annotations

from pipelines.memory.plan import GIB, STORED, Hardware, MemoryChoice, MemoryPlan, Placement, Storage

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


def reason(way: MemoryPlan, whole: int, hardware: Hardware, choice: MemoryChoice) -> str:
    """Why this way, what it costs, and a warning where it may not be enough.

    `whole`: bytes of the model whole and unchanged.
    """
    has = f"the {hardware.place} has {_gb(hardware.free)} GB free"
    what = kept(way)
    tiles = " The picture is decoded in tiles." if way.tiling else ""
    if not way.fits:
        need = f"{_gb(way.need)} GB are needed and {has}"
        return f"Probably too little memory: {need}. The studio will try: {what}. A smaller model is safer."
    if choice is not MemoryChoice.AUTO:
        return f"Your choice: {what}.{tiles}"
    if way.placement is Placement.RESIDENT and way.storage is Storage.FULL:
        return f"It needs {_gb(way.need)} GB and {has}, so {what}.{tiles}"
    price = _CHANGE.get(way.storage) or _PRICE[way.placement]
    need = f"; that needs {_gb(way.need)} GB" if way.storage is not Storage.FULL else ""
    return f"Whole and unchanged it would need {_gb(whole)} GB, and {has}. So {what}{need}.{price}{tiles}"


def kept(way: MemoryPlan) -> str:
    """“Its parts take turns on the graphics card”; kept smaller, that is the point of it."""
    if way.placement is Placement.RESIDENT and way.storage in STORED:
        return f"it is kept with {STORED[way.storage]}"
    return f"{_WAY[way.placement]}{_stored(way)}"


def _stored(way: MemoryPlan) -> str:
    return f" with {STORED[way.storage]}" if way.storage in STORED else ""


def _gb(count: int) -> str:
    return "less than 0.1" if 0 < count < 0.05 * GIB else f"{count / GIB:.1f}"
