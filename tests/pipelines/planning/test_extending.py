"""How much canvas is added, in which windows it is painted, and what becomes of a source of another shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipelines.catalog.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.planning import extending, fitting
from pipelines.planning.complete import Completion, complete
from pipelines.request import Extend, GenerationRequest

SIZES = {"square": (512, 512), "wide": (1200, 800), "tall": (300, 900), "mask": (512, 512)}
Close = Callable[..., Completion]


@pytest.fixture
def close(catalog: Catalog) -> Close:
    def closed(source: str = "square", mode: str = "outpaint", **fields: Any) -> Completion:
        given = {"model": "tiny", "prompt": "a wall", "references": [{"image_id": source}], **fields}
        return complete(GenerationRequest.model_validate({"mode": mode, **given}), catalog, SIZES, lambda: 7)

    return closed


def refusal(close: Close, **fields: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        close(**fields)
    return caught.value


def test_a_shape_is_reached_evenly_and_completing_again_changes_nothing(
    close: Close, catalog: Catalog
) -> None:
    done = close(aspect_ratio="16:9", prompt="").request
    assert done.extend == Extend(left=199, right=199)
    assert (done.aspect_ratio, done.strength, done.keep, done.result_size) == (None, 1.0, None, "source")
    again = complete(done, catalog, SIZES, lambda: 1)
    assert again.request == done
    assert close(aspect_ratio="2:3").request.extend == Extend(top=128, bottom=128)
    assert "910×512 · the model works at" in " ".join(close(aspect_ratio="16:9").notices)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "extend", "which sides"),
        ({"aspect_ratio": "reference"}, "extend", "which sides"),
        ({"extend": {}}, "extend", "on one side at least"),
        ({"aspect_ratio": "1:1"}, "extend", "already"),
        ({"extend": {"left": 16_000}}, "extend", "16384 px a side"),
        ({"aspect_ratio": "2:3", "references": []}, "references", "needs a reference"),
    ],
)
def test_what_cannot_be_extended_is_refused_with_words(
    close: Close, fields: dict[str, Any], field: str, words: str
) -> None:
    error = refusal(close, **fields)
    assert error.field == field
    assert words in error.detail


@pytest.mark.parametrize("shapes", [(), ("1:1", "2:3", "3:4")], ids=["any shape", "portraits"])
@pytest.mark.parametrize("source", [(512, 512), (1200, 800), (300, 900), (1333, 777)])
@pytest.mark.parametrize(
    "extend",
    [
        Extend(left=200, right=200),
        Extend(top=100, bottom=300),
        Extend(left=1),
        Extend(left=64, top=64, right=64, bottom=64),
        Extend(right=1500),
        Extend(bottom=1800, left=700),
    ],
)
def test_the_windows_cover_all_that_is_added_and_show_enough_of_what_is_there(
    extend: Extend, source: tuple[int, int], shapes: tuple[str, ...]
) -> None:
    width, height = extend.around(*source)
    known = np.zeros((height, width), bool)
    known[extend.top : extend.top + source[1], extend.left : extend.left + source[0]] = True
    model = extending.working_size(extend, source, 128, 8, shapes)
    for window in extending.passes(extend, source, model):
        assert 0 <= window.left < window.right <= width
        assert 0 <= window.top < window.bottom <= height
        seen = known[window.top : window.bottom, window.left : window.right]
        assert seen.mean() >= 0.49
        wide, high = window.size
        assert abs(np.log(wide / high * model[1] / model[0])) < 0.15
        seen[:] = True
    assert known.all()


def test_a_model_that_knows_the_new_shape_paints_it_at_once() -> None:
    extend, source = Extend(top=128, bottom=128), (512, 512)
    model = extending.working_size(extend, source, 128, 8, ("1:1", "2:3"))
    assert extending.passes(extend, source, model) == (extending.Window(0, 0, 512, 768),)
    wide = Extend(left=199, right=199)
    assert extending.working_size(wide, source, 128, 8, ("1:1", "2:3")) == (128, 128)
    assert len(extending.passes(wide, source, (128, 128))) == 2


# --- a source of another shape than the picture ---------------------------------------------------


def test_a_source_is_cropped_unless_it_is_to_be_extended(close: Close, catalog: Catalog) -> None:
    done = close(mode="img2img", aspect_ratio="16:9")
    assert (done.request.fit, done.request.extend) == ("crop", None)
    assert re.search(r"\d\d% of it is cropped away", " ".join(done.notices))
    wide = close(mode="img2img", aspect_ratio="16:9", fit="extend")
    assert wide.request.fit == "extend"
    assert wide.request.extend is not None
    assert wide.request.extend.around(512, 512)[0] > 890
    assert not any("cropped" in notice for notice in wide.notices)
    for each in (done, wide):
        again = complete(each.request, catalog, SIZES, lambda: 1).request
        assert again == each.request
    same = close(mode="img2img", aspect_ratio="1:1", fit="extend").request
    assert (same.fit, same.extend) == (None, None)


def test_margins_alone_extend_a_refinement(close: Close) -> None:
    done = close(mode="smart_edit", extend={"left": 128, "right": 128}).request
    assert (done.fit, done.width, done.height) == ("extend", 72, 48)


def test_margins_of_nothing_and_those_of_a_crop_are_none(close: Close) -> None:
    for fields in ({"extend": {}}, {"extend": {"left": 64}, "fit": "crop"}):
        done = close(mode="smart_edit", **fields).request
        assert (done.fit, done.extend, done.width, done.height) == (None, None, 64, 64)
    error = refusal(close, mode="smart_edit", extend={"left": 16_000})
    assert error.field == "extend"


def test_extending_first_needs_a_model_that_can(close: Close) -> None:
    error = refusal(close, mode="img2img", model="tiny-plain", aspect_ratio="16:9", fit="extend")
    assert error.field == "fit"


@pytest.mark.parametrize(
    ("head", "box"),
    [
        (None, (0, 112, 512, 400)),
        ((200, 20, 300, 140), (0, 2, 512, 290)),
        ((200, 0, 300, 140), (0, 0, 512, 288)),
        ((200, 380, 300, 500), (0, 224, 512, 512)),
        ((100, 10, 400, 400), (0, 10, 512, 298)),
        ((200, 200, 300, 300), (0, 112, 512, 400)),
    ],
)
def test_a_crop_keeps_the_head(
    head: tuple[int, int, int, int] | None, box: tuple[int, int, int, int]
) -> None:
    assert fitting.crop((512, 512), (1600, 900), [head] if head else []) == box
