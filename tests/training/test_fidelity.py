"""The distance from real pictures, the shapes they are made in, and what samples leave unsaid."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.training.test_adapters import mixer
from tests.training.test_words import ALICE
from training import attributes as a
from training.captions import asked, caption, instruction, unwanted
from training.compose import LIGHTS, compose
from training.fidelity import distance, features, frechet
from training.latents import LatentSet
from training.reader import Reader
from training.shapes import CUT, SHAPES, SQUARE
from training.train_adapters import lesson


def gaussian(count: int, mean: float, deviation: float) -> torch.Tensor:
    return torch.randn(count, 4, dtype=torch.double) * deviation + mean


def test_the_distance_of_two_normal_distributions_is_what_their_moments_say() -> None:
    torch.manual_seed(0)
    one, other = gaussian(20_000, 0, 1), gaussian(20_000, 1, 2)
    assert frechet(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet(one, other) == pytest.approx(4 * 1 + 4 * (1 + 4 - 2 * 2), rel=0.03)
    assert frechet(one, other) == pytest.approx(frechet(other, one))
    assert frechet(one[:3], one[3:6]) > 0  # fewer pictures than features


def smudged(pictures: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(pictures, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_true_pictures_are_at_a_ratio_of_one_and_smudged_ones_farther_however_few() -> None:
    torch.manual_seed(0)
    reader = Reader(4)
    reader(torch.zeros(2, 3, 32, 32))
    pictures = torch.rand(120, 3, 32, 32) * torch.rand(120, 3, 1, 1) * 2 - 1
    real, other = pictures.split(60)
    assert features(reader, pictures).shape == (120, 320)
    for few in (60, 12):
        true = distance(reader, other[:few], other[:few], real, other)
        assert true["ratio"] == pytest.approx(1)
        assert true["pictures"] == few
        assert distance(reader, smudged(other[:few]), other[:few], real, other)["ratio"] > 1.05
    quotient = frechet(*(features(reader, x) for x in (smudged(other), real))) / true["between_real"]
    assert distance(reader, smudged(other), other, real, other)["ratio"] == pytest.approx(quotient)


def test_a_square_is_composed_as_ever_and_other_shapes_have_its_area() -> None:
    torch.manual_seed(0)
    figures = torch.randint(0, 256, (2, 4, 32, 32), dtype=torch.uint8)
    lights = torch.tensor([LIGHTS.index("none"), LIGHTS.index("left")])
    grounds = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(SQUARE.compose(figures, grounds, lights), compose(figures, grounds, lights))
    for name, (width, height) in {"tall": (28, 36), "wide": (36, 28)}.items():
        shape = SHAPES[name]
        grounds = torch.zeros(2, 3, 36, 36, dtype=torch.uint8)
        assert shape.compose(figures, grounds, lights).shape == (2, 3, height, width)
        assert width * height == pytest.approx(32 * 32, rel=0.02)


def test_a_tall_picture_keeps_the_figure_at_its_foot_and_a_wide_one_all_of_it() -> None:
    figures = torch.full((1, 4, 32, 32), 255, dtype=torch.uint8)
    figures[:, 1:3] = 0
    figures[:, :, :, :4] = 0  # transparent black: must not bleed into the red
    grounds, light = torch.full((1, 3, 36, 36), 255, dtype=torch.uint8), torch.tensor([0])
    tall, wide = (SHAPES[name].compose(figures, grounds, light)[0] for name in ("tall", "wide"))
    red = torch.tensor([1.0, -1.0, -1.0])
    assert tall[:, :4].eq(1).all()
    assert torch.allclose(tall[:, 20, 20], red)
    assert torch.allclose(wide[:, :, 20], red[:, None].expand(3, 28), atol=0.02)
    assert wide[:, :, :4].eq(1).all()
    assert wide[:, :, -4:].eq(1).all()
    shown = wide[:, 14, 4:-4]
    assert torch.all(shown[0] > 0.98)  # red or white, and what lies between, but never darker


def test_cuts_are_of_two_to_three_and_its_twin() -> None:
    for name, cells in {"tall": (18, 12), "wide": (12, 18)}.items():
        data: Any = object.__new__(LatentSet)
        shape = SHAPES[name]
        data.latents = torch.arange(shape.height * shape.width).view(1, 1, shape.height, shape.width)
        cut = data.cut(*CUT[name]).latents
        assert cut.shape[-2:] == cells
        assert data.latents.shape[-2:] == (shape.height, shape.width)
    assert cut[0, 0, 0].tolist() == list(range(18))  # a wide one keeps the head
    assert max(CUT["tall"]) * 2 == min(CUT["tall"]) * 3


def test_an_expression_is_left_unsaid_where_it_is_the_usual_one() -> None:
    rng, unsaid = random.Random(1), Counter[str]()
    for expression in a.EXPRESSIONS:
        portrait = replace(ALICE, expression=expression)
        unsaid[expression] = sum(
            "expression" not in asked(portrait, caption(portrait, rng)) for _ in range(300)
        )
    assert unsaid.most_common(1)[0][0] == a.USUAL
    assert all(count < 45 for expression, count in unsaid.items() if expression != a.USUAL)


def test_a_lesson_always_tells_the_expression() -> None:
    mix = mixer()
    for _ in range(300):
        sample, said = lesson(mix)
        target = mix.data.portraits[sample.target]
        if not sample.text:
            continue
        in_words = any(word in sample.text for word in a.EXPRESSIONS[target.expression])
        assert in_words or "expression" in mix.told(sample)
        assert any(word in said for word in a.EXPRESSIONS[target.expression])


def test_smile_is_an_instruction_and_unwanted_words_say_nothing_of_a_portrait() -> None:
    rng = random.Random(2)
    sad = replace(ALICE, expression="sad")
    texts = {instruction(sad, replace(ALICE, expression="happy"), rng) for _ in range(400)}
    assert any(text == "smile" or text.startswith(("smile,", "smile and")) for text in texts)
    for _ in range(100):
        words = unwanted(rng)
        assert words
        assert asked(ALICE, words) == []


def test_unwanted_words_stand_where_no_words_do() -> None:
    mix = mixer()
    drawn = [mix.draw() for _ in range(2000)]
    silent = [sample for sample in drawn if sample.says_nothing]
    assert 120 < len(silent) < 280
    assert 0.25 < sum(bool(sample.text) for sample in silent) / len(silent) < 0.55
    assert all(sample.text for sample in drawn if not sample.says_nothing)
