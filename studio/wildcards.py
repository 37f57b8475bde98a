"""Lists of the wildcards folder, for prompts that name them: `__hair__` is a line of `wildcards/hair.txt`.

The folder is the artist's: it is only read. One line is one choice; empty lines and those that begin with `#`
are none. A name with a slash or a dot means a file in a folder below; what a link leads out to is not read.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import RequestError
from studio.collection.beside import decoded
from studio.collection.metadata.letters import is_misread

MAX_BYTES = 4 * 2**20
MAX_LINES = 100_000
_NAMED = 12


class Wildcards:
    """Reads a list anew whenever it is asked for, so that an edited file acts at once."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def lines(self, name: str) -> tuple[str, ...]:
        """The choices of a list. Raises RequestError where there is none, or one that cannot be read."""
        path = self._find(name)
        if path is None:
            raise RequestError(self._missing(name), field="prompt")
        try:
            if path.stat().st_size > MAX_BYTES:
                raise RequestError(
                    f"The list {path.name} is larger than {MAX_BYTES >> 20} MB.", field="prompt"
                )
            data = path.read_bytes()
        except OSError as error:
            raise RequestError(
                f"The list {path.name} cannot be read: {error.strerror}.", field="prompt"
            ) from error
        text = decoded(data)
        if is_misread(text):
            raise RequestError(
                f"The encoding of the list {path.name} is not known. Save it as UTF-8.", field="prompt"
            )
        found = tuple(_choices(text))
        if not found:
            raise RequestError(
                f"The list {path.name} has no lines. Write one choice in each.", field="prompt"
            )
        return found[:MAX_LINES]

    def names(self) -> tuple[str, ...]:
        """Every list there is, by the name a prompt uses."""
        if self._folder is None or not self._folder.is_dir():
            return ()
        paths = (path for path in self._folder.rglob("*.txt") if path.is_file())
        return tuple(sorted(path.relative_to(self._folder).with_suffix("").as_posix() for path in paths))

    def _find(self, name: str) -> Path | None:
        if self._folder is None:
            return None
        for each in dict.fromkeys((name, name.replace(".", "/"))):
            path = self._folder / f"{each}.txt"
            if path.is_file() and path.resolve().is_relative_to(self._folder.resolve()):
                return path
        return None

    def _missing(self, name: str) -> str:
        names = self.names()
        there = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        known = f"There are: {there}." if names else "That folder has no lists yet."
        where = self._folder if self._folder is not None else "wildcards"
        return f"There is no list “{name}”. Put {name}.txt, a choice in each line, into {where}. {known}"


def _choices(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
