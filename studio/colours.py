"""What the colour values of a file mean, and how they become sRGB: as browsers read them.

A PNG says it in cICP, iCCP, sRGB, or gAMA with cHRM, and the first of these counts; an AVIF without a profile
in numbers of H.273; other formats by an embedded profile. Knows Pillow and ICC; decodes nothing.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

from PIL import Image, ImageCms

from studio import icc
from studio.containers import png_profile
from studio.high_range import ToneMapping

_SAME = 2
"""Levels of 255 within which a profile says sRGB: nothing is converted then."""
_GREY_MODES = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_USUAL_GAMMA, _NEARLY = 1 / 2.2, 0.05
"""A gAMA as near as this to the usual one says nothing new, where cHRM does not stand beside it."""
_NCLX = b"colrnclx"
_RESERVED = (0, 3)
"""Transfers that mean nothing."""
_CAMERAS = (1, 6, 14, 15)
"""Transfers of cameras. In an AVIF they stand for the curve of sRGB, as in the pictures that say nothing."""
_SRGB = ImageCms.ImageCmsProfile(
    ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
)
_SPACES: Mapping[str, tuple[bytes, ...]] = {"grey": (b"GRAY", b"RGB "), "CMYK": (b"CMYK",)}
_CANNOT = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


RANGE = "likeness_range"
HighRange = tuple[icc.Primaries, int]
"""Primaries and transfer of H.273."""


class Conversion:
    """From a picture's own colours to sRGB."""

    def __init__(self, profile: bytes) -> None:
        """Raises what Pillow raises for a profile that cannot be used."""
        space = profile[16:20]
        self._mode = {b"GRAY": "L", b"CMYK": "CMYK"}.get(space, "RGB")
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        self._transform = ImageCms.buildTransform(opened, _SRGB, self._mode, "RGB")

    def changes_nothing(self) -> bool:
        """It goes from sRGB to sRGB, as far as 8 bits tell."""
        if self._mode == "CMYK":
            return False
        probe = _probe(self._mode)
        before, after = probe.convert("RGB").tobytes(), self.apply(probe).tobytes()
        return max(abs(a - b) for a, b in zip(before, after, strict=True)) <= _SAME

    def apply(self, picture: Image.Image) -> Image.Image:
        """RGB, or RGBA, of an 8-bit L, LA, RGB, RGBA or CMYK picture."""
        alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
        colours = picture if picture.mode == self._mode else picture.convert(self._mode)
        converted = ImageCms.applyTransform(colours, self._transform)
        assert converted is not None  # it is, where nothing is changed in place
        if alpha is not None:
            converted.putalpha(alpha)
        return converted


def conversion(image: Image.Image) -> Conversion | ToneMapping | None:
    """By the range or profile in its `info`; None where it has none to go by, or one that says sRGB."""
    if (numbers := image.info.get(RANGE)) is not None:
        return ToneMapping(*numbers)
    profile = image.info.get("icc_profile")
    kind = "grey" if image.mode in _GREY_MODES else image.mode
    if not isinstance(profile, bytes) or profile[16:20] not in _SPACES.get(kind, (b"RGB ",)):
        return None
    if int.from_bytes(profile[:4], "big") > len(profile):
        return None  # cut short: browsers use none of it
    try:
        made = Conversion(profile)
        return None if made.changes_nothing() else made
    except _CANNOT:
        return None


def meant_by_png(chunks: Mapping[bytes, bytes], *, grey: bool) -> bytes | None:
    """The profile by which a PNG's values are meant, from its sound colour chunks; None: sRGB."""
    primaries, curve = icc.SRGB_PRIMARIES, icc.SRGB_CURVE
    if (numbers := _numbers(chunks.get(b"cICP", b""))) is not None:
        primaries, curve = numbers
    elif (own := png_profile(chunks.get(b"iCCP", b""))) is not None:
        return own
    elif b"sRGB" not in chunks and (gamma := _gamma(chunks)) is not None:
        curve = icc.Curve(1 / gamma)
        primaries = _chromaticities(chunks) or primaries
        usual = abs(gamma / _USUAL_GAMMA - 1) < _NEARLY and b"cHRM" not in chunks
        curve = icc.SRGB_CURVE if usual else curve
    if (primaries, curve) == (icc.SRGB_PRIMARIES, icc.SRGB_CURVE):
        return None
    return icc.profile(None if grey else primaries, curve)


def meant_by_avif(head: bytes) -> bytes | None:
    """The profile that an AVIF's numbers describe, from its first bytes; None: sRGB, or not said."""
    numbers = _avif_numbers(head)
    if numbers is None or numbers[1] in icc.HIGH_RANGE:
        return None
    primaries = icc.PRIMARIES.get(numbers[0], icc.SRGB_PRIMARIES)
    curve = icc.SRGB_CURVE if numbers[1] in _CAMERAS else icc.CURVES.get(numbers[1], icc.SRGB_CURVE)
    if (primaries, curve) == (icc.SRGB_PRIMARIES, icc.SRGB_CURVE):
        return None
    return icc.profile(primaries, curve)


def _avif_numbers(head: bytes) -> tuple[int, int] | None:
    """Primaries and transfer of H.273; None where one of them is said to be none."""
    at = head.find(_NCLX)
    if at < 0 or len(head) < at + 12:
        return None
    primaries, transfer = struct.unpack_from(">HH", head, at + len(_NCLX))
    return None if primaries == 0 or transfer in _RESERVED else (primaries, transfer)


def high_range(image: Image.Image, head: bytes, chunks: Mapping[bytes, bytes]) -> HighRange | None:
    """What stands in `info[RANGE]` of a PNG or AVIF that is meant for brighter screens (PQ, HLG)."""
    if image.format == "PNG":
        cicp = chunks.get(b"cICP", b"")
        numbers = (cicp[0], cicp[1]) if len(cicp) == 4 and cicp[2:] == b"\0\1" else None
        primaries = icc.PRIMARIES.get(numbers[0]) if numbers else None
    else:
        numbers = _avif_numbers(head) if image.format == "AVIF" else None
        primaries = icc.PRIMARIES.get(numbers[0], icc.SRGB_PRIMARIES) if numbers else None
    if numbers is None or primaries is None or numbers[1] not in icc.HIGH_RANGE:
        return None
    return primaries, numbers[1]


def _numbers(cicp: bytes) -> tuple[icc.Primaries, icc.Curve] | None:
    """What a cICP chunk says: only RGB in full range is used."""
    if len(cicp) != 4 or cicp[2] != 0 or cicp[3] != 1:
        return None
    return _curve_of(cicp[0], cicp[1])


def _curve_of(primaries: int, transfer: int) -> tuple[icc.Primaries, icc.Curve] | None:
    if primaries not in icc.PRIMARIES or transfer not in icc.CURVES:
        return None
    return icc.PRIMARIES[primaries], icc.CURVES[transfer]


def _gamma(chunks: Mapping[bytes, bytes]) -> float | None:
    body = chunks.get(b"gAMA", b"")
    value = int.from_bytes(body, "big") / 100_000 if len(body) == 4 else 0.0
    return value if 0 < value < 2**31 / 100_000 else None


def _chromaticities(chunks: Mapping[bytes, bytes]) -> icc.Primaries | None:
    """None where they are not said, or describe no colours."""
    body = chunks.get(b"cHRM", b"")
    if len(body) != 32:
        return None
    white, red, green, blue = ((x / 100_000, y / 100_000) for x, y in struct.iter_unpack(">ii", body))
    said = icc.Primaries(red, green, blue, white)
    return said if icc.profile(said, icc.SRGB_CURVE) is not None else None


def _probe(mode: str) -> Image.Image:
    """Colours all over the cube, as RGB; every grey, as L."""
    if mode == "L":
        return Image.frombytes("L", (256, 1), bytes(range(256)))
    steps = range(0, 256, 51)
    cube = bytes(value for red in steps for green in steps for blue in steps for value in (red, green, blue))
    return Image.frombytes("RGB", (len(cube) // 3, 1), cube)
