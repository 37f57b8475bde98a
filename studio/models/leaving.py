"""Models that leave the models folder: what a crash left half done, the next start finishes.

Half a model can neither be used nor removed, since nothing lists it. So what goes is written down before the
first file does. A file that changed since is somebody's new one, and stays.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from pipelines.errors import StorageFailure
from studio.models import removal
from studio.models.ledger import Decisions, Ledger
from studio.models.removal import OwnFile

_log = logging.getLogger(__name__)


def remove(ledger: Ledger, place: Path, folder: Path, label: str) -> None:
    """Delete a model's own files. Raises Conflict, StorageFailure."""
    files = removal.own_files(place, folder, label)
    name = place.relative_to(folder).as_posix()
    # a full disk must not keep a model on it, nor must a name that is no text
    with contextlib.suppress(StorageFailure, ValueError):
        ledger.change(lambda decisions: decisions.leaving.update({name: files}))
    try:
        removal.take_away(place, files)
    except StorageFailure:
        if removal.still_there(place, files) == files:
            _forget(ledger, name)
        raise
    _forget(ledger, name)


def finish(ledger: Ledger, folder: Path | None) -> bool:
    """Go on with what was interrupted; whether there was anything. A start does it, and never fails of it."""
    begun = ledger.read().leaving if folder else {}
    for name, files in begun.items():
        assert folder is not None
        try:
            _finish(folder / name, folder, files)
        except StorageFailure as error:
            _log.warning("%s", error.detail)
        else:
            _forget(ledger, name)
    return bool(begun)


def _finish(place: Path, folder: Path, files: list[OwnFile]) -> None:
    """What a link leads to now, or lies elsewhere, was never meant."""
    if removal.is_own(place, folder):
        meant = [each for each in files if removal.is_own(place / each.inside, folder)]
        removal.take_away(place, removal.still_there(place, meant))


def _forget(ledger: Ledger, name: str) -> None:
    def change(decisions: Decisions) -> None:
        decisions.leaving.pop(name, None)

    with contextlib.suppress(StorageFailure):  # the next start finds none of these files, and forgets it
        ledger.change(change)
