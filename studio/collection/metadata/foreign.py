"""What another tool's file says of how it was made, in one shape whatever the tool.

Everything here is hostile input: the helpers take any value and give a bounded, harmless one or None.
Knows no file format and no tool.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from studio.json_values import is_object

MAX_JSON_CHARS = 4 * 2**20
MAX_WORDS = 20_000
"""Characters of one prompt; what is longer is cut."""
MAX_VALUE = 2_000
"""Characters of one setting that could not be mapped."""
MAX_UNMAPPED = 200
MAX_LORAS = 64
_MAX_DIGITS = 24
_OBJECT = re.compile(r"\s*\{\s*[\"}]")
_LORA = re.compile(r"<(?:lora|lyco):([^:<>]{1,200})(?::([^:<>]{0,40}))?(?::[^<>]{0,80})?>")


@dataclass(frozen=True, slots=True)
class ForeignLora:
    """An add-on of the model, by the name it had in the other tool."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMetadata:
    """How a picture came to be, as far as its file says; None and empty: it does not say.

    `seed`, `steps`, `width`, `height` are whole numbers, sizes in px; `strength` is a share from 0 to 1.
    `unmapped` holds what has no place here, as (name, value) to be shown.
    """

    tool: str
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    strength: float | None = None
    loras: tuple[ForeignLora, ...] = ()
    unmapped: tuple[tuple[str, str], ...] = ()

    @property
    def empty(self) -> bool:
        """It names a tool and nothing else."""
        return not (self.prompt or self.negative_prompt or self.unmapped or self.loras) and all(
            value is None for value in (self.seed, self.steps, self.guidance, self.model, self.sampler)
        )


def load_json(text: str) -> Any:
    """JSON of bounded size. Raises ValueError, RecursionError."""
    if len(text) > MAX_JSON_CHARS:
        raise ValueError("more JSON than a picture needs")
    return json.loads(text)


def json_object(value: Any) -> dict[str, Any]:
    """A JSON object from its text or as it is; empty for anything else. Raises ValueError, RecursionError.

    A prompt may begin with a brace, too: `{red|blue} hair` is not damaged JSON.
    """
    if isinstance(value, str):
        value = load_json(value) if _OBJECT.match(value) else None
    return value if is_object(value) else {}


def words(value: Any, most: int = MAX_WORDS) -> str:
    """Text that can be kept and shown: no NUL, no half characters, not too long; empty for anything else."""
    if not isinstance(value, str):
        return ""
    whole = value[:most].encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in whole if c in "\n\t" or ord(c) >= 32).strip()


def name_of(value: Any) -> str | None:
    """A short name, or None."""
    return words(value, MAX_VALUE) or None


def whole(value: Any) -> int | None:
    """A whole number of 64 bits, also from its digits."""
    if isinstance(value, str) and len(value) <= _MAX_DIGITS:
        stripped = value.strip()
        value = int(stripped) if re.fullmatch(r"-?[0-9]+", stripped) else number(stripped)
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -(2**63) <= value < 2**64 else None


def number(value: Any) -> float | None:
    """A finite number, also from its digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > _MAX_DIGITS:
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def size(value: Any) -> tuple[int | None, int | None]:
    """Width and height from `512x640`, `(512, 640)` and the like."""
    found = re.search(r"([0-9]{1,6})\D{1,8}?([0-9]{1,6})", value[:40]) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else (None, None)


def without_loras(prompt: str) -> tuple[str, tuple[ForeignLora, ...]]:
    """The prompt without `<lora:name:weight>`, and what these named."""
    found = tuple(
        ForeignLora(match[1].strip(), weight if (weight := number(match[2] or "1")) is not None else 1.0)
        for match in _LORA.finditer(prompt)
    )
    clean = re.sub(r" {2,}", " ", _LORA.sub(" ", prompt)).strip()
    return clean if found else prompt, found[:MAX_LORAS]


def loras(entries: Iterable[tuple[Any, Any]]) -> tuple[ForeignLora, ...]:
    """From (name, weight) as another tool wrote them; those without a name are left out."""
    found: list[ForeignLora] = []
    for name, weight in entries:
        known, value = name_of(name), number(weight)
        if known and len(found) < MAX_LORAS:
            found.append(ForeignLora(known, 1.0 if value is None else value))
    return tuple(found)


def told_once(entries: Iterable[ForeignLora]) -> tuple[ForeignLora, ...]:
    """For tools that tell of the same LoRA in two ways: the first of each name stays."""
    found: dict[str, ForeignLora] = {}
    for lora in entries:
        found.setdefault(re.sub(r"\.(safetensors|ckpt|pt)$", "", lora.name, flags=re.IGNORECASE), lora)
    return tuple(found.values())[:MAX_LORAS]


def rest(said: Mapping[Any, Any], used: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What was said beyond the `used` names, to be shown; empty values are left out."""
    known = set(used)
    left = ((key, value) for key, value in said.items() if key not in known)
    pairs = ((words(str(key), 100), shown(value)) for key, value in left)
    return tuple(islice((pair for pair in pairs if all(pair)), MAX_UNMAPPED))


def shown(value: Any) -> str:
    """Any JSON value as one short text; empty for nothing."""
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, str):
        return words(value, MAX_VALUE)
    return words(json.dumps(value, ensure_ascii=False)[:MAX_VALUE])
