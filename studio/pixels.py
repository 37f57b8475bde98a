"""Decoded pictures strip by strip: in 8 bits, in sRGB on white, small, or as a hash.

Copies of a whole picture are large, and many are worked on at once: none is made that is not handed out.
Knows Pillow; knows no files.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

from PIL import Image

from studio import colours
from studio.tones import DEEP_MODES, Tones, tones_of

SMALL_SIDE, THUMBNAIL_SIDE = 192, 384
"""Longest sides in px of the two thumbnails: of grids, and of what is shown alone."""
_READY_MODES = ("L", "LA", "RGB", "RGBA", "CMYK")
"""8-bit modes that can be scaled and converted as they are."""
_STRIP = 2**20
"""Pixels that are worked on at once."""


def flat(image: Image.Image) -> Image.Image:
    """RGB by what the picture says of its colours, on white."""
    to_srgb = colours.conversion(image)
    if to_srgb is None and image.mode == "RGB" and not image.has_transparency_data:
        return image
    pixels = Image.new("RGB", image.size)
    for top, part in _strips(image):
        pixels.paste(_on_white(part if to_srgb is None else to_srgb.apply(part)), (0, top))
    return pixels


def clear(image: Image.Image) -> Image.Image:
    """RGBA by what the picture says of its colours."""
    to_srgb = colours.conversion(image)
    seen = Image.new("RGBA", image.size)
    for top, part in _strips(image):
        seen.paste((part if to_srgb is None else to_srgb.apply(part)).convert("RGBA"), (0, top))
    return seen


def own(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where it shows through, with the profile that says what the values mean in its `info`."""
    see_through = shows_through(image)
    foreign = image.mode not in ("RGB", "RGBA") or colours.RANGE in image.info
    if foreign or (image.mode == "RGB" and image.has_transparency_data):
        return clear(image) if see_through else flat(image)
    kept = image.convert("RGBA" if see_through else "RGB")
    profile = image.info.get("icc_profile") if colours.conversion(image) is not None else None
    kept.info = {"icc_profile": profile} if profile else {}
    return kept


def _on_white(part: Image.Image) -> Image.Image:
    if not _has_alpha(part):
        return part.convert("RGB")
    with_alpha = part.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", part.size, "white"), with_alpha).convert("RGB")


def thumbnails(image: Image.Image) -> dict[int, bytes]:
    """Both thumbnails as WebP, by their longest side in px."""
    large = small(image, THUMBNAIL_SIDE)
    return {THUMBNAIL_SIDE: webp(large), SMALL_SIDE: webp(_scaled_down(large, SMALL_SIDE))}


def small(image: Image.Image, side: int) -> Image.Image:
    """RGB, the longest side `side` px or less. Scaled before colours are converted: that is less work."""
    ready = image.mode in _READY_MODES and "transparency" not in image.info
    return flat(_scaled_down(image if ready else _whole(image), side))


def webp(picture: Image.Image) -> bytes:
    """A thumbnail's file."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=0)  # the quickest: a tenth more bytes
    return buffer.getvalue()


def shows_through(image: Image.Image) -> bool:
    """Some pixel is not opaque."""
    if not image.has_transparency_data:
        return False
    parts = (part.getchannel("A") for _, part in _strips(image) if _has_alpha(part))
    return any(alpha.histogram()[255] < alpha.width * alpha.height for alpha in parts)


def hash_of(image: Image.Image, mode: str) -> str:
    """As `pixel_sha256`, of RGB or RGBA."""
    digest = hashlib.sha256(f"{image.width}x{image.height} {mode}\n".encode())
    for _, part in _strips(image):
        digest.update(part.convert(mode).tobytes())
    return digest.hexdigest()


def _scaled_down(picture: Image.Image, side: int) -> Image.Image:
    """A smaller copy; large steps by averaging first, which is four times as fast and looks the same."""
    if max(picture.size) <= side:
        return picture
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.HAMMING, reducing_gap=1.0)


def _whole(image: Image.Image) -> Image.Image:
    """The picture in a mode that is ready to be scaled; its `info` says of colours what it said."""
    whole: Image.Image | None = None
    for top, part in _strips(image):
        whole = whole or Image.new(part.mode, image.size)
        whole.paste(part, (0, top))
    assert whole is not None  # no picture is without rows
    whole.info = {key: image.info[key] for key in ("icc_profile",) if key in image.info}
    return whole


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """(top, part) of the picture in L, LA, RGB, RGBA or CMYK, all parts alike."""

    def parts() -> Iterator[Image.Image]:
        rows = max(1, _STRIP // image.width)
        for top in range(0, image.height, rows):
            yield image.crop((0, top, image.width, min(image.height, top + rows)))

    tones = tones_of(image.mode, parts) if image.mode in DEEP_MODES else None
    top = 0
    for part in parts():
        yield top, _eight_bit(part, tones)
        top += part.height


def _eight_bit(part: Image.Image, tones: Tones | None) -> Image.Image:
    if tones is not None:
        return tones(part)
    if part.has_transparency_data and part.mode not in ("LA", "RGBA"):
        return part.convert("RGBA")
    return part if part.mode in _READY_MODES else part.convert("RGB")


def _has_alpha(part: Image.Image) -> bool:
    return part.mode in ("LA", "RGBA")
