"""The two controls of enlarging: of what a job makes, and of a picture that is there."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.families.limits import Limits
from pipelines.families.setting import Asked, Choices, SettingControl
from pipelines.request import Mode


def _scales(_: Limits) -> tuple[tuple[str, str], ...]:
    return tuple((f"× {scale}", str(scale)) for scale in (2, 4))


def _finishes(limits: Limits) -> tuple[tuple[str, str], ...]:
    return (("As it is made", "1"), *_scales(limits))


def _finish_asked(text: str) -> dict[str, object]:
    scale, upscaler = _parts(text)
    return {"finish": {"scale": _whole(scale, 1), "upscaler": upscaler}}


def _finish_said(asked: Asked) -> str | None:
    if "finish" not in asked:
        return None
    finish: Asked | float | None = asked["finish"]
    if isinstance(finish, Mapping):
        return _by(str(finish.get("scale", 1)), finish.get("upscaler"))
    return f"{finish or 1:g}"  # defaults are told as numbers


def _scale_asked(text: str) -> dict[str, object]:
    scale, upscaler = _parts(text)
    width, times, height = scale.partition("x")
    size = {"width": _whole(width, 0), "height": _whole(height, 0)}
    said = size if times and all(size.values()) else {"scale": _whole(scale, 4)}
    return {**said, "upscaler": upscaler}


def _scale_said(asked: Asked) -> str | None:
    if asked.get("scale"):
        return _by(f"{asked['scale']:g}", asked.get("upscaler"))
    if asked.get("mode") == Mode.UPSCALE and asked.get("width") and asked.get("height"):
        return _by(f"{asked['width']}x{asked['height']}", asked.get("upscaler"))
    return None


def _by(text: str, upscaler: str | None) -> str:
    return f"{text} by {upscaler}" if upscaler else text


def _parts(text: str) -> tuple[str, str | None]:
    """What `_by` put together."""
    scale, _, upscaler = text.partition(" by ")
    return scale, upscaler or None


def _whole(text: str, otherwise: int) -> int:
    """A browser may send anything; what is no number of few digits is no wish."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else otherwise


FINISH = SettingControl(
    name="finish",
    label="Finish",
    help="Enlarges each picture when it is made, and changes nothing else in it.",
    kind=Choices(options=_finishes, closed=False),
    value=str,
    start="1",
    ask=_finish_asked,
    said=_finish_said,
)
"""A scale; 'by' an enlarger where it is not the studio's own choice: '4 by ultrasharp'."""
SCALE = SettingControl(
    name="scale",
    label="Enlarge",
    help="How many times longer each side becomes.",
    kind=Choices(options=_scales, closed=False),
    value=str,
    start="4",
    ask=_scale_asked,
    said=_scale_said,
)
"""A scale or an exact size as '1024x768'; 'by' an enlarger, where another model redraws what that makes."""
