"""Fixtures of the whole project: the tiny models, made once per session, and a catalogue of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny_models


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model that can do all six modes."""
    import torch

    torch.set_num_threads(1)
    return tiny_models.make_tiny_portrait_model(tmp_path_factory.mktemp("models") / "tiny-portrait")


@pytest.fixture(scope="session")
def tiny_plain_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model in the common layout: text to image and img2img."""
    return tiny_models.make_tiny_plain_model(tmp_path_factory.mktemp("models") / "tiny-plain")


@pytest.fixture(scope="session")
def tiny_models_yaml(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path, tiny_plain_dir: Path
) -> Path:
    """A models.yaml with `tiny` (all modes), `tiny-plain` and `not-here` (folder missing)."""
    path = tmp_path_factory.mktemp("catalogue") / "models.yaml"
    return tiny_models.write_models_yaml(path, tiny_model_dir, tiny_plain_dir)
