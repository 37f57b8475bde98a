"""Where a mask beside a source that is painted over is grey, the change begins later."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.events import WorkOrder
from pipelines.request import Mode
from pipelines.running.soft_masks import SoftMask
from tests.pipelines.conftest import Outcome
from tests.pipelines.returning.scene import scene
from tests.pipelines.running.families.conftest import Tiny
from tests.pipelines.running.families.test_returning import REFINING, pixels

SIZE = (128, 96)
PAINTING_OVER = sorted({model for model, mode in REFINING if mode is Mode.IMG2IMG})


class Scheduler:
    """Of four steps; noise is not added, so that what is put back can be told."""

    timesteps = torch.tensor([900, 600, 300, 1])

    def add_noise(self, clean: torch.Tensor, noise: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        assert noise.shape == clean.shape
        return clean + float(time[0])


def test_the_darker_the_later() -> None:
    clean = torch.zeros(1, 4, 1, 4)
    soft = SoftMask(clean, Image.fromarray(np.array([[0, 60, 160, 255]], np.uint8)))
    pipeline: Any = SimpleNamespace(num_timesteps=4, scheduler=Scheduler())
    drawn = torch.full_like(clean, -1.0)
    after = [soft.held(pipeline, step, drawn, 7)[0, 0, 0].tolist() for step in range(4)]
    assert after == [
        [600.0, 600.0, 600.0, -1.0],
        [300.0, 300.0, -1.0, -1.0],
        [1.0, 1.0, -1.0, -1.0],
        [0.0, -1.0, -1.0, -1.0],
    ]


def painted_over(tiny: Tiny, model: str, folder: Path, levels: tuple[int, int] | None) -> np.ndarray:
    """A picture painted over, with a mask of two greys, left and right, or without one."""
    Image.fromarray(scene(*SIZE)).save(folder / "scene.png")
    files = {**tiny.pictures.files, "scene": str(folder / "scene.png"), "grey": str(folder / "grey.png")}
    tiny.pictures.sizes.update({"scene": SIZE, "grey": SIZE})
    references = [{"image_id": "scene"}]
    if levels:
        mask = Image.new("L", SIZE, levels[0])
        mask.paste(levels[1], (SIZE[0] // 2, 0, *SIZE))
        mask.save(folder / "grey.png")
        references.append({"image_id": "grey", "role": "mask"})
    asked = {"strength": 1.0, "num_inference_steps": 4, "result_size": None, "keep": {"enabled": False}}
    request = tiny.ask(model, Mode.IMG2IMG, references=references, **asked)
    outcome = Outcome(request)
    order = WorkOrder("job", request, files)
    tiny.runner.run(order, outcome.events.append, lambda: False)
    return pixels(outcome)


@pytest.mark.parametrize("model", PAINTING_OVER)
def test_black_stays_and_white_is_as_without_a_mask(tiny: Tiny, model: str, tmp_path: Path) -> None:
    plain = painted_over(tiny, model, tmp_path, None)
    assert np.array_equal(painted_over(tiny, model, tmp_path, (255, 255)), plain)
    half = painted_over(tiny, model, tmp_path, (0, 255))
    left, right = slice(0, SIZE[0] // 2), slice(SIZE[0] // 2 + 24, None)
    assert np.array_equal(half[:, left], scene(*SIZE)[:, left])
    assert not np.array_equal(half[:, right], scene(*SIZE)[:, right])
    grey = painted_over(tiny, model, tmp_path, (0, 128))
    assert np.array_equal(grey[:, left], half[:, left])
    assert not np.array_equal(grey[:, right], half[:, right])


@pytest.mark.parametrize("model", PAINTING_OVER)
def test_grey_is_drawn_later_and_not_mixed(tiny: Tiny, model: str, tmp_path: Path) -> None:
    plain = painted_over(tiny, model, tmp_path, None).astype(float)
    grey = painted_over(tiny, model, tmp_path, (128, 128))
    mixed = scene(*SIZE) + (plain - scene(*SIZE)) * (128 / 255)
    assert np.abs(grey - mixed).mean() > 2
