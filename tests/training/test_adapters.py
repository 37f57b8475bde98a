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
from training.attributes import IGNORE
from training.captions import brief
from training.models import Adapters, PortraitModel, build_image_encoder
from training.reader import Truth
from training.samples import Mixer, Sample
from training.tokenizer import build
from training.train_adapters import (
    begin_with_words,
    embed_all,
    lesson,
    load_references,
    references,
)
from training.train_encoder import RECOLOURED, Sight, drawn
from training.variety import recoloured, shifted, softened

BOB = replace(ALICE, haircut="curly", hair_color="black", style="paper cut", background="beach", light="soft")
CLOSE = replace(ALICE, background="forest", expression="sad")


def mixer() -> Mixer:
    portraits = [ALICE, CLOSE, BOB, replace(BOB, glasses=False)]
    data: Any = SimpleNamespace(portraits=portraits, groups=[range(2), range(2, 4)], group_of=[0, 0, 1, 1])
    return Mixer(data, 3)


class Small:
    """The small pictures of a latent set, and nothing else of it."""

    def __init__(self, small: torch.Tensor) -> None:
        self.small = small

    def __len__(self) -> int:
        return len(self.small)


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


def test_now_and_then_there_are_no_words_at_all():
    mix = mixer()
    pairs = [lesson(mix) for _ in range(300)]
    silent = [(sample, said) for sample, said in pairs if not sample.text]
    assert 5 < len(silent) < 60
    for sample, said in silent:
        assert bool(said) == (not (sample.zero_character and sample.zero_style))


def test_the_encoder_learns_to_see_what_tells_portraits_apart():
    torch.manual_seed(0)
    sight = Sight(build_image_encoder(TINY))
    pictures = torch.stack([torch.zeros(3, 16, 16), torch.ones(3, 16, 16)])
    shown = Truth([ALICE, BOB]).of(torch.tensor([0, 1]))
    optimizer = torch.optim.Adam(sight.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = sight.loss(pictures, shown)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_what_a_picture_does_not_show_is_not_asked_of_the_encoder():
    bald = replace(ALICE, haircut="bald", beard=False)
    truth = Truth([bald]).of(torch.tensor([0]))
    sight = Sight(build_image_encoder(TINY))
    before = sight.loss(torch.zeros(1, 3, 16, 16), truth)
    torch.nn.init.constant_(sight.heads["hair_color"].bias, 9.0)  # type: ignore[arg-type]
    assert torch.equal(sight.loss(torch.zeros(1, 3, 16, 16), truth), before)


def test_pictures_are_moved_by_two_pixels_at_most_and_keep_their_labels():
    torch.manual_seed(0)
    picture = torch.zeros(1, 1, 9, 9)
    picture[0, 0, 4, 4] = 1
    places = {tuple(shifted(picture, 2)[0, 0].nonzero()[0].tolist()) for _ in range(400)}
    assert places == {(y, x) for y in range(2, 7) for x in range(2, 7)}
    two: Any = Small(torch.stack([torch.zeros(3, 8, 8), torch.full((3, 8, 8), 255.0)]))
    pictures, shown = drawn(two, Truth([ALICE, BOB]), 50)
    bright = pictures.mean(dim=(1, 2, 3)) > 0
    plain = slice(int(50 * RECOLOURED), None)
    assert torch.equal((shown["style"] == Truth([BOB]).classes["style"])[plain], bright[plain])


def test_recoloured_pictures_are_asked_for_shapes_alone():
    torch.manual_seed(0)
    red = torch.full((40, 3, 4, 4), -1.0)
    red[:, 0] = 1
    shown = Truth([ALICE]).of(torch.zeros(40, dtype=torch.long))
    pictures, told = recoloured(red, shown, 0.5)
    assert torch.equal(pictures[20:], red[20:])
    assert pictures.abs().eq(1).all()
    assert {tuple(x[:, 0, 0].tolist()) for x in pictures[:20]} >= {(-1.0, 1.0, -1.0), (1.0, 1.0, 1.0)}
    assert told["skin"].tolist() == [IGNORE] * 20 + shown["skin"][20:].tolist()
    assert torch.equal(told["haircut"], shown["haircut"])


def test_softened_pictures_lose_detail_and_keep_their_mean():
    fine = (torch.arange(8).view(1, 1, 1, 8) % 2).float().expand(4, 3, 8, 8)
    soft = softened(fine, 0.5)
    assert torch.equal(soft[2:], fine[2:])
    assert torch.allclose(soft[:2], torch.full((2, 3, 8, 8), 0.5))


def test_references_are_those_picked_and_silent_ones_are_zeros():
    seen = torch.arange(6.0).view(3, 2) + 1
    embeds, there = references(seen, torch.tensor([2, -1, 1]), torch.tensor([False, False, True]))
    assert embeds.tolist() == [[[5.0, 6.0]], [[0.0, 0.0]], [[0.0, 0.0]]]
    assert there.flatten().tolist() == [1.0, 0.0, 1.0]


def test_adapters_begin_as_words_and_are_all_that_is_taught_and_loaded(model: PortraitModel, tmp_path: Path):
    begin_with_words(model)
    model.requires_grad_(False)
    parts = Adapters(model).requires_grad_(True)
    (first, *_) = parts.attention
    assert torch.equal(first.to_k_ip[0].weight, first.to_k_ip[1].weight)
    taught = {n for n, p in model.named_parameters() if p.requires_grad}
    assert taught
    assert all("encoder_hid_proj" in n or "_ip" in n for n in taught)
    sight = Sight(model.image_encoder)
    for parameter in [*parts.parameters(), *sight.parameters()]:
        torch.nn.init.normal_(parameter)
    torch.save({"states": {"ema": parts.state_dict()}}, tmp_path / "adapters.pt")
    torch.save({"states": {"ema": sight.state_dict()}}, tmp_path / "encoder.pt")
    fresh = PortraitModel(TINY, build(tmp_path / "tokenizer"))
    load_references(fresh, tmp_path)
    state = model.state_dict()
    for name, value in fresh.state_dict().items():
        if name in taught or name.startswith("image_encoder"):
            assert torch.equal(value, state[name])


def test_every_picture_is_embedded_once(model: PortraitModel):
    data: Any = Small(torch.randint(0, 256, (300, 3, 16, 16), dtype=torch.uint8))
    seen = embed_all(model, data, "cpu")
    assert seen.shape == (300, model.image_encoder.config.projection_dim)
    one = model.image_encoder(data.small[299:].float() / 127.5 - 1).image_embeds
    assert torch.allclose(seen[299:], one, atol=1e-5)
