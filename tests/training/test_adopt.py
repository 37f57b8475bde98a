"""An exported model is taken up again: the stages go on from its weights, and from what they have seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.test_export import TINY, export_tiny
from training.__main__ import main
from training.adopt import adopt, read_model
from training.card import HISTORY, last_line
from training.descent import Descent
from training.models import ADAPTERS, PortraitModel, adapter_state
from training.tokenizer import build
from training.train_adapters import load_references
from training.train_autoencoder import trained_vae
from training.train_controlnet import trained_model

SEEN = {"step": 900, "seconds": 60.0, "loss": 0.5}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PortraitModel]:
    torch.manual_seed(3)
    out = tmp_path_factory.mktemp("model")
    model = export_tiny(out)
    stages = ("autoencoder", "unet", "encoder", "adapters")
    (out / HISTORY).write_text(json.dumps(dict.fromkeys(stages, SEEN)))
    return out, model


def test_every_stage_finds_the_weights_that_were_exported(made: tuple[Path, PortraitModel], tmp_path: Path):
    folder, model = made
    adopt(TINY, folder, tmp_path)
    again, _ = trained_model(TINY, tmp_path, "cpu")
    torch.nn.init.zeros_(again.image_encoder.visual_projection.weight)
    load_references(again, tmp_path)
    assert trained_vae(TINY, tmp_path).config.latent_channels == 4
    for part in ("text_encoder", "image_encoder"):
        wanted = getattr(model, part).state_dict()
        for name, value in getattr(again, part).state_dict().items():
            assert torch.allclose(value, wanted[name], atol=2e-3), name
    wanted = model.unet.state_dict()
    for name, value in again.unet.state_dict().items():
        assert torch.allclose(value, wanted[name], atol=2e-3), name
    for i in range(len(ADAPTERS)):
        assert adapter_state(again.unet, i).keys() == adapter_state(model.unet, i).keys()


def test_an_adopted_stage_counts_on_and_has_its_minutes_to_itself(
    made: tuple[Path, PortraitModel], tmp_path: Path
):
    adopt(TINY, made[0], tmp_path)
    schedule = replace(TINY.unet, steps=4, minutes=0.5, warmup=1)
    model = read_model(TINY, made[0], tmp_path)
    descent = Descent("unet", model, schedule, tmp_path, TINY)
    assert (descent.step, descent.budget.seconds) == (900, pytest.approx(60, abs=5))
    rates = []
    for _ in descent.steps():
        rates.append(descent.optimizer.param_groups[0]["lr"])
        descent.descend(model.unet.conv_in.weight.square().mean())
    assert descent.step == 904
    assert rates[0] == pytest.approx(schedule.lr / 2, rel=1e-2)
    assert rates == sorted(rates, reverse=True)
    assert last_line(tmp_path / "unet.jsonl") == SEEN


def test_a_stage_of_ones_own_is_never_replaced(made: tuple[Path, PortraitModel], tmp_path: Path):
    (tmp_path / "unet.pt").write_bytes(b"mine")
    adopt(TINY, made[0], tmp_path)
    assert (tmp_path / "unet.pt").read_bytes() == b"mine"
    assert (tmp_path / "controlnet.pt").exists()
    assert not (tmp_path / "controlnet.jsonl").exists()


def test_a_model_of_another_shape_or_other_words_is_refused(made: tuple[Path, PortraitModel], tmp_path: Path):
    wider = replace(TINY, unet=replace(TINY.unet, channels=(16, 16)))
    with pytest.raises((ValueError, RuntimeError)):
        read_model(wider, made[0], tmp_path)
    words = tmp_path / "tokenizer" / "vocab.json"
    words.write_text("{}")
    with pytest.raises(ValueError, match="is not the tokenizer"):
        read_model(TINY, made[0], tmp_path)


def test_a_tokenizer_that_is_there_stays_as_it_is(tmp_path: Path):
    first = build(tmp_path)
    merges = (tmp_path / "merges.txt").read_text()
    (tmp_path / "merges.txt").write_text(merges + "\n")
    assert build(tmp_path).get_vocab() == first.get_vocab()
    assert (tmp_path / "merges.txt").read_text() == merges + "\n"


def test_minutes_are_for_one_stage_that_trains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["training", "export", "--minutes", "3"])
    with pytest.raises(SystemExit):
        main()
    assert "--minutes needs one of the stages" in capsys.readouterr().err
