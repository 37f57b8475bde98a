"""A stage goes down, writes its curve, and goes on from its checkpoint as if it had never stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from training.descent import LOG_EVERY, Descent
from training.presets import CPU, UnetPreset

SCHEDULE = replace(CPU.unet, steps=50, minutes=5.0, warmup=2, lr=1e-1)


def run(
    work: Path, schedule: UnetPreset, stop_at: int | None = None
) -> tuple[torch.nn.Linear, Descent, list[float]]:
    """Learn to double two numbers; at step `stop_at` it is saved and ends, as a killed process does."""
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 2)
    descent = Descent("double", net, schedule, work, replace(CPU, checkpoint_seconds=0.0))
    losses = []
    for _ in descent.steps():
        x = torch.randn(16, 2, generator=torch.Generator().manual_seed(descent.step))
        loss = (net(x) - 2 * x).square().mean()
        losses.append(loss.item())
        descent.descend(loss)
        row = {"loss": loss.item()}
        descent.log(lambda row=row: row)
        if descent.step == stop_at:
            descent.checkpoint.save(descent.step)
            break
    return net, descent, losses


def test_the_loss_falls_and_the_curve_is_written(tmp_path: Path) -> None:
    _, descent, losses = run(tmp_path, SCHEDULE)
    assert descent.step == 50
    assert losses[-1] < losses[0] / 2
    rows = [json.loads(line) for line in (tmp_path / "double.jsonl").open()]
    assert [row["step"] for row in rows] == [LOG_EVERY, 2 * LOG_EVERY]
    assert rows[-1]["loss"] == losses[-1]


def test_a_stopped_stage_goes_on_where_it_was(tmp_path: Path) -> None:
    straight, _, _ = run(tmp_path / "straight", SCHEDULE)
    run(tmp_path / "halves", SCHEDULE, stop_at=30)
    resumed, descent, losses = run(tmp_path / "halves", SCHEDULE)
    assert (descent.step, len(losses)) == (50, 20)
    assert torch.allclose(resumed.weight, straight.weight, atol=1e-6)


def test_a_stage_that_is_over_does_nothing_more(tmp_path: Path) -> None:
    done, _, _ = run(tmp_path, SCHEDULE)
    again, _, losses = run(tmp_path, SCHEDULE)
    assert losses == []
    assert torch.equal(again.weight, done.weight)
