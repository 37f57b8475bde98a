"""Figures elsewhere, designs that are only edited, and what loaders hand to a card."""

from __future__ import annotations

import gzip
import json
import lzma
import pickle
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.training.test_words import ALICE
from training.attributes import IGNORE
from training.latents import Notes
from training.leg import Leg
from training.optim import MuonAdamW, orthogonalise
from training.presets import CPU
from training.reader import CLASSES, labels
from training.render import lines
from training.samples import Batch, Mixer, Sample, batches, loader
from training.tokenizer import build
from training.variety import Frame, framed

BOB = replace(ALICE, haircut="curly", hair_color="black")
GUEST = replace(ALICE, style="peep")


def figure(px: int = 16) -> torch.Tensor:
    """A red square that stands on the lower edge, left of the middle; (1, 4, px, px)."""
    picture = torch.zeros(1, 4, px, px, dtype=torch.uint8)
    picture[:, 0, px // 2 :, : px // 2] = 255
    picture[:, 3, px // 2 :, : px // 2] = 255
    return picture


def visible(figures: torch.Tensor) -> torch.Tensor:
    """What is seen of them before black: colours by how much they cover."""
    return figures[:, :3].float() * figures[:, 3:] / 255


def test_a_frame_that_changes_nothing_changes_nothing():
    same = framed(figure(), [Frame(1.0, 0.0, 0.0, False)])
    assert visible(same).sub(visible(figure())).abs().max() <= 1


def test_a_mirrored_figure_stands_on_the_other_side():
    mirrored = framed(figure(), [Frame(1.0, 0.0, 0.0, True)])
    assert visible(mirrored).sub(visible(figure().flip(-1))).abs().max() <= 1


def test_a_smaller_figure_still_stands_on_the_lower_edge_in_its_own_colour():
    small = framed(figure(64), [Frame(0.5, 0.0, 0.0, False)])
    rows, columns = small[0, 3].nonzero(as_tuple=True)
    assert rows.max() == 63
    assert 47 <= rows.min() <= 48
    assert 15 <= columns.min() <= 16
    assert small[0, 0][small[0, 3] > 0].min() == 255
    assert (small[0, 1:3] == 0).all()


def test_frames_are_the_same_for_the_same_seed_and_never_leave_the_edge():
    frames = [Frame.drawn(random.Random(seed)) for seed in range(50)]
    assert frames == [Frame.drawn(random.Random(seed)) for seed in range(50)]
    assert {f.mirrored for f in frames} == {True, False}
    assert all(f.down >= 0 for f in frames)


def test_a_guests_style_is_asked_of_nobody():
    assert labels(GUEST)["style"] == IGNORE
    assert labels(GUEST)["haircut"] == labels(ALICE)["haircut"] != IGNORE


def test_of_guests_there_are_edits_alone():
    mixer = Mixer(Notes([GUEST, replace(GUEST, haircut="curly")], [range(2)]), 1, edits_only=True)
    assert all(mixer.draw().source is not None for _ in range(100))
    plain = Mixer(Notes([ALICE, BOB], [range(2)]), 1)
    assert {plain.draw().source is None for _ in range(100)} == {True, False}


def test_a_batch_says_as_tensors_what_its_samples_say(tmp_path: Path):
    tokenizer = build(tmp_path / "tokenizer")
    samples = [Sample(1, "give him curly hair", source=0), Sample(0, "")]
    batch = Batch.of(samples, Notes([ALICE, BOB], [range(2)]), tokenizer)
    assert batch.target.tolist() == [1, 0]
    assert batch.source.tolist() == [0, -1]
    assert batch.ids.shape == (2, 77)
    assert batch.told.tolist() == [[True] * len(CLASSES), [False] * len(CLASSES)]


def test_loaders_can_be_started_on_every_system(tmp_path: Path):
    draw = partial(batches, Notes([ALICE, BOB], [range(2)]), build(tmp_path / "tokenizer"), 3, False)
    again = pickle.loads(pickle.dumps(draw))
    here, there = (next(loader(each, 5, 0)) for each in (draw, again))
    assert torch.equal(here.ids, there.ids)
    assert not torch.equal(here.ids, next(loader(draw, 6, 0)).ids)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.open), (".xz", lzma.open)])
def test_a_corpus_is_read_in_both_packings(tmp_path: Path, suffix: str, pack: Any):
    with pack(tmp_path / f"corpus.jsonl{suffix}", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"identity": 0, "svg": "<svg/>"}) + "\n")
    assert list(lines(tmp_path / f"corpus.jsonl{suffix}")) == [{"identity": 0, "svg": "<svg/>"}]


def test_matrices_of_one_shape_are_made_orthogonal_at_once_as_each_alone():
    torch.manual_seed(0)
    for rows, columns in ((4, 9), (9, 4)):
        stack = torch.randn(5, rows, columns)
        together = orthogonalise(stack)
        for one, matrix in zip(together, stack, strict=True):
            assert torch.allclose(one, orthogonalise(matrix), atol=1e-5)
            assert torch.linalg.svdvals(one).sub(1).abs().max() < 0.4


def test_parameters_that_joined_later_keep_their_own_count_of_steps():
    early, late = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = MuonAdamW([], [early, late], lr=1e-2)
    early.grad = torch.ones(3)
    optimizer.step()
    alone = early.detach().clone()
    late.grad = torch.ones(3)
    optimizer.step()
    assert torch.allclose(late, alone)
    assert (early < late).all()


def test_a_leg_leaves_the_network_what_the_other_stages_do_not_need(tmp_path: Path):
    clock = SimpleNamespace(now=1000.0)
    leg = Leg(CPU, tmp_path, tmp_path, "cpu", 500.0, began=clock.now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.leg.time.time", lambda: clock.now)
        clock.now += 150
        assert leg.left(80) == 270
        clock.now += 1000
        assert leg.left() > 0
    (tmp_path / "failed").touch()
    with pytest.raises(RuntimeError, match="encoder will not be done"):
        leg.wait("encoder")
