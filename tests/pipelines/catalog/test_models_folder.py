from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog import models_folder
from pipelines.families.registry import FAMILIES, entry_route
from pipelines.request import Mode
from tests.pipelines.running.families.conftest import MAKERS


@pytest.mark.parametrize(
    ("model", "family", "options", "modes"),
    [
        ("tiny-dev", "flux2", {"checkpoint": "dev"}, {Mode.TEXT_TO_IMAGE, Mode.SMART_EDIT}),
        ("tiny-klein", "flux2", {}, {Mode.SMART_EDIT, Mode.INPAINT}),
        ("tiny-kontext", "flux1", {"checkpoint": "kontext"}, {Mode.SMART_EDIT, Mode.INPAINT}),
        ("tiny-z-turbo", "z-image", {}, {Mode.TEXT_TO_IMAGE, Mode.INPAINT}),
    ],
)
def test_a_folder_becomes_the_right_model_of_its_family(
    tmp_path: Path, model: str, family: str, options: dict[str, str], modes: set[Mode]
) -> None:
    MAKERS[model][1](tmp_path / "mine")
    (spec,) = models_folder.look(tmp_path).specs
    assert (spec.family, spec.options) == (family, options)
    assert modes <= set(spec.modes)
    assert all(entry_route(spec, mode) for mode in spec.modes)


def test_no_two_families_want_the_same_folder() -> None:
    wanted = [name for family in FAMILIES.values() for name in family.folders]
    assert len(wanted) == len(set(wanted))
