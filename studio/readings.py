"""What models said of pictures, kept so that a picture is read once; may be deleted at any time.

One small file per model and picture, found by the hash of the pixels. Knows no model and no picture.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from pipelines.events import Reading
from studio import durable
from studio.json_values import is_list


class Readings:
    """The folder; `None` remembers nothing. A disk that is full or read-only only makes it forget."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, reader: str, pixel_sha256: str) -> tuple[Reading | None] | None:
        """What was kept, in a tuple of one; None where nothing was."""
        if self._folder is None:
            return None
        try:
            kept = json.loads(self._place(self._folder, reader, pixel_sha256).read_text(encoding="utf-8"))
            return (tuple(map(float, kept)) if is_list(kept) else kept,)
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            return None

    def keep(self, reader: str, pixel_sha256: str, reading: Reading | None) -> None:
        """Remember an answer; None: there was nothing to be read."""
        if self._folder is None:
            return
        place = self._place(self._folder, reader, pixel_sha256)
        with contextlib.suppress(OSError):
            durable.make_folder(place.parent)
            durable.write_whole(place, [json.dumps(reading).encode()])

    def forget(self, pixel_sha256s: Iterable[str]) -> None:
        """Delete what any model said of these pictures: words about a picture go when it goes."""
        if self._folder is None:
            return
        for pixels in pixel_sha256s:
            for place in self._folder.glob(f"*/{pixels[:2]}/{pixels}.json"):
                with contextlib.suppress(OSError):
                    durable.delete(place)

    def _place(self, folder: Path, reader: str, pixel_sha256: str) -> Path:
        return folder / reader / pixel_sha256[:2] / f"{pixel_sha256}.json"
