"""In which state a network is: a digest that changes whenever it could compute something else.

Weights are told by who they are, not by their numbers: every tensor gets a number of its own, never given
twice, and torch counts what is written into it. Moving a network between devices changes nothing. What cannot
be told apart for certain counts as changed.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import torch

from pipelines.running.contents import Unknown, digest

_NUMBER = "_likeness_number"
_SEEN = "_likeness_seen"
_numbers = itertools.count(1)
_SIMPLE = (bool, int, float, str)


def number(thing: Any) -> int:
    """A number that no other object has or will have."""
    if (found := getattr(thing, _NUMBER, None)) is None:
        found = next(_numbers)
        object.__setattr__(thing, _NUMBER, found)
    return found


def state(*parts: Any) -> bytes:
    """A digest of networks and of what works beside them (tokenizers). Raises Unknown."""
    parts_key = [
        list(_network(part)) if isinstance(part, torch.nn.Module) else number(part) for part in parts
    ]
    return hashlib.sha256(repr(parts_key).encode()).digest()  # plain values alone, which no two write alike


def _network(network: torch.nn.Module) -> Iterator[Any]:
    for name, module in _modules(network):
        yield name, type(module).__qualname__, _settings(module), _adapters(module)
        weights, buffers = (vars(module)[kind].items() for kind in ("_parameters", "_buffers"))
        yield [_weight(key, tensor) for key, tensor in weights if tensor is not None]
        yield [_buffer(key, tensor) for key, tensor in buffers if tensor is not None]


def _modules(network: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """All of them with where they are; one that is in several places is told of once.

    `named_modules` goes down in generators of generators, which takes much longer.
    """
    seen: set[torch.nn.Module] = set()
    waiting = [("", network)]
    while waiting:
        name, module = waiting.pop()
        if module not in seen:
            seen.add(module)
            yield name, module
            below = vars(module)["_modules"].items()
            waiting += [(f"{name}.{key}", child) for key, child in below if child is not None]


def _settings(module: torch.nn.Module) -> list[tuple[str, Any]]:
    """Its public plain attributes: tiling and slicing, scales, whether it trains; who attends in its place.

    Not those that are None: language models note there what they did last.
    """
    return [
        (key, _processor(value) if key == "processor" else value)
        for key, value in module.__dict__.items()
        if key[0] != "_" and (key == "processor" or _is_plain(value))
    ]


def _is_plain(value: Any) -> bool:
    """Also lists: IP-Adapters have a scale for each of them."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(each, _SIMPLE) for each in value)
    return isinstance(value, _SIMPLE)


def _processor(value: Any) -> list[Any]:
    """Of an attention processor without weights: its kind and its public plain attributes."""
    own = getattr(value, "__dict__", {})
    return [type(value).__qualname__, *sorted((k, v) for k, v in own.items() if k[0] != "_" and _is_plain(v))]


def _adapters(module: Any) -> bytes:
    """Of a PEFT layer: which LoRAs act in it, how strongly, and whether they do at all."""
    if not hasattr(type(module), "merged_adapters"):
        return b""
    active = module.active_adapters
    scales = {name: scale for name, scale in module.scaling.items() if name in active}
    return digest(active, scales, module.disable_adapters, module.merged_adapters)


def _weight(key: str, tensor: torch.Tensor) -> tuple[Any, ...]:
    return key, number(tensor), _written(tensor), tensor.dtype, tuple(tensor.shape)


def _buffer(key: str, tensor: torch.Tensor) -> tuple[str, bytes]:
    """Buffers are new tensors after every move, so their numbers are looked at, once for each tensor."""
    written = _written(tensor)
    seen = getattr(tensor, _SEEN, None)
    if seen is None or seen[0] != written:
        seen = written, digest(tensor.cpu())
        setattr(tensor, _SEEN, seen)
    return key, seen[1]


def _written(tensor: torch.Tensor) -> int:
    """How often something was written into it."""
    if tensor.is_inference():
        raise Unknown("a tensor that does not count what is written into it")
    return tensor._version
