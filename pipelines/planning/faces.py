"""Which heads of a picture are drawn anew, and with how much around them. Pure arithmetic on boxes in px."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.errors import RequestError
from pipelines.events import Box
from pipelines.request import FixFace

CONTEXT = 1.8
"""Side of what the model sees, in the head's longer side: it draws portraits better than bare faces."""
NO_HEAD = "No head was found in this picture, so there is no face to fix. Paint it with the brush instead."
_ALL_LARGE = (
    "The only head is {side} px large already; faces under {under} px are fixed, for a model draws larger "
    "ones no finer than they are. “Heads smaller than” sets that."
)


def under(resolution: int) -> int:
    """The size in px from which on a model of this resolution draws a head no larger than it is."""
    return max(16, round(resolution / CONTEXT))


def chosen(heads: Sequence[Box], wish: FixFace | None) -> tuple[Box, ...]:
    """Those to be drawn anew. Raises RequestError in words where there is none."""
    if not heads:
        raise RequestError(NO_HEAD, field="references")
    most = wish.under if wish and wish.under else None
    small = tuple(head for head in heads if most is None or longer(head) < most)
    if not small:
        least = min(map(longer, heads))
        words = _ALL_LARGE.format(side=least, under=most)
        raise RequestError(
            words if len(heads) == 1 else words.replace("The only head is", "The smallest head is"),
            field="fix_face",
        )
    return small


def longer(head: Box) -> int:
    """Its longer side."""
    return max(head[2] - head[0], head[3] - head[1])


def around(head: Box, size: tuple[int, int]) -> Box:
    """The square that the model sees of a picture of `size` (width, height): the head, and what is around."""
    side = min(round(longer(head) * CONTEXT), *size)
    left = _inside((head[0] + head[2] - side) // 2, size[0] - side)
    top = _inside((head[1] + head[3] - side) // 2, size[1] - side)
    return left, top, left + side, top + side


def _inside(start: int, most: int) -> int:
    return max(0, min(start, most))
