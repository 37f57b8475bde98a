"""Reading pictures that come from anywhere: safely, upright, and in plain words when they cannot be read.

Stored bytes are never changed here; what models and thumbnails get is a working copy in 8-bit sRGB.
Knows Pillow; knows nothing of the collection, of records or of where files are kept.
"""

from __future__ import annotations

import hashlib
import io
import struct
import unicodedata
import zlib
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pipelines.errors import PictureRefused
from studio import colours, pixels
from studio.containers import essential_png, png_colours
from studio.pixels import THUMBNAIL_SIDE
from studio.room import MemoryBudget
from studio.tag_limit import limit_tags
from studio.tones import DEEP_MODES

limit_tags()

MAX_LABEL_CHARS = 120

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

_JPEGS = ("JPEG", "MPO")
_OPENERS = tuple(kind for kind in KINDS if kind != "MPO")  # MPO is opened as a JPEG
_FLAT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV")
_ROOM = MemoryBudget(768 * 2**20)
"""For all decoded pictures of this process."""
_STRANGERS = {
    **dict.fromkeys((b"http://", b"https://", b"[internetshortcut]", b"[desktop entry]"), "a web address"),
    **dict.fromkeys((b"<!doctype html", b"<html"), "a web page"),
}
"""How files begin that are loaded in the place of a picture."""
_START = 200
_HEAD = 2**16
"""Bytes at the beginning of an AVIF in which its colours are described."""
_JOINERS = "\u200c\u200d"
"""Invisible, but words of some scripts and many emoji fall apart without them."""
_DAMAGED = (
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
class Ingested:
    """What a readable picture file holds. Width and height are pixels after orientation."""

    width: int
    height: int
    mime: str
    extension: str
    pixel_sha256: str
    plain: bool
    """The file is an upright opaque 8-bit RGB PNG: its own working copy."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture read once for everything that taking it in needs."""

    ingested: Ingested
    thumbnails: Mapping[int, bytes]
    """WebP by longest side in px."""
    pixels: Image.Image
    """The first frame, upright, in the file's own mode."""
    turned: bool
    """Without its EXIF the file would not be upright."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A first frame, upright, in the file's own mode."""

    image: Image.Image
    kind: str
    turned: bool
    notes: tuple[str, ...]
    mended: bool = False
    """Its texts are damaged: others would not open the file."""


def take_in(data: bytes, max_pixels: int | None = None) -> Taken:
    """As `taking_in`, for whoever keeps the pixels."""
    with _taking(data, max_pixels) as taken:
        return taken


@contextmanager
def taking_in(data: bytes, max_pixels: int | None = None) -> Generator[Taken]:
    """Decode a file's bytes once: what they hold, and both thumbnails. Raises PictureRefused.

    Large pictures wait for each other, so the pixels are there for the block alone; take no other picture
    in within it.
    """
    with _taking(data, max_pixels) as taken:
        try:
            yield taken
        finally:
            taken.pixels.close()


@contextmanager
def _taking(data: bytes, max_pixels: int | None) -> Generator[Taken]:
    if not data:
        raise _empty()
    with _decoding(data, max_pixels) as decoded:
        yield Taken(_ingested(decoded), pixels.thumbnails(decoded.image), decoded.image, decoded.turned)


def _empty() -> PictureRefused:
    return PictureRefused(
        "The file is empty. Save the picture again and load that. "
        "If it is a folder, use Import a folder in the Collection.",
        field="file",
    )


def _ingested(decoded: _Decoded) -> Ingested:
    image = decoded.image
    clear = pixels.shows_through(image)
    notes = decoded.notes + _notes_on_copy(image, clear=clear)
    extension, mime = KINDS[decoded.kind]
    return Ingested(
        width=image.width,
        height=image.height,
        mime=mime,
        extension=extension,
        pixel_sha256=pixels.hash_of(image, "RGBA" if clear else "RGB"),
        plain=decoded.kind == "PNG"
        and image.mode == "RGB"
        and not (decoded.turned or decoded.mended or notes),
        notes=notes,
    )


def working_copy(path: Path, *, clear: bool = False) -> Image.Image:
    """The picture as models see it: first frame, upright, 8-bit sRGB, transparent parts white.

    `clear`: RGBA, transparent parts as they are.

    16-bit values are scaled, not cut; CMYK and what the file says of its colours are converted. Raises
    PictureRefused.
    """
    with _decoding(path) as decoded:
        return pixels.clear(decoded.image) if clear else pixels.flat(decoded.image)


def own_copy(path: Path) -> Image.Image:
    """The picture as it is: upright, 8 bits, RGB, or RGBA where it shows through, with its own ICC profile.

    What has no RGB values of 8 bits, or is in high dynamic range, becomes sRGB. Raises PictureRefused.
    """
    with _decoding(path) as decoded:
        return pixels.own(decoded.image)


def may_have_more(path: Path) -> bool:
    """Whether a file may have transparency or colours of its own, as far as its head tells."""
    try:
        with Image.open(path) as file:
            return file.format not in _JPEGS or "icc_profile" in file.info
    except (UnidentifiedImageError, *_DAMAGED):  # its working copy may be whole
        return False


@contextmanager
def plain(*paths: Path, mode: str = "RGB", copies: int = 1) -> Generator[tuple[Image.Image, ...]]:
    """Working files decoded, in `mode`, with room for them and so many copies of them while the block lasts.

    Not to be nested: whoever needs several asks for them together. Raises OSError.
    """
    with ExitStack() as held:
        files = [held.enter_context(Image.open(path)) for path in paths]
        more = sum(4 * (copies - 1) * file.width * file.height for file in files)
        held.enter_context(_ROOM.taken(sum(map(_bytes_of, files)) + more))
        yield tuple(file.convert(mode) for file in files)


def thumbnail(path: Path, side: int = THUMBNAIL_SIDE) -> bytes:
    """A WebP of the working copy, longest side `side` px or less. Raises PictureRefused."""
    with _decoding(path, at_least=2 * side) as decoded:
        return pixels.webp(pixels.small(decoded.image, side))


def pixel_sha256(width: int, height: int, rgb: bytes, alpha: bytes = b"") -> str:
    """Identity of an 8-bit picture under any file format and metadata. Opaque `alpha` counts as none."""
    if alpha and min(alpha) < 255:
        picture = Image.frombytes("RGB", (width, height), rgb)
        picture.putalpha(Image.frombytes("L", (width, height), alpha))
        return pixels.hash_of(picture, "RGBA")
    digest = hashlib.sha256(f"{width}x{height} RGB\n".encode())
    digest.update(rgb)
    return digest.hexdigest()


def sha256(data: bytes) -> str:
    """Identity of a file, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def display_name(filename: str) -> str:
    """A file's name as text to show: without folders and invisible characters, at most 120 long."""
    base = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return visible(base)[:MAX_LABEL_CHARS].strip(" .") or "Upload"


def visible(text: str) -> str:
    """The text on one line, without control and direction characters; emoji stay whole."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


@contextmanager
def _decoding(
    source: Path | bytes, max_pixels: int | None = None, at_least: int | None = None
) -> Generator[_Decoded]:
    """A decoded picture, with room for it and its copies.

    `at_least`: JPEGs may be decoded smaller, with no side below it (px). Damage in a PNG's texts, or in what
    it says of its colours, is no damage of the picture: it is decoded without them.
    """
    with ExitStack() as held:
        try:
            with _file(source) as file, _refusing(), _saying_what_it_is(file):
                decoded = _opened(file, max_pixels, at_least, held)
        except PictureRefused as refusal:
            held.close()
            bare = _without_damage(source, refusal)
            with _refusing():
                decoded = replace(_opened(io.BytesIO(bare), max_pixels, at_least, held), mended=True)
        yield decoded


def _without_damage(source: Path | bytes, refusal: PictureRefused) -> bytes:
    """The essential part of a PNG. Raises `refusal` where nothing can be left out."""
    if not isinstance(refusal.__cause__, _DAMAGED):
        raise refusal
    data = source if isinstance(source, bytes) else source.read_bytes()
    bare = essential_png(data)
    if len(bare) >= len(data):
        raise refusal
    return bare


def _file(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _opened(file: BinaryIO, max_pixels: int | None, at_least: int | None, held: ExitStack) -> _Decoded:
    with Image.open(file, formats=_OPENERS) as image:
        if max_pixels is not None:
            _check_size(image, max_pixels)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        kind, notes = image.format or "", _notes_on_file(image)
        held.enter_context(_ROOM.taken(_bytes_of(image)))
        image.load()
        notes += _say_colours(image, file)
        turned = _make_upright(image)
    if image.mode not in _FLAT_MODES + DEEP_MODES:
        raise PictureRefused(
            f"Pictures with {image.mode} colours cannot be read here. Save it as RGB and load that.",
            field="file",
        )
    return _Decoded(image, kind, turned, notes)


def _bytes_of(image: Image.Image) -> int:
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
    bright = None if image.format == "AVIF" and meant else colours.high_range(image, head, said)
    if bright is not None:
        image.info[colours.RANGE] = bright
        return (_TONED_DOWN,)
    if meant:
        image.info["icc_profile"] = meant
    return ()


@contextmanager
def _refusing() -> Generator[None]:
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
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise PictureRefused(
            "The picture is damaged or incomplete. Save or download it again and load that.", field="file"
        ) from error


@contextmanager
def _saying_what_it_is(file: BinaryIO) -> Generator[None]:
    """Drops from web pages and desktops bring addresses and pages where a picture is meant."""
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
    except _DAMAGED:
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


def _notes_on_copy(image: Image.Image, *, clear: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if image.mode == "CMYK":
        notes.append("The picture has print colours (CMYK); it is worked on in RGB.")
    elif colours.RANGE not in image.info and colours.conversion(image) is not None:
        notes.append("The picture has its own colour profile; it is worked on in sRGB.")
    if clear:
        notes.append("Transparent parts of the picture are worked on as white.")
    return tuple(notes)
