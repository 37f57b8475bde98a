"""What the page's scripts know of the rules: words, ratios, roles and limits, written from those of Python.

`python -m studio.ui.page_rules` writes `static/core/rules.js` anew; a test says where it is stale. Knows
neither Gradio nor the service.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.families.setting import bounds
from pipelines.families.settings import SETTINGS
from pipelines.request import (
    ASPECT_RATIOS,
    CONTROL_LABEL,
    DEFAULT_ROLE,
    LIKE_REFERENCE,
    MAX_IMAGES,
    MAX_LORAS,
    MAX_PROMPT_CHARS,
    MAX_REFERENCES,
    MODE_LABEL,
    GenerationRequest,
)
from studio.characters.versions import PORTRAIT_ASPECT
from studio.sweeps.axes import FIELDS, heading_of
from studio.ui.words import BLUEPRINT_WORDS, CATEGORY_WORDS, PORTRAIT_MODES, ROLE_WORDS

RULES = Path(__file__).resolve().parent / "static" / "core" / "rules.js"
_HEAD = """\
// The rules of the studio as far as the page needs them.
// Written from Python by `python -m studio.ui.page_rules`: change them there.
"""


def rules_script() -> str:
    """The text of `rules.js`."""
    parts = [_HEAD]
    for name, (type_words, value) in _rules().items():
        parts.append(f"/** @type {{{type_words}}} */")
        parts.append(f"export const {name} = {json.dumps(value, indent=2, ensure_ascii=False)};\n")
    return "\n".join(parts)


def _rules() -> dict[str, tuple[str, Any]]:
    words = "Record<string, string>"
    return {
        "MODES": (words, {mode.value: label for mode, label in MODE_LABEL.items()}),
        "ROLES": (words, {role.value: label for role, label in ROLE_WORDS.items()}),
        "CONTROLS": (words, {kind.value: label for kind, label in CONTROL_LABEL.items()}),
        "CATEGORIES": (words, {category.value: label for category, label in CATEGORY_WORDS.items()}),
        "DEFAULT_ROLES": (words, {mode.value: role.value for mode, role in DEFAULT_ROLE.items()}),
        "BLUEPRINT_FIELDS": (
            "[name: string, words: string, example: string][]",
            [[name.value, *words] for name, words in BLUEPRINT_WORDS.items()],
        ),
        "PORTRAIT_MODES": ("string[]", [mode.value for mode in PORTRAIT_MODES]),
        "PORTRAIT_RATIO": ("string", PORTRAIT_ASPECT),
        "RATIOS": ("string[]", list(ASPECT_RATIOS)),
        "LIKE_REFERENCE": ("string", LIKE_REFERENCE),
        "LIMITS": (
            "{references: number, images: number, loras: number, prompt: number}",
            {
                "references": MAX_REFERENCES,
                "images": MAX_IMAGES,
                "loras": MAX_LORAS,
                "prompt": MAX_PROMPT_CHARS,
            },
        ),
        "SETTINGS": (words, {setting.field: setting.heading for setting in SETTINGS}),
        "SWEPT": (words, {axis: heading_of(axis) for axis in FIELDS}),
        "RANGES": ("Record<string, {least: number, most: number}>", _ranges()),
    }


def _ranges() -> dict[str, dict[str, float]]:
    """Least and most of each number of a request; a seed is larger than a number of JavaScript can be."""
    found = {name: bounds(GenerationRequest, name) for name in GenerationRequest.model_fields}
    return {
        name: {"least": low, "most": high}
        for name, (low, high) in found.items()
        if name != "seed" and low is not None and high is not None
    }


if __name__ == "__main__":
    RULES.write_text(rules_script(), encoding="utf-8", newline="\n")
