from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.errors import Cancelled
from pipelines.returning.composing import EnlargedView, compose
from pipelines.returning.geometry import Box, around, covering, stretched
from pipelines.returning.step import Verdict, bring_back
from pipelines.returning.views import Views
from tests.pipelines.returning.scene import painted, scene, shrunk, views

SPOT = (40, 40, 72, 72)
"""Of a model's picture of 128 px."""


def edited(size: int = 512, colour: tuple[int, int, int] = (250, 20, 160)) -> Views:
    source = scene(size, size)
    seen = shrunk(source, (128, 128))
    return views(source, seen, painted(seen, SPOT, colour))


def far_from(spot: tuple[int, int, int, int], views: Views, margin: int = 4) -> np.ndarray:
    """(H, W): the source's pixels more than `margin` of the model's beside `spot`."""
    width, height = views.geometry.source
    across, down = width / views.geometry.model[0], height / views.geometry.model[1]
    left, top, right, bottom = spot
    far = np.ones((height, width), bool)
    far[
        max(0, int((top - margin) * down)) : int((bottom + margin) * down),
        max(0, int((left - margin) * across)) : int((right + margin) * across),
    ] = False
    return far


def test_what_was_not_changed_is_the_source_byte_for_byte() -> None:
    given = edited()
    noise = np.random.default_rng(1).integers(-5, 6, given.drawn.shape)
    drawn = np.clip(given.drawn.astype(int) + noise, 0, 255).astype(np.uint8)
    made = bring_back(views(given.source, given.seen, drawn))
    far = far_from(SPOT, given)
    assert made.measures.verdict is Verdict.KEPT
    assert np.array_equal(made.picture[far], given.source[far])
    assert np.array_equal(made.picture[made.change == 0], given.source[made.change == 0])
    middle = made.picture[180:270, 180:270].reshape(-1, 3).astype(int)
    assert np.abs(middle - (250, 20, 160)).max(axis=1).mean() < 12
    assert 0.03 < made.measures.changed < 0.12


def test_light_keeps_the_texture_that_the_model_never_saw() -> None:
    source = scene()
    seen = shrunk(source, (128, 128))
    dark = seen.astype(np.float32)
    dark[:, 64:] *= 0.5
    made = bring_back(views(source, seen, dark.astype(np.uint8)))
    right, want = made.picture[60:450, 300:450].astype(float), source[60:450, 300:450] * 0.5
    assert np.abs(right - want).mean() < 5
    fine = np.diff(right, axis=0).std() / np.diff(want, axis=0).std()
    assert fine > 0.8


def test_a_shade_that_came_with_a_strong_change_goes_with_it_and_alone_it_stays() -> None:
    source = np.full((512, 512, 3), (120, 150, 140), np.uint8)
    source[128:384, 128:384] = (230, 200, 180)
    seen = shrunk(source, (128, 128))
    shaded = seen.astype(np.float32)
    shaded[50:90, 60:92] -= (38, 40, 36)
    shaded = shaded.clip(0, 255).astype(np.uint8)
    beside = painted(shaded, (34, 50, 60, 90), (20, 20, 220))
    made = bring_back(views(source, seen, beside))
    assert np.array_equal(made.picture[220:340, 270:350], source[220:340, 270:350])
    assert np.abs(made.picture[220:340, 150:220].astype(int) - (20, 20, 220)).mean() < 12
    alone = bring_back(views(source, seen, shaded)).picture[220:340, 270:350].astype(int)
    assert np.abs(alone - source[220:340, 270:350] + (38, 40, 36)).mean() < 8


def test_a_redrawing_changes_all_of_it_by_however_little_and_keeps_its_detail() -> None:
    source = scene()
    seen = shrunk(source, (128, 128))
    warmer = (seen.astype(np.float32) + np.float32((6, 2, 0))).clip(0, 255).astype(np.uint8)
    assert bring_back(views(source, seen, seen)).measures.verdict is Verdict.NOTHING
    made = bring_back(views(source, seen, warmer), everywhere=True)
    assert made.measures.changed == 1
    inner = made.picture[40:-40, 40:-40].astype(float) - source[40:-40, 40:-40]
    assert np.abs(np.median(inner, axis=(0, 1)) - (6, 2, 0)).max() <= 1.5
    fine = np.diff(made.picture.astype(float), axis=0).std() / np.diff(source.astype(float), axis=0).std()
    assert fine > 0.9


def test_an_edit_that_changes_nothing_gives_the_source_back_with_words() -> None:
    source = scene()
    seen = shrunk(source, (128, 128))
    made = bring_back(views(source, seen, seen))
    assert made.picture.tobytes() == source.tobytes()
    assert made.measures.verdict is Verdict.NOTHING
    assert made.words
    assert made.measures.where is None


def test_an_edit_that_changes_everything_is_not_mixed_with_the_source() -> None:
    source = scene()
    seen = shrunk(source, (128, 128))
    drawn = shrunk(255 - scene(seed=40)[::-1], (128, 128))
    made = bring_back(views(source, seen, drawn))
    assert made.measures.verdict in (Verdict.EVERYTHING, Verdict.MOVED)
    assert made.words
    plain = np.asarray(Image.fromarray(drawn).resize((512, 512), Image.Resampling.BICUBIC))
    assert np.abs(made.picture.astype(int) - plain).max() <= 3


@pytest.mark.parametrize("by", [(5, -3), (-8, 6)])
def test_a_shifted_result_is_put_back(by: tuple[int, int]) -> None:
    source = scene(1024, 1024)
    large = painted(source, (400, 400, 560, 560), (250, 20, 160))
    seen = shrunk(source, (512, 512))
    drawn = np.roll(shrunk(large, (512, 512)), by, axis=(1, 0))
    given = views(source, seen, drawn)
    made = bring_back(given)
    far = far_from((200, 200, 280, 280), given, 12)
    far[:32], far[-32:], far[:, :32], far[:, -32:] = (False,) * 4
    assert made.measures.moved == pytest.approx(2 * np.hypot(*by), abs=2)
    assert (made.picture == source).all(-1)[far].mean() > 0.99


def test_a_drifting_tone_is_taken_out_of_what_was_asked_for() -> None:
    given = edited(colour=(200, 20, 160))
    warm = np.clip(given.drawn * np.array([1.06, 1.0, 0.94]) + np.array([6, 0, -4]), 0, 255).astype(np.uint8)
    made = bring_back(views(given.source, given.seen, warm))
    far = far_from(SPOT, given)
    assert (made.picture == given.source).all(-1)[far].mean() > 0.999
    middle = made.picture[190:260, 190:260].reshape(-1, 3).mean(axis=0)
    assert np.abs(middle - (200, 20, 160)).max() < 10


def test_a_tone_alone_is_what_was_asked_for() -> None:
    source = scene()
    seen = shrunk(source, (128, 128))
    cool = np.clip(seen * np.array([0.7, 0.85, 1.0]), 0, 255).astype(np.uint8)
    made = bring_back(views(source, seen, cool), tolerance=0.0)
    assert np.abs(made.picture - source * np.array([0.7, 0.85, 1.0])).mean() < 8


def test_a_cancel_is_heard_between_strips() -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        bring_back(edited(2048), check=check)


def test_how_far_it_is_is_told_of_large_pictures_alone() -> None:
    told: list[tuple[int, int]] = []
    bring_back(edited(2048), progress=lambda done, of: told.append((done, of)), everywhere=True)
    assert [done for done, _ in told] == list(range(1, told[0][1] + 1))
    told.clear()
    bring_back(edited(512), progress=lambda done, of: told.append((done, of)), everywhere=True)
    assert not told


def test_new_structure_comes_through_the_enlarger_and_only_where_it_is_needed() -> None:
    asked: list[tuple[int, int]] = []

    def enlarge(picture: Image.Image, needed: Box) -> EnlargedView:
        part = picture.crop(needed)
        asked.append(part.size)
        large = part.resize((part.width * 4, part.height * 4), Image.Resampling.NEAREST)
        return EnlargedView(large, needed)

    source = scene()
    seen = shrunk(source, (128, 128))
    drawn = seen.copy()
    drawn[40:72, 40:72] = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((4, 4)))[..., None] * 255
    bring_back(views(source, seen, drawn), enlarge=enlarge)
    assert len(asked) == 1
    assert 32 <= max(asked[0]) <= 70


def test_enlarged_structure_stands_where_it_was_drawn_amid_a_wider_light() -> None:
    plain = np.full((512, 512, 3), 150, np.uint8)
    seen = shrunk(plain, (128, 128))
    drawn = painted((seen * 0.5).astype(np.uint8), (90, 60, 96, 66), (255, 255, 255))

    def enlarge(picture: Image.Image, needed: Box) -> EnlargedView:
        part = picture.crop(needed)
        return EnlargedView(part.resize((part.width * 4, part.height * 4), Image.Resampling.BICUBIC), needed)

    made = bring_back(views(plain, seen, drawn), enlarge=enlarge, everywhere=True)
    rows, columns = np.nonzero(made.picture.min(axis=2) > 160)
    assert abs(rows.mean() - 4 * 63) < 4
    assert abs(columns.mean() - 4 * 93) < 4
    assert len(rows) == pytest.approx(24 * 24, rel=0.4)


@pytest.mark.parametrize(
    ("size", "model"),
    [((60, 40), (128, 128)), ((160, 1280), (128, 384)), ((300, 200), (128, 128)), ((33, 17), (16, 16))],
    ids=["smaller than the model", "panorama", "another shape", "tiny"],
)
def test_odd_sizes_come_back_at_the_sources_own(size: tuple[int, int], model: tuple[int, int]) -> None:
    source = scene(*size)
    geometry = covering(size, model)
    seen = np.asarray(Image.fromarray(source).resize(model, Image.Resampling.BICUBIC, geometry.box))
    half = model[0] // 2
    drawn = painted(seen, (0, 0, half, model[1]), (250, 20, 160))
    made = bring_back(views(source, seen, drawn, geometry))
    assert made.picture.shape == source.shape
    left, top, right, bottom = geometry.inside
    outside = np.ones(source.shape[:2], bool)
    outside[top:bottom, left:right] = False
    assert np.array_equal(made.picture[outside], source[outside])


def test_a_source_of_64_megapixels_is_changed_only_in_its_spot() -> None:
    source = np.tile(scene(1000, 1000), (8, 8, 1))
    seen = shrunk(source, (128, 128))
    made = bring_back(views(source, seen, painted(seen, SPOT, (250, 20, 160))))
    far = far_from(SPOT, views(source, seen, seen))
    assert np.array_equal(made.picture[far], source[far])
    assert made.measures.verdict is Verdict.KEPT


def test_pictures_that_do_not_belong_together_are_refused() -> None:
    source = scene(64, 64)
    with pytest.raises(ValueError, match="a picture of"):
        Views(source, source, source[:32], stretched((64, 64), (64, 64)))


def test_a_crop_around_a_spot_has_the_models_shape_lies_inside_and_shows_context() -> None:
    for spot in ((0, 0, 1, 1), (2900, 1900, 3000, 2000), (1000, 500, 1700, 900), (0, 0, 3000, 2000)):
        for model in ((1024, 1024), (832, 1248), (128, 128)):
            box = around((3000, 2000), model, spot).box
            assert 0 <= box.left < box.right <= 3000
            assert 0 <= box.top < box.bottom <= 2000
            assert (box.right - box.left) / (box.bottom - box.top) == pytest.approx(model[0] / model[1])
            if spot != (0, 0, 3000, 2000):
                assert box.left <= spot[0] < spot[2] <= box.right + 1e-6
                assert box.top <= spot[1] < spot[3] <= box.bottom + 1e-6


def test_a_given_change_is_put_together_without_looking_for_one() -> None:
    given = edited()
    levels = np.zeros((512, 512), np.uint8)
    levels[100:200, 100:200] = 255
    made = compose(given, levels)
    assert np.array_equal(made[levels == 0], given.source[levels == 0])
    assert (made != given.source).any()
    whole = compose(given, np.full_like(levels, 255), redrawn=True)
    plain = np.asarray(Image.fromarray(given.drawn).resize((512, 512), Image.Resampling.BICUBIC))
    assert np.abs(whole.astype(int) - plain).max() <= 3


def test_a_light_that_fades_out_ends_without_a_line() -> None:
    plain = np.full((512, 512, 3), 150, np.uint8)
    ramp = np.clip(np.linspace(-0.1, 0.5, 128), 0, 1)[None, :, None]
    seen = np.full((128, 128, 3), 150, np.uint8)
    made = bring_back(views(plain, seen, (seen * (1 - ramp)).astype(np.uint8)))
    row = made.picture[256, :, 0].astype(int)
    assert row[-8:].max() < 100
    assert np.abs(np.diff(row)).max() <= 6
    assert (row[:40] == 150).all()


def test_a_faint_change_of_a_large_place_is_seen() -> None:
    source = scene()
    seen = shrunk(source, (128, 128))
    drawn = seen.copy()
    drawn[30:100, 30:100] = np.clip(drawn[30:100, 30:100].astype(int) + np.array([34, 30, 26]), 0, 255)
    made = bring_back(views(source, seen, drawn))
    assert made.measures.verdict is Verdict.KEPT
    assert (made.change[160:360, 160:360] > 0).mean() > 0.9
    assert np.array_equal(made.picture[:60], source[:60])


def test_nothing_of_what_is_gone_shines_through() -> None:
    """An outline thinner than the model sees is flattened by light at the model's size alone."""
    ground = np.asarray(Image.linear_gradient("L").resize((512, 512)).convert("RGB")) // 3 + 120
    there = Image.fromarray(ground)
    ImageDraw.Draw(there).ellipse((150, 90, 370, 400), (225, 180, 90), (20, 15, 10), 2)
    source = np.asarray(there)
    made = bring_back(views(source, shrunk(source, (128, 128)), shrunk(ground, (128, 128))))
    left = np.abs(made.picture.astype(int) - ground).max(axis=2)
    assert left[(source == (20, 15, 10)).all(axis=2)].mean() < 1.5
    assert left.max() < 8


def blocks(seed: int, width: int, height: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(30, 226, (height // 20, width // 20, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST))


def test_where_a_figure_is_drawn_anew_its_slight_changes_belong_to_it() -> None:
    """In another style, what it was is not mixed with what it became."""
    source = np.full((512, 512, 3), (120, 150, 140), np.uint8)
    source[:60] = blocks(1, 520, 60)[:, :512]
    other = source.copy()
    source[140:480, 100:420], other[140:480, 100:420] = blocks(2, 320, 340), blocks(3, 320, 340)
    source[200:420, 230:290], other[200:420, 230:290] = (200, 170, 150), (174, 144, 124)
    made = bring_back(views(source, shrunk(source, (128, 128)), shrunk(other, (128, 128))))
    assert made.measures.verdict is Verdict.KEPT
    assert np.abs(made.picture[220:400, 236:284].astype(int) - (174, 144, 124)).mean() < 4
    assert np.array_equal(made.picture[:90], source[:90])
