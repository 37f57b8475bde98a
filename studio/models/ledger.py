"""What the artist decided about models, in one small file of the data folder.

Consents, defaults, memory settings, unfinished downloads, and the commits at which models are held.

Written whole or not at all, and durably. A file that cannot be read is put aside, not overwritten.
Knows nothing of catalogues or of the hub.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import StorageFailure
from pipelines.licence import Licence
from pipelines.request import Mode
from studio import durable
from studio.models.records import Consent, MemorySetting
from studio.models.removal import OwnFile

log = logging.getLogger(__name__)


class Unfinished(BaseModel):
    """A download that was begun, in bytes."""

    model_config = ConfigDict(frozen=True)

    done_bytes: int = 0
    total_bytes: int = 0


class Pin(BaseModel):
    """The commits a model is read at: repository of the hub → commit."""

    model_config = ConfigDict(frozen=True)

    commits: dict[str, str]
    since: datetime


class Decisions(BaseModel):
    """The file's content."""

    version: int = 1
    consents: list[Consent] = Field(default_factory=list[Consent])
    defaults: dict[Mode, str] = Field(default_factory=dict[Mode, str])
    memory: dict[str, MemorySetting] = Field(default_factory=dict)
    unfinished: dict[str, Unfinished] = Field(default_factory=dict)
    pins: dict[str, Pin] = Field(default_factory=dict)
    fetched: list[str] = Field(default_factory=list)
    """Repositories that the studio brought into the hub's cache."""
    leaving: dict[str, list[OwnFile]] = Field(default_factory=dict)
    """Removals that are under way: the model's place in the models folder → what goes with it."""

    def default_for(self, model: str) -> tuple[str, ...]:
        """The modes that start with it."""
        return tuple(mode.value for mode, chosen in self.defaults.items() if chosen == model)

    def consent_to(self, licence: Licence) -> Consent | None:
        """What was said to this version of a licence."""
        same = (
            each for each in self.consents if (each.licence, each.version) == (licence.name, licence.version)
        )
        return next(same, None)

    def note_fetched(self, repos: Iterable[str]) -> None:
        """The studio is about to bring these repositories."""
        self.fetched = sorted({*self.fetched, *repos})

    def hold(self, model: str, commits: Mapping[str, str]) -> None:
        """Read the model at these commits from now on; a time is noted where that changes something."""
        before = self.pins.get(model)
        held = {**(before.commits if before else {}), **commits}
        if held and (before is None or before.commits != held):
            self.pins[model] = Pin(commits=held, since=datetime.now(UTC))


class Ledger:
    """The file; `path` None keeps everything in memory. Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._decisions = _read(path)

    def read(self) -> Decisions:
        """A copy of what is known."""
        with self._lock:
            return self._decisions.model_copy(deep=True)

    def change(self, change: Callable[[Decisions], None]) -> None:
        """Apply `change` and write. Raises StorageFailure, and then nothing has changed."""
        with self._lock:
            changed = self._decisions.model_copy(deep=True)
            change(changed)
            if changed != self._decisions:
                _write(self._path, changed)
                self._decisions = changed


def _read(path: Path | None) -> Decisions:
    if path is None or not path.exists():
        return Decisions()
    try:
        return Decisions.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StorageFailure(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError:
        aside = path.with_name(f"{path.name}.damaged")
        log.warning("%s cannot be understood; it is kept as %s.", path, aside.name)
        durable.replace(path, aside)
        return Decisions()


def _write(path: Path | None, decisions: Decisions) -> None:
    if path is None:
        return
    try:
        durable.make_folder(path.parent)
        durable.write_whole(path, [decisions.model_dump_json(indent=1).encode()])
    except OSError as error:
        raise StorageFailure(f"{path} cannot be written: {error.strerror}. Free some space.") from error
