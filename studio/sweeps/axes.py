"""The axes of a sweep: which values a field takes, and a request with one of them.

Values come as a list, or as text: `2..8 step 2` is a range, `a | b | c` are three. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import RequestError
from pipelines.families.settings import heading

MOST_CELLS = 400
Value: TypeAlias = str | int | float
Settings: TypeAlias = dict[str, Any]
"""A request as JSON has it."""

_RANGE = re.compile(
    r"\s*(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)\s*(?:step\s+(-?\d+(?:\.\d+)?))?\s*", re.IGNORECASE
)
_PART = "prompt_part"
ALTERNATIVES = "alternatives"
"""The axis of every prompt that the choices and lists of one can be drawn to."""
_NUMBERED = re.compile(r"(reference|reference_weight|lora|lora_weight)\.(\d{1,2})")


_NAMES = {
    _PART: "Part of the prompt",
    ALTERNATIVES: "Every choice of the prompt",
    "influence": "Influence",
    "control.weight": "Hold of the traced lines",
    "reference.0": "Reference {n}",
    "reference_weight.0": "Weight of reference {n}",
    "lora.0": "LoRA {n}",
    "lora_weight.0": "Weight of LoRA {n}",
}


class Axis(BaseModel):
    """One direction of the grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(
        max_length=64,
        description="A setting of the request, `influence` (percent), `prompt_part` (the first value is in "
        "the prompt, the others take its place), `alternatives` (every choice of the prompt; its values are "
        "of no effect), `control.kind`, `.weight`, `.start` or `.end`, or with a "
        "number from 0 `reference.0`, `reference_weight.0`, `lora.0` or `lora_weight.0`.",
    )
    values: tuple[Value, ...] | str = Field(
        description="A list, or text: `2..8 step 2`, `red | blue`.", max_length=100_000
    )


def values(axis: Axis, name: str) -> tuple[Value, ...]:
    """The values of the axis `name`, in order, each once. Raises RequestError for none and for too many."""
    found = _from_text(axis.values, name) if isinstance(axis.values, str) else axis.values
    different = tuple(dict.fromkeys(found))
    if not different:
        raise RequestError("This axis has no values. Write some, as in “2 | 4 | 6”.", field=name)
    _check_number(len(different), name)
    return different


def applied(settings: Mapping[str, Any], field: str, value: Value, first: Value, name: str) -> Settings:
    """The settings with one value of an axis. `first`: the axis' first value.

    Raises RequestError where the request has no such field, no such reference or LoRA, or not those words.
    """
    if field == ALTERNATIVES:
        return {**settings, "prompt": str(value)}
    if field == _PART:
        return _with_part(settings, str(value), str(first), name)
    if field == "influence":
        return {**settings, "strength": round(1 - _number(value, name) / 100, 4)}
    if field.startswith("control."):
        given: Mapping[str, Any] = settings.get("control") or {}
        control = {**given, field.removeprefix("control."): value}
        return {**settings, "control": control}
    numbered = _NUMBERED.fullmatch(field)
    if numbered:
        return _with_item(settings, numbered[1], int(numbered[2]), value, name)
    if field not in _PLAIN:
        raise RequestError(f"A sweep can't go over “{field}”. It can over {', '.join(FIELDS)}.", field=name)
    return {**settings, field: _PLAIN[field](value, name)}


def heading_of(field: str) -> str:
    """What an axis is called; `{n}` is the number of its reference or LoRA, from 1."""
    return _NAMES.get(field) or heading(field)


def called(field: str) -> str:
    """The same with its number."""
    numbered = _NUMBERED.fullmatch(field)
    return heading_of(f"{numbered[1]}.0").format(n=int(numbered[2]) + 1) if numbered else heading_of(field)


def check_cells(columns: int, rows: int) -> None:
    """Raises RequestError where the grid is larger than MOST_CELLS."""
    if columns * rows > MOST_CELLS:
        raise RequestError(
            f"That would be {columns * rows:,} pictures; a sweep has at most {MOST_CELLS}. "
            "Take some values out.",
            field="y",
        )


def _from_text(text: str, name: str) -> Sequence[Value]:
    found = _RANGE.fullmatch(text)
    if found:
        return _range(found[1], found[2], found[3], name)
    return [part.strip() for part in text.split("|") if part.strip()]


def _range(first: str, last: str, step: str | None, name: str) -> Sequence[Value]:
    whole = all("." not in each for each in (first, last, step or "1"))
    start, end = float(first), float(last)
    by = float(step) if step else math.copysign(1.0, end - start)
    if by == 0 or (end - start) * by < 0:
        raise RequestError(f"From {first} in steps of {step} one never comes to {last}.", field=name)
    count = int((end - start) / by + 1e-9) + 1
    _check_number(count, name)
    steps = (start + n * by for n in range(count))
    return [int(each) if whole else round(each, 6) for each in steps]


def _check_number(count: int, name: str) -> None:
    if count > MOST_CELLS:
        raise RequestError(
            f"That would be {count:,} values; a sweep has at most {MOST_CELLS} pictures. Take some out.",
            field=name,
        )


def _with_part(settings: Mapping[str, Any], value: str, first: str, name: str) -> Settings:
    prompt = str(settings.get("prompt", ""))
    if first not in prompt:
        raise RequestError(
            f"“{first}” is not in the prompt. The first value is the part of it that the others replace.",
            field=name,
        )
    return {**settings, "prompt": prompt.replace(first, value)}


def _with_item(settings: Mapping[str, Any], kind: str, index: int, value: Value, name: str) -> Settings:
    many, weight = ("references", "image_id") if kind.startswith("reference") else ("loras", "id")
    items = [dict(item) for item in settings.get(many, ())]
    if index >= len(items):
        what = "reference" if many == "references" else "LoRA"
        raise RequestError(f"There is no {what} number {index + 1}.", field=name)
    if kind.endswith("_weight"):
        items[index]["weight"] = _number(value, name)
    else:
        items[index][weight] = str(value)
    return {**settings, many: items}


def _number(value: Value, name: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        several = " Several are written as 2 | 5, or as 2..8 step 2." if "," in str(value) else ""
        raise RequestError(f"“{value}” is no number.{several}", field=name)
    return number


def _whole(value: Value, name: str) -> int:
    number = _number(value, name)
    if number != int(number):
        raise RequestError(f"“{value}” is no whole number.", field=name)
    return int(number)


def _text(value: Value, name: str) -> str:
    return str(value)


_PLAIN: dict[str, Callable[[Value, str], Value]] = {
    "model": _text,
    "mode": _text,
    "prompt": _text,
    "negative_prompt": _text,
    "guidance_scale": _number,
    "num_inference_steps": _whole,
    "seed": _whole,
    "strength": _number,
    "aspect_ratio": _text,
    "vae": _text,
    "ip_adapter": _text,
    "character": _text,
}
FIELDS = (
    *_PLAIN,
    "influence",
    _PART,
    ALTERNATIVES,
    "control.weight",
    "reference.0",
    "reference_weight.0",
    "lora.0",
    "lora_weight.0",
)
"""What axes can go over, as examples in words."""
