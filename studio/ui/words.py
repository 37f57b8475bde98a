"""What the settings side says to artists: names of roles and of kinds of pictures.

Knows nothing of Gradio, of models, or of requests and pictures beyond the names of their kinds.
"""

from __future__ import annotations

from pipelines.request import Mode, Role
from studio.characters.records import FieldName
from studio.records import Category

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

PORTRAIT_MODES = (
    Mode.TEXT_TO_IMAGE,
    Mode.CHARACTER_REFERENCE,
    Mode.SMART_EDIT,
    Mode.IMG2IMG,
    Mode.STYLE_REFERENCE,
    Mode.CONTROLNET,
)
"""How a portrait of a character can be made, in the order of the menu."""

BLUEPRINT_WORDS: dict[FieldName, tuple[str, str]] = {
    FieldName.AGE: ("Age", "early thirties"),
    FieldName.FACE: ("Face", "narrow, high cheekbones"),
    FieldName.EYES: ("Eyes", "grey-green"),
    FieldName.HAIR: ("Hair", "short, silver"),
    FieldName.SKIN: ("Skin", "freckled"),
    FieldName.BUILD: ("Build", "tall, wiry"),
    FieldName.MARKS: ("Marks", "scar through the left brow"),
    FieldName.OUTFIT: ("Outfit", "green wool cloak"),
    FieldName.ACCESSORIES: ("Accessories", "brass compass"),
    FieldName.EXPRESSION: ("Expression", "calm half-smile"),
    FieldName.POSE: ("Pose", "arms folded"),
}
"""What a field is called, and an example of what can be said in it."""
