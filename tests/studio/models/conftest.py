"""A cache of its own for each test, and downloads as the real process makes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from pipelines.catalog.catalog import Catalog, load_catalog
from studio.models.library import ModelLibrary
from tests.hub import Hub, running_hub
from tests.studio.models.library_for_tests import YAML
from tests.studio.models.test_fetch import model


@pytest.fixture
def hub_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the hub's client keeps things; nothing of this machine's own is seen."""
    home = tmp_path / "hf"
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return home


@pytest.fixture
def catalog(tmp_path: Path, hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_home / "hub"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "model_index.json").write_text("{}")
    (tmp_path / "models.yaml").write_text(YAML)
    return load_catalog(tmp_path / "models.yaml")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub(someone__model=model()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def library(catalog: Catalog, tmp_path: Path) -> Iterator[ModelLibrary]:
    library = ModelLibrary(catalog, tmp_path / "data")
    yield library
    library.stop()
