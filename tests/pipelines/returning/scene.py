"""A picture with something in it: smooth ground, discs with hard borders, thin lines, fine texture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageCms, ImageDraw

from pipelines.returning.geometry import Geometry, stretched
from pipelines.returning.views import Views


def scene(width: int = 512, height: int = 512, seed: int = 3) -> np.ndarray:
    """RGB uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(60, 180, width), np.linspace(80, 140, height))
    picture = Image.fromarray(np.stack([x, y, 200 - x / 2], -1).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(14):
        cx, cy, r = (
            rng.uniform(0, width),
            rng.uniform(0, height),
            rng.uniform(0.03, 0.11) * max(width, height),
        )
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), tuple(rng.integers(20, 236, 3).tolist()))
    draw.line((0, 0, width, height), (10, 10, 10), 2)
    grain = rng.integers(-4, 5, (height, width, 1))
    return np.clip(np.asarray(picture).astype(int) + grain, 0, 255).astype(np.uint8)


def shrunk(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """At `size` (width, height)."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def views(source: np.ndarray, seen: np.ndarray, drawn: np.ndarray, geometry: Geometry | None = None) -> Views:
    """All of a source, and what a model made of it."""
    size = seen.shape[1], seen.shape[0]
    return Views(source, seen, drawn, geometry or stretched((source.shape[1], source.shape[0]), size))


def painted(picture: np.ndarray, box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> np.ndarray:
    """With a rectangle of one colour."""
    out = picture.copy()
    left, top, right, bottom = box
    out[top:bottom, left:right] = colour
    return out


def wide_profile() -> bytes:
    """An RGB profile that is not sRGB: its red and blue have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    places = {bytes(profile[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)
