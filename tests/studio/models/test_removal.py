"""Removing a model takes its own files: nothing beside them, nothing behind a link."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import Conflict, StorageFailure
from studio import durable
from studio.models.library import ModelLibrary
from tests import tiny_models_flux3
from tests.pipelines.disk.test_identify import LORA_XL, SD1, write
from tests.studio.crashes import Crash

posix = pytest.mark.skipif(os.name == "nt", reason="links need rights that Windows gives to few")
YAML = (
    "models:\n  - {id: one, label: One, family: sdxl, source: ./one, licence: MIT, modes: [text_to_image]}\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "models").mkdir(parents=True)
    return tmp_path / "data" / "models"


@pytest.fixture
def catalog(tmp_path: Path, folder: Path) -> Catalog:
    (tmp_path / "models.yaml").write_text(YAML, "utf-8")
    return load_catalog(tmp_path / "models.yaml", folder)


@pytest.fixture
def own(catalog: Catalog, folder: Path) -> ModelLibrary:
    return ModelLibrary(catalog, folder.parent)


def unpack_model(folder: Path) -> Path:
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "README.md").write_text("a model")
    (folder / "unet" / "config.json").write_text("{}")
    write(folder / "unet" / "diffusion_pytorch_model.safetensors", {"a": [1]})
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def model_of(library: ModelLibrary, label: str) -> str:
    return next(card.id for card in library.scan().models if card.label == label)


def test_a_model_unpacked_into_the_models_folder_itself_cannot_be_removed(
    own: ModelLibrary, folder: Path
) -> None:
    write(folder / "loras" / "ink.safetensors", LORA_XL)
    unpack_model(folder)
    before = names(folder)
    cards = own.scan().models
    assert not [card for card in cards if card.removable]
    assert [card.id for card in cards] == ["one"]
    assert names(folder) == before


def test_a_folder_leaves_with_its_own_files_and_what_else_lay_there_stays(
    own: ModelLibrary, folder: Path
) -> None:
    unpack_model(folder / "sd")
    write(folder / "sd" / "loras" / "ink.safetensors", LORA_XL)
    (folder / "sd" / "my notes.doc").write_text("mine")
    own.remove(model_of(own, "sd"))
    assert names(folder) == {"sd", "sd/loras", "sd/loras/ink.safetensors", "sd/my notes.doc"}


@pytest.mark.parametrize("said", [None, [None, None], "folder", ["peft", 5]])
def test_a_folder_that_the_index_names_without_being_a_part_stays(
    own: ModelLibrary, folder: Path, said: object
) -> None:
    index = unpack_model(folder / "sd") / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "loras": said}))
    write(folder / "sd" / "loras" / "ink.safetensors", LORA_XL)
    own.remove(model_of(own, "sd"))
    assert names(folder) == {"sd", "sd/loras", "sd/loras/ink.safetensors"}


def test_a_folder_with_nothing_else_in_it_leaves_whole(own: ModelLibrary, folder: Path) -> None:
    unpack_model(folder / "sd")
    own.remove(model_of(own, "sd"))
    assert names(folder) == set()


def test_a_model_made_of_blocks_is_found_and_leaves_whole(own: ModelLibrary, folder: Path) -> None:
    tiny_models_flux3.make(folder / "klein")
    (card,) = [card for card in own.scan().models if card.label == "klein"]
    assert card.family == "flux3"
    own.remove(card.id)
    assert names(folder) == set()


@posix
def test_of_a_linked_checkpoint_the_link_goes(own: ModelLibrary, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "other" / "dream.safetensors"
    write(target, SD1)
    (folder / "dream.safetensors").symlink_to(target)
    own.remove(model_of(own, "dream"))
    assert target.exists()
    assert names(folder) == set()


@posix
def test_of_a_linked_folder_the_link_goes(own: ModelLibrary, folder: Path, tmp_path: Path) -> None:
    target = unpack_model(tmp_path / "other" / "sd")
    before = names(target)
    (folder / "sd").symlink_to(target)
    own.remove(model_of(own, "sd"))
    assert names(target) == before
    assert names(folder) == set()


@posix
def test_what_lies_behind_a_linked_folder_is_not_removed(
    own: ModelLibrary, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "other" / "dream.safetensors"
    write(target, SD1)
    (folder / "linked").symlink_to(target.parent)
    dream = model_of(own, "dream")
    assert not own.card(dream).removable
    with pytest.raises(Conflict, match="only linked into the models folder"):
        own.remove(dream)
    assert target.exists()


@posix
def test_a_part_that_is_a_link_inside_a_model_goes_alone(
    own: ModelLibrary, folder: Path, tmp_path: Path
) -> None:
    target = unpack_model(tmp_path / "other" / "sd") / "unet"
    (folder / "sd").mkdir()
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    (folder / "sd" / "model_index.json").write_text(json.dumps(index))
    (folder / "sd" / "unet").symlink_to(target)
    own.remove(model_of(own, "sd"))
    assert (target / "config.json").exists()
    assert names(folder) == set()


@contextmanager
def ends_after(deletions: int, error: BaseException) -> Generator[None]:
    """The block ends with `error` once so many files are deleted."""
    left, delete = [deletions], durable.delete

    def counted(path: Path) -> None:
        if not path.name.startswith("."):  # the ledger's own
            if not left[0]:
                raise error
            left[0] -= 1
        delete(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "delete", counted)
        with pytest.raises((type(error), StorageFailure)):
            yield


@pytest.mark.parametrize("deletions", range(4))
def test_a_removal_that_a_crash_cut_off_is_finished_by_the_next_start(
    catalog: Catalog, own: ModelLibrary, folder: Path, deletions: int
) -> None:
    unpack_model(folder / "sd")
    (folder / "sd" / "my notes.doc").write_text("mine")
    model = model_of(own, "sd")
    with ends_after(deletions, Crash()):
        own.remove(model)
    again = ModelLibrary(catalog, folder.parent)
    assert names(folder) == {"sd", "sd/my notes.doc"}
    assert [card.id for card in again.all().models] == ["one"]
    assert again.all().refused == ()


def test_what_was_put_there_since_stays(catalog: Catalog, own: ModelLibrary, folder: Path) -> None:
    unpack_model(folder / "sd")
    model = model_of(own, "sd")
    with ends_after(1, Crash()):
        own.remove(model)
    for path in [each for each in (folder / "sd").rglob("*") if each.is_file()]:
        path.write_bytes(path.read_bytes())
    before = names(folder)
    ModelLibrary(catalog, folder.parent)
    assert names(folder) == before


@pytest.mark.parametrize(("deletions", "left"), [(0, True), (2, False)])
def test_a_removal_that_the_disk_refused_is_tried_again_only_where_it_was_begun(
    catalog: Catalog, own: ModelLibrary, folder: Path, deletions: int, left: bool
) -> None:
    unpack_model(folder / "sd")
    model = model_of(own, "sd")
    with ends_after(deletions, PermissionError(13, "Permission denied")):
        own.remove(model)
    ModelLibrary(catalog, folder.parent)
    assert ("sd" in names(folder)) is left


@posix
def test_a_link_in_the_place_of_a_model_that_was_leaving_is_not_followed(
    catalog: Catalog, own: ModelLibrary, folder: Path, tmp_path: Path
) -> None:
    unpack_model(folder / "sd")
    model = model_of(own, "sd")
    with ends_after(1, Crash()):
        own.remove(model)
    elsewhere = (folder / "sd").rename(tmp_path / "elsewhere")
    before = names(elsewhere)
    (folder / "sd").symlink_to(elsewhere)
    ModelLibrary(catalog, folder.parent)
    assert names(elsewhere) == before
    assert (folder / "sd").is_symlink()
