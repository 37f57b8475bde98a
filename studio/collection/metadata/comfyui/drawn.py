"""ComfyUI's drawn graph as an executed one.

What the editor does when a graph is queued is done here as far as a file tells it: subgraphs are laid open,
muted nodes left out and bypassed ones passed, reroutes, primitives and set/get nodes resolved, and what is
sent *everywhere* is given to the inputs that are open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.collection.metadata.comfyui import everywhere, widgets
from studio.collection.metadata.comfyui.budget import Budget
from studio.collection.metadata.comfyui.graph import MAX_NODES
from studio.json_values import is_list, is_object, items, objects

_MUTED, _BYPASSED = _OFF = (2, 4)
_OUTER = -10
"""The id of what brings a subgraph's inputs in; -20 takes its outputs."""
_INNER_END = -20
_MAX_DEPTH = 64
_MAX_NESTING = 8
_UNDRAWN = (
    "Note",
    "MarkdownNote",
    "PrimitiveNode",
    "Reroute",
    "SetNode",
    "GetNode",
    "easy setNode",
    "easy getNode",
)


@dataclass(frozen=True, slots=True)
class _Edge:
    origin: str
    slot: int
    target: str
    target_slot: int
    kind: str


@dataclass(slots=True)
class _Scope:
    """One level of the graph: the whole, or a subgraph where it is used."""

    nodes: Mapping[str, Mapping[str, Any]]
    edges: Mapping[str, _Edge]
    prefix: str = ""
    outer: _Scope | None = None
    instance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ports: list[str] = field(default_factory=list[str])
    """Names of the subgraph's inputs."""
    ends: Mapping[int, str] = field(default_factory=dict[int, str])
    """The links to the subgraph's outputs, by their place."""
    typed: dict[str, Any] = field(default_factory=dict[str, Any])
    """Values typed into the subgraph's own inputs."""
    replaced: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By inner node and field: values that were typed outside."""
    inner: dict[str, _Scope] = field(default_factory=dict[str, "_Scope"])


class _Unfolding:
    """Lays one drawn graph open."""

    def __init__(self, drawn: Mapping[str, Any], budget: Budget) -> None:
        definitions = drawn.get("definitions")
        listed = definitions.get("subgraphs") if is_object(definitions) else None
        self.subgraphs = {str(d["id"]): d for d in objects(listed) if "id" in d}
        self.nodes: dict[str, dict[str, Any]] = {}
        self._budget = budget
        self._drawn = drawn

    def unfolded(self) -> dict[str, dict[str, Any]]:
        """The executed graph."""
        whole = _scope(self._drawn)
        self._nest(whole, 0)
        self._emit(whole)
        return self.nodes

    def _nest(self, scope: _Scope, depth: int) -> None:
        """Make a level of its own of every subgraph that is used."""
        self._budget.spend(len(scope.nodes) + len(scope.edges))
        for key, node in scope.nodes.items() if depth < _MAX_NESTING else ():
            kind = str(node["type"])
            if kind in self.subgraphs and node.get("mode") not in _OFF:
                scope.inner[key] = _inside(scope, key, node, self.subgraphs[kind])
                self._nest(scope.inner[key], depth + 1)

    def _emit(self, scope: _Scope) -> None:
        sent = everywhere.sent(scope.nodes.values(), lambda link: self._origin_kind(scope, link))
        for key, node in scope.nodes.items():
            if len(self.nodes) > MAX_NODES:
                return
            kind = str(node["type"])
            if key in scope.inner:
                self._emit(scope.inner[key])
            elif node.get("mode") not in _OFF and kind not in _UNDRAWN:
                inputs = self._inputs(scope, key, node, sent)
                self.nodes[scope.prefix + key] = {"class_type": kind, "inputs": inputs}

    def _inputs(
        self, scope: _Scope, key: str, node: Mapping[str, Any], sent: everywhere.Broadcasts
    ) -> dict[str, Any]:
        named = widgets.values(node)
        named |= scope.replaced.get(key, {})
        for slot in objects(node.get("inputs")):
            name, link = str(slot.get("name")), slot.get("link")
            source = self._source(scope, link) if link is not None else None
            if link is None and (found := sent.to(slot, old=name not in named)) is not None:
                source = found.value if found.link is None else self._source(scope, found.link)
            if source is not None:
                named[name] = source
        return named

    def _source(self, scope: _Scope, link: Any, depth: int = 0) -> Any:
        """What comes along a link: `[id, output]` of an executed node, or a value; None for nothing."""
        self._budget.spend()
        edge = scope.edges.get(str(link))
        if edge is None or depth > _MAX_DEPTH:
            return None
        if edge.origin == str(_OUTER):
            return self._from_outside(scope, edge.slot, depth)
        node = scope.nodes.get(edge.origin)
        if node is None or node.get("mode") == _MUTED:
            return None
        if edge.origin in scope.inner:
            inside = scope.inner[edge.origin]
            return self._source(inside, inside.ends.get(edge.slot), depth + 1)
        return self._of_node(scope, node, edge, depth)

    def _of_node(self, scope: _Scope, node: Mapping[str, Any], edge: _Edge, depth: int) -> Any:
        kind = node["type"]
        if kind == "PrimitiveNode":
            return widgets.values(node).get("value")
        if kind in ("GetNode", "easy getNode"):
            return self._got(scope, node, depth)
        if node.get("mode") == _BYPASSED or kind in ("Reroute", "SetNode", "easy setNode"):
            slot = _passed(node, edge)
            return self._source(scope, slot.get("link"), depth + 1) if slot else None
        return [scope.prefix + edge.origin, edge.slot]

    def _from_outside(self, scope: _Scope, slot: int, depth: int) -> Any:
        """Of a subgraph's input: what is linked to it where it is used, else what was typed there."""
        if scope.outer is None or not 0 <= slot < len(scope.ports):
            return None
        name = scope.ports[slot]
        slots = [each for each in objects(scope.instance.get("inputs")) if each.get("name") == name]
        if slots and slots[0].get("link") is not None:
            return self._source(scope.outer, slots[0]["link"], depth + 1)
        return scope.typed.get(name)

    def _got(self, scope: _Scope, node: Mapping[str, Any], depth: int) -> Any:
        """Of a node that names another one: looked for on its own level, then outside."""
        name = _label(node)
        at: _Scope | None = scope
        while at is not None:
            self._budget.spend(len(at.nodes))
            for other in at.nodes.values():
                if other["type"] in ("SetNode", "easy setNode") and _label(other) == name:
                    linked = [slot for slot in objects(other.get("inputs")) if slot.get("link") is not None]
                    return self._source(at, linked[0]["link"], depth + 1) if linked else None
            at = at.outer
        return None

    def _origin_kind(self, scope: _Scope, link: Any) -> str:
        edge = scope.edges.get(str(link))
        return edge.kind if edge else ""


def as_prompt(drawn: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """The graph by node ids, as ComfyUI would execute it, as far as it can be known. Raises TooEntangled."""
    if not isinstance(drawn.get("nodes"), list):
        return {}
    return _Unfolding(drawn, budget).unfolded()


def _scope(level: Mapping[str, Any]) -> _Scope:
    nodes = {
        str(node["id"]): node
        for node in objects(level.get("nodes"))
        if isinstance(node.get("type"), str) and "id" in node
    }
    return _Scope(nodes, dict(_edges(level.get("links"))))


def _edges(links: Any) -> Iterator[tuple[str, _Edge]]:
    """By id; a link is a list, or in subgraphs an object."""
    for link in items(links):
        if is_list(link) and len(link) >= 5:
            parts: list[Any] = [*link[:5], link[5] if len(link) > 5 else ""]
        elif is_object(link):
            names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
            parts = [link.get(name, "") for name in names]
        else:
            continue
        if all(isinstance(part, str | int) for part in parts) and isinstance(parts[2], int):
            slot = parts[4] if isinstance(parts[4], int) else 0
            yield str(parts[0]), _Edge(str(parts[1]), parts[2], str(parts[3]), slot, str(parts[5]))


def _inside(outer: _Scope, key: str, instance: Mapping[str, Any], definition: Mapping[str, Any]) -> _Scope:
    """A subgraph where it is used."""
    scope = _scope(definition)
    scope.prefix, scope.outer, scope.instance = f"{outer.prefix}{key}:", outer, instance
    scope.ports = [str(port.get("name")) for port in objects(definition.get("inputs"))]
    scope.ends = {
        edge.target_slot: key for key, edge in scope.edges.items() if edge.target == str(_INNER_END)
    }
    for inner, name, value in _typed(instance):
        if inner == "-1":
            scope.typed[name] = value
        elif value is not None:
            scope.replaced.setdefault(inner, {})[name] = value
    return scope


def _typed(instance: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(inner node or -1 for the subgraph itself, field, value) of what was typed into a subgraph."""
    given = instance.get("widgets_values")
    properties = instance.get("properties")
    proxies = properties.get("proxyWidgets") if is_object(properties) else None
    if not is_list(given):
        return
    if is_list(proxies):
        named = [(str(p[0]), str(p[1])) for p in proxies if is_list(p) and len(p) >= 2]
        if len(named) == len(given):
            yield from ((*name, value) for name, value in zip(named, given, strict=True))
        return
    names = widgets.field_names(instance)
    yield from (("-1", name, value) for name, value in widgets.aligned(names, given))


def _passed(node: Mapping[str, Any], edge: _Edge) -> Mapping[str, Any] | None:
    """The input that a bypassed node gives on at an output: of the same kind, in the same place at best."""
    slots = objects(node.get("inputs"))
    outputs = objects(node.get("outputs"))
    kind = str(outputs[edge.slot].get("type")) if 0 <= edge.slot < len(outputs) else edge.kind
    if node.get("mode") != _BYPASSED or kind in ("*", ""):
        return next((slot for slot in slots if slot.get("link") is not None), None)
    same = [slot for slot in slots if slot.get("type") in (kind, edge.kind)]
    at = slots[edge.slot] if 0 <= edge.slot < len(slots) else None
    return at if at is not None and at in same else next(iter(same), None)


def _label(node: Mapping[str, Any]) -> Any:
    given = items(node.get("widgets_values"))
    return given[0] if given else node.get("title")
