"""What lies in the folder of enlargers: which files are models, and why the others are none."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.catalog import enlargers, models_folder
from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.request import Mode
from tests.pipelines.enlargers import write_enlarger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "upscalers").mkdir()
    return tmp_path


def test_a_file_of_the_folder_is_an_enlarger(folder: Path) -> None:
    write_enlarger(folder / "upscalers" / "4x-Mine.safetensors")
    (spec,) = models_folder.look(folder).specs
    assert (spec.family, spec.modes, spec.label) == ("upscaler", (Mode.UPSCALE,), "4x-Mine")


def test_a_pickle_of_weights_is_one_there_and_nowhere_else(folder: Path) -> None:
    torch.save({"params": {"body.0.weight": torch.zeros(1)}}, folder / "upscalers" / "old.pth")
    torch.save({"a": torch.zeros(1)}, folder / "elsewhere.pth")
    found = models_folder.look(folder)
    assert [Path(spec.source).name for spec in found.specs] == ["old.pth"]
    assert [(each.path.name, "pickle" in each.reason) for each in found.unusable] == [("elsewhere.pth", True)]


HOSTILE = {
    "empty.pth": (b"", "empty"),
    "text.pth": (b"hello, I am no model", "not a file of weights"),
    "empty.safetensors": (b"", "not a whole"),
    "header.safetensors": (struct.pack("<Q", 3 * 10**9) + b"{}", "not a whole"),
    "cut.safetensors": (struct.pack("<Q", 2) + b"{", "not a whole"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_model_is_refused_in_words(folder: Path, name: str) -> None:
    data, words = HOSTILE[name]
    (folder / "upscalers" / name).write_bytes(data)
    found = models_folder.look(folder)
    assert not found.specs
    assert words in found.unusable[0].reason


def test_a_lora_that_lies_there_is_still_a_lora(folder: Path) -> None:
    key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k"
    tensors = {f"{key}.lora_down.weight": torch.zeros(4, 320), f"{key}.lora_up.weight": torch.zeros(320, 4)}
    save_file(tensors, folder / "upscalers" / "ink.safetensors")
    found = models_folder.look(folder)
    assert (len(found.specs), len(found.add_ons)) == (0, 1)


def _catalogue(folder: Path, tiny_models_yaml: Path) -> Catalog:
    return load_catalog(tiny_models_yaml, folder)


def test_other_layouts_need_a_package_and_say_so(
    folder: Path, tiny_models_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({"conv_first.weight": torch.zeros(8, 3, 3, 3)}, folder / "upscalers" / "esrgan.safetensors")
    write_enlarger(folder / "upscalers" / "own.safetensors")
    catalogue = _catalogue(folder, tiny_models_yaml)
    monkeypatch.setattr(enlargers.importlib.util, "find_spec", lambda name: None)
    reason = catalogue.unavailable_reason("file-upscalers-esrgan", Mode.UPSCALE)
    assert reason is not None
    assert "likeness[upscalers]" in reason
    assert catalogue.unavailable_reason("file-upscalers-own", Mode.UPSCALE) is None
    assert catalogue.default_model(Mode.UPSCALE).label == "own"


def test_a_file_of_the_hub_is_ready_where_the_cache_has_it(
    tmp_path: Path, tiny_models_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.catalog import catalog as module

    entry = (
        "  - {id: away, label: Away, family: upscaler, source: nobody/enlarger, file: x4.safetensors, "
        "licence: none, modes: [upscale]}\n"
    )
    path = tmp_path / "models.yaml"
    path.write_text(tiny_models_yaml.read_text(encoding="utf-8") + entry, encoding="utf-8")
    catalogue = load_catalog(path)
    assert catalogue.availability(catalogue.get("away")) == "downloadable"
    here = write_enlarger(tmp_path / "x4.safetensors")
    asked: list[str] = []
    monkeypatch.setattr(module, "cached_file", lambda repo, name, commit: asked.append(name) or here)
    assert catalogue.availability(catalogue.get("away")) == "ready"
    assert catalogue.place(catalogue.get("away")) == here
    assert set(asked) == {"x4.safetensors"}
