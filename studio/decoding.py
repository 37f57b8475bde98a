"""Opening picture files that come from anywhere: bounded in size and memory, upright, refused in plain words.

What is damaged about a PNG beside its pixels is left out. Knows Pillow; knows nothing of copies and of where
files are kept.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pipelines.errors import PictureRefused
from studio import colours
from studio.containers import bmp_profile, essential_png, png_colours
from studio.room import MemoryBudget
from studio.tag_limit import limit_tags
from studio.tones import DEEP_MODES

limit_tags()

KINDS = {
    "PNG": ("png", "image/png"),
    "JPEG": ("jpg", "image/jpeg"),
    "MPO": ("jpg", "image/jpeg"),
    "WEBP": ("webp", "image/webp"),
    "GIF": ("gif", "image/gif"),
    "BMP": ("bmp", "image/bmp"),
    "TIFF": ("tiff", "image/tiff"),
    "AVIF": ("avif", "image/avif"),
}
"""Pillow's format name → (file extension, mime type) of what is taken in."""

JPEGS = ("JPEG", "MPO")
_OPENERS = tuple(kind for kind in KINDS if kind != "MPO")  # MPO is opened as a JPEG
_FLAT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV")
ROOM = MemoryBudget(768 * 2**20)
"""For all decoded pictures of this process."""
_STRANGERS = {
    **dict.fromkeys((b"http://", b"https://", b"[internetshortcut]", b"[desktop entry]"), "a web address"),
    **dict.fromkeys((b"<!doctype html", b"<html"), "a web page"),
}
"""How files begin that are loaded in the place of a picture."""
_START = 200
_HEAD = 2**16
"""Bytes at the beginning of an AVIF in which its colours are described."""
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders are known to raise on broken files."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A first frame, upright, in the file's own mode."""

    image: Image.Image
    kind: str
    turned: bool
    notes: tuple[str, ...]
    mended: bool = False
    """Its texts are damaged: others would not open the file."""


@contextmanager
def first_frame(
    source: Path | bytes, max_pixels: int | None = None, at_least: int | None = None
) -> Generator[Decoded]:
    """A decoded picture, with room for it and its copies.

    `at_least`: JPEGs may be decoded smaller, with no side below it (px). Damage in a PNG's texts, or in what
    it says of its colours, is no damage of the picture: it is decoded without them.
    """
    with ExitStack() as held:
        try:
            with _file(source) as file, refusing(), _saying_what_it_is(file):
                decoded = _opened(file, max_pixels, at_least, held)
        except PictureRefused as refusal:
            held.close()
            bare = _without_damage(source, refusal)
            with refusing():
                decoded = replace(_opened(io.BytesIO(bare), max_pixels, at_least, held), mended=True)
        yield decoded


def _without_damage(source: Path | bytes, refusal: PictureRefused) -> bytes:
    """The essential part of a PNG. Raises `refusal` where nothing can be left out."""
    if not isinstance(refusal.__cause__, DAMAGED):
        raise refusal
    data = source if isinstance(source, bytes) else source.read_bytes()
    bare = essential_png(data)
    if len(bare) >= len(data):
        raise refusal
    return bare


def _file(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _opened(file: BinaryIO, max_pixels: int | None, at_least: int | None, held: ExitStack) -> Decoded:
    with Image.open(file, formats=_OPENERS) as image:
        if max_pixels is not None:
            _check_size(image, max_pixels)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        kind, notes = image.format or "", _notes_on_file(image)
        held.enter_context(ROOM.taken(bytes_needed(image)))
        image.load()
        notes += _say_colours(image, file)
        turned = _make_upright(image)
    if image.mode not in _FLAT_MODES + DEEP_MODES:
        raise PictureRefused(
            f"Pictures with {image.mode} colours cannot be read here. Save it as RGB and load that.",
            field="file",
        )
    return Decoded(image, kind, turned, notes)


def bytes_needed(image: Image.Image) -> int:
    """What decoding it takes: its own pixels, one copy, and what some decoders keep beside them."""
    stored = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4
    beside = 8 if image.format in ("WEBP", "AVIF") else 0
    return image.width * image.height * (stored + 4 + beside)


_TONED_DOWN = "The picture is in high dynamic range; it is worked on in sRGB, with its highlights toned down."


def _say_colours(image: Image.Image, file: BinaryIO) -> tuple[str, ...]:
    """Put the profile by which the values are meant into its `info`, and say what cannot be followed."""
    meant, said = image.info.pop("icc_profile", None), {}
    image.info.pop(colours.RANGE, None)  # a file may call a text of its own so
    file.seek(0)
    head = file.read(_HEAD)
    if image.format == "PNG":
        file.seek(0)
        said = png_colours(file)
        meant = colours.meant_by_png(said, grey=image.mode in ("1", "L", "LA", *DEEP_MODES))
    elif image.format == "AVIF" and not meant:
        meant = colours.meant_by_avif(head)
    elif image.format == "BMP":
        meant = bmp_profile(file)
    bright = None if image.format == "AVIF" and meant else colours.high_range(image, head, said)
    if bright is not None:
        image.info[colours.RANGE] = bright
        return (_TONED_DOWN,)
    if meant:
        image.info["icc_profile"] = meant
    return ()


@contextmanager
def refusing() -> Generator[None]:
    """Turn what decoders raise into words; failures of the disk pass."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise PictureRefused(
            "This is not a picture that can be read here. Save it as PNG, JPEG or WebP and load that.",
            field="file",
        ) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise PictureRefused(
            "The picture is too large. Make it smaller and load it again.", field="file"
        ) from error
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise PictureRefused(
            "The picture is damaged or incomplete. Save or download it again and load that.", field="file"
        ) from error


@contextmanager
def _saying_what_it_is(file: BinaryIO) -> Generator[None]:
    """Refuse addresses and web pages by name: dragging from a browser often brings these, not the picture."""
    try:
        yield
    except UnidentifiedImageError as error:
        file.seek(0)
        start = file.read(_START).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        what = next((what for mark, what in _STRANGERS.items() if start.startswith(mark)), None)
        if what is None:
            raise
        raise PictureRefused(
            f"This is {what}, not a picture. Open it, save the picture itself, and load the saved file.",
            field="file",
        ) from error


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise PictureRefused(
            f"The picture is too large: {image.width} x {image.height} px. "
            f"Make it smaller than {max_pixels // 1_000_000} megapixels and load it again.",
            field="file",
        )


def _make_upright(image: Image.Image) -> bool:
    """Turn the decoded picture as EXIF says; True where it did. Broken EXIF turns nothing."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
        ImageOps.exif_transpose(image, in_place=True)
    except DAMAGED:
        return False
    return turned


def _notes_on_file(image: Image.Image) -> tuple[str, ...]:
    notes: list[str] = []
    if image.format != "MPO" and getattr(image, "is_animated", False):
        several = "several pages" if image.format == "TIFF" else "an animation"
        notes.append(f"The file holds {several}; the first picture of it is used.")
    if ";16" in str(getattr(image, "tile", "")) or image.mode in DEEP_MODES:
        notes.append("The picture has more than 8 bits per colour; it is worked on with 8.")
    return tuple(notes)
