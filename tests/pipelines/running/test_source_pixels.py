from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.running.source_pixels import CHANGE, DRIFT, MaskCompositor, UnchangedCompositor

SIZE = 96


@pytest.fixture
def source() -> Image.Image:
    noise = np.random.default_rng(1).integers(60, 200, (SIZE, SIZE, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def shifted(picture: Image.Image, by: float, columns: slice = slice(None)) -> Image.Image:
    """`picture` with all channels of some columns brighter by a share of full white."""
    levels = np.asarray(picture).astype(np.int16)
    levels[:, columns] += round(by * 255)
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def test_drift_is_undone_to_the_very_pixel(source: Image.Image) -> None:
    drifted = shifted(source, DRIFT - 0.01)
    assert drifted.tobytes() != source.tobytes()
    assert UnchangedCompositor(source, source).under(drifted).tobytes() == source.tobytes()


def test_a_picture_that_changed_everywhere_is_taken_as_it_is(source: Image.Image) -> None:
    changed = shifted(source, CHANGE + 0.02)
    assert UnchangedCompositor(source, source).under(changed).tobytes() == changed.tobytes()


def test_a_change_is_taken_over_and_what_lies_beside_it_stays(source: Image.Image) -> None:
    half = slice(SIZE // 2, None)
    edited = shifted(shifted(source, 0.03), 0.25, half)
    made = np.asarray(UnchangedCompositor(source, source).under(edited))
    far = SIZE // 12
    assert np.array_equal(made[:, : SIZE // 2 - far], np.asarray(source)[:, : SIZE // 2 - far])
    assert np.array_equal(made[:, SIZE // 2 + far :], np.asarray(edited)[:, SIZE // 2 + far :])


def test_one_changed_channel_is_a_change(source: Image.Image) -> None:
    levels = np.asarray(source).copy()
    levels[..., 2] = levels[..., 2] // 3
    bluer = Image.fromarray(levels)
    share = np.asarray(UnchangedCompositor(source, source).changed(bluer))
    assert share.min() > 128


def test_the_passage_shows_no_seam(source: Image.Image) -> None:
    ramp = np.linspace(0, 0.3, SIZE)[None, :, None] * 255
    lit = Image.fromarray((np.full((SIZE, SIZE, 3), 90) + ramp).round().astype(np.uint8))
    plain = Image.new("RGB", (SIZE, SIZE), (90, 90, 90))
    made = np.asarray(UnchangedCompositor(plain, plain).under(lit)).astype(int)[SIZE // 2, :, 0]
    steps = np.diff(made)
    assert steps.min() >= 0
    assert steps.max() <= 5


def test_what_the_autoencoder_loses_by_itself_is_no_change(source: Image.Image) -> None:
    seen = source.resize((SIZE // 4, SIZE // 4)).resize((SIZE, SIZE))
    assert UnchangedCompositor(source, seen).under(seen).tobytes() == source.tobytes()


def test_a_mask_keeps_what_is_black(source: Image.Image) -> None:
    mask = Image.new("L", source.size)
    mask.paste(255, (SIZE // 2, 0, SIZE, SIZE))
    made = np.asarray(MaskCompositor(source, mask).under(shifted(source, 0.2)))
    assert np.array_equal(made[:, : SIZE // 2], np.asarray(source)[:, : SIZE // 2])
    assert not np.array_equal(made[:, SIZE // 2 :], np.asarray(source)[:, SIZE // 2 :])
