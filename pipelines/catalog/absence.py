"""Why a model cannot do what is asked now, in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.disk import layout
from pipelines.families.registry import FAMILIES
from pipelines.families.route import Route
from pipelines.request import MODE_LABEL, Mode
from pipelines.spec import HUB, Entry, ModelSpec, split_hub

Availability = Literal["ready", "downloadable", "missing"]
DOWNLOAD = "Download it on the Models page."


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a model from something: the reason and, apart from it, what to do."""

    reason: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".rstrip()


def index_of(spec: Entry) -> str:
    """The file that every folder of this model has, and no other folder: its index."""
    if not isinstance(spec, ModelSpec):
        return layout.CONFIG
    return spec.file or FAMILIES[spec.family].index


def absence(spec: Entry, state: Availability, place: Path | None) -> str:
    """Why a model is not ready, and what to do; `place`: its folder or file, where it has one."""
    return str(absent(spec, state, place))


def absent(spec: Entry, state: Availability, place: Path | None) -> Obstacle:
    """Why a model is not ready; `place`: its folder or file, where it has one."""
    if place is not None and (place.is_file() or (place / index_of(spec)).is_file()):
        return Obstacle(f"The files of {spec.label} are damaged or incomplete.", "Put the model there again.")
    if state == "downloadable":
        return Obstacle(f"{spec.label} is not on this machine yet.", DOWNLOAD)
    return Obstacle(
        f"The folder of {spec.label} has no model in it.", "Put the model there, or choose another model."
    )


def lacking(mode: Mode, location: str) -> Obstacle:
    """A part that `mode` needs is not on this disk."""
    reason = f"{MODE_LABEL[mode]} needs {_named(location)}, which is not on this machine yet."
    return Obstacle(reason, DOWNLOAD if location.startswith(HUB) else "")


def incomplete(spec: Entry, locations: Sequence[str]) -> Obstacle:
    """Parts that a network needs for whatever it does are not on this disk."""
    names, are = ", ".join(map(_named, locations)), "is" if len(locations) == 1 else "are"
    from_hub = any(location.startswith(HUB) for location in locations)
    reason = f"{spec.label} needs {names}, which {are} not on this machine yet."
    return Obstacle(reason, DOWNLOAD if from_hub else "")


def _named(location: str) -> str:
    of_hub = location.startswith(HUB)
    return "/".join(filter(None, split_hub(location))) if of_hub else location


def miscounted(route: Route, mode: Mode, references: int) -> Obstacle | None:
    """Too few or too many references for the route; None where their number is right."""
    if references < route.min_references:
        return Obstacle(f"{MODE_LABEL[mode]} needs a reference.")
    if references > route.max_references:
        if route.max_references == 0:
            return Obstacle(f"{MODE_LABEL[mode]} takes no references.")
        return Obstacle(
            f"{MODE_LABEL[mode]} takes at most {route.max_references} of the {references} references."
        )
    return None
