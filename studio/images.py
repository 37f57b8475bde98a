"""Reading pictures that come from anywhere: safely, upright, and in plain words when they cannot be read.

Stored bytes are never changed here; what models and thumbnails get is a working copy in 8-bit sRGB.
Knows Pillow; knows nothing of the collection, of records or of where files are kept.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from pipelines.errors import PictureRefused
from studio import colours, decoding, pixels
from studio.decoding import Decoded
from studio.pixels import THUMBNAIL_SIDE

MAX_LABEL_CHARS = 120
_JOINERS = "\u200c\u200d"
"""Invisible, but words of some scripts and many emoji fall apart without them."""


@dataclass(frozen=True, slots=True)
class PictureFacts:
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
class Ingested:
    """A picture read once for everything that taking it in needs."""

    facts: PictureFacts
    thumbnails: Mapping[int, bytes]
    """WebP by longest side in px."""
    pixels: Image.Image
    """The first frame, upright, in the file's own mode."""
    turned: bool
    """Without its EXIF the file would not be upright."""


def ingest(data: bytes, max_pixels: int | None = None) -> Ingested:
    """As `ingesting`, for whoever keeps the pixels."""
    with _ingesting(data, max_pixels) as taken:
        return taken


@contextmanager
def ingesting(data: bytes, max_pixels: int | None = None) -> Generator[Ingested]:
    """Decode a file's bytes once: what they hold, and both thumbnails. Raises PictureRefused.

    Large pictures wait for each other, so the pixels are there for the block alone; ingest no other picture
    within it.
    """
    with _ingesting(data, max_pixels) as taken:
        try:
            yield taken
        finally:
            taken.pixels.close()


@contextmanager
def _ingesting(data: bytes, max_pixels: int | None) -> Generator[Ingested]:
    if not data:
        raise _empty()
    with decoding.first_frame(data, max_pixels) as decoded:
        yield Ingested(_facts(decoded), pixels.thumbnails(decoded.image), decoded.image, decoded.turned)


def _empty() -> PictureRefused:
    return PictureRefused(
        "The file is empty. Save the picture again and load that. "
        "If it is a folder, use Import a folder in the Collection.",
        field="file",
    )


def _facts(decoded: Decoded) -> PictureFacts:
    image = decoded.image
    clear = pixels.shows_through(image)
    notes = decoded.notes + _notes_on_copy(image, clear=clear)
    extension, mime = decoding.KINDS[decoded.kind]
    return PictureFacts(
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
    with decoding.first_frame(path) as decoded:
        return pixels.clear(decoded.image) if clear else pixels.flat(decoded.image)


def own_copy(path: Path) -> Image.Image:
    """The picture as it is: upright, 8 bits, RGB, or RGBA where it shows through, with its own ICC profile.

    What has no RGB values of 8 bits, or is in high dynamic range, becomes sRGB. Raises PictureRefused.
    """
    with decoding.first_frame(path) as decoded:
        return pixels.own(decoded.image)


def may_have_more(path: Path) -> bool:
    """Whether a file may have transparency or colours of its own, as far as its head tells."""
    try:
        with Image.open(path) as file:
            return file.format not in decoding.JPEGS or "icc_profile" in file.info
    except (UnidentifiedImageError, *decoding.DAMAGED):  # its working copy may be whole
        return False


@contextmanager
def plain(*paths: Path, mode: str = "RGB", copies: int = 1) -> Generator[tuple[Image.Image, ...]]:
    """Working files decoded, in `mode`, with room for them and so many copies of them while the block lasts.

    Not to be nested: whoever needs several asks for them together. Raises PictureRefused, OSError.
    """
    with ExitStack() as held:
        with decoding.refusing():
            files = [held.enter_context(Image.open(path)) for path in paths]
            more = sum(4 * (copies - 1) * file.width * file.height for file in files)
            held.enter_context(decoding.ROOM.taken(sum(map(decoding.bytes_needed, files)) + more))
            pictures = tuple(file.convert(mode) for file in files)
        yield pictures


def thumbnail(path: Path, side: int = THUMBNAIL_SIDE) -> bytes:
    """A WebP of the working copy, longest side `side` px or less. Raises PictureRefused."""
    with decoding.first_frame(path, at_least=2 * side) as decoded:
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


def _notes_on_copy(image: Image.Image, *, clear: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if image.mode == "CMYK":
        notes.append("The picture has print colours (CMYK); it is worked on in RGB.")
    elif colours.RANGE not in image.info and colours.conversion(image) is not None:
        notes.append("The picture has its own colour profile; it is worked on in sRGB.")
    if clear:
        notes.append("Transparent parts of the picture are worked on as white.")
    return tuple(notes)
