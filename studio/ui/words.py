"""What the settings side says to artists: names of roles and of kinds of pictures.

Knows nothing of Gradio, of models, or of requests and pictures beyond the names of their kinds.
"""

from __future__ import annotations

from pipelines.request import Role
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
