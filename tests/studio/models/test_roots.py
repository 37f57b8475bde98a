"""Folders of other tools: added, remembered, forgotten, and never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.catalog.root_paths import RootPaths
from pipelines.errors import Conflict, NotFound, RequestError
from studio.models.library import ModelLibrary
from tests.pipelines.catalog.test_foreign_folders import YAML
from tests.pipelines.catalog.tool_trees import plant
from tests.pipelines.disk.test_identify import LORA_XL, write


def opened(data: Path, *given: Path) -> Catalog:
    """The catalogue of a studio with this data folder, as a start makes it."""
    data.mkdir(exist_ok=True)
    (data / "models.yaml").write_text(YAML, "utf-8")
    roots = RootPaths(given, data / "model-roots.json", data / "known-files.json")
    return load_catalog(data / "models.yaml", data / "models", roots)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def library(data: Path) -> ModelLibrary:
    return ModelLibrary(opened(data), data)


@pytest.fixture
def comfy(tmp_path: Path) -> Path:
    plant(tmp_path / "ComfyUI", "ComfyUI")
    return tmp_path / "ComfyUI"


def test_a_folder_is_added_says_what_it_holds_and_is_remembered(
    library: ModelLibrary, data: Path, comfy: Path
) -> None:
    added = library.roots.add(f'  "{comfy}"  ')
    assert (added.path, added.tool, added.state) == (str(comfy), "ComfyUI", "ready")
    assert added.holds["model"] == 6
    assert "6 models, 2 enlargers, 5 LoRAs" in added.held
    assert {each.file for each in added.refused} >= {"models/checkpoints/old.ckpt"}
    again = ModelLibrary(opened(data), data)
    assert again.roots.all() == (added,)
    assert {card.label for card in again.all().models} >= {"dream", "juggernaut", "4x-UltraSharp"}
    assert {each.root for each in again.all().add_ons} == {str(comfy)}


def test_forgetting_a_folder_leaves_it_as_it_is(library: ModelLibrary, data: Path, comfy: Path) -> None:
    library.roots.add(str(comfy))
    before = sorted(comfy.rglob("*"))
    library.roots.forget(str(comfy))
    assert library.roots.all() == ()
    assert library.all().add_ons == ()
    assert sorted(comfy.rglob("*")) == before
    assert not ModelLibrary(opened(data), data).roots.all()
    with pytest.raises(NotFound):
        library.roots.forget(str(comfy))


def test_a_model_of_another_tool_is_never_removed(library: ModelLibrary, comfy: Path) -> None:
    library.roots.add(str(comfy))
    card = next(card for card in library.all().models if card.label == "dream")
    assert not card.removable
    with pytest.raises(Conflict, match="a folder of another tool, in which the studio only reads"):
        library.remove(card.id)
    assert (comfy / "models" / "checkpoints" / "sd15" / "dream.safetensors").is_file()
    assert any(each.id == card.id for each in library.all().models)


def test_what_was_given_at_the_start_is_left_out_there(data: Path, comfy: Path) -> None:
    library = ModelLibrary(opened(data, comfy), data)
    (root,) = library.roots.all()
    assert root.given
    with pytest.raises(Conflict, match="--model-roots"):
        library.roots.forget(str(comfy))


@pytest.mark.parametrize(
    "said",
    ["", "   ", '""', "models", "../x", "/nowhere/at/all", "~nobody-here/x", "a\0b", "/x\udcff"],
)
def test_what_is_no_folder_is_refused_in_words(library: ModelLibrary, data: Path, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        library.roots.add(said)
    assert refused.value.field == "path"
    assert not (data / "model-roots.json").exists()


def test_a_file_that_names_no_paths_and_the_studios_own_folder_are_refused(
    library: ModelLibrary, data: Path
) -> None:
    lora = write(data / "models" / "loras" / "ink.safetensors", LORA_XL)
    for path in (lora, data / "models", data / "models" / "loras"):
        with pytest.raises(RequestError):
            library.roots.add(str(path))


def test_the_same_folder_is_added_once(library: ModelLibrary, comfy: Path) -> None:
    library.roots.add(str(comfy))
    for again in (str(comfy), f"{comfy}/", f"{comfy}/models/.."):
        with pytest.raises(Conflict):
            library.roots.add(again)


def test_a_damaged_list_of_folders_is_no_reason_not_to_start(data: Path, comfy: Path) -> None:
    data.mkdir()
    (data / "model-roots.json").write_text('{"roots": [5, null, ""]', "utf-8")
    library = ModelLibrary(opened(data), data)
    assert library.roots.all() == ()
    assert library.roots.add(str(comfy)).state == "ready"
