"""What “Load into the studio” makes of a tab's state."""

from __future__ import annotations

from pipelines.request import Mode, Reference, Role
from studio.characters.versions import PortraitStart
from studio.ui.cast import load_character
from studio.ui.state import StudioState

PICTURES = tuple(Reference(image_id=name, role=Role.CHARACTER) for name in "ab")


def test_the_pictures_of_a_character_become_the_references() -> None:
    before = StudioState(references=(Reference(image_id="x"),), prompt="on a beach", mode=Mode.SMART_EDIT)
    state = load_character(before, "mara", PortraitStart(Mode.CHARACTER_REFERENCE, "other", PICTURES))
    assert [(one.image_id, one.role) for one in state.references] == [("a", None), ("b", None)]
    assert (state.mode, state.model, state.character) == (Mode.CHARACTER_REFERENCE, "other", "mara")
    assert state.prompt == "on a beach"


def test_a_character_without_pictures_leaves_the_references() -> None:
    before = StudioState(references=(Reference(image_id="x"),), mode=Mode.SMART_EDIT)
    state = load_character(before, "mara", PortraitStart(Mode.TEXT_TO_IMAGE, None, ()))
    assert state == before.model_copy(update={"character": "mara"})
