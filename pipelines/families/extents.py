"""The two controls of canvas: how much is added around a picture, and what is done where shapes differ."""

from __future__ import annotations

import re

from pipelines.errors import RequestError
from pipelines.families.setting import Asked, Choices, SettingControl, Text
from pipelines.request import MAX_RESULT_SIDE, Extend

SIDES = ("left", "top", "right", "bottom")
BAD_EXTEND = "Four whole numbers: the pixels to add at left, top, right and bottom, e.g. “0 128 0 256”."


def _asked(text: str) -> dict[str, object]:
    """Four numbers; nothing for an empty text, as the aspect ratio says it then. Raises RequestError."""
    if not text.strip():
        return {}
    numbers = re.findall(r"[0-9]{1,6}", text) if re.fullmatch(r"[0-9\s,;px]*", text) else []
    if len(numbers) != len(SIDES) or any(int(each) > MAX_RESULT_SIDE for each in numbers):
        raise RequestError(BAD_EXTEND, field="extend")
    return {"extend": dict(zip(SIDES, map(int, numbers), strict=True))}


def _said(asked: Asked) -> str | None:
    extend = asked.get("extend")
    return " ".join(str(extend.get(side, 0)) for side in SIDES) if extend else None


def extend_in_words(extend: Extend) -> str | None:
    """'128 px left, 64 px top'."""
    added = {side: getattr(extend, side) for side in SIDES}
    return ", ".join(f"{px} px {side}" for side, px in added.items() if px) or None


EXTEND = SettingControl(
    name="extend",
    label="Canvas to add, px",
    help="Left, top, right, bottom, in pixels of the reference. Empty: as the aspect ratio needs it.",
    kind=Text(),
    value=str,
    start="",
    ask=_asked,
    said=_said,
    element="extend-by",
)
FIT = SettingControl(
    name="fit",
    label="Where the shapes differ",
    help="The reference has another shape than the picture: cut it, or paint more around it.",
    kind=Choices(
        options=lambda _: (("Crop: part of it is left out", "crop"), ("Extend: all of it stays", "extend"))
    ),
    value=str,
    start="crop",
    ask=lambda fit: {"fit": fit},
    said=lambda asked: asked.get("fit"),
)
