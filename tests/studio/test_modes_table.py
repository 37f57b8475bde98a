"""The table of modes against what is made from it: a member, a row, and entries in families are all."""

from __future__ import annotations

import re

import pytest

from pipelines.families.registry import FAMILIES
from pipelines.modes import DEFAULT_ROLE, MODE_LABEL, MODES, Mode
from pipelines.request import GenerationRequest
from pipelines.spec import EDITS
from studio.collection.changes import compare
from studio.ui.controls import _mode_scene
from studio.ui.page_rules import rules_script
from studio.ui.settle import EDIT_MODES
from studio.ui.state import StudioState

each_mode = pytest.mark.parametrize("mode", Mode)


def test_every_mode_has_one_row() -> None:
    assert set(MODES) == set(MODE_LABEL) == set(DEFAULT_ROLE) == set(Mode)
    assert len({row.label for row in MODES.values()}) == len(Mode)
    assert [mode for mode in MODES if mode in EDIT_MODES] == list(EDIT_MODES)
    assert Mode.TEXT_TO_IMAGE not in EDIT_MODES
    assert set(EDITS) < set(Mode)


@each_mode
def test_the_page_offers_it_in_words(mode: Mode) -> None:
    row = MODES[mode]
    for sentence in (row.what, row.when):
        assert re.fullmatch(r"[A-Z][^.]+\.", sentence)
    assert row.placeholder() == (f"{row.asks}, e.g. {row.examples[0]}" if row.examples else row.asks)
    assert row.placeholder(["a cat"]).endswith(", e.g. a cat")
    (entry,) = (each for each in _mode_scene(StudioState(), {})["modes"] if each["id"] == mode.value)
    assert (entry["label"], entry["what"], entry["when"]) == (row.label, row.what, row.when)
    assert f'"{mode.value}": "{row.label}"' in rules_script()
    assert f'"{mode.value}": "{row.role.value}"' in rules_script()


@each_mode
def test_some_family_does_it_with_the_rows_role(mode: Mode) -> None:
    routes = [family.routes[mode] for family in FAMILIES.values() if mode in family.routes]
    assert routes
    for route in routes:
        assert not route.min_references or route.roles[0] is MODES[mode].role


@each_mode
def test_a_record_says_what_it_was(mode: Mode) -> None:
    other = next(each for each in Mode if each is not mode)
    (change,) = compare(GenerationRequest(mode=other), GenerationRequest(mode=mode))
    assert change.words == f"{MODES[other].label} → {MODES[mode].label}"
