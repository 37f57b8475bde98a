"""The first rectangle of the crop tool: pure arithmetic on what was found in a picture."""

from __future__ import annotations

from typing import Literal

from studio.characters.faces import Head
from studio.characters.records import Crop

Aspect = Literal["free", "1:1", "3:4"]
RATIO: dict[Aspect, float] = {"free": 3 / 4, "1:1": 1.0, "3:4": 3 / 4}
"""Width through height; of a free crop only the first guess."""
_AROUND_FACE = 2.0
"""Height of the first guess in heights of a face; its middle is the face's."""
_AROUND_HEAD, _ABOVE_HEAD = 1.4, 0.1
"""Height of the first guess in heights or widths of a figure's head, and how much of it is above the head."""
_LEAST = 0.3
"""A guess has at least this part of the picture: what is found in less may be a detail."""


def around(head: Head | None, width: int, height: int, aspect: Aspect) -> Crop:
    """A rectangle of this shape around the head, else as large as fits; inside the picture."""
    ratio = RATIO[aspect]
    tall = min(height, width / ratio)
    left, top = (width - tall * ratio) / 2, (height - tall) * 0.15
    if head is not None:
        across, down = head.width * width, head.height * height
        face = head.kind == "face"
        wanted = down * _AROUND_FACE if face else max(down, across / ratio) * _AROUND_HEAD
        tall = min(tall, max(wanted, min(width, height) * _LEAST, 16.0))
        left = head.x * width + across / 2 - tall * ratio / 2
        top = head.y * height + (down / 2 - tall / 2 if face else -tall * _ABOVE_HEAD)
    size = (max(1, int(tall * ratio)), max(1, int(tall)))
    if aspect == "1:1":
        size = (min(size), min(size))
    return Crop(
        x=round(min(max(left, 0), width - size[0])),
        y=round(min(max(top, 0), height - size[1])),
        width=size[0],
        height=size[1],
        aspect=aspect,
    )
