"""How an artist chooses the way a model is kept: the library, its file, and the plan it shows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import NotFound, RequestError
from pipelines.memory.plan import GIB, Hardware, MemoryChoice
from studio import ui
from studio.models.library import ModelLibrary
from studio.models.records import MemorySetting

CARD = Hardware(
    kind="cuda", name="a card", total=8 * GIB, free=7 * GIB, ram_total=32 * GIB, ram_free=32 * GIB
)


@pytest.fixture
def catalog(tiny_models_yaml: Path) -> Catalog:
    return load_catalog(tiny_models_yaml)


@pytest.fixture
def library(catalog: Catalog, tmp_path: Path) -> ModelLibrary:
    library = ModelLibrary(catalog, tmp_path)
    library.set_hardware(CARD)
    return library


def test_a_model_is_kept_as_the_studio_thinks_until_somebody_chooses(library: ModelLibrary) -> None:
    card = library.card("tiny")
    assert card.memory == MemorySetting()
    assert card.fit is not None
    assert "stays in memory" in card.fit.reason
    assert MemoryChoice.FP8 in card.memory_choices
    assert MemoryChoice.NF4 not in card.memory_choices
    assert MemoryChoice.NF4 in card.memory_refused


def test_a_choice_is_remembered_and_shown_in_the_plan(
    library: ModelLibrary, catalog: Catalog, tmp_path: Path
) -> None:
    setting = MemorySetting(choice=MemoryChoice.MODEL_OFFLOAD, tiling=True, warm_up=True)
    card = library.set_memory("tiny", setting)
    assert card.memory == setting
    assert card.fit is not None
    assert (card.fit.verdict, card.fit.reason[:11]) == ("offloaded", "Your choice")
    assert card.fit.tiling
    assert "decoded in tiles" in card.fit.reason
    again = ModelLibrary(catalog, tmp_path)
    assert again.memory_of("tiny") == setting
    assert again.memory_of("tiny-plain") == MemorySetting()


def test_the_studios_own_setting_holds_for_models_without_one(catalog: Catalog) -> None:
    library = ModelLibrary(catalog, None, memory=MemoryChoice.FP8)
    assert library.memory_of("tiny").choice is MemoryChoice.FP8
    library.set_memory("tiny", MemorySetting())
    assert library.memory_of("tiny").choice is MemoryChoice.AUTO


def test_what_cannot_be_had_is_refused(library: ModelLibrary) -> None:
    with pytest.raises(RequestError, match="fp8") as refused:
        library.set_memory("tiny", MemorySetting(choice=MemoryChoice.NF4))
    assert refused.value.field == "choice"
    with pytest.raises(NotFound):
        library.set_memory("nothing", MemorySetting())
    assert library.memory_of("tiny") == MemorySetting()


QUANTISED = """\
models:
  - {id: small, label: Small, family: flux2, source: someone/small, modes: [text_to_image], licence: MIT,
     download_gb: 30, quantised_with: bitsandbytes}
  - {id: wide, label: Wide, family: z-image, source: someone/wide, modes: [text_to_image], licence: MIT,
     download_gb: 30, weights_gb: 4}
"""


def test_before_the_download_it_is_told_what_cannot_be_read_here(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(QUANTISED)
    library = ModelLibrary(load_catalog(tmp_path / "models.yaml"), None)
    library.set_hardware(replace(CARD, kind="cpu", name="a processor"))
    fit = library.card("small").fit
    assert fit is not None
    assert (fit.verdict, fit.label) == ("impossible", "not possible here")
    assert fit.reason.startswith("It can't run here: its files are quantised")
    library.set_hardware(CARD)
    assert "pip install bitsandbytes" in str(library.card("small").fit)
    library.set_hardware(replace(CARD, backends=frozenset({"bitsandbytes"})))
    assert library.card("small").fit.verdict != "impossible"  # pyright: ignore[reportOptionalMemberAccess]
    wide = library.card("wide").fit
    assert wide is not None
    assert (wide.verdict, wide.estimated) == ("full", True)


def test_a_choice_made_on_another_machine_says_why_it_is_not_possible_here(library: ModelLibrary) -> None:
    library.set_memory("tiny", MemorySetting(choice=MemoryChoice.FP8))
    library.set_hardware(Hardware(kind="cpu", name="x", total=GIB, free=GIB, ram_total=GIB, ram_free=GIB))
    fit = library.card("tiny").fit
    assert fit is not None
    assert fit.label == "not possible here"
    assert "Choose Automatic" in fit.reason


def test_the_page_has_words_for_every_way() -> None:
    script = (Path(ui.__file__).parent / "static" / "models" / "model_memory.js").read_text("utf-8")
    missing = [
        way for way in MemoryChoice if way is not MemoryChoice.AUTO and f'{way.value}: "' not in script
    ]
    assert not missing


def test_weights_that_could_not_be_read_are_asked_again(tiny_plain_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_plain_dir, copy)
    models = tmp_path / "models.yaml"
    models.write_text(
        f"models: [{{id: here, label: Here, family: stable-diffusion, source: '{copy}', resolution: 64,"
        " modes: [text_to_image], licence: {name: MIT, commercial: yes}}]\n"
    )
    library = ModelLibrary(load_catalog(models), tmp_path)
    library.set_hardware(CARD)
    weights = next((copy / "unet").glob("*.safetensors"))
    whole = weights.read_bytes()
    weights.write_bytes(whole[:20])
    assert library.card("here").fit is None
    weights.write_bytes(whole)
    assert library.card("here").fit is not None
