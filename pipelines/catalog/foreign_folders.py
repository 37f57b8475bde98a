"""Models where other tools keep them: what their folders hold, looked at in place and never written to.

A drive may be away, or stop to answer while it is looked at; nobody waits for one longer than a few seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pipelines.catalog import meanings, tools
from pipelines.catalog.enlargers import PICKLE
from pipelines.catalog.folder_walk import PICKLES, Unusable, walk
from pipelines.catalog.ids import earlier_id
from pipelines.catalog.meanings import Meaning
from pipelines.catalog.models_folder import IS_PICKLE, Candidate, Gathered, ModelsFolder
from pipelines.disk.known_files import KnownFiles

RootState = Literal["ready", "looking", "away", "unreadable"]
"""`away`: its drive is not there or does not answer; `unreadable`: it is there, and cannot be understood."""

_PATIENCE = 5.0
"""Seconds to wait for a folder that is looked through; it goes on beside the work where it takes longer."""
_SILENCE = 20.0
"""Seconds without anything found after which a drive counts as away."""
_MOST_WORD = 47
_INVERSION = "It is a textual inversion, which the studio does not use. Write its words instead."
_PICKLES_TOLD: frozenset[Meaning | None] = frozenset(
    {"checkpoints", "networks", "loras", "vaes", "controlnets"}
)
"""Where a pickle is a model that could be had in another form; elsewhere it may be anything."""


@dataclass(frozen=True, slots=True)
class Root:
    """The folder of another tool as it was found. `words`: what is wrong with it, where something is."""

    path: Path
    state: RootState
    tool: str = ""
    words: str = ""
    found: ModelsFolder = field(default_factory=ModelsFolder)


def look(root: Path, known: KnownFiles, seen: Callable[[], None] = lambda: None) -> Root:
    """Everything below the root that has a use; `seen` is called with each thing that is looked at."""
    try:
        root.stat()
        layout = tools.understand(root)
    except ValueError as error:
        return Root(root, "unreadable", words=str(error))
    except OSError as error:
        return gone(root, error)
    gathered = Gathered(known)
    for place in layout.places:
        for path in walk(place.path, own=False, useless=_is_useless):
            seen()
            if isinstance(path, Unusable):
                gathered.unusable.append(path)
                continue
            meaning = place.meaning or meanings.of_path(path.relative_to(place.path).parts[:-1])
            _take(path, meaning, root, layout.tool, gathered)
    try:
        root.stat()  # what was found while the drive went is not all
    except OSError as error:
        return gone(root, error)
    return Root(root, "ready", layout.tool, found=gathered.folder())


def gone(root: Path, error: OSError | None = None) -> Root:
    """A root that cannot be reached now."""
    if isinstance(error, PermissionError):
        return Root(root, "unreadable", words=f"{root} cannot be read: {error.strerror}. Look at its rights.")
    why = "does not answer" if error is None else "is not there now"
    words = f"{root} {why}. Is its drive connected? Its models are found again when it is back."
    return Root(root, "away", words=words)


def word_of(path: Path) -> str:
    """The id of a file outside the models folder: its name, and a hash of where it lies.

    From its path alone, so that no other file ever takes it over.
    """
    digest = hashlib.sha256(path.as_posix().encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{earlier_id(Path(path.name))[:_MOST_WORD].rstrip('-._')}-{digest}"


def _is_useless(name: str) -> bool:
    return meanings.of_name(name) == "nothing"


def _take(path: Path, meaning: Meaning | None, root: Path, tool: str, gathered: Gathered) -> None:
    if meaning == "embeddings" and path.is_file():
        gathered.unusable.append(Unusable(path, _INVERSION))
    elif path.suffix.lower() in PICKLES and not (meaning == "enlargers" and path.suffix.lower() == PICKLE):
        if meaning in _PICKLES_TOLD:
            gathered.unusable.append(Unusable(path, IS_PICKLE))
    else:
        inside = path.relative_to(root) if root in path.parents else path
        said = f"Where {tool or 'it lies'} has it: {root}" if tool else f"In {root}"
        gathered.take(Candidate(path, inside, word_of(path), meaning == "enlargers", f"{said}.", root))


class RootLooks:
    """Looks through roots, each in a thread of its own, and remembers how they were found.

    `on_late` is called whenever one that was not waited for has been looked through.
    """

    def __init__(self, known: KnownFiles, on_late: Callable[[], None]) -> None:
        self._known, self._on_late = known, on_late
        self._lock = threading.Lock()
        self._looks: dict[Path, _Look] = {}
        self._roots: dict[Path, Root] = {}
        self._asked: dict[Path, _Asked] = {}

    def look(self, paths: tuple[Path, ...]) -> tuple[Root, ...]:
        """All of them as they are now, in this order."""
        with self._lock:
            for path in [path for path in self._roots if path not in paths]:
                del self._roots[path]
            looks = [self._begun(path) for path in paths]
        until = time.monotonic() + _PATIENCE
        for each in looks:
            each.ended.wait(max(0.0, until - time.monotonic()))
        return self.roots(paths)

    def roots(self, paths: tuple[Path, ...]) -> tuple[Root, ...]:
        """As they were found last; one that is being looked through keeps what it had until then."""
        with self._lock:
            return tuple(self._now(path) for path in paths)

    def restless(self, paths: tuple[Path, ...]) -> bool:
        """Whether one of them has come or gone since, as far as that is told within a moment."""
        before = {root.path: root.state for root in self.roots(paths)}
        with self._lock:
            asked = {path: self._ask(path) for path in paths if before[path] in ("ready", "away")}
        until = time.monotonic() + 1.0
        return any(each.is_there(until) != (before[path] == "ready") for path, each in asked.items())

    def _ask(self, path: Path) -> _Asked:
        """A question that a drive never answered is not asked again."""
        if path not in self._asked or self._asked[path].answered.is_set():
            self._asked[path] = _Asked(path)
        return self._asked[path]

    def _begun(self, path: Path) -> _Look:
        running = self._looks.get(path)
        if running is None or running.ended.is_set():
            running = self._looks[path] = _Look(path, self._known, self._ended)
            running.start()
        return running

    def _ended(self, look: _Look, found: Root) -> None:
        with self._lock:
            self._roots[look.path] = found
        late = time.monotonic() - look.began > _PATIENCE / 2
        look.ended.set()
        if late:
            self._on_late()

    def _now(self, path: Path) -> Root:
        known, running = self._roots.get(path), self._looks.get(path)
        if running is None or running.ended.is_set():
            return known or Root(path, "looking")
        if time.monotonic() - running.seen > _SILENCE:
            return gone(path)
        return replace(known, state="looking") if known else Root(path, "looking")


class _Look(threading.Thread):
    """One walk through a root. A drive may hold it for ever: nobody waits for it."""

    def __init__(self, path: Path, known: KnownFiles, tell: Callable[[_Look, Root], None]) -> None:
        super().__init__(name="model-root", daemon=True)
        self.path, self._known, self._tell = path, known, tell
        self.ended = threading.Event()
        self.began = self.seen = time.monotonic()

    def run(self) -> None:
        found = Root(self.path, "unreadable", words=f"{self.path} could not be looked through.")
        with contextlib.suppress(OSError, ValueError):  # else it is told as unreadable
            found = look(self.path, self._known, self._saw)
        self._tell(self, found)

    def _saw(self) -> None:
        self.seen = time.monotonic()


class _Asked:
    """Whether a path is there, asked in a thread: a drive that went may never answer."""

    def __init__(self, path: Path) -> None:
        self._there = False
        self._path, self.answered = path, threading.Event()
        threading.Thread(target=self._ask, name="model-root-there", daemon=True).start()

    def _ask(self) -> None:
        self._there = self._path.exists()
        self.answered.set()

    def is_there(self, until: float) -> bool:
        return self.answered.wait(max(0.0, until - time.monotonic())) and self._there
