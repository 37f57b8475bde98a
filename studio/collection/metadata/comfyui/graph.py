"""The executed graph: nodes by id, whose inputs are values or links, and the ways along it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from studio.collection.metadata import foreign
from studio.collection.metadata.comfyui.budget import Budget
from studio.json_values import is_list, is_object

MAX_NODES = 5_000
_MAX_HOPS = 64
_HOLDERS = ("value", "int", "float", "number", "boolean", "bool", "text", "string")
"""What a node that only holds a value calls it."""
PIPES = ("pipe", "basic_pipe", "base_pipe", "base_ctx", "ctx", "ctx_01", "detailer_pipe", "sdxl_tuple")
"""Inputs that bring everything at once."""
_TRUE = ("on_true", "tt_value", "if_true", "true_value", "true")
_FALSE = ("on_false", "ff_value", "if_false", "false_value", "false")
_ASKS = ("switch", "boolean", "boolean_value", "cond", "condition", "bool")
_PICKS = ("select", "index", "input", "selected", "choice")
_NO = ("", "false", "off", "no", "disable", "disabled", "0")
_PASSES = re.compile(r"reroute|inversedswitch", re.IGNORECASE)
_SWITCHES = re.compile(r"switch|branch|if ?else", re.IGNORECASE)


class Link(NamedTuple):
    """The output of a node, counted from 0."""

    key: str
    output: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the executed graph."""

    kind: str
    inputs: Mapping[str, Any]
    chooses: bool = False
    """It gives on one of its inputs."""

    @classmethod
    def of(cls, kind: str, inputs: Mapping[str, Any]) -> Node:
        """From what a document says."""
        names = {str(name).casefold() for name in inputs}
        two_ways = not names.isdisjoint(_TRUE) and not names.isdisjoint(_FALSE)
        return cls(kind, inputs, two_ways or bool(_SWITCHES.search(kind)))

    def has(self, *names: str) -> bool:
        """All of these inputs are there."""
        return all(name in self.inputs for name in names)


@dataclass(slots=True)
class Graph:
    """Nodes by id."""

    nodes: Mapping[str, Node]
    budget: Budget = field(default_factory=Budget)
    _uses: dict[str, list[tuple[int, str]]] = field(default_factory=dict[str, list[tuple[int, str]]])

    @classmethod
    def of(cls, document: Mapping[Any, Any], budget: Budget | None = None) -> Graph | None:
        """None where the document is no executed graph, or one of more than MAX_NODES nodes."""
        found = {
            str(key): Node.of(str(node["class_type"])[:200], node["inputs"])
            for key, node in document.items()
            if is_object(node) and "class_type" in node and is_object(node.get("inputs"))
        }
        return cls(found, budget or Budget()) if 0 < len(found) <= MAX_NODES else None

    def spend(self, steps: int = 1) -> None:
        """Pay for some steps. Raises TooEntangled."""
        self.budget.spend(steps)

    # --- along the links -------------------------------------------------------------------------

    def link(self, value: Any) -> Link | None:
        """The output that an input is linked to, behind everything that only passes it on."""
        found = self.resolved(value)
        return found if isinstance(found, Link) else None

    def links(self, key: str, names: Sequence[str] | None = None) -> list[tuple[str, Link]]:
        """(name, link) of those inputs of a node that are linked; `names`: of these alone, in their order."""
        inputs = self.nodes[key].inputs
        self.spend(1 + len(inputs if names is None else names))
        asked = inputs.items() if names is None else [(n, inputs[n]) for n in names if n in inputs]
        return [(str(n), link) for n, value in asked if (link := self.link(value)) is not None]

    def before(self, begins: Sequence[str]) -> Iterator[str]:
        """These nodes and all before them, nearest first, each once."""
        waiting = list(dict.fromkeys(begins))
        seen = set(waiting)
        for key in waiting:
            yield key
            for _, link in self.links(key):
                if link.key not in seen:
                    seen.add(link.key)
                    waiting.append(link.key)

    def resolved(self, value: Any, hops: int = _MAX_HOPS) -> Any:
        """A value of its own, or the Link to the node that makes it: reroutes and switches are passed."""
        for left in range(hops, 0, -1):
            link = self._plain(value)
            if link is None:
                return None if isinstance(value, list) else value
            self.spend()
            node = self.nodes[link.key]
            if _PASSES.search(node.kind):
                value = _passed(node)
            elif node.chooses:
                value = self._chosen(node, left - 1)
            else:
                return link
        return None

    def value(self, key: str, name: str) -> Any:
        """An input's value, also where it comes from a node that only holds it; None for none."""
        node, value = self.nodes[key], self.nodes[key].inputs.get(name)
        for _ in range(_MAX_HOPS):
            found = self.resolved(value)
            if not isinstance(found, Link):
                return found.get("content") if is_object(found) and "content" in found else found
            node = self.nodes[found.key]
            self.spend(1 + len(node.inputs))
            value = _held(node, name)
        return None

    def first(self, key: str, names: Sequence[str]) -> Any:
        """The first of these inputs that has a value."""
        return next((found for name in names if (found := self.value(key, name)) is not None), None)

    def uses(self, key: str) -> Sequence[tuple[int, str]]:
        """(output, name of the input) of everything that a node is linked to."""
        if not self._uses:
            for node in self.nodes.values():
                self.spend(1 + len(node.inputs))
                for name, value in node.inputs.items():
                    if (link := self._plain(value)) is not None:
                        self._uses.setdefault(link.key, []).append((link.output, str(name)))
        return self._uses.get(key, ())

    def _plain(self, value: Any) -> Link | None:
        if is_list(value) and len(value) == 2 and isinstance(value[0], str | int):
            key, output = str(value[0]), value[1]
            return Link(key, output if isinstance(output, int) else 0) if key in self.nodes else None
        return value if isinstance(value, Link) else None

    # --- switches ----------------------------------------------------------------------------------

    def _chosen(self, node: Node, hops: int) -> Any:
        """What a switch lets through."""
        self.spend(1 + len(node.inputs))
        inputs = {str(name).casefold(): value for name, value in node.inputs.items()}
        ways = [_first(inputs, names) for names in (_FALSE, _TRUE)]
        if ways != [None, None]:
            asked = self._small(_first(inputs, _ASKS), hops)
            return ways[_says_yes(asked)] if asked is not None else next(w for w in ways if w is not None)
        picked = self._small(_first(inputs, _PICKS), hops)
        number = foreign.whole(picked) if picked is not None else None
        linked = [value for value in inputs.values() if is_list(value)]
        if number is None:
            return next(iter(linked), None)
        ends = re.compile(rf"(?:^|\D)0*{number}$")
        return next((value for name, value in inputs.items() if ends.search(name)), None)

    def _small(self, value: Any, hops: int) -> Any:
        """A yes or no, or a number, that chooses."""
        found = self.resolved(value, hops)
        for _ in range(hops):
            if not isinstance(found, Link):
                return found if isinstance(found, bool | int | float | str) else None
            self.spend()
            found = self.resolved(_held(self.nodes[found.key], "value"), hops - 1) if hops > 1 else None
        return None


def _passed(node: Node) -> Any:
    values = list(node.inputs.values())
    return next((value for value in values if is_list(value)), values[0] if values else None)


def _says_yes(value: bool | int | float | str) -> bool:
    return value.casefold() not in _NO if isinstance(value, str) else bool(value)


def _first(inputs: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((inputs[name] for name in names if name in inputs), None)


def _held(node: Node, name: str) -> Any:
    """What a node gives on as `name`."""
    inputs = {str(key).casefold(): value for key, value in node.inputs.items()}
    if name.casefold() in inputs:
        return inputs[name.casefold()]
    if (brought := _first(inputs, PIPES)) is not None:
        return brought
    seeds = ("seed", "noise_seed") if "seed" in name else ()
    if (held := _first(inputs, (*seeds, *_HOLDERS))) is not None:
        return held
    numbers = [v for v in inputs.values() if isinstance(v, int | float) and not isinstance(v, bool)]
    return numbers[0] if len(numbers) == len(inputs) == 1 else None
