"""Nodes that send their input to every open input of its kind, without a line on the drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from studio.collection.metadata.comfyui import widgets
from studio.json_values import objects

_SENDERS = ("Anything Everywhere", "Prompts Everywhere", "Seed Everywhere")
_OFF = (2, 4)


@dataclass(frozen=True, slots=True)
class InputValue:
    """What an open input gets: along a link, or a value."""

    link: Any = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Broadcasts:
    """What is sent on one level of the graph."""

    by_kind: Mapping[str, Any]
    wanted: Any = None
    unwanted: Any = None
    seed: int | None = None

    def to(self, slot: Mapping[str, Any], *, old: bool) -> InputValue | None:
        """What an open input gets; `old`: it has no value of its own."""
        name, kind = str(slot.get("name")).casefold(), str(slot.get("type"))
        if kind == "INT" and "seed" in name and self.seed is not None and old:
            return InputValue(value=self.seed)
        if slot.get("widget") is not None and not old:
            return None
        if kind == "CONDITIONING" and "neg" in name and self.unwanted is not None:
            return InputValue(self.unwanted)
        if kind == "CONDITIONING" and "pos" in name and self.wanted is not None:
            return InputValue(self.wanted)
        link = self.by_kind.get(kind)
        return InputValue(link) if link is not None else None


def sent(nodes: Iterable[Mapping[str, Any]], kind_of: Callable[[Any], str]) -> Broadcasts:
    """`kind_of`: what a link carries. Rules that name nodes by patterns are not followed, but sent to all."""
    by_kind: dict[str, Any] = {}
    prompts: list[Any] = [None, None]
    seed: int | None = None
    for node in nodes:
        kind = str(node.get("type"))
        if not kind.startswith(_SENDERS) or node.get("mode") in _OFF:
            continue
        links = _links(node)
        if kind == "Prompts Everywhere":
            prompts = [*links, None, None][:2]
        elif kind == "Seed Everywhere":
            typed = widgets.values(node).get("seed")
            seed = typed if isinstance(typed, int) else None
        else:
            by_kind |= {carried: link for link in links if link is not None and (carried := kind_of(link))}
    return Broadcasts(by_kind, *prompts, seed=seed)


def _links(node: Mapping[str, Any]) -> list[Any]:
    return [slot.get("link") for slot in objects(node.get("inputs"))]
