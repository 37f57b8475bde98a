from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog import models_folder
from pipelines.families.registry import FAMILIES, entry_route
from pipelines.request import Mode
from tests.pipelines.disk.test_identify import LORA_XL, write
from tests.pipelines.running.families.conftest import MAKERS


@pytest.mark.parametrize(
    ("model", "family", "options", "modes"),
    [
        ("tiny-dev", "flux2", {"checkpoint": "dev"}, {Mode.TEXT_TO_IMAGE, Mode.SMART_EDIT}),
        ("tiny-klein", "flux2", {}, {Mode.SMART_EDIT, Mode.INPAINT}),
        ("tiny-klein-base", "flux2", {"checkpoint": "klein-base"}, {Mode.SMART_EDIT, Mode.INPAINT}),
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


@pytest.mark.parametrize("other", ["e\u0301.safetensors", "\u00e9.SAFETENSORS"])
def test_of_two_files_of_one_name_the_second_is_told_of(tmp_path: Path, other: str) -> None:
    for name in ("\u00e9.safetensors", other):
        write(tmp_path / name, LORA_XL)
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system takes the two for one")
    found = models_folder.look(tmp_path)
    assert len(found.add_ons) == 1
    assert "the same name" in found.unusable[0].reason
