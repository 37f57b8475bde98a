"""How large an enlarged picture becomes, by which enlarger, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import RequestError
from pipelines.planning.complete import Completion, complete
from pipelines.request import Finish, GenerationRequest, Mode
from tests.pipelines.enlargers import write_catalogue

SIZES = {"small": (128, 96), "large": (2000, 1000), "huge": (4096, 100), "dot": (1, 1), "line": (200, 3)}
Close = Callable[..., Completion]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Catalog:
    return load_catalog(write_catalogue(tmp_path_factory.mktemp("enlarging"), tiny_models_yaml))


@pytest.fixture
def close(catalogue: Catalog) -> Close:
    def closed(source: str | None = "small", **fields: Any) -> Completion:
        given = {"references": [{"image_id": source}]} if source else {}
        return complete(GenerationRequest.model_validate({**given, **fields}), catalogue, SIZES, lambda: 7)

    return closed


def refusal(close: Close, source: str | None = "small", **fields: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        close(source, **fields)
    return caught.value


def test_an_enlarger_needs_nothing_but_a_picture(close: Close, catalogue: Catalog) -> None:
    done = close(mode="upscale").request
    assert (done.model, done.width, done.height, done.scale) == ("tiny-enlarger", 512, 384, 4)
    assert (done.seed, done.num_images, done.finish, done.upscaler) == (0, 1, None, None)
    again = complete(done, catalogue, SIZES, lambda: 1)
    assert (again.request, again.notices) == (done, ())


def test_twice_is_half_of_what_the_enlarger_makes(close: Close) -> None:
    done = close(mode="upscale", scale=2).request
    assert (done.width, done.height, done.scale) == (256, 192, 2)


def test_a_size_keeps_the_shape_and_says_so(close: Close, catalogue: Catalog) -> None:
    done = close(mode="upscale", width=1000, height=1000)
    assert (done.request.width, done.request.height, done.request.scale) == (1000, 750, None)
    assert "it becomes 1000×750 px" in done.notices[0]
    assert complete(done.request, catalogue, SIZES, lambda: 1).request == done.request
    assert not close(mode="upscale", width=640).notices


def test_the_studio_goes_up_to_4096_px(close: Close) -> None:
    done = close("large", mode="upscale", scale=4)
    assert (done.request.width, done.request.height, done.request.scale) == (4096, 2048, None)
    assert "the most the studio makes" in done.notices[0]
    assert "already" in refusal(close, "huge", mode="upscale", scale=2).detail


def test_a_size_that_is_not_larger_is_refused(close: Close) -> None:
    error = refusal(close, mode="upscale", width=100)
    assert (error.field, "larger" in error.detail) == ("width", True)


@pytest.mark.parametrize("size", [{}, {"scale": 4}, {"scale": 2}, {"width": 900, "height": 900}])
def test_a_picture_that_stays_too_small_is_refused(close: Close, size: dict[str, int]) -> None:
    error = refusal(close, "line", mode="upscale", **size)
    assert (error.field, "16 px a side is the least" in error.detail) == ("references", True)
    assert close("dot", mode="upscale", width=16, height=16).request.width == 16


def test_enlarging_many_times_makes_one_picture_and_says_so(close: Close) -> None:
    done = close(mode="upscale", num_images=4)
    assert (done.request.num_images, "no number of images" in done.notices[-1]) == (1, True)


def test_naming_the_enlarger_alone_is_enough(close: Close) -> None:
    assert close(mode="upscale", upscaler="tiny-enlarger").request.model == "tiny-enlarger"


def test_a_model_that_redraws_has_an_enlarger_before_it(close: Close) -> None:
    done = close(mode="upscale", model="tiny-redraws").request
    assert (done.upscaler, done.scale, done.strength) == ("tiny-enlarger", 2, 0.3)
    assert (done.width, done.height, done.seed) == (256, 192, 7)


def test_what_comes_out_is_finished_where_that_is_asked(close: Close) -> None:
    done = close(None, model="tiny-redraws", prompt="a face", finish=4).request
    assert done.finish == Finish(scale=4, upscaler="tiny-enlarger")
    assert (done.width, done.height) == (64, 64)
    assert close(None, model="tiny-redraws", prompt="a face").request.finish is None


def test_a_model_may_finish_by_default_and_one_can_do_without(close: Close) -> None:
    finished = close(None, model="tiny-finished", prompt="a face").request
    assert finished.finish == Finish(scale=4, upscaler="tiny-enlarger")
    for none in (None, 1, {"scale": 1}):
        assert close(None, model="tiny-finished", prompt="a face", finish=none).request.finish is None


def test_a_finish_beyond_the_most_becomes_smaller(close: Close) -> None:
    done = close(None, model="tiny-wide", prompt="a face", width=2000, height=64, finish=4)
    assert done.request.finish == Finish(scale=2, upscaler="tiny-enlarger")
    assert "enlarged 2 times" in done.notices[-1]


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ({"scale": 2, "upscaler": "nobody"}, "no enlarger 'nobody'"),
        ({"scale": 2, "upscaler": "tiny"}, "is no enlarger"),
        ({"scale": 2, "upscaler": "absent-enlarger"}, "Absent"),
    ],
)
def test_an_enlarger_that_cannot_be_used_is_refused(close: Close, finish: Any, words: str) -> None:
    error = refusal(close, None, model="tiny-redraws", prompt="a face", finish=finish)
    assert (error.field, words in error.detail) == ("finish", True)


def test_without_any_enlarger_a_default_is_passed_over_and_a_wish_refused(tiny_models_yaml: Path) -> None:
    catalogue = load_catalog(tiny_models_yaml)
    ask = {"model": "tiny", "prompt": "a face"}
    assert complete(GenerationRequest(**ask), catalogue, {}, lambda: 7).request.finish is None
    with pytest.raises(RequestError, match="no enlarger on this machine"):
        complete(GenerationRequest(**ask, finish={"scale": 4}), catalogue, {}, lambda: 7)


def test_a_scale_elsewhere_does_nothing_and_says_so(close: Close) -> None:
    done = close(None, model="tiny", prompt="a face", scale=2)
    assert (done.request.scale, "scale does nothing" in done.notices[0]) == (None, True)


def test_every_family_that_paints_over_redraws(catalogue: Catalog) -> None:
    from pipelines.families.registry import FAMILIES

    for family in FAMILIES.values():
        if Mode.IMG2IMG in family.routes:
            assert family.routes[Mode.UPSCALE].strength
            assert family.routes[Mode.UPSCALE].enlarges
