"""What a source's own file stores, and models never saw: transparency, and colours of another profile."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from pipelines.returning.stored import as_stored
from tests.pipelines.returning.scene import scene, wide_profile

SIDE = 64
SPOT = (slice(20, 40), slice(20, 40))


def changed(source: np.ndarray, colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(with a square of a colour, where that is)."""
    result, levels = source.copy(), np.zeros(source.shape[:2], np.uint8)
    result[SPOT], levels[SPOT] = colour, 255
    return result, levels


def in_srgb(own: Image.Image) -> np.ndarray:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(own.info["icc_profile"]))
    seen = ImageCms.profileToProfile(own, profile, ImageCms.createProfile("sRGB"))
    assert seen is not None
    return np.asarray(seen)


def test_what_is_kept_is_the_files_own_and_what_changed_looks_as_it_should() -> None:
    own = Image.fromarray(scene(SIDE, SIDE))
    own.info["icc_profile"] = wide_profile()
    source = in_srgb(own)
    result, levels = changed(source, (200, 90, 60))
    made = as_stored(own, source, result, levels)
    assert made.info["icc_profile"] == own.info["icc_profile"]
    kept = levels == 0
    assert np.array_equal(np.asarray(made)[kept], np.asarray(own)[kept])
    assert np.abs(in_srgb(made)[SPOT].astype(int) - (200, 90, 60)).max() <= 3


def test_a_profile_that_leads_nowhere_back_gives_srgb() -> None:
    own = Image.fromarray(scene(SIDE, SIDE))
    own.info["icc_profile"] = b"no profile"
    result, levels = changed(scene(SIDE, SIDE), (1, 2, 3))
    made = as_stored(own, scene(SIDE, SIDE), result, levels)
    assert "icc_profile" not in made.info
    assert np.array_equal(np.asarray(made), result)


def cut_out() -> tuple[Image.Image, np.ndarray]:
    """(opaque on the right, empty on the left with colours beneath, half between; the same on white)."""
    pixels = np.dstack([scene(SIDE, SIDE), np.full((SIDE, SIDE), 255, np.uint8)])
    pixels[:, :24, 3], pixels[:, 24:30, 3] = 0, 128
    own = Image.fromarray(pixels)
    white = Image.new("RGBA", own.size, "white")
    return own, np.asarray(Image.alpha_composite(white, own).convert("RGB"))


def on_white(picture: Image.Image) -> np.ndarray:
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB"))


def test_what_is_kept_is_as_transparent_as_it_was_with_the_colours_beneath() -> None:
    own, source = cut_out()
    result, levels = changed(source, (200, 30, 30))
    made = as_stored(own, source, result, levels)
    kept = levels == 0
    assert np.array_equal(np.asarray(made)[kept], np.asarray(own)[kept])
    assert np.abs(on_white(made).astype(int) - result)[SPOT].max() <= 2


def test_something_new_where_nothing_was_is_opaque() -> None:
    own, source = cut_out()
    result, levels = changed(source, (200, 30, 30))
    made = as_stored(own, source, result, levels)
    alpha = np.asarray(made)[..., 3]
    assert (alpha[20:40, 20:24] == 255).all()
    assert np.abs(on_white(made).astype(int) - result)[SPOT].max() <= 2


def test_white_that_stays_white_stays_empty() -> None:
    own, source = cut_out()
    result = source.copy()
    result[:, 30:] = 255 - result[:, 30:]
    made = as_stored(own, source, result, np.full((SIDE, SIDE), 255, np.uint8))
    assert (np.asarray(made)[:, :24, 3] == 0).all()
    assert np.abs(on_white(made).astype(int) - result).max() <= 2
