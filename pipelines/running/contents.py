"""What a value is made of: a hash of its content, and a copy of it that nobody else can change.

For what goes into networks and comes out of them: tensors, pictures, words, numbers, and containers of these.
Anything else raises Unknown: it could mean something that cannot be seen from outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

Build = Callable[[Sequence[Any]], Any]
_PLAIN = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device, torch.Size)


class Unknown(Exception):
    """A value of a kind whose content is not known."""


def digest(*values: Any) -> bytes:
    """The same for the same content alone: kinds, sizes, layouts and devices count. Raises Unknown."""
    hashed = hashlib.sha256()
    _feed(hashed, values)
    return hashed.digest()


@dataclass(frozen=True, slots=True)
class Frozen:
    """A value taken apart: its numbers, and what puts it together again."""

    tensors: tuple[torch.Tensor, ...]
    devices: tuple[torch.device, ...]
    """Where they were, and are to be again."""
    build: Build

    @property
    def bytes(self) -> int:
        """Of all numbers."""
        return sum(tensor.nbytes for tensor in self.tensors)

    @property
    def device_bytes(self) -> int:
        """Those that lie on an accelerator."""
        return sum(tensor.nbytes for tensor in self.tensors if tensor.device.type != "cpu")

    def thaw(self) -> Any:
        """A value of its own, equal in every bit."""
        return self.build([t.to(d, copy=True) for t, d in zip(self.tensors, self.devices, strict=True)])

    def in_host_memory(self) -> Frozen:
        """The same with all numbers in the computer's memory."""
        return Frozen(tuple(tensor.cpu() for tensor in self.tensors), self.devices, self.build)


def apart(value: Any) -> tuple[list[torch.Tensor], Build]:
    """Its tensors, each once, and what makes the same value with others in their places. Raises Unknown."""
    found: list[torch.Tensor] = []
    return found, _part(value, found)


def freeze(value: Any) -> Frozen:
    """A copy of `value`, to be thawed as often as wanted. Raises Unknown."""
    found, build = apart(value)
    tensors = tuple(tensor.detach().clone() for tensor in found)
    return Frozen(tensors, tuple(tensor.device for tensor in tensors), build)


def _feed(hashed: Any, value: Any) -> None:
    """Every piece says its kind and length first, so that no two values read alike."""
    if isinstance(value, torch.Tensor):
        _feed(hashed, ("tensor", str(value.dtype), tuple(value.shape), value.stride(), str(value.device)))
        hashed.update(_bytes(value))
    elif isinstance(value, Image.Image):
        _feed(hashed, ("picture", value.mode, value.size, value.tobytes()))
    elif isinstance(value, np.ndarray) and value.dtype != object:
        _feed(hashed, ("array", str(value.dtype), value.shape, value.tobytes()))
    elif isinstance(value, _PLAIN):
        said = value if isinstance(value, bytes) else repr(value).encode()
        hashed.update(f"{type(value).__name__}:{len(said)}:".encode() + said)
    elif isinstance(value, Mapping):
        _feed(hashed, [(type(value).__name__, len(value)), *sorted(value.items())])
    elif isinstance(value, (list, tuple)):
        hashed.update(f"{type(value).__name__}:{len(value)}:".encode())
        for each in value:
            _feed(hashed, each)
    else:
        raise Unknown(type(value).__name__)


def _bytes(tensor: torch.Tensor) -> Any:
    whole = tensor.detach().cpu().contiguous().reshape(-1)
    return whole.view(torch.uint8).numpy()


def _part(value: Any, found: list[torch.Tensor]) -> Build:
    if isinstance(value, torch.Tensor):
        at = _place(value, found)
        return lambda tensors: tensors[at]
    if isinstance(value, _PLAIN):
        return lambda tensors: value
    if isinstance(value, Image.Image):
        at, mode = _place(torch.from_numpy(np.array(value)), found), value.mode
        return lambda tensors: Image.fromarray(tensors[at].numpy()).convert(mode)
    if isinstance(value, DiagonalGaussianDistribution):
        at, fixed = _place(value.parameters, found), value.deterministic
        return lambda tensors: DiagonalGaussianDistribution(tensors[at], fixed)
    return _container(value, found)


def _container(value: Any, found: list[torch.Tensor]) -> Build:
    cls: Any = type(value)
    if isinstance(value, Mapping):
        named = {key: _part(each, found) for key, each in value.items()}
        return lambda tensors: cls(**{key: build(tensors) for key, build in named.items()})
    if cls in (list, tuple):
        parts = [_part(each, found) for each in value]
        return lambda tensors: cls(build(tensors) for build in parts)
    raise Unknown(cls.__name__)


def _place(tensor: torch.Tensor, found: list[torch.Tensor]) -> int:
    """Index of `tensor` in `found`, which it is added to where it is new."""
    for at, known in enumerate(found):
        if known is tensor:
            return at
    found.append(tensor)
    return len(found) - 1
