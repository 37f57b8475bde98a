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
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from pipelines.errors import PictureRefused
from studio.containers import essential_png
from studio.tag_limit import limit_tags

limit_tags()

SMALL_SIDE, THUMBNAIL_SIDE = 192, 384
"""Longest sides in px of the two thumbnails: of grids, and of what is shown alone."""
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

_OPENERS = tuple(kind for kind in KINDS if kind != "MPO")  # MPO is opened as a JPEG
_FLAT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV")
_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
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


def read_picture(path: Path, max_pixels: int | None = None) -> Ingested:
    """Decode the whole file and say what it holds; pictures of more than `max_pixels` are not decoded.

    Raises PictureRefused with words for the artist.
    """
    if path.stat().st_size == 0:
        raise PictureRefused("The file is empty. Save the picture again and load that.", field="file")
    return _ingested(_decode(path, max_pixels))[0]


def take_in(data: bytes, max_pixels: int | None = None) -> Taken:
    """Decode a file's bytes once: what they hold, and both thumbnails. Raises PictureRefused."""
    if not data:
        raise PictureRefused("The file is empty. Save the picture again and load that.", field="file")
    decoded = _decode(data, max_pixels)
    ingested, pixels = _ingested(decoded)
    seen = pixels if pixels.mode == "RGB" and _own_profile(decoded.image) is None else flat(decoded.image)
    return Taken(ingested, thumbnails(seen), decoded.image, decoded.turned)


def _ingested(decoded: _Decoded) -> tuple[Ingested, Image.Image]:
    """What was decoded, and its 8-bit pixels."""
    pixels = _eight_bit(decoded.image)
    notes = decoded.notes + _notes_on_copy(decoded.image, pixels)
    extension, mime = KINDS[decoded.kind]
    ingested = Ingested(
        width=pixels.width,
        height=pixels.height,
        mime=mime,
        extension=extension,
        pixel_sha256=_hash_of(pixels),
        plain=decoded.kind == "PNG"
        and decoded.image.mode == "RGB"
        and not (decoded.turned or decoded.mended or notes),
        notes=notes,
    )
    return ingested, pixels


def working_copy(path: Path) -> Image.Image:
    """The picture as models see it: first frame, upright, 8-bit sRGB, transparent parts white.

    16-bit values are scaled, not cut; CMYK and embedded colour profiles are converted. Raises
    PictureRefused.
    """
    return flat(_decode(path).image)


def thumbnail(path: Path, side: int = THUMBNAIL_SIDE) -> bytes:
    """A WebP of the working copy, longest side `side` px or less. Raises PictureRefused."""
    return _webp(_scaled_down(flat(_decode(path, at_least=2 * side).image), side))


def thumbnails(flat: Image.Image) -> dict[int, bytes]:
    """Both thumbnails of an RGB picture as WebP, by their longest side in px."""
    large = _scaled_down(flat, THUMBNAIL_SIDE)
    return {THUMBNAIL_SIDE: _webp(large), SMALL_SIDE: _webp(_scaled_down(large, SMALL_SIDE))}


def _scaled_down(picture: Image.Image, side: int) -> Image.Image:
    """A smaller copy; large steps by averaging first, which is four times as fast and looks the same."""
    if max(picture.size) <= side:
        return picture
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.HAMMING, reducing_gap=1.0)


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=0)  # the quickest: a tenth more bytes
    return buffer.getvalue()


def pixel_sha256(width: int, height: int, rgb: bytes) -> str:
    """Identity of an 8-bit RGB picture under any file format and metadata."""
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


def _decode(source: Path | bytes, max_pixels: int | None = None, at_least: int | None = None) -> _Decoded:
    """`at_least`: JPEGs may be decoded smaller, with no side below it (px).

    Damage in a PNG's texts is no damage of the picture: it is decoded without them.
    """
    try:
        with _refusing():
            return _opened(io.BytesIO(source) if isinstance(source, bytes) else source, max_pixels, at_least)
    except PictureRefused as refusal:
        if not isinstance(refusal.__cause__, _DAMAGED):
            raise
        data = source if isinstance(source, bytes) else source.read_bytes()
        bare = essential_png(data)
        if len(bare) >= len(data):
            raise
    with _refusing():
        return replace(_opened(io.BytesIO(bare), max_pixels, at_least), mended=True)


def _opened(source: Path | io.BytesIO, max_pixels: int | None, at_least: int | None) -> _Decoded:
    with Image.open(source, formats=_OPENERS) as image:
        if max_pixels is not None:
            _check_size(image, max_pixels)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        kind, notes = image.format or "", _notes_on_file(image)
        image.load()
        turned = _make_upright(image)
    if image.mode not in _FLAT_MODES + _DEEP_MODES:
        raise PictureRefused(
            f"Pictures with {image.mode} colours cannot be read here. Save it as RGB and load that.",
            field="file",
        )
    return _Decoded(image, kind, turned, notes)


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


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise PictureRefused(
            f"The picture is too large: {image.width} x {image.height} px. "
            f"Make it smaller than {max_pixels // 1_000_000} megapixels and load it again.",
            field="file",
        )


def flat(image: Image.Image) -> Image.Image:
    """RGB by the picture's own colour profile, on white."""
    pixels = _eight_bit(_in_srgb(image))
    if pixels.mode == "RGB":
        return pixels
    white = Image.new("RGBA", pixels.size, "white")
    return Image.alpha_composite(white, pixels).convert("RGB")


def _make_upright(image: Image.Image) -> bool:
    """Turn the decoded picture as EXIF says; True where it did. Broken EXIF turns nothing."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
        ImageOps.exif_transpose(image, in_place=True)
    except _DAMAGED:
        return False
    return turned


def _eight_bit(image: Image.Image) -> Image.Image:
    """RGBA where something shows through, else RGB."""
    if image.mode in _DEEP_MODES:
        image = _scaled(image)
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        if with_alpha.getchannel("A").getextrema() != (255, 255):
            return with_alpha
        return with_alpha.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """Grey of 16 bits or more to 8, keeping the whole range of tones."""
    import numpy as np

    values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    if image.mode == "F" and top <= 1.0:
        white = 1.0
    elif image.mode == "F" and top <= 255.0:
        white = 255.0
    else:
        white = max(65535.0, top)
    return Image.fromarray(np.rint(values.clip(0.0, white) * (255.0 / white)).astype(np.uint8))


def _own_profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded colour profile, where there is one that fits the pixels and is not sRGB already."""
    data = image.info.get("icc_profile")
    space = {"L": b"GRAY", "CMYK": b"CMYK"}.get(image.mode, b"RGB ")
    if not data or data[16:20] != space:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        known = "srgb" in ImageCms.getProfileDescription(profile).lower()
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if known else profile


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture converted by its own profile, or as it is where it has none to go by."""
    profile = _own_profile(image)
    if profile is None:
        return image
    source = image if image.mode in ("L", "CMYK") else _eight_bit(image)
    mode = "RGBA" if source.mode == "RGBA" else "RGB"
    try:
        converted = ImageCms.profileToProfile(
            source, profile, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except ImageCms.PyCMSError:
        return image
    return converted or image


def _notes_on_file(image: Image.Image) -> tuple[str, ...]:
    notes: list[str] = []
    if image.format != "MPO" and getattr(image, "is_animated", False):
        several = "several pages" if image.format == "TIFF" else "an animation"
        notes.append(f"The file holds {several}; the first picture of it is used.")
    if ";16" in str(getattr(image, "tile", "")) or image.mode in _DEEP_MODES:
        notes.append("The picture has more than 8 bits per colour; it is worked on with 8.")
    return tuple(notes)


def _notes_on_copy(image: Image.Image, pixels: Image.Image) -> tuple[str, ...]:
    notes: list[str] = []
    if image.mode == "CMYK":
        notes.append("The picture has print colours (CMYK); it is worked on in RGB.")
    elif _own_profile(image) is not None:
        notes.append("The picture has its own colour profile; it is worked on in sRGB.")
    if pixels.mode == "RGBA":
        notes.append("Transparent parts of the picture are worked on as white.")
    return tuple(notes)


def _hash_of(pixels: Image.Image) -> str:
    if pixels.mode == "RGB":
        return pixel_sha256(pixels.width, pixels.height, pixels.tobytes())
    head = f"{pixels.width}x{pixels.height} {pixels.mode}\n".encode()
    return hashlib.sha256(head + pixels.tobytes()).hexdigest()
