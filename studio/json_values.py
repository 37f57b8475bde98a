"""What JSON of unknown make holds: objects with names for keys, and lists. Anything else is none."""

from __future__ import annotations

import json
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """A JSON object; its keys are always text."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """A JSON array."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """What a list has become in a frozen record."""
    return isinstance(value, tuple)


def items(value: object) -> list[Any]:
    """The entries of an array; none of anything else."""
    return value if is_list(value) else []


def objects(value: object) -> list[dict[str, Any]]:
    """Those entries of an array that are objects; none of anything else."""
    return [each for each in items(value) if is_object(each)]


def problem_words(body: str | bytes) -> str | None:
    """What an answer of `application/problem+json` says, its field included; None for any other answer."""
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    if not is_object(problem) or "detail" not in problem:
        return None
    field = problem.get("field")
    return f"{problem['detail']} ({field})" if field else str(problem["detail"])
