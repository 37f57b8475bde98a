"""What a model family is: its routes and the options of an entry.

Pure declarations; knows no particular family and imports no torch. What loads and runs a family is in
`pipelines.running.families`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from pipelines.disk import layout
from pipelines.families.route import Route
from pipelines.request import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One model family.

    `narrow(route, mode, options)` gives the route as far as an entry's options allow, or raises
    ValueError saying which option is missing. `needed_files(mode, options)` lists what a mode needs beyond
    the base model, as written in the options.
    """

    routes: Mapping[Mode, Route]
    options: type[BaseModel]
    narrow: Callable[[Route, Mode, Any], Route]
    needed_files: Callable[[Mode, Any], tuple[str, ...]]
    base: str | None = None
    """What add-ons of the models folder must be made for, as `pipelines.disk.identify` names it."""
    vaes: frozenset[str] = frozenset()
    """Words for autoencoders of other families that fit, too."""
    adapts_sources: bool = False
    """Its IP-Adapters act beside a source that is painted over, too."""
    folders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Which diffusers folders hold a model of this family: pipeline class → options of its entry."""
    told_apart: Mapping[tuple[str, str, bool], Mapping[str, Any]] = field(
        default_factory=dict[tuple[str, str, bool], Mapping[str, Any]]
    )
    """Where several models share a class: (class, what its index says beside it, how) → other options."""
    index: str = layout.INDEX
    """The file in such a folder that names its parts."""


def as_it_is(route: Route, mode: Mode, options: Any) -> Route:
    """`narrow` of a family whose options change no route."""
    del mode, options
    return route


def derived(family: Family, mode: Mode, of: Mode, make: Callable[[Route, Any], Route]) -> Family:
    """`family`, able to do `mode` wherever it can do `of`, with the same parts; unchanged where it cannot.

    `make(route, options)` gives the route of `mode` from that of `of`: as an entry's options narrow it, or,
    where they are None, as the family has it.
    """
    if of not in family.routes:
        return family

    def narrow(route: Route, asked: Mode, options: Any) -> Route:
        if asked is not mode:
            return family.narrow(route, asked, options)
        return make(family.narrow(family.routes[of], of, options), options)

    def needed_files(asked: Mode, options: Any) -> tuple[str, ...]:
        return family.needed_files(of if asked is mode else asked, options)

    routes = {**family.routes, mode: make(family.routes[of], None)}
    return replace(family, routes=routes, narrow=narrow, needed_files=needed_files)


def merged(checkpoints: Mapping[Any, Mapping[Mode, Route]]) -> dict[Mode, Route]:
    """For each mode the first checkpoint's route: what a family of several models can do in all."""
    return {mode: route for table in reversed([*checkpoints.values()]) for mode, route in table.items()}
