"""What calls share that work on pixels: their latents are pictures already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image

from pipelines.running.contract import FinishedPicture


class PictureCall:
    """`decode` and `finish` of `pipelines.running.contract.Call`."""

    def decode(self, latents: Any) -> Image.Image:
        """The picture as it is."""
        return latents

    def finish(self, latents: Any, check: Callable[[], None]) -> FinishedPicture:
        """The picture as it is: nothing is put back from its source."""
        check()
        return FinishedPicture(latents)
