"""How long pictures have been in the trash, in days that the studio itself saw: clocks may be wrong.

A day counts when the studio is at work on it. A clock that runs years ahead for a while makes one day, one
that is put back makes none. Kept in one small file; where it is lost, counting begins anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from studio import durable

_log = logging.getLogger(__name__)


class _Seen(BaseModel):
    """The file's content."""

    day: int = 0
    """The number of days that were seen."""
    date: date
    """What the clock said last."""
    since: dict[str, tuple[datetime, int]] = {}
    """By picture: when it came into the trash, by the clock, and the number of the day it was noticed."""


class Days:
    """The count of one data folder. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self, today: date, trash: Mapping[str, datetime]) -> dict[str, int]:
        """The days that each picture, put into the trash at this time, was seen there; `trash` is all of it.

        One that was taken out and put in again begins anew.
        """
        before = self._read(today)
        day = before.day + (today > before.date)
        since = {
            image_id: before.since[image_id]
            if before.since.get(image_id, (None,))[0] == trashed_at
            else (trashed_at, day)
            for image_id, trashed_at in trash.items()
        }
        self._write(before, _Seen(day=day, date=today, since=since))
        return {image_id: day - noticed for image_id, (_, noticed) in since.items()}

    def _read(self, today: date) -> _Seen:
        try:
            return _Seen.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Seen(date=today)
        except (OSError, ValidationError) as error:
            _log.warning(
                "%s cannot be read, so the days in the trash count from today: %s", self._path, error
            )
            return _Seen(date=today)

    def _write(self, before: _Seen, now: _Seen) -> None:
        if now == before or (not now.since and not self._path.exists()):
            return
        try:
            durable.write_whole(self._path, [json.dumps(now.model_dump(mode="json")).encode()])
        except OSError as error:  # nothing is deleted for it: the day counts when it can be written down
            _log.warning("%s cannot be written: %s", self._path, error)
