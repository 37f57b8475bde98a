"""The card says what was measured, where something was, and that nothing was, where nothing was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from training.card import last_line, parameters, write_card
from training.presets import CPU


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "vae").mkdir(parents=True)
    save_file({"w": torch.zeros(1000, 500)}, tmp_path / "model" / "vae" / "diffusion.safetensors")
    measured: dict[str, Any] = {
        "cases": 7,
        "px": 128,
        "style": {"taken": 0.5, "identity": 0.25, "identity_chance": 0.2},
    }
    measured["fidelity"] = {
        "text_to_image": {"ratio": 3.44, "pictures": 96},
        "smart_edit": {"ratio": 2, "pictures": 90},
    }
    (tmp_path / "model" / "metrics.json").write_text(json.dumps(measured))
    (tmp_path / "autoencoder.jsonl").write_text(
        '{"step": 25, "seconds": 60, "loss": 0.5, "psnr": 20.0}\n{"step": 50, "seconds": 90, "loss": 0.4}\n'
    )
    return tmp_path / "model"


def test_the_card_is_filled_from_curves_and_measures(folder: Path) -> None:
    write_card(CPU, folder.parent, folder)
    card = (folder / "README.md").read_text()
    seen = 50 * CPU.autoencoder.batch
    assert f"| autoencoder | 0.5 M | {seen:,} pictures | 2 | psnr 20.0, loss 0.4 |" in card
    assert "| style reference: style taken | 50% | ≥ 95 % |" in card
    assert "| style reference: identity slipped in (chance) | 25% (20%) | ≤ chance + 10 % |" in card
    assert (
        "over that between real ones, 90–96 pictures a mode | text to image 3.4, smart edit 2.0 | ≤ 3 |"
        in card
    )
    assert "| edit: the asked change happened | not measured | ≥ 95 % |" in card
    assert "| ControlNet | 0.0 M | nothing yet |" in card
    assert "$" not in card


def test_a_curve_gives_its_latest_values(folder: Path) -> None:
    assert last_line(folder.parent / "autoencoder.jsonl") == {
        "step": 50,
        "seconds": 90,
        "loss": 0.4,
        "psnr": 20.0,
    }
    assert parameters(folder) == pytest.approx(0.5)
