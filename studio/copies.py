"""Copies of the database and of the journals that were kept before something made them anew.

The newest few stay for good; older ones go once they are a month old, so that a collection does not drag
all of its past along, and whoever mended too much last week still has what was before.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from studio import durable

NEWEST = 3
KEPT = timedelta(days=30)
STAMP = "%Y%m%d-%H%M%S"
_NAME = re.compile(
    r"(?P<of>likeness\.db|[a-z]+\.jsonl)\.(?:(?P<revision>\w+)-)?(?P<stamp>\d{8}-\d{6})"
    r"\.(?P<why>before-rebuild|before-mend|backup)(?:-wal|-shm|-journal)?"
)


def stamp(now: datetime | None = None) -> str:
    """Of a copy made now, for its name."""
    return (now or datetime.now(UTC)).strftime(STAMP)


def prune(folder: Path, now: datetime | None = None) -> int:
    """Delete copies that are older than a month and not among the newest; returns how many files.

    Raises OSError.
    """
    limit = stamp((now or datetime.now(UTC)) - KEPT)
    found: dict[tuple[str, str], dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in folder.iterdir():
        if (name := _NAME.fullmatch(path.name)) and path.is_file():
            found[name["of"], name["why"]][name["stamp"]].append(path)
    old = [
        path
        for copies in found.values()
        for each in sorted(copies)[:-NEWEST]
        if each < limit
        for path in copies[each]
    ]
    for path in old:
        durable.delete(path)
    return len(old)
