"""Enlargers that come as pickles (.pth): read as weights and nothing else, then kept as safetensors.

A pickle can run code when it is opened in the ordinary way. torch's reader for weights alone knows tensors
and plain containers and refuses everything else; what it gives is written down once, and read from then on.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from pipelines.errors import ModelUnavailable

_WRAPPED = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model")
"""Under which key training programs put the weights, the best first."""


def as_safetensors(path: Path, label: str, folder: Path | None) -> Path:
    """The same weights as a safetensors file in `folder`, made there once. Raises ModelUnavailable."""
    if folder is None:
        raise ModelUnavailable(f"{label} is a pickle, and there is no models folder to keep its weights in.")
    try:
        with path.open("rb") as file:
            target = folder / f"{hashlib.file_digest(file, 'sha256').hexdigest()}.safetensors"
        if not target.is_file():
            _write(_weights(path, label), target)
    except OSError as error:
        raise ModelUnavailable(f"{label} cannot be read or kept: {error.strerror or error}.") from error
    return target


def _weights(path: Path, label: str) -> dict[str, torch.Tensor]:
    try:
        read = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelUnavailable(
            f"{label} holds more than weights and could run code, so it is not opened. "
            "Look for the same model as .safetensors."
        ) from error
    except (RuntimeError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"{label} is damaged or incomplete. Copy or download it again.") from error
    found = _unwrapped(read)
    tensors = {k: v.contiguous().clone() for k, v in found.items() if isinstance(v, torch.Tensor)}
    if not tensors:
        raise ModelUnavailable(f"{label} holds no weights. Remove it, or look for the same as .safetensors.")
    return tensors


def _unwrapped(read: Any) -> Mapping[str, Any]:
    if not isinstance(read, Mapping):
        return {}
    inner = next((read[key] for key in _WRAPPED if isinstance(read.get(key), Mapping)), read)
    return {str(key): value for key, value in inner.items()}


def _write(weights: dict[str, torch.Tensor], target: Path) -> None:
    """Write the file atomically."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        save_file(weights, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
