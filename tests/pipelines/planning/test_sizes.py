from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.planning.sizes import Size, SizeWish, decide
from pipelines.request import ASPECT_RATIOS


def decided(resolution: int = 512, multiple: int = 8, **changes: Any) -> Size:
    nothing: dict[str, Any] = {"width": None, "height": None, "aspect_ratio": None, "reference": None}
    return decide(SizeWish(**{**nothing, "prefer_reference": False, **changes}), resolution, multiple)


@pytest.mark.parametrize("aspect", ASPECT_RATIOS)
@pytest.mark.parametrize("resolution", [128, 256, 512, 1024])
def test_an_aspect_ratio_keeps_the_models_area_and_shape(aspect: str, resolution: int) -> None:
    size = decided(resolution, aspect_ratio=aspect)
    wide, high = map(int, aspect.split(":"))
    assert size.width % 8 == size.height % 8 == 0
    assert size.width / size.height == pytest.approx(wide / high, rel=0.04)
    assert size.width * size.height == pytest.approx(resolution**2, rel=0.08)
    assert not size.notices


def test_nothing_asked_is_a_square() -> None:
    assert decided() == Size(512, 512)


def test_a_mode_that_follows_its_reference_takes_its_shape() -> None:
    assert decided(reference=(600, 900), prefer_reference=True) == Size(416, 624)
    assert decided(reference=(600, 900)) == Size(512, 512)
    assert decided(reference=(600, 900), aspect_ratio="reference") == Size(416, 624)


def test_like_the_reference_without_one_is_square_and_says_so() -> None:
    size = decided(aspect_ratio="reference")
    assert (size.width, size.height) == (512, 512)
    assert "no reference" in size.notices[0]


def test_a_panorama_keeps_within_three_to_one() -> None:
    size = decided(reference=(4000, 200), prefer_reference=True)
    assert size.width / size.height == pytest.approx(3, rel=0.03)
    assert size.notices


def test_a_size_between_steps_is_rounded_and_says_so() -> None:
    assert decided(width=512, height=640) == Size(512, 640)
    size = decided(width=515, height=637)
    assert (size.width, size.height) == (512, 640)
    assert "515×637" in size.notices[0]
    assert "512×640" in size.notices[0]


def test_one_side_alone_brings_the_other_by_the_shape() -> None:
    assert decided(width=256, aspect_ratio="2:3") == Size(256, 384)
    assert decided(height=384, aspect_ratio="2:3") == Size(256, 384)


@pytest.mark.parametrize("aspect", ["7:5", "0:1", "wide", "1:1:1", "<b>"])
def test_an_unknown_aspect_ratio_is_refused(aspect: str) -> None:
    with pytest.raises(RequestError) as refusal:
        decided(aspect_ratio=aspect)
    assert refusal.value.field == "aspect_ratio"
