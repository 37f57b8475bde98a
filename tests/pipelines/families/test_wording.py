from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.families.wording import EDITING
from pipelines.request import Role

STYLE_OF_1 = "Take the style of image 1: palette, light and brushwork, not the subject."


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ([], "red hair"),
        ([Role.SOURCE], "red hair"),
        ([Role.SOURCE, Role.MASK], "red hair"),
        ([Role.STYLE], f"{STYLE_OF_1} red hair"),
        (
            [Role.STYLE, Role.SOURCE],
            f"Edit image 2; t{STYLE_OF_1[1:]} red hair",
        ),
        (
            [Role.CHARACTER, Role.CHARACTER, Role.CHARACTER],
            "Keep the person of image 1, image 2 and image 3: the same face, hair and build. red hair",
        ),
    ],
)
def test_roles_are_said_in_the_models_order(roles: list[Role], said: str) -> None:
    assert EDITING.compose("red hair", roles) == said


def test_a_source_that_the_model_gets_first_is_counted_first() -> None:
    first = replace(EDITING, source_first=True)
    said = first.compose("red hair", [Role.CHARACTER, Role.MASK, Role.SOURCE])
    assert said.startswith("Edit image 1; keep the person of image 2")


def test_without_words_only_the_roles_are_said() -> None:
    assert EDITING.compose("", [Role.STRUCTURE]) == "Take pose and composition from image 1."
