"""The critic reads attributes from latents, and counts in the network's loss only for what was asked."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch

from tests.training.test_words import ALICE
from training.attributes import IGNORE
from training.captions import asked
from training.models import build_scheduler
from training.reader import Truth, marked
from training.samples import Sample, named
from training.train_critic import SHOWN, SHOWN_OTHERWISE, Critic, unseen

BOB = replace(ALICE, haircut="curly", hair_color="black", style="storybook", background="beach", light="soft")
DATA: Any = SimpleNamespace(portraits=[ALICE, BOB])


def test_the_critic_learns_to_tell_portraits_apart_by_their_latents():
    torch.manual_seed(0)
    critic = Critic(channels=4, side=8, width=8)
    latents = torch.randn(2, 4, 8, 8)
    shown = Truth(DATA.portraits).of(torch.tensor([0, 1]))
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2)
    first = critic.loss(latents, shown)
    assert first.shape == (2,)
    for _ in range(20):
        optimizer.zero_grad()
        critic.loss(latents, shown).mean().backward()
        optimizer.step()
    assert critic.loss(latents, shown).mean() < first.mean() / 2


def test_what_does_not_count_costs_nothing():
    critic = Critic(channels=4, side=8, width=8)
    nothing = {field: torch.full((1,), IGNORE) for field in Truth(DATA.portraits).classes}
    assert critic.loss(torch.randn(1, 4, 8, 8), nothing).item() == 0


def test_an_edit_must_show_everything_and_a_caption_what_it_names():
    text = f"a person, {ALICE.background} background"
    batch = [
        Sample(1, "give him curly hair", source=0),
        Sample(1, "", source=0),
        Sample(0, text),
        Sample(0, ""),
        Sample(1, "ugly, angry", source=0, says_nothing=True),
    ]
    told = marked([named(s, DATA.portraits[s.target]) for s in batch])
    shown = Truth(DATA.portraits).only(torch.tensor([s.target for s in batch]), told)
    counted = [{f for f in shown if shown[f][i] != IGNORE} for i in range(len(batch))]
    assert counted[0] == set(shown)
    assert counted[1] == counted[3] == counted[4] == set()
    assert counted[2] == set(asked(ALICE, text)) == {"background"}


def test_what_is_about_to_be_drawn_is_read_and_an_expression_counts_most() -> None:
    torch.manual_seed(0)
    critic, scheduler = Critic(channels=4, side=8, width=8), build_scheduler()
    clean, noise, t = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([300, 900])
    noisy, velocity = scheduler.add_noise(clean, noise, t), scheduler.get_velocity(clean, noise, t)
    shown = Truth(DATA.portraits).only(torch.tensor([0, 1]), marked([{"expression"}, {"light"}]))
    read = critic.losses(clean, shown)
    assert read["expression"][1].item() == read["light"][0].item() == read["skin"].sum().item() == 0
    found = unseen(critic, noisy, velocity, t, scheduler, shown)
    weighted = [SHOWN["expression"] * read["expression"][0], SHOWN_OTHERWISE * read["light"][1]]
    assert torch.allclose(found, torch.stack(weighted), atol=1e-4)
    assert SHOWN["expression"] == max(*SHOWN.values(), SHOWN_OTHERWISE)
