"""What makers and other tools note of a LoRA: the words that call it up, the weight they advise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.disk.json_files import parse, read_object

_MOST_TRIGGERS = 5


def beside(path: Path) -> Mapping[str, Any]:
    """The notes that other tools keep beside a LoRA, `name.json`; empty where there are none to be read."""
    try:
        return read_object(path.with_suffix(".json"))
    except (OSError, ValueError):
        return {}


def weight(aside: Mapping[str, Any]) -> float:
    """The weight advised beside it, above 0 and up to 2; else 1."""
    given = aside.get("preferred weight")
    return float(given) if isinstance(given, int | float) and 0 < given <= 2 else 1.0


def triggers(words: Mapping[str, str], aside: Mapping[str, Any]) -> tuple[str, ...]:
    """Words that call a LoRA up: as its maker says, else what every picture it learned from was tagged."""
    said = aside.get("activation text") or words.get("modelspec.trigger_phrase") or words.get("trigger_words")
    if isinstance(said, str) and said.strip():
        return tuple(word.strip() for word in said.split(",") if word.strip())[:_MOST_TRIGGERS]
    try:
        folders = parse(words.get("ss_tag_frequency", "{}"), "ss_tag_frequency").values()
        tags = [(count, tag.strip()) for folder in folders for tag, count in folder.items() if tag.strip()]
    except (ValueError, AttributeError):
        return ()
    counts = [(count, tag) for count, tag in tags if isinstance(count, int)]
    most = max((count for count, _ in counts), default=0)
    return tuple(tag for count, tag in counts if count == most)[:_MOST_TRIGGERS]
