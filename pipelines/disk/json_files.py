"""JSON that somebody else wrote: read without trusting its size, its depth or its encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard

_MOST = 64 * 2**20


def parse(text: str | bytes, name: str) -> Any:
    """What the JSON says. Raises ValueError, also for nesting that Python's reader gives up on."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON.") from error


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """It is an object of JSON, whatever is in it."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """It is a list of JSON, whatever is in it."""
    return isinstance(value, list)


def read_object(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ValueError for anything else in it, and OSError.

    A pipe or a device is never opened, since reading it would wait for ever.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not an ordinary file.")
    if path.stat().st_size > _MOST:
        raise ValueError(f"{path.name} is too large to be read.")
    said = parse(path.read_bytes(), path.name)
    if not is_object(said):
        raise ValueError(f"{path.name} is damaged.")
    return said
