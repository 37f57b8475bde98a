"""Which heads are drawn anew, with how much around them, and what a complete request says of them."""

from __future__ import annotations

import pytest

from pipelines.catalog.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.planning import faces
from pipelines.planning.complete import complete
from pipelines.planning.plan import plan
from pipelines.request import FixFace, GenerationRequest, Mode, Reference
from tests.pipelines.conftest import Ask, Pictures

SMALL, LARGE = (10, 20, 30, 44), (60, 60, 160, 170)


def test_only_heads_below_the_size_are_chosen() -> None:
    assert faces.chosen([LARGE, SMALL], FixFace(under=50)) == (SMALL,)
    assert faces.chosen([LARGE, SMALL], FixFace(under=111)) == (LARGE, SMALL)


@pytest.mark.parametrize(
    ("heads", "field", "words"),
    [
        ([], "references", "No head was found"),
        ([LARGE], "fix_face", "The only head is 110 px"),
        ([LARGE, (0, 0, 90, 90)], "fix_face", "The smallest head is 90 px"),
    ],
)
def test_nothing_to_fix_is_said_in_words(heads: list[faces.Box], field: str, words: str) -> None:
    with pytest.raises(RequestError, match=words) as refusal:
        faces.chosen(heads, FixFace(under=40))
    assert refusal.value.field == field


@pytest.mark.parametrize("head", [SMALL, LARGE, (0, 0, 20, 20), (180, 80, 200, 100)])
def test_the_square_holds_the_head_and_lies_in_the_picture(head: faces.Box) -> None:
    left, top, right, bottom = faces.around(head, (200, 190))
    assert right - left == bottom - top == min(190, round(faces.longer(head) * faces.CONTEXT))
    assert 0 <= left <= head[0] < head[2] <= right <= 200
    assert 0 <= top <= head[1] < head[3] <= bottom <= 190


def test_a_face_is_drawn_at_the_models_full_size_and_the_rest_is_decided(ask: Ask, catalog: Catalog) -> None:
    done = ask("fix_face", num_inference_steps=5)
    side = catalog.get("tiny").resolution
    assert (done.width, done.height) == (side, side)
    assert done.strength == 0.4
    assert done.fix_face == FixFace(under=faces.under(side))
    assert (done.result_size, done.keep, done.finish) == (None, None, None)
    again = complete(done, catalog, {"face": (64, 64)}, lambda: 1).request
    assert again == done


def test_a_plan_carries_the_heads_and_refuses_to_be_made_without(ask: Ask, catalog: Catalog) -> None:
    done, route = ask("fix_face", fix_face={"under": 50}), catalog.route("tiny", Mode.FIX_FACE)
    assert plan(done, route, heads=[SMALL, LARGE]).heads == (SMALL,)
    with pytest.raises(RequestError, match="No head"):
        plan(done, route)
    drawn = ask("text_to_image")
    assert plan(drawn, catalog.route("tiny", Mode.TEXT_TO_IMAGE), heads=[SMALL]).heads == ()


def test_the_wish_to_fix_faces_afterwards_stays_in_what_draws(ask: Ask) -> None:
    assert ask("text_to_image", fix_face={"under": 80}).fix_face == FixFace(under=80)
    assert ask("text_to_image", fix_face={"enabled": False}).fix_face is None
    assert ask("text_to_image").fix_face is None


def test_it_is_left_out_with_words_where_no_model_can(catalog: Catalog, pictures: Pictures) -> None:
    alone = Catalog(
        tuple(s.model_copy(update={"modes": (Mode.TEXT_TO_IMAGE,)}) for s in catalog.specs), catalog.path
    )
    wish = GenerationRequest(prompt="a face", model="tiny", fix_face=FixFace())
    done = complete(wish, alone, pictures.sizes, lambda: 1)
    assert done.request.fix_face is None
    assert any("fix faces" in notice for notice in done.notices)


def test_a_model_that_fixes_faces_badly_says_so(catalog: Catalog, pictures: Pictures) -> None:
    words = "It smears eyes."
    careful = Catalog(
        tuple(s.model_copy(update={"cautions": {Mode.FIX_FACE: words}}) for s in catalog.specs), catalog.path
    )
    alone = GenerationRequest(prompt="a face", model="tiny")
    for wish in (
        alone.model_copy(update={"mode": Mode.FIX_FACE, "references": (Reference(image_id="face"),)}),
        alone.model_copy(update={"fix_face": FixFace()}),
    ):
        assert words in complete(wish, careful, pictures.sizes, lambda: 1).notices
        assert words not in complete(wish, catalog, pictures.sizes, lambda: 1).notices
    assert words not in complete(alone, careful, pictures.sizes, lambda: 1).notices
