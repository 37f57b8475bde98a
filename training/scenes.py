"""Draw the backgrounds a portrait can stand before: plain colours, gradients and small painted scenes.

Everything is seeded and drawn with Pillow, so the same name and seed always give the same picture.
This module knows nothing of characters, captions or models.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

RGB = tuple[int, int, int]

PLAIN: dict[str, RGB] = {
    "white": (246, 245, 242),
    "black": (18, 18, 22),
    "gray": (140, 144, 150),
    "red": (190, 44, 44),
    "orange": (242, 150, 66),
    "yellow": (246, 214, 92),
    "green": (98, 176, 106),
    "teal": (46, 140, 140),
    "blue": (74, 136, 222),
    "navy": (30, 40, 92),
    "purple": (134, 92, 190),
    "pink": (246, 172, 198),
}

GRADIENTS: dict[str, tuple[RGB, RGB]] = {
    "blue to pink": ((84, 140, 230), (246, 168, 200)),
    "orange to purple": ((246, 156, 70), (110, 66, 160)),
    "green to blue": ((110, 190, 112), (50, 96, 190)),
    "white to gray": ((244, 244, 244), (112, 116, 124)),
}

SUPERSAMPLE = 2


class _Canvas:
    """A supersampled drawing surface in unit coordinates (0..1, y down)."""

    def __init__(self, px: int, seed: int) -> None:
        self.n = px * SUPERSAMPLE
        self.rng = random.Random(seed)
        self.image = Image.new("RGB", (self.n, self.n))
        self.draw = ImageDraw.Draw(self.image)

    def fill(self, top: RGB, bottom: RGB) -> None:
        ramp = np.linspace(0.0, 1.0, self.n)[:, None, None]
        rows = np.asarray(top) * (1 - ramp) + np.asarray(bottom) * ramp
        self.image.paste(Image.fromarray(np.repeat(rows, self.n, axis=1).astype(np.uint8)))

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: RGB) -> None:
        n = self.n
        self.draw.rectangle((x0 * n, y0 * n, max(x1 * n, x0 * n + 1), max(y1 * n, y0 * n + 1)), fill=colour)

    def disc(self, x: float, y: float, r: float, colour: RGB) -> None:
        n = self.n
        self.draw.ellipse(((x - r) * n, (y - r) * n, (x + r) * n, (y + r) * n), fill=colour)

    def shape(self, points: list[tuple[float, float]], colour: RGB) -> None:
        self.draw.polygon([(x * self.n, y * self.n) for x, y in points], fill=colour)

    def glow(self, x: float, y: float, r: float, colour: RGB, strength: float) -> None:
        axis = (np.arange(self.n) + 0.5) / self.n
        falloff = (
            np.exp(-(((axis[None] - x) ** 2 + (axis[:, None] - y) ** 2) / (r * r)))[..., None] * strength
        )
        base = np.asarray(self.image, dtype=np.float32)
        lit = base + (np.asarray(colour, dtype=np.float32) - base) * np.clip(falloff, 0, 1)
        self.image.paste(Image.fromarray(lit.astype(np.uint8)))

    def soften(self, radius: float) -> None:
        self.image.paste(self.image.filter(ImageFilter.GaussianBlur(radius * self.n)))

    def jitter(self, colour: RGB, amount: int) -> RGB:
        d = self.rng.randint(-amount, amount)
        return tuple(min(255, max(0, c + d)) for c in colour)  # type: ignore[return-value]

    def u(self, low: float, high: float) -> float:
        return self.rng.uniform(low, high)


def _dark_library(c: _Canvas) -> None:
    c.fill((44, 27, 18), (26, 15, 10))
    books = [(110, 36, 30), (40, 66, 52), (44, 48, 86), (122, 84, 34), (86, 58, 40)]
    for row in range(4):
        top = row * 0.26 + 0.02
        x = c.u(0.0, 0.03)
        while x < 1:
            w, h = c.u(0.03, 0.06), c.u(0.15, 0.2)
            c.box(x, top + 0.2 - h, x + w, top + 0.2, c.jitter(c.rng.choice(books), 12))
            x += w + 0.008
        c.box(0, top + 0.2, 1, top + 0.235, (70, 43, 26))
    side = c.rng.choice((0.12, 0.88))
    c.glow(side, 0.3, 0.28, (255, 190, 100), 0.5)


def _stone_chamber(c: _Canvas) -> None:
    c.fill((70, 66, 66), (40, 38, 40))
    for row in range(8):
        y, x = row / 8, -c.u(0.0, 0.2)
        while x < 1:
            w = c.u(0.17, 0.26)
            c.box(x + 0.008, y + 0.008, x + w - 0.008, y + 0.117, c.jitter((86, 80, 78), 12))
            x += w
    for x in (c.u(0.06, 0.16), c.u(0.84, 0.94)):
        c.glow(x, 0.5, 0.26, (255, 170, 70), 0.75)
        c.box(x - 0.022, 0.56, x + 0.022, 0.78, (236, 222, 190))
        c.disc(x, 0.525, 0.03, (255, 226, 130))


def _forest(c: _Canvas) -> None:
    c.fill((176, 214, 160), (70, 120, 66))
    for depth, (colour, count) in enumerate((((120, 170, 112), 7), ((70, 120, 70), 6), ((38, 78, 46), 5))):
        for i in range(count):
            x = (i + c.u(0.0, 1.0)) / count
            w, h = 0.09 + 0.03 * depth, c.u(0.4, 0.6) + 0.08 * depth
            base = 0.8 + 0.07 * depth
            c.box(x - 0.012, base - 0.1, x + 0.012, base + 0.06, (74, 52, 34))
            c.shape([(x - w, base), (x + w, base), (x, base - h)], colour)
    c.box(0, 0.93, 1, 1, (46, 88, 44))


def _night_city(c: _Canvas) -> None:
    c.fill((16, 18, 52), (56, 38, 96))
    c.disc(c.u(0.1, 0.9), c.u(0.08, 0.2), 0.06, (244, 240, 214))
    for colour, low, high in (((34, 34, 78), 0.2, 0.4), ((18, 18, 42), 0.4, 0.65)):
        x = 0.0
        while x < 1:
            w, top = c.u(0.1, 0.17), c.u(low, high)
            c.box(x, top, x + w, 1, colour)
            for wy in np.arange(top + 0.03, 1, 0.07):
                for wx in np.arange(x + 0.018, x + w - 0.02, 0.042):
                    if c.rng.random() < 0.45:
                        c.box(wx, wy, wx + 0.02, wy + 0.032, (250, 214, 110))
            x += w + 0.006


def _sunset_sky(c: _Canvas) -> None:
    c.fill((112, 70, 150), (250, 168, 84))
    c.glow(0.5, 0.78, 0.5, (255, 190, 90), 0.7)
    c.disc(c.u(0.2, 0.8), c.u(0.55, 0.7), 0.11, (255, 236, 160))
    for _ in range(6):
        x, y, w = c.u(0, 1), c.u(0.08, 0.6), c.u(0.12, 0.24)
        c.box(x - w, y, x + w, y + 0.022, (246, 140, 120))
    c.box(0, 0.9, 1, 1, (74, 44, 90))


def _snowy_mountains(c: _Canvas) -> None:
    c.fill((150, 196, 236), (226, 238, 248))
    for i in range(4):
        x, h = (i + c.u(0, 1)) / 4, c.u(0.4, 0.65)
        c.shape([(x - 0.32, 0.92), (x + 0.32, 0.92), (x, 0.92 - h)], c.jitter((106, 126, 156), 10))
        k = 0.38
        c.shape(
            [(x - 0.32 * k, 0.92 - h * (1 - k)), (x + 0.32 * k, 0.92 - h * (1 - k)), (x, 0.92 - h)],
            (248, 250, 252),
        )
    c.box(0, 0.86, 1, 1, (240, 245, 250))


def _beach(c: _Canvas) -> None:
    c.fill((120, 200, 246), (190, 230, 250))
    c.disc(c.u(0.1, 0.9), c.u(0.1, 0.2), 0.08, (255, 240, 150))
    c.box(0, 0.5, 1, 0.74, (38, 140, 190))
    for _ in range(7):
        x, y = c.u(0, 1), c.u(0.53, 0.72)
        c.box(x, y, x + 0.12, y + 0.01, (170, 222, 240))
    c.box(0, 0.74, 1, 1, (240, 214, 150))


def _starry_space(c: _Canvas) -> None:
    c.fill((8, 8, 26), (30, 14, 58))
    c.glow(c.u(0.1, 0.9), c.u(0.1, 0.5), 0.3, (120, 60, 170), 0.55)
    c.glow(c.u(0.1, 0.9), c.u(0.4, 0.9), 0.25, (30, 100, 170), 0.5)
    for _ in range(70):
        c.disc(c.u(0, 1), c.u(0, 1), c.u(0.003, 0.009), (250, 248, 236))
    x = c.rng.choice((0.14, 0.86))
    c.disc(x, c.u(0.15, 0.35), 0.09, (226, 150, 92))


def _flower_garden(c: _Canvas) -> None:
    c.fill((178, 224, 250), (206, 240, 214))
    c.box(0, 0.42, 1, 1, (96, 170, 84))
    flowers = [(236, 76, 96), (250, 208, 72), (244, 130, 190), (250, 250, 250), (150, 96, 210)]
    for i in range(46):
        x, y = c.u(0, 1), 0.46 + 0.54 * (i / 46)
        r = 0.018 + 0.024 * (i / 46)
        c.disc(x, y, r, c.rng.choice(flowers))
        c.disc(x, y, r * 0.4, (250, 220, 90))


def _cozy_room(c: _Canvas) -> None:
    c.fill((226, 190, 150), (206, 160, 120))
    c.box(0, 0.84, 1, 1, (134, 86, 54))
    left = c.rng.random() < 0.5
    x = 0.05 if left else 0.63
    c.box(x - 0.02, 0.1, x + 0.34, 0.56, (110, 70, 44))
    c.box(x, 0.12, x + 0.32, 0.54, (150, 208, 240))
    c.box(x + 0.15, 0.12, x + 0.17, 0.54, (110, 70, 44))
    lamp = 0.86 if left else 0.14
    c.glow(lamp, 0.3, 0.24, (255, 236, 170), 0.8)
    c.shape([(lamp - 0.1, 0.34), (lamp + 0.1, 0.34), (lamp + 0.05, 0.2), (lamp - 0.05, 0.2)], (240, 120, 80))
    c.box(lamp - 0.01, 0.34, lamp + 0.01, 0.84, (80, 54, 40))


SCENES: dict[str, Callable[[_Canvas], None]] = {
    "dark library": _dark_library,
    "candlelit stone chamber": _stone_chamber,
    "forest": _forest,
    "night city": _night_city,
    "sunset sky": _sunset_sky,
    "snowy mountains": _snowy_mountains,
    "beach": _beach,
    "starry space": _starry_space,
    "flower garden": _flower_garden,
    "cozy room": _cozy_room,
}

BACKGROUNDS: tuple[str, ...] = (*PLAIN, *GRADIENTS, *SCENES)


def kind(name: str) -> str:
    """Return "plain", "gradient" or "scene" for a background name."""
    return "plain" if name in PLAIN else "gradient" if name in GRADIENTS else "scene"


def draw(name: str, px: int, seed: int = 0) -> np.ndarray:
    """Paint background `name` as uint8 RGB of shape (px, px, 3), values 0..255."""
    if name in PLAIN:
        return np.broadcast_to(np.asarray(PLAIN[name], np.uint8), (px, px, 3)).copy()
    if name in GRADIENTS:
        top, bottom = (np.asarray(c, np.float32) for c in GRADIENTS[name])
        ramp = np.linspace(0, 1, px, dtype=np.float32)[:, None, None]
        return np.repeat(top * (1 - ramp) + bottom * ramp, px, axis=1).round().astype(np.uint8)
    canvas = _Canvas(px, seed)
    SCENES[name](canvas)
    canvas.soften(0.004)
    return np.asarray(canvas.image.resize((px, px), Image.Resampling.BOX))
