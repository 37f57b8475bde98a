"""Picture files that say what their colours mean, in every way there is: made here, by hand where need be."""

from __future__ import annotations

import struct
import zlib

from PIL import Image, ImageCms

from studio import icc
from studio.containers import PNG_MARK, png_chunk
from tests.studio.fixtures import encoded

RGB = (200, 60, 40)
P3 = icc.PRIMARIES[12]
SIDE = 8
_AVIF_TRANSFERS = (0, 1, 2, 3, 4, 6, 8, 13, 14, 15, 16, 18)
"""Of H.273, without those with which Chromium shows no AVIF."""


def png(values: tuple[int, ...], *chunks: bytes, kind: int = 2, bits: int = 8) -> bytes:
    """A PNG of one colour; `kind`: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA."""
    row = b"\0" + struct.pack(f">{len(values)}{'H' if bits == 16 else 'B'}", *values) * SIDE
    head = struct.pack(">IIBBBBB", SIDE, SIDE, bits, kind, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(row * SIDE))
    return b"".join((PNG_MARK, png_chunk(b"IHDR", head), *chunks, pixels, png_chunk(b"IEND", b"")))


def gama(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


def chrm(said: icc.Primaries) -> bytes:
    points = (said.white, said.red, said.green, said.blue)
    return png_chunk(b"cHRM", b"".join(struct.pack(">II", *(round(v * 100_000) for v in p)) for p in points))


def cicp(primaries: int, transfer: int) -> bytes:
    return png_chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


def iccp(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


def profile(primaries: icc.Primaries | None, gamma: float, words: str = "") -> bytes:
    """A profile by the code under test; the browser that reads it, too, is the judge of that."""
    made = icc.profile(primaries, icc.Curve(gamma))
    assert made is not None
    if not words:
        return made
    told = words.encode("utf-16-be")
    record = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(told), 28) + told
    record += bytes(-len(record) % 4)
    at = made.index(b"desc", 128)
    whole = made[: at + 4] + struct.pack(">II", len(made), 28 + len(told)) + made[at + 12 :] + record
    return struct.pack(">I", len(whole)) + whole[4:]


LINEAR = profile(icc.SRGB_PRIMARIES, 1.0, "built-in Linear sRGB")
WIDE = profile(P3, 2.2, "not sRGB but wide")
GREY = profile(None, 1.0)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def broken(kind: bytes, body: bytes) -> bytes:
    """A chunk whose checksum is wrong."""
    return png_chunk(kind, body)[:-4] + b"\0\0\0\1"


def _avif(primaries: int, transfer: int) -> bytes:
    data = encoded(Image.new("RGB", (32, 32), RGB), "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def _bmp(profile: bytes) -> bytes:
    """As GIMP writes it with a profile: BITMAPV5HEADER."""
    pixels = bytes(reversed(RGB)) * SIDE * SIDE
    head = struct.pack("<IiiHHIIiiII", 124, SIDE, SIDE, 1, 24, 0, len(pixels), 2835, 2835, 0, 0) + bytes(16)
    head += b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    return (
        struct.pack("<2sIHHI", b"BM", 138 + len(pixels) + len(profile), 0, 0, 138) + head + pixels + profile
    )


def _with_profile(mode: str, colour: int | tuple[int, ...], kind: str, profile: bytes) -> bytes:
    options = {
        "JPEG": {"quality": 100, **({"subsampling": 0} if mode == "RGB" else {})},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    return encoded(Image.new(mode, (32, 32), colour), kind, icc_profile=profile, **options.get(kind, {}))


def _by_profile() -> dict[str, bytes]:
    return {
        **{
            f"{kind}, wide": _with_profile("RGB", RGB, kind, WIDE) for kind in ("PNG", "JPEG", "WEBP", "AVIF")
        },
        **{f"{kind}, linear": _with_profile("RGB", RGB, kind, LINEAR) for kind in ("PNG", "JPEG", "WEBP")},
        "BMP, wide": _bmp(WIDE),
        "JPEG of grey, grey profile": _with_profile("L", 100, "JPEG", GREY),
        "JPEG of grey, linear profile": _with_profile("L", 100, "JPEG", LINEAR),
        "JPEG, grey profile": _with_profile("RGB", RGB, "JPEG", GREY),
        "sRGB": png(RGB, iccp(SRGB)),
        "iCCP beside sRGB": png(RGB, iccp(LINEAR), png_chunk(b"sRGB", b"\0")),
        "iCCP beside gAMA": png(RGB, iccp(LINEAR), gama(0.45455)),
        "iCCP twice": png(RGB, iccp(LINEAR), iccp(WIDE)),
        "RGBA": png((*RGB, 128), iccp(WIDE), kind=6),
        "palette": png((0,), iccp(WIDE), png_chunk(b"PLTE", bytes(RGB)), kind=3),
        "grey": png((100,), iccp(GREY), kind=0),
        "grey of 16 bits": png((25700,), iccp(GREY), kind=0, bits=16),
        "grey with alpha": png((100, 200), iccp(GREY), kind=4),
        "grey, linear RGB profile": png((100,), iccp(LINEAR), kind=0),
        "RGB of 16 bits": png(tuple(257 * v for v in RGB), iccp(LINEAR), bits=16),
    }


def _by_gamma() -> dict[str, bytes]:
    gammas = (1.0, 0.55, 0.48, 0.477, 0.46, 0.45455, 0.4545, 0.44, 0.43, 0.2, 5.0, 0.01)
    return {
        **{f"gAMA {gamma}": png(RGB, gama(gamma)) for gamma in gammas},
        "gAMA 1, 16 bits": png(tuple(257 * v for v in RGB), gama(1.0), bits=16),
        "gAMA 1, grey": png((100,), gama(1.0), kind=0),
        "gAMA 1, grey of 16 bits": png((25700,), gama(1.0), kind=0, bits=16),
        "gAMA 1, palette": png((0,), gama(1.0), png_chunk(b"PLTE", bytes(RGB)), kind=3),
        "gAMA 1, RGBA": png((*RGB, 128), gama(1.0), kind=6),
        "gAMA 1 and sRGB": png(RGB, gama(1.0), png_chunk(b"sRGB", b"\0")),
        "gAMA twice": png(RGB, gama(1.0), gama(0.45455)),
        "gAMA and cHRM": png(RGB, gama(0.45455), chrm(P3)),
        "gAMA and cHRM of sRGB": png((20, 60, 120), gama(0.45455), chrm(icc.SRGB_PRIMARIES)),
        "gAMA 1 and cHRM, grey": png((100,), gama(1.0), chrm(icc.SRGB_PRIMARIES), kind=0),
        "cHRM alone": png(RGB, chrm(P3)),
        "gAMA 0": png(RGB, gama(0.0)),
    }


def _by_numbers() -> dict[str, bytes]:
    colour = (30, 120, 200)
    return {
        **{f"cICP, primaries {n}": png(RGB, cicp(n, 13)) for n in icc.PRIMARIES},
        **{f"cICP, transfer {n}": png(colour, cicp(1, n)) for n in range(18)},
        "cICP and iCCP": png(RGB, cicp(12, 13), iccp(LINEAR)),
        "cICP, unspecified, and gAMA": png(RGB, cicp(2, 2), gama(1.0)),
        "cICP, narrow": png(RGB, png_chunk(b"cICP", bytes((12, 13, 0, 0)))),
        "cICP, grey": png((100,), cicp(1, 8), kind=0),
        **{f"cICP, {t}, primaries {n}": png(colour, cicp(n, t)) for t in icc.HIGH_RANGE for n in (1, 9, 12)},
        **{
            f"cICP, {t}, grey {v}": png((v,), cicp(9, t), kind=0)
            for t in icc.HIGH_RANGE
            for v in (30, 100, 170)
        },
        **{f"cICP, {t}, bright": png((250, 190, 160), cicp(9, t)) for t in icc.HIGH_RANGE},
        **{
            f"cICP, {t}, palette": png((0,), cicp(9, t), png_chunk(b"PLTE", bytes(RGB)), kind=3)
            for t in icc.HIGH_RANGE
        },
        "cICP, PQ, 16 bits": png(tuple(257 * v for v in RGB), cicp(9, 16), bits=16),
        "cICP, PQ, RGBA": png((*RGB, 128), cicp(9, 16), kind=6),
        "cICP, PQ and iCCP": png(RGB, cicp(9, 16), iccp(LINEAR)),
        "AVIF, PQ": _avif(9, 16),
        "AVIF, HLG": _avif(9, 18),
        "AVIF, P3": _avif(12, 13),
        "AVIF, linear": _avif(1, 8),
        "cICP, HLG, white of cinemas": png(RGB, cicp(11, 18)),
        "cICP behind the palette": png((0,), png_chunk(b"PLTE", bytes(RGB)), cicp(12, 13), kind=3),
        **{f"AVIF, {p} and {t}": _avif(p, t) for p in (0, 1, 2, 12, 23) for t in _AVIF_TRANSFERS},
    }


def _damaged() -> dict[str, bytes]:
    packed = b"x\0\0" + zlib.compress(LINEAR)
    return {
        "iCCP garbage": png(RGB, png_chunk(b"iCCP", b"x\0\0garbage")),
        "iCCP empty": png(RGB, png_chunk(b"iCCP", b"")),
        "iCCP, no name": png(RGB, png_chunk(b"iCCP", packed[1:])),
        "iCCP, long name": png(RGB, png_chunk(b"iCCP", b"x" * 80 + packed)),
        "iCCP, packed otherwise": png(RGB, png_chunk(b"iCCP", b"x\0\1" + packed[3:])),
        "iCCP, no profile in it": png(RGB, iccp(b"nonsense" * 20)),
        "iCCP, checksum": png(RGB, broken(b"iCCP", packed)),
        "iCCP, checksum, and gAMA": png(RGB, broken(b"iCCP", packed), gama(1.0)),
        "gAMA empty": png(RGB, png_chunk(b"gAMA", b"")),
        "gAMA long": png(RGB, png_chunk(b"gAMA", bytes(8))),
        "gAMA, checksum": png(RGB, broken(b"gAMA", struct.pack(">I", 100_000))),
        "cHRM short": png(RGB, png_chunk(b"cHRM", b"\0\0")),
        "cHRM short, and gAMA": png(RGB, png_chunk(b"cHRM", b"\0\0"), gama(1.0)),
        "pHYs short": png(RGB, png_chunk(b"pHYs", b"\0")),
        "sRGB empty": png(RGB, png_chunk(b"sRGB", b"")),
        "sRGB empty, and gAMA": png(RGB, png_chunk(b"sRGB", b""), gama(1.0)),
        "sRGB of no known intent, and gAMA": png(RGB, png_chunk(b"sRGB", b"\x09"), gama(1.0)),
        "cICP, checksum": png(RGB, broken(b"cICP", bytes((12, 13, 0, 1)))),
    }


def _transparent() -> dict[str, bytes]:
    def key(*values: int) -> bytes:
        return png_chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))

    return {
        "grey of 16 bits, its colour": png((2570,), key(2570), kind=0, bits=16),
        "grey of 16 bits, another": png((2570,), key(2571), kind=0, bits=16),
        "grey, its colour": png((10,), key(10), kind=0),
        "RGB of 16 bits, its colour": png((2570,) * 3, key(2570, 2570, 2570), bits=16),
        "RGB of 16 bits, another": png((2570,) * 3, key(2571, 2570, 2570), bits=16),
        "RGB, its colour, and gAMA": png(RGB, gama(1.0), key(*RGB)),
    }


DAMAGED = _damaged()
TRANSPARENT = _transparent()
EVERYTHING = {
    "plain": png(RGB),
    **_by_profile(),
    **_by_gamma(),
    **_by_numbers(),
    **DAMAGED,
    **TRANSPARENT,
}
"""Files by what they try. Each can be shown by a browser."""
