"""What calls share that work on pixels: one picture at a time, and their latents are pictures already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from pipelines.running.contract import FinishedPicture, OnStep


class OneByOne:
    """`pipelines.running.contract.Call` of what never draws several pictures by one call."""

    at_once = 1

    def denoise_together(self, seeds: Sequence[int], on_step: OnStep, check: Callable[[], None]) -> None:
        """None: each is a call of its own."""


class PictureCall(OneByOne):
    """`decode` and `finish` of `pipelines.running.contract.Call`."""

    def decode(self, latents: Any) -> Image.Image:
        """The picture as it is."""
        return latents

    def finish(self, latents: Any, check: Callable[[], None]) -> FinishedPicture:
        """The picture as it is: nothing is put back from its source."""
        check()
        return FinishedPicture(latents)
