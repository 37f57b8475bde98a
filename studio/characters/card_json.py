"""The JSON of character cards: anybody's, so bounded, and clean enough to be kept and written again.

What cannot be written as UTF-8 or as JSON is replaced, what lies too deep is left out and told.
"""

from __future__ import annotations

import json
import math
from typing import Any

from pipelines.errors import PictureRefused
from studio.json_values import is_list, is_object

MAX_BYTES = 16 * 2**20
"""Of a card's JSON. Lore books of some megabytes exist."""
MAX_DEPTH = 64
"""Of lists and objects in each other; cards use some ten."""
_MIB = 2**20


def parse(text: bytes, what: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the object, notes on what was left out). `what`: what the text is, in words. Raises PictureRefused."""
    check_size(len(text), what)
    try:
        said = json.loads(text)
    except RecursionError as error:
        raise PictureRefused(f"{what} is nested too deeply to be read.", field="file") from error
    except ValueError as error:
        raise PictureRefused(f"{what} is damaged: it is no JSON.", field="file") from error
    if not is_object(said):
        raise PictureRefused(f"{what} is no character card: it holds no JSON object.", field="file")
    return clean(said)


def check_size(size: int, what: str) -> None:
    """Raises PictureRefused for more than is read."""
    if size > MAX_BYTES:
        raise PictureRefused(
            f"{what} is {size / _MIB:.1f} MB long; at most {MAX_BYTES // _MIB} MB are read.", field="file"
        )


def clean(said: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(a copy that can be written as JSON and UTF-8, notes)."""
    deep: list[bool] = []
    made = _clean(said, 0, deep)
    left_out = f"Parts of the card lie more than {MAX_DEPTH} levels deep; they were left out."
    return made, (left_out,) if deep else ()


def dump(said: dict[str, Any]) -> bytes:
    """As UTF-8. `said` must be clean."""
    return json.dumps(said, ensure_ascii=False, allow_nan=False).encode("utf-8")


def clean_text(text: str) -> str:
    """With a replacement sign for each half of a surrogate pair that stands alone."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _clean(value: Any, depth: int, deep: list[bool]) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= MAX_DEPTH and isinstance(value, dict | list):
        deep.append(True)
        return None
    if is_object(value):
        return {clean_text(str(key)): _clean(each, depth + 1, deep) for key, each in value.items()}
    return [_clean(each, depth + 1, deep) for each in value] if is_list(value) else value
