"""The presets of a studio: those that come with it, and the artist's own in the data folder.

The artist's file is read anew whenever it is asked for, so that an edited file acts at once. One of its
entries takes the place of a shipped one with the same id. Thread-safe.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Literal

from pipelines.catalog.catalog import Catalog
from pipelines.errors import Conflict, NotFound, RequestError, StorageFailure
from pipelines.modes import Mode
from pipelines.planning.small_models import unknown_words
from pipelines.request import MAX_PROMPT_CHARS, GenerationRequest
from pipelines.spec import ModelSpec
from studio import durable
from studio.presets import file
from studio.presets.applying import PresetChoice, choose, toggled, with_words, without
from studio.presets.file import PresetFile
from studio.presets.records import (
    MOST_PRESETS,
    Preset,
    PresetApplied,
    PresetPage,
    PresetRecord,
    PresetsTaken,
    PresetWish,
)

GROUPS = ("light", "angle", "expression", "outfit", "style")
"""In the order in which they are shown; others follow."""
NAME = "presets.yaml"


class Presets:
    """`shipped`: the file that comes with the studio; `own`: the artist's, which need not be there."""

    def __init__(self, catalog: Catalog, shipped: Path, own: Path | None) -> None:
        self._catalog = catalog
        self._shipped = shipped
        self._own = own
        self._lock = threading.Lock()

    def page(self, mode: Mode, model_id: str | None = None) -> PresetPage:
        """All of them, with what they say for the model (None: the mode's own). Raises NotFound."""
        spec = self._model(mode, model_id)
        own, shipped = self._read_own(), _shipped(self._shipped)
        return PresetPage(
            model=spec.id,
            mode=mode,
            items=tuple(self._record(each, spec, mode, own, shipped) for each in _together(shipped, own)),
            faults=(*shipped.faults, *own.faults),
        )

    def applied(self, preset_id: str, request: GenerationRequest) -> PresetApplied:
        """The request with the preset in its words and settings; without its words where they are there.

        Raises NotFound, and RequestError where the model cannot follow it.
        """
        every = _together(_shipped(self._shipped), self._read_own())
        preset = next((each for each in every if each.id == preset_id), None)
        if preset is None:
            raise NotFound("There is no such preset.")
        choice = self._choice(preset, self._model(request.mode, request.model), request.mode)
        if choice.says is None:
            raise RequestError(f"“{preset.label}” can't be used here: {choice.reason}", field="prompt")
        others = [said for each in every if each.group == preset.group for said in each.says]
        prompt, on = toggled(request.prompt, choice.says.words, [said.words for said in others])
        changes: dict[str, Any] = {"prompt": prompt}
        if choice.says.negative or any(said.negative for said in others):
            changes["negative_prompt"] = _negative(
                request.negative_prompt, choice.says.negative, [said.negative for said in others], on=on
            )
        if max(len(text) for text in changes.values()) > MAX_PROMPT_CHARS:
            raise RequestError(f"A prompt has at most {MAX_PROMPT_CHARS:,} characters.", field="prompt")
        if on:
            changes |= choice.says.settings.model_dump(exclude_none=True)
        return PresetApplied(request=_changed(request, changes), on=on)

    def create(self, wish: PresetWish) -> PresetRecord:
        """One of the artist's own, last of its group. Raises Conflict, RequestError, StorageFailure."""
        with self._lock:
            own = self._editable()
            taken = {each.id for each in (*_shipped(self._shipped).presets, *own)}
            preset = Preset(id=_free_id(wish.label, taken), **dict(wish))
            self._write((*own, preset))
        return self._alone(preset.id)

    def change(self, preset_id: str, wish: PresetWish) -> PresetRecord:
        """Make it this; one that comes with the studio becomes the artist's. Raises as `create`, NotFound."""
        with self._lock:
            own = self._editable()
            if all(each.id != preset_id for each in (*_shipped(self._shipped).presets, *own)):
                raise NotFound("There is no such preset.")
            self._write(_with(own, (Preset(id=preset_id, **dict(wish)),)))
        return self._alone(preset_id)

    def remove(self, preset_id: str) -> None:
        """One of the artist's own goes; a changed one is as it came again. Raises as `change`."""
        with self._lock:
            own = self._editable()
            left = tuple(each for each in own if each.id != preset_id)
            if len(left) == len(own):
                if any(each.id == preset_id for each in _shipped(self._shipped).presets):
                    raise Conflict("This preset comes with the studio. It can be changed, not removed.")
                raise NotFound("There is no such preset.")
            self._write(left)

    def text(self, *, everything: bool = False) -> str:
        """The artist's own as a file to give away, or all."""
        own = self._read_own()
        return file.write(_together(_shipped(self._shipped), own) if everything else own.presets)

    def take(self, text: str, name: str) -> PresetsTaken:
        """Take in the presets of a file; those with a known id take its place.

        Raises RequestError with a sentence for each fault, and then nothing was taken in.
        """
        found = file.read(text, name)
        if found.faults:
            raise RequestError(" ".join(found.faults), field="file")
        if not found.presets:
            raise RequestError(f"{name} has no presets.", field="file")
        with self._lock:
            own = self._editable()
            known = {each.id for each in (*_shipped(self._shipped).presets, *own)}
            self._write(_with(own, found.presets))
        ids = [each.id for each in found.presets]
        return PresetsTaken(
            added=tuple(each for each in ids if each not in known),
            replaced=tuple(each for each in ids if each in known),
        )

    # --- inside -----------------------------------------------------------------------------

    def _model(self, mode: Mode, model_id: str | None) -> ModelSpec:
        return self._catalog.get(model_id) if model_id else self._catalog.default_model(mode)

    def _choice(self, preset: Preset, spec: ModelSpec, mode: Mode) -> PresetChoice:
        folder = self._catalog.folder(spec)

        def knows(words: str) -> str | None:
            return next(iter(unknown_words(spec, folder, words)), None)

        return choose(preset, spec, mode, knows)

    def _record(
        self, preset: Preset, spec: ModelSpec, mode: Mode, own: PresetFile, shipped: PresetFile
    ) -> PresetRecord:
        choice = self._choice(preset, spec, mode)
        return PresetRecord(
            id=preset.id,
            label=preset.label,
            group=preset.group,
            origin=_origin(preset.id, own, shipped),
            preset=preset,
            says=choice.says,
            reason=choice.reason,
        )

    def _alone(self, preset_id: str) -> PresetRecord:
        page = self.page(Mode.TEXT_TO_IMAGE)
        return next(each for each in page.items if each.id == preset_id)

    def _read_own(self) -> PresetFile:
        if self._own is None or not self._own.is_file():
            return PresetFile()
        return _read(self._own)

    def _editable(self) -> tuple[Preset, ...]:
        """The artist's own, where writing the file loses nothing of it."""
        own = self._read_own()
        if own.faults:
            raise Conflict(f"{own.faults[0]} Mend the file first, so that nothing of it is lost: {self._own}")
        return own.presets

    def _write(self, presets: Sequence[Preset]) -> None:
        if len(presets) > MOST_PRESETS:
            raise RequestError(f"{MOST_PRESETS} presets of your own are the most. Remove some first.")
        if self._own is None:
            raise Conflict("This studio has no data folder to keep presets in.")
        text = file.write(presets).encode()
        if len(text) > file.MAX_BYTES:
            raise RequestError("All presets together may have 1 MiB. Remove some first.")
        try:
            durable.write_whole(self._own, (text,))
        except OSError as error:
            raise StorageFailure(f"{self._own} can't be written ({error.strerror}).") from error


@lru_cache(maxsize=4)
def _shipped(path: Path) -> PresetFile:
    return _read(path)


def _read(path: Path) -> PresetFile:
    try:
        with path.open("rb") as opened:
            text = opened.read(file.MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as error:
        return PresetFile(faults=(f"{path.name} cannot be read ({error.strerror}).",))
    except UnicodeDecodeError:
        return PresetFile(faults=(f"{path.name} is not text in UTF-8.",))
    return file.read(text, path.name)


def _together(shipped: PresetFile, own: PresetFile) -> tuple[Preset, ...]:
    """Group by group: those that come with the studio in their order, then the others."""
    every = _with(shipped.presets, own.presets)
    groups = dict.fromkeys((*GROUPS, *(each.group for each in every)))
    return tuple(each for group in groups for each in every if each.group == group)


def _with(presets: Sequence[Preset], others: Sequence[Preset]) -> tuple[Preset, ...]:
    """Each of `others` in the place of the one with its id, or at the end."""
    return tuple(({each.id: each for each in presets} | {each.id: each for each in others}).values())


def _origin(preset_id: str, own: PresetFile, shipped: PresetFile) -> Literal["shipped", "own", "changed"]:
    here, there = (any(each.id == preset_id for each in read.presets) for read in (own, shipped))
    return ("changed" if there else "own") if here else "shipped"


def _negative(text: str, words: str, others: Iterable[str], *, on: bool) -> str:
    """Without the words of its group, and with the preset's own where it is put in."""
    for each in filter(None, (*others, words)):
        text = without(text, each)
    return with_words(text, words) if on and words else text


def _changed(request: GenerationRequest, changes: dict[str, Any]) -> GenerationRequest:
    """With these fields as if they had been sent; what was left open stays open."""
    return GenerationRequest.model_validate(
        {**request.model_dump(mode="json", exclude_unset=True), **changes}
    )


def _free_id(label: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or "preset"
    numbered = (f"{base}-{number}" for number in count(2))
    return base if base not in taken else next(name for name in numbered if name not in taken)
