"""What a network in a file of its own lacks is fetched from the hub, and held at its commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from pipelines.catalog.catalog import load_catalog
from studio.models.library import ModelLibrary
from tests.hub import Repo, running_hub
from tests.pipelines.catalog.test_foreign_folders import YAML
from tests.pipelines.catalog.tool_trees import QWEN3, Z_IMAGE
from tests.pipelines.disk.test_identify import write
from tests.pipelines.disk.test_other_layouts import VAES
from tests.studio.models.library_for_tests import ended, until

TOKENIZER = Repo(
    {
        "model_index.json": b"{}",
        "tokenizer/tokenizer_config.json": json.dumps({"model_max_length": 9}).encode(),
        "tokenizer/vocab.json": b"{}",
        "tokenizer/merges.txt": b"",
        "transformer/diffusion_pytorch_model.safetensors": b"never fetched",
    }
)


@pytest.fixture
def library(tmp_path: Path, hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelLibrary]:
    """Z-Image's network with text encoder and VAE, and nothing of the hub."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_home / "hub"))
    (tmp_path / "models.yaml").write_text(YAML, "utf-8")
    folder = tmp_path / "data" / "models"
    write(folder / "z_image_turbo.safetensors", Z_IMAGE)
    write(folder / "qwen_3_4b.safetensors", QWEN3)
    write(folder / "ae.safetensors", dict(VAES["FLUX.1"][1]))
    with running_hub(**{"Tongyi-MAI__Z-Image-Turbo": TOKENIZER}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        library = ModelLibrary(load_catalog(tmp_path / "models.yaml", folder), tmp_path / "data")
        yield library
        library.stop()


def test_only_what_is_missing_is_fetched_and_then_all_modes_are_there(library: ModelLibrary) -> None:
    before = next(card for card in library.all().models if card.label == "z_image_turbo")
    assert set(before.absent) == set(before.modes)
    assert len(set(before.absent.values())) == 1
    assert "Tongyi-MAI/Z-Image-Turbo/tokenizer" in next(iter(before.absent.values()))
    library.download(before.id)
    card = until(library, ended, before.id)
    assert card.download is not None
    assert card.download.status == "done", card.download.error
    assert all("transformer" not in file.name for file in card.download.files)
    assert card.absent == {}
    assert library.loading_of(card.id).revisions == {"Tongyi-MAI/Z-Image-Turbo": "a" * 40}
    spec = library._catalog.get(card.id)
    assert spec.parts["tokenizer"] == f"hub://Tongyi-MAI/Z-Image-Turbo@{'a' * 40}/tokenizer"
