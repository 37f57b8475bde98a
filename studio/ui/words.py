"""What the settings side says to artists: names, explanations and examples per mode.

Knows nothing of Gradio, of models, or of requests and pictures beyond the names of their kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.request import MODE_LABEL, Mode, Role
from studio.records import Category


@dataclass(frozen=True, slots=True)
class ModeWords:
    """How one mode is presented in the assistant menu and in the prompt box."""

    label: str
    what: str
    when: str
    example: str


MODE_WORDS: dict[Mode, ModeWords] = {
    Mode.SMART_EDIT: ModeWords(
        MODE_LABEL[Mode.SMART_EDIT],
        "Makes the one change you describe and leaves the rest alone.",
        "For a new background, expression, hair or light on a portrait you like.",
        "Describe only the change, e.g. change the background to a dark library, keep the outfit and face",
    ),
    Mode.IMG2IMG: ModeWords(
        MODE_LABEL[Mode.IMG2IMG],
        "Paints over the reference; Influence says how much of it stays.",
        "For variations that keep the composition.",
        "Describe the whole picture, e.g. oil painting of a woman with silver hair, warm evening light",
    ),
    Mode.CHARACTER_REFERENCE: ModeWords(
        MODE_LABEL[Mode.CHARACTER_REFERENCE],
        "Keeps who it is while your words decide everything else.",
        "For the same character in a new scene, pose or mood.",
        "Describe the full picture, e.g. standing on a rainy rooftop at night, looking over her shoulder",
    ),
    Mode.STYLE_REFERENCE: ModeWords(
        MODE_LABEL[Mode.STYLE_REFERENCE],
        "Takes palette, light and brushwork, not the person.",
        "For new pictures that belong to the same series.",
        "Describe the new picture, e.g. an old sailor with a pipe; palette and light come from the reference",
    ),
    Mode.CONTROLNET: ModeWords(
        MODE_LABEL[Mode.CONTROLNET],
        "Keeps pose and outlines, everything else may change.",
        "For reusing a pose or a layout that works.",
        "Describe who and where, e.g. a young knight in a courtyard; the pose comes from the reference",
    ),
    Mode.INPAINT: ModeWords(
        MODE_LABEL[Mode.INPAINT],
        "Changes only what the mask shows in white; every other pixel stays.",
        "For one hand, one eye or one corner of a picture that is right otherwise.",
        "Describe what belongs there, e.g. a hand holding a lantern, warm light on the fingers",
    ),
    Mode.TEXT_TO_IMAGE: ModeWords(
        MODE_LABEL[Mode.TEXT_TO_IMAGE],
        "Paints a new picture from your words alone.",
        "For the first portrait, before there is anything to refine.",
        "Describe your character, e.g. portrait of a woman with short silver hair, green cloak, calm smile",
    ),
}
"""In the order of the menu."""

ROLE_WORDS: dict[Role, str] = {
    Role.SOURCE: "Source",
    Role.CHARACTER: "Character",
    Role.STYLE: "Style",
    Role.STRUCTURE: "Structure",
    Role.MASK: "Mask",
}

CATEGORY_WORDS: dict[Category, str] = {
    Category.GENERATED: "Generated",
    Category.EDITED: "Edited",
    Category.UPLOAD: "Upload",
    Category.IMPORTED: "Imported",
    Category.AVATAR: "Avatar",
    Category.SHEET: "Character sheet",
    Category.CONTROL: "Made on the way",
}
