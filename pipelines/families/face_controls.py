"""The two controls of small faces: whether they are drawn anew, and which."""

from __future__ import annotations

from pipelines.families.setting import Asked, Choices, SettingControl, Switch
from pipelines.request import FixFace, Mode

_HEADS = (64, 96, 128, 192, 256, 384, 512)
"""Sizes that are offered, in px."""


def _said(asked: Asked) -> bool | None:
    """In the mode that does only this it says nothing of what comes after other pictures."""
    if asked.get("mode") == Mode.FIX_FACE or "fix_face" not in asked:
        return None
    return bool((asked["fix_face"] or {"enabled": False}).get("enabled", True))


def _under_said(asked: Asked) -> str | None:
    if not asked.get("fix_face"):
        return None
    return str(asked["fix_face"].get("under") or "gain")


def fix_face_in_words(wish: FixFace) -> str:
    """“fixed under 96 px”."""
    return f"fixed under {wish.under} px" if wish.under else "fixed"


FIX_FACE = SettingControl(
    name="fix_face_enabled",
    label="Fix small faces",
    help="When a picture is made, its small faces are drawn anew, and shown to you to keep or not.",
    kind=Switch(),
    value=bool,
    start=False,
    ask=lambda on: {"fix_face": {"enabled": on}},
    said=_said,
)
FACES_UNDER = SettingControl(
    name="fix_face_under",
    label="Heads smaller than",
    help="Only heads whose longer side is shorter are drawn anew, in px of the picture.",
    kind=Choices(
        options=lambda _: (("As the model gains", "gain"), *((f"{px} px", str(px)) for px in _HEADS)),
        closed=False,
    ),
    value=str,
    start="gain",
    ask=lambda px: {
        "fix_face": {"under": int(px) if px.isascii() and px.isdecimal() and len(px) < 5 else None}
    },
    said=_under_said,
)
"""“gain”, where the model draws them larger than they are, or a number of px."""
