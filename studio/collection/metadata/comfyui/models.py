"""The model of a graph and its LoRAs: everything on the way that a sampler's model comes along."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.comfyui.graph import PIPES, Graph, Node
from studio.collection.metadata.foreign import ForeignLora
from studio.json_values import is_list, is_object

_FILES = (
    "ckpt_name", "unet_name", "base_ckpt_name", "model_name", "model_path", "gguf_name", "nf4_name",
    "diffusion_model_name", "checkpoint", "model",
)  # fmt: skip
_WAY = re.compile(
    r"^((base_|opt_|optional_|input_|diffusion_)?model\d*(_opt)?|unet|transformer"
    r"|(optional_|opt_)?lora_stack|lora|prev_lora|loras|lora_params)$"
)
_WEIGHTS = (
    "strength_model", "lora_model_strength", "model_weight", "lora_strength", "strength", "lora_weight",
    "weight",
)  # fmt: skip
_ONE_OF_MANY = re.compile(
    r"^(?:lora_name_(?P<a>\d+)|lora_(?P<b>\d+)(?:_name)?|lora_name(?P<c>\d+))$", re.IGNORECASE
)
_CHARS = 25
"""Characters that cost as much as one step along the graph."""
_ON = (True, "On", "on", "true", "True", "enable", 1)


@dataclass(frozen=True, slots=True)
class Models:
    """The way of the model of one sampler."""

    graph: Graph
    way: Sequence[str]

    @classmethod
    def of(cls, graph: Graph, begins: Sequence[str]) -> Models:
        """The nodes on the way of the model, nearest to the sampler first."""
        way: dict[str, None] = {}
        waiting = list(reversed(begins))
        while waiting:
            key = waiting.pop()
            if key in way:
                continue
            way[key] = None
            waiting += reversed([link.key for link in _further(graph, key, begins)])
        return cls(graph, tuple(way))

    def name(self) -> str | None:
        """The first file of weights."""
        found = (self.graph.value(key, name) for key in self.way for name in _FILES if self._has(key, name))
        return next((name for value in found if (name := foreign.name_of(value)) and _is_set(name)), None)

    def loras(self) -> tuple[ForeignLora, ...]:
        """Those that were switched on, nearest first."""
        return foreign.loras(pair for key in self.way for pair in self._of_node(key) if _is_set(pair[0]))

    def _has(self, key: str, name: str) -> bool:
        """`model` is a file for some loaders, and a link for all else."""
        value = self.graph.nodes[key].inputs.get(name)
        return value is not None and not (name == "model" and isinstance(value, list))

    def _of_node(self, key: str) -> Iterator[tuple[Any, Any]]:
        node = self.graph.nodes[key]
        self.graph.spend(1 + len(node.inputs))
        if "lora_name" in node.inputs or ("lora" in node.inputs and isinstance(node.inputs["lora"], str)):
            name = "lora_name" if "lora_name" in node.inputs else "lora"
            yield self.graph.value(key, name), self.graph.first(key, _WEIGHTS)
        yield from self._numbered(key, node)
        listed = tuple(chain.from_iterable(_listed(value) for value in node.inputs.values()))
        yield from listed or self._written(key, node)

    def _written(self, key: str, node: Node) -> Iterator[tuple[Any, Any]]:
        """Of loaders that take `<lora:name:weight>` out of a text, or names and weights between commas."""
        names, weights = (self.graph.value(key, name) for name in ("lora_names", "lora_weights"))
        if isinstance(names, str):
            numbers = str(weights or "").split(",")
            yield from zip(names.split(","), [*numbers, *[None] * len(names)], strict=False)
        for name in ("loras", *(("text",) if "lora" in node.kind.casefold() else ())):
            text = foreign.words(self.graph.value(key, name))
            self.graph.spend(len(text) // _CHARS)
            yield from ((lora.name, lora.weight) for lora in foreign.without_loras(text)[1])

    def _numbered(self, key: str, node: Node) -> Iterator[tuple[Any, Any]]:
        """Of a stack: `lora_name_1` with `model_weight_1`, `lora_01` with `strength_01` and the like."""
        most = self.graph.first(key, ("lora_count", "num_loras"))
        count = foreign.whole(most)
        if not _is_on(node, "toggle"):
            return
        for name in node.inputs:
            found = _ONE_OF_MANY.match(str(name))
            if found is None or isinstance(node.inputs[name], dict):
                continue
            number = found["a"] or found["b"] or found["c"]
            if (count is None or int(number) <= count) and _is_on(node, *_switches(number)):
                yield self.graph.value(key, str(name)), self.graph.first(key, _weights(node, number))


def _further(graph: Graph, key: str, begins: Sequence[str]) -> list[Any]:
    """Where the model of a node comes from; a node nobody knows may call it anything."""
    node = graph.nodes[key]
    names = [n for n in map(str, node.inputs) if _WAY.match(n) or n in PIPES]
    links = [link for _, link in graph.links(key, names)]
    if links or key in begins or any(name in node.inputs for name in _FILES):
        return links
    return [link for _, link in graph.links(key)]


def _listed(value: Any) -> Iterator[tuple[Any, Any]]:
    """Of nodes that keep each LoRA as an object, alone or in a list."""
    if is_object(value) and is_list(value.get("__value__")):
        value = value["__value__"]
    for each in value if is_list(value) else (value,):
        if is_object(each) and each.get("on", True) in _ON and each.get("active", True) in _ON:
            name = each.get("lora", each.get("name"))
            if isinstance(name, str) and "strength" in each:
                yield name, each["strength"]


def _switches(number: str) -> tuple[str, ...]:
    return (f"switch_{number}", f"lora_{number}_on", f"on_{number}", f"enabled_{number}")


def _weights(node: Node, number: str) -> tuple[str, ...]:
    """The names of a weight; stacks that keep two for each say which counts."""
    simple = ("lora_wt_{}", "lora_{}_strength", "strength_{}", "weight_{}", "weight{}", "strength{}")
    of_model = (
        "model_weight_{}",
        "model_str_{}",
        "lora_{}_model_strength",
        "model_strength_{}",
        "strength_model_{}",
    )
    advanced = "advanced" in (node.inputs.get("input_mode"), node.inputs.get("mode"))
    order = (*of_model, *simple) if advanced else (*simple, *of_model)
    return tuple(name.format(number) for name in (*order, "lora_weight_{}"))


def _is_on(node: Node, *names: str) -> bool:
    given: Mapping[str, Any] = node.inputs
    return all(given[name] in _ON for name in names if name in given and not isinstance(given[name], list))


def _is_set(name: Any) -> bool:
    plain = name.get("content") if is_object(name) else name
    return isinstance(plain, str) and plain.strip().casefold() not in ("", "none", "null", "undefined")
