"""presets.yaml: read with a sentence for each fault, and written.

Pure text; YAML is read as plain data, and no more of it than MAX_BYTES.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml
from pydantic import ValidationError

from pipelines.disk import yaml_files
from studio.presets.records import MOST_PRESETS, Preset

MAX_BYTES = 2**20
_KEY = "presets"
_HEAD = "# Presets of Likeness: docs/exploring.md says what each key means.\n"


@dataclass(frozen=True, slots=True)
class PresetFile:
    """What a file holds: its presets in order, and a sentence for each entry that is none."""

    presets: tuple[Preset, ...] = ()
    faults: tuple[str, ...] = ()


def read(text: str, name: str) -> PresetFile:
    """The presets of a file called `name`. Raises nothing: what cannot be read is told."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return PresetFile(faults=(f"{name} has more than 1 MiB; that is no file of presets.",))
    try:
        content = yaml_files.parse(text)
    except ValueError as error:
        return PresetFile(faults=(f"{name} is not YAML ({str(error)[:200]}).",))
    if content is None:
        return PresetFile()
    entries = _entries(content)
    if entries is None:
        return PresetFile(
            faults=(f"{name} must hold the key “{_KEY}” with a list of presets, and no others.",)
        )
    if len(entries) > MOST_PRESETS:
        return PresetFile(faults=(f"{name} has {len(entries):,} presets; {MOST_PRESETS} are the most.",))
    return _read_all(entries, name)


def write(presets: Iterable[Preset]) -> str:
    """The text of a file with these."""
    plain = [preset.model_dump(mode="json", exclude_defaults=True) for preset in presets]
    ordered = [{"id": each.pop("id"), **each} for each in plain]
    return _HEAD + yaml.safe_dump({_KEY: ordered}, allow_unicode=True, sort_keys=False, width=110)


def _entries(content: Any) -> list[Any] | None:
    if not isinstance(content, dict) or set(cast("dict[Any, Any]", content)) != {_KEY}:
        return None
    entries = cast("dict[str, Any]", content)[_KEY]
    if entries is None:
        return []
    return cast("list[Any]", entries) if isinstance(entries, list) else None


def _read_all(entries: list[Any], name: str) -> PresetFile:
    found: dict[str, Preset] = {}
    faults: list[str] = []
    for number, entry in enumerate(entries, start=1):
        where = f"{name}, {_called(entry, number)}"
        try:
            preset = Preset.model_validate(entry)
        except ValidationError as error:
            faults.append(_sentence(where, error))
            continue
        if preset.id in found:
            faults.append(f"{where}: there are two presets with this id.")
        else:
            found[preset.id] = preset
    return PresetFile(tuple(found.values()), tuple(faults))


def _called(entry: Any, number: int) -> str:
    said = cast("Mapping[str, Any]", entry).get("id") if isinstance(entry, dict) else None
    return f"preset “{said}”" if isinstance(said, str) and said else f"preset number {number}"


def _sentence(where: str, error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    kinds = {"extra_forbidden": "there is no such key", "missing": "this is left out"}
    wrong = kinds.get(first["type"], first["msg"])
    return f"{where}{', ' + key if key else ''}: {wrong}."
