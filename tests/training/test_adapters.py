"""What references are taught with: captions that leave things open, a teacher that is told them in words."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.training.test_export import TINY
from tests.training.test_words import ALICE
from training import attributes as a
from training.captions import brief
from training.models import PortraitModel
from training.samples import Mixer, Sample
from training.tokenizer import build
from training.train_adapters import Adapters, attribute_loss, begin_with_words, lesson, load_adapters

BOB = replace(ALICE, haircut="curly", hair_color="black", style="paper cut", background="beach", light="soft")
CLOSE = replace(ALICE, background="forest", expression="sad")


def mixer() -> Mixer:
    portraits = [ALICE, CLOSE, BOB, replace(BOB, glasses=False)]
    data: Any = SimpleNamespace(portraits=portraits, groups=[range(2), range(2, 4)], group_of=[0, 0, 1, 1])
    return Mixer(data, 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PortraitModel:
    torch.manual_seed(0)
    return PortraitModel(TINY, build(tmp_path_factory.mktemp("words") / "tokenizer"))


def test_a_brief_caption_names_what_it_is_asked_for_and_nothing_else():
    rng = random.Random(1)
    texts = [brief(ALICE, ["hair_color", "haircut", "background"], rng) for _ in range(100)]
    assert all("red" in text or "ginger" in text for text in texts)
    assert all("library" in text for text in texts)
    for other in (*a.GLASSES, "ink", "hoodie", "smil", "happy", "light from"):
        assert not any(other in text for text in texts)
    assert all("glasses" in brief(replace(ALICE, glasses=False), ["glasses"], rng) for _ in range(9))


def test_a_reference_tells_what_it_shares_with_the_target():
    told = mixer().told(Sample(0, "", character=1))
    assert {"haircut", "hair_color", "skin", "glasses", "style"} <= told
    assert not told & {"background", "expression", "light"}
    assert mixer().told(Sample(0, "", style=1)) == {"style", "light"}
    assert mixer().told(Sample(0, "", character=1, zero_character=True)) == set()


def test_the_teacher_is_told_in_words_what_the_pupil_has_to_see():
    mix = mixer()
    for _ in range(200):
        sample, said = lesson(mix)
        target = mix.data.portraits[sample.target]
        if "skin" in mix.told(sample):
            assert any(words in said for words in a.SKINS[target.skin])
            assert not any(words in sample.text for words in a.SKINS[target.skin])


def test_references_begin_as_words_and_learn_without_touching_anything_else(
    model: PortraitModel, tmp_path: Path
):
    begin_with_words(model)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.requires_grad_(False)
    parts = Adapters(model).requires_grad_(True)
    (first, *_) = parts.attention
    assert torch.equal(first.to_k_ip[0].weight, first.to_k_ip[1].weight)
    optimizer = torch.optim.Adam(parts.parameters(), lr=1e-2)
    pictures = torch.stack([torch.zeros(3, 16, 16), torch.ones(3, 16, 16)])
    losses = []
    for _ in range(12):
        loss = attribute_loss(parts, pictures, [ALICE, BOB])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(k.startswith("image_encoder") for k in changed)
    torch.save({"states": {"ema": parts.state_dict()}}, tmp_path / "adapters.pt")
    fresh = PortraitModel(TINY, build(tmp_path / "tokenizer"))
    load_adapters(fresh, tmp_path)
    assert all(torch.equal(fresh.state_dict()[k], model.state_dict()[k]) for k in changed)
