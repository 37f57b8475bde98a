"""What a mode is: one row each, read by requests, planning, page and coach.

Pure data. Which model can do a mode, and how, stands in the families (`pipelines.families`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How the references act on the new picture."""

    TEXT_TO_IMAGE = "text_to_image"
    SMART_EDIT = "smart_edit"
    IMG2IMG = "img2img"
    CHARACTER_REFERENCE = "character_reference"
    STYLE_REFERENCE = "style_reference"
    CONTROLNET = "controlnet"
    INPAINT = "inpaint"
    UPSCALE = "upscale"
    OUTPAINT = "outpaint"
    FIX_FACE = "fix_face"


class Role(StrEnum):
    """What one reference is for. A mask is white where the source may change and black where it must not."""

    SOURCE = "source"
    CHARACTER = "character"
    STYLE = "style"
    STRUCTURE = "structure"
    MASK = "mask"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """One mode."""

    label: str
    """Its name as artists read it, in messages and on the page."""
    what: str
    """What it does, in a sentence of the menu."""
    when: str
    """What it is good for, in another."""
    asks: str
    """What the empty prompt asks for."""
    examples: tuple[str, ...] = ()
    """Things to ask of most models; an entry of models.yaml may say others."""
    role: Role = Role.SOURCE
    """What a reference is for, where the artist has not said."""
    prompt_for: str = ""
    """What the prompt must describe; none: the mode works without a prompt."""
    edits: bool = False
    """Edits by instruction, or follows what reference pictures show: such models have the badge “Edit”."""
    refines: bool = True
    """Starts from a picture as it is, without a mask."""
    goes_on: bool = False
    """Goes on with its source: the result can come back to the source's own size and pixels."""

    def placeholder(self, examples: Sequence[str] = ()) -> str:
        """What stands in the empty prompt: what it asks for, with the first of these examples or its own."""
        known = examples or self.examples
        return f"{self.asks}, e.g. {known[0]}" if known else self.asks


MODES: dict[Mode, ModeRow] = {
    Mode.SMART_EDIT: ModeRow(
        label="Smart Image Editing",
        what="Makes the one change you describe and leaves the rest alone.",
        when="For a new background, expression, hair or light on a portrait you like.",
        asks="Describe only the change",
        examples=(
            "change the background to a dark library, keep the outfit and face",
            "give her long red hair",
            "make it evening, warm light from a window on the left",
        ),
        prompt_for="what to change",
        edits=True,
        goes_on=True,
    ),
    Mode.IMG2IMG: ModeRow(
        label="Img2Img",
        what="Paints over the reference; Influence says how much of it stays.",
        when="For variations that keep the composition.",
        asks="Describe the whole picture",
        examples=("oil painting of a woman with silver hair, warm evening light",),
        goes_on=True,
    ),
    Mode.CHARACTER_REFERENCE: ModeRow(
        label="Character Reference",
        what="Keeps who it is while your words decide everything else.",
        when="For the same character in a new scene, pose or mood.",
        asks="Describe the full picture",
        examples=("standing on a rainy rooftop at night, looking over her shoulder",),
        role=Role.CHARACTER,
        edits=True,
    ),
    Mode.STYLE_REFERENCE: ModeRow(
        label="Style Reference",
        what="Takes palette, light and brushwork, not the person.",
        when="For new pictures that belong to the same series.",
        asks="Describe the new picture; palette and light come from the reference",
        examples=("an old sailor with a pipe",),
        role=Role.STYLE,
        edits=True,
    ),
    Mode.CONTROLNET: ModeRow(
        label="ControlNet",
        what="Keeps pose and outlines, everything else may change.",
        when="For reusing a pose or a layout that works.",
        asks="Describe who and where; the pose comes from the reference",
        examples=("a young knight in a courtyard",),
        role=Role.STRUCTURE,
    ),
    Mode.INPAINT: ModeRow(
        label="Inpaint",
        what="Changes only what the mask shows in white; every other pixel stays.",
        when="For one hand, one eye or one corner of a picture that is right otherwise.",
        asks="Describe what belongs there",
        examples=("a hand holding a lantern, warm light on the fingers",),
        refines=False,
        goes_on=True,
    ),
    Mode.OUTPAINT: ModeRow(
        label="Extend",
        what="Adds canvas around the picture and paints it; not one pixel of the picture changes.",
        when="For another shape, or for what lies beyond the edge: shoulders, hair, more of the room.",
        asks="Needs no words. Say what lies beyond the edge if it matters",
        examples=("a dark library, shelves on both sides",),
        refines=False,
        goes_on=True,
    ),
    Mode.UPSCALE: ModeRow(
        label="Enlarge",
        what="Makes the picture two or four times as large; nothing in it changes.",
        when="For a picture that is right and only too small.",
        asks="Needs no words. A model that redraws reads them: say what the picture shows",
        refines=False,
    ),
    Mode.FIX_FACE: ModeRow(
        label="Fix the face",
        what="Redraws small faces at the model's full size and puts them back; every other pixel stays.",
        when="For a figure whose head is too small to have come out well.",
        asks="Say what the picture shows; only the faces are drawn anew",
        examples=("a woman with red hair",),
        refines=False,
    ),
    Mode.TEXT_TO_IMAGE: ModeRow(
        label="Text to Image",
        what="Paints a new picture from your words alone.",
        when="For the first portrait, before there is anything to refine.",
        asks="Describe your character",
        examples=(
            "portrait of a woman with short silver hair, green jacket, calm smile",
            "an old fisherman with a white beard, yellow raincoat, harbour at dawn",
            "a young knight with a scar, steel armour, candlelit hall, oil painting",
            "portrait of a girl with freckles and a red scarf, falling snow, soft light",
        ),
        prompt_for="the picture you want",
        refines=False,
    ),
}
"""In the order of the menu."""

PROPOSALS = frozenset({Mode.FIX_FACE})
"""Modes whose pictures are shown before they are kept."""
REFINEMENTS = frozenset(mode for mode, row in MODES.items() if row.goes_on)
"""Modes that go on with a source."""
MODE_LABEL = {mode: MODES[mode].label for mode in Mode}
DEFAULT_ROLE = {mode: MODES[mode].role for mode in Mode}
"""The role a reference gets in a mode when the artist has chosen none."""
