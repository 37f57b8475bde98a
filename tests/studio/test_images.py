"""Every kind of file an artist may load: read with the right pixels, or refused in plain words."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from pipelines.errors import PictureRefused
from studio import decoding, images, pixels
from studio.images import PictureFacts
from studio.room import MemoryBudget
from tests.studio import colour_files
from tests.studio.fixtures import encoded, noise

LIMIT = 64_000_000


@pytest.fixture
def read() -> Callable[[bytes], PictureFacts]:
    return lambda data: images.ingest(data, LIMIT).facts


@pytest.fixture
def worked(tmp_path: Path) -> Callable[[bytes], np.ndarray]:
    """Pixels of the working copy."""

    def write_and_copy(data: bytes) -> np.ndarray:
        (tmp_path / "file").write_bytes(data)
        copy = images.working_copy(tmp_path / "file")
        assert copy.mode == "RGB"
        return np.asarray(copy)

    return write_and_copy


def png(bits: int, colour_type: int, width: int, height: int, rows: bytes) -> bytes:
    """A PNG by hand, for kinds that Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("kind", "extension", "mime"),
    [
        ("PNG", "png", "image/png"),
        ("JPEG", "jpg", "image/jpeg"),
        ("WEBP", "webp", "image/webp"),
        ("GIF", "gif", "image/gif"),
        ("BMP", "bmp", "image/bmp"),
        ("TIFF", "tiff", "image/tiff"),
        ("AVIF", "avif", "image/avif"),
    ],
)
def test_the_format_is_found_in_the_bytes(
    read: Callable[[bytes], PictureFacts], kind: str, extension: str, mime: str
) -> None:
    taken = read(encoded(noise(), kind))
    assert (taken.extension, taken.mime) == (extension, mime)
    assert (taken.width, taken.height) == (24, 16)
    assert taken.notes == ()
    assert taken.plain is (kind == "PNG")


def test_the_empty_file_is_refused(read: Callable[[bytes], PictureFacts]) -> None:
    with pytest.raises(PictureRefused, match="empty"):
        read(b"")


@pytest.mark.parametrize(
    "data",
    [b"Dear diary, today I drew a cat.", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"],
)
def test_what_is_no_picture_is_refused(read: Callable[[bytes], PictureFacts], data: bytes) -> None:
    with pytest.raises(PictureRefused, match="not a picture"):
        read(data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"https://example.org/a.png\r\n", "web address"),
        (b"\xef\xbb\xbf[InternetShortcut]\nURL=https://example.org/a.png", "web address"),
        (b"\n<!DOCTYPE html><html><img src=a.png></html>", "web page"),
    ],
)
def test_what_comes_in_the_place_of_a_picture_is_named(
    read: Callable[[bytes], PictureFacts], data: bytes, what: str
) -> None:
    with pytest.raises(PictureRefused, match=what):
        read(data)


def test_a_folder_which_some_browsers_send_as_an_empty_file_is_thought_of(
    read: Callable[[bytes], PictureFacts],
) -> None:
    with pytest.raises(PictureRefused, match="Import a folder"):
        read(b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_half_a_picture_is_refused(read: Callable[[bytes], PictureFacts], kind: str) -> None:
    data = encoded(noise(width=120, height=80), kind)
    with pytest.raises(PictureRefused, match=r"damaged|not a picture"):
        read(data[: len(data) // 2])


def test_a_picture_with_too_few_rows_is_refused(read: Callable[[bytes], PictureFacts]) -> None:
    with pytest.raises(PictureRefused, match="damaged"):
        read(png(8, 2, 100, 100, b"\0abc"))


@pytest.mark.parametrize("side", [9_000, 20_000])
def test_a_bomb_is_refused_before_it_is_decoded(
    read: Callable[[bytes], PictureFacts], monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    bomb = encoded(Image.new("1", (side, side)))
    assert len(bomb) < 100_000
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(PictureRefused, match="too large"):
        read(bomb)


def _with_chunk(png: bytes, kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if crc is None else crc
    return png[:33] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc) + png[33:]


@pytest.mark.parametrize(
    ("kind", "body", "crc"),
    [
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000, 9), None),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"\0" * 200_000_000, 9), None),
        (b"tEXt", b"Comment\0text", 12345),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"\0" * 2_000_000), None),
    ],
)
def test_bombs_and_damage_in_the_texts_of_a_png_are_left_out(
    read: Callable[[bytes], PictureFacts],
    worked: Callable[[bytes], np.ndarray],
    kind: bytes,
    body: bytes,
    crc: int,
) -> None:
    plain = encoded(noise())
    hostile = _with_chunk(plain, kind, body, crc)
    assert read(hostile).pixel_sha256 == read(plain).pixel_sha256
    assert np.array_equal(worked(hostile), worked(plain))
    assert not read(hostile).plain  # others would not open it: they get a copy


def test_both_thumbnails_come_from_one_reading() -> None:
    data = encoded(noise(width=640, height=800))
    taken = images.ingest(data)
    assert taken.facts.width == 640
    sizes = {side: Image.open(io.BytesIO(webp)).size for side, webp in taken.thumbnails.items()}
    assert sizes == {384: (307, 384), 192: (154, 192)}


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken_and_said(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray], kind: str
) -> None:
    red, blue = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    data = encoded(red, kind, save_all=True, append_images=[blue])
    assert "first picture" in read(data).notes[0]
    assert worked(data)[4, 4, 0] > 240
    assert worked(data)[4, 4, 2] < 15


def test_16_bit_grey_is_scaled_not_cut(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256)
    data = encoded(Image.fromarray(ramp))
    assert "more than 8 bits" in read(data).notes[0]
    assert np.abs(worked(data)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_16_bit_colour_is_scaled_not_cut(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    data = png(16, 2, 2, 1, b"\0" + struct.pack(">6H", 65535, 32896, 0, 0, 257, 65535))
    assert "more than 8 bits" in read(data).notes[0]
    assert not read(data).plain
    assert worked(data).tolist() == [[[255, 128, 0], [0, 1, 255]]]


@pytest.mark.parametrize(("dtype", "top"), [(np.int32, 65535), (np.float32, 1.0), (np.float32, 255.0)])
def test_32_bit_tiff_keeps_its_tones(worked: Callable[[bytes], np.ndarray], dtype: type, top: float) -> None:
    ramp = np.linspace(0, top, 256).astype(dtype).reshape(1, 256)
    pixels = worked(encoded(Image.fromarray(ramp), "TIFF"))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(("white", "beyond"), [(1.0, 1.02), (1.0, 16.0), (255.0, 256.5), (65535.0, 65535.0)])
def test_float_tiff_with_highlights_beyond_white_keeps_its_tones(
    worked: Callable[[bytes], np.ndarray], white: float, beyond: float
) -> None:
    ramp = np.linspace(0, white, 256).astype(np.float32).reshape(1, 256)
    ramp[0, -1] = beyond
    pixels = worked(encoded(Image.fromarray(ramp), "TIFF"))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_float_tiff_may_hold_what_is_no_number(worked: Callable[[bytes], np.ndarray]) -> None:
    values = np.array([[np.nan, -np.inf, np.inf, 0.5]], np.float32)
    assert worked(encoded(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 0, 255, 128]


def test_a_transparent_grey_of_16_bits_is_worked_on_as_white_and_said(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    data = colour_files.TRANSPARENT["grey of 16 bits, its colour"]
    assert "Transparent parts" in read(data).notes[-1]
    assert worked(data)[0, 0].tolist() == [255, 255, 255]
    assert worked(colour_files.TRANSPARENT["grey of 16 bits, another"])[0, 0].tolist() == [10, 10, 10]


@pytest.mark.parametrize("name", list(colour_files.DAMAGED))
def test_a_png_whose_pixels_are_whole_is_read(read: Callable[[bytes], PictureFacts], name: str) -> None:
    assert read(colour_files.DAMAGED[name]).width == colour_files.SIDE


def test_a_png_in_high_dynamic_range_says_so(read: Callable[[bytes], PictureFacts]) -> None:
    said = colour_files.png(colour_files.RGB, colour_files.cicp(9, 16))
    assert read(said).notes == (
        "The picture is in high dynamic range; it is worked on in sRGB, with its highlights toned down.",
    )


def test_a_picture_in_high_dynamic_range_has_no_copy_of_its_own_values(tmp_path: Path) -> None:
    path = tmp_path / "bright.png"
    path.write_bytes(colour_files.png(colour_files.RGB, colour_files.cicp(9, 16)))
    assert images.own_copy(path).tobytes() == images.working_copy(path).tobytes()


def test_a_profile_that_only_calls_itself_srgb_is_followed(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    said = encoded(Image.new("RGB", (4, 4), (200, 60, 40)), icc_profile=colour_files.LINEAR)
    assert "profile" in read(said).notes[0]
    assert np.abs(worked(said)[0, 0].astype(int) - [229, 133, 110]).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_a_picture_in_many_strips_is_the_picture_in_one(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    source = (
        noise(3, 40, 30).convert("L").convert(mode)
        if mode in ("I;16", "F")
        else noise(3, 40, 30).convert(mode)
    )
    data = encoded(source, "TIFF", icc_profile=swapped_profile() if mode in ("RGB", "RGBA") else None)
    whole = images.ingest(data)
    monkeypatch.setattr(pixels, "_STRIP", 100)
    strips = images.ingest(data)
    assert strips.facts == whole.facts
    assert strips.thumbnails == whole.thumbnails
    assert pixels.flat(strips.pixels).tobytes() == pixels.flat(whole.pixels).tobytes()


_PEAK = """
import io, resource, sys
import numpy
from PIL import Image
from studio import images
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images.ingest(data)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counted in the units of Linux")
def test_a_deep_picture_takes_a_few_bytes_per_pixel() -> None:
    data = encoded(Image.new("I;16", (4000, 4000), 700))
    told = subprocess.run([sys.executable, "-c", _PEAK], input=data, capture_output=True, check=True).stdout
    assert int(told) * 1024 < 8 * 4000 * 4000


def test_large_pictures_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "ROOM", MemoryBudget(2 * 8 * 24 * 16))
    made, inside, most = pixels.thumbnails, [0], [0]

    def slow(image: Image.Image) -> dict[int, bytes]:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        inside[0] -= 1
        return made(image)

    monkeypatch.setattr(pixels, "thumbnails", slow)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(images.ingest, [encoded(noise(n)) for n in range(8)]))
    assert len(taken) == 8
    assert most[0] == 2


def test_a_picture_that_is_refused_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "ROOM", MemoryBudget(8 * 24 * 16))
    whole = encoded(noise())
    for _ in range(3):
        with pytest.raises(PictureRefused):
            images.ingest(whole[:-40])
        damaged = _with_chunk(whole, b"gAMA", b"")
        assert images.ingest(damaged).facts.width == 24


def test_a_palette_becomes_its_colours(worked: Callable[[bytes], np.ndarray]) -> None:
    indexed = noise().quantize(16)
    assert np.array_equal(worked(encoded(indexed)), np.asarray(indexed.convert("RGB")))


def test_a_palette_with_a_transparent_colour_is_worked_on_as_white(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    indexed = Image.new("P", (4, 4), 0)
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    indexed.putpixel((1, 0), 1)
    data = encoded(indexed, transparency=0)
    assert "white" in read(data).notes[0]
    assert worked(data)[0, :2].tolist() == [[255, 255, 255], [40, 50, 60]]


def test_cmyk_is_worked_on_in_rgb(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    data = encoded(Image.new("RGB", (16, 16), (200, 40, 40)).convert("CMYK"), "JPEG", quality=95)
    assert "CMYK" in read(data).notes[0]
    assert np.abs(worked(data)[8, 8].astype(int) - [200, 40, 40]).max() < 12


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_parts_are_worked_on_as_white_and_said(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray], mode: str
) -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (100, 100, 100, 255))
    data = encoded(image.convert(mode))
    assert read(data).notes == ("Transparent parts of the picture are worked on as white.",)
    assert worked(data)[0].tolist() == [[255, 255, 255], [100, 100, 100]]


def test_alpha_that_hides_nothing_is_no_matter(read: Callable[[bytes], PictureFacts]) -> None:
    opaque = noise().convert("RGBA")
    assert read(encoded(opaque)).notes == ()
    assert read(encoded(opaque)).pixel_sha256 == read(encoded(noise())).pixel_sha256


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_obeyed(
    read: Callable[[bytes], PictureFacts],
    worked: Callable[[bytes], np.ndarray],
    tmp_path: Path,
    kind: str,
    orientation: int,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = noise().resize((96, 64), Image.Resampling.BICUBIC)
    options = (
        {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    )
    data = encoded(smooth, kind, exif=exif, **options)
    seen = ImageOps.exif_transpose(_with_orientation(smooth, orientation))
    taken = read(data)
    assert (taken.width, taken.height) == seen.size
    assert taken.plain is (kind == "PNG" and orientation == 1)
    assert np.abs(worked(data).astype(int) - np.asarray(seen).astype(int)).max() < 40
    thumbnail = tmp_path / "thumbnail.webp"
    thumbnail.write_bytes(images.thumbnail(tmp_path / "file"))
    assert Image.open(thumbnail).size == seen.size


def _with_orientation(image: Image.Image, orientation: int) -> Image.Image:
    copy = image.copy()
    copy.getexif()[0x0112] = orientation
    return copy


def test_broken_exif_does_no_harm(read: Callable[[bytes], PictureFacts]) -> None:
    taken = read(encoded(noise(), "JPEG", exif=b"Exif\0\0no such thing"))
    assert (taken.width, taken.height) == (24, 16)


def swapped_profile() -> bytes:
    """An RGB profile that is sRGB with red and blue exchanged."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace("sRGB built-in".encode("utf-16-be"), "exchanged rgb".encode("utf-16-be"))
    for kind in (b"XYZ", b"TRC"):
        data = data.replace(b"r" + kind, b"?" + kind, 1).replace(b"b" + kind, b"r" + kind, 1)
        data = data.replace(b"?" + kind, b"b" + kind, 1)
    return data


def test_a_colour_profile_is_applied_and_said(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray]
) -> None:
    data = encoded(noise(), icc_profile=swapped_profile())
    assert "profile" in read(data).notes[0]
    assert not read(data).plain
    exchanged = np.asarray(noise())[:, :, ::-1].astype(int)
    assert np.abs(worked(data).astype(int) - exchanged).max() <= 3


@pytest.mark.parametrize(
    "profile",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        b"nonsense",
    ],
    ids=["sRGB", "of another kind", "broken"],
)
def test_profiles_that_say_nothing_change_nothing(
    read: Callable[[bytes], PictureFacts], worked: Callable[[bytes], np.ndarray], profile: bytes
) -> None:
    data = encoded(noise(), icc_profile=profile)
    assert read(data).plain
    assert np.array_equal(worked(data), np.asarray(noise()))


def test_lab_is_refused_with_advice(read: Callable[[bytes], PictureFacts]) -> None:
    with pytest.raises(PictureRefused, match="Save it as RGB"):
        read(encoded(Image.new("LAB", (4, 4)), "TIFF"))


def test_the_pixel_hash_is_the_same_under_any_lossless_format(read: Callable[[bytes], PictureFacts]) -> None:
    rgb = noise()
    hashes = {
        read(encoded(rgb)).pixel_sha256,
        read(encoded(rgb, "BMP")).pixel_sha256,
        read(encoded(rgb, "WEBP", lossless=True)).pixel_sha256,
        images.pixel_sha256(rgb.width, rgb.height, rgb.tobytes()),
    }
    assert len(hashes) == 1
    assert read(encoded(noise(seed=1))).pixel_sha256 not in hashes


def test_thumbnails_are_webp_of_at_most_384_px(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(encoded(noise(width=900, height=300), "JPEG"))
    (tmp_path / "thumbnail").write_bytes(images.thumbnail(tmp_path / "large"))
    with Image.open(tmp_path / "thumbnail") as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (384, 128))


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("portrait.png", "portrait.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\ritratto.jpg", "ritratto.jpg"),
        ("Zoë 👩‍🎨 «x».png", "Zoë 👩‍🎨 «x».png"),
        ("\"quoted\" 'name'.png", "\"quoted\" 'name'.png"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("a\nb\tc\0.png", "a b c.png"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("..", "Upload"),
        ("", "Upload"),
        ("x" * 500 + ".png", "x" * 120),
    ],
)
def test_a_file_name_is_text_to_show(filename: str, shown: str) -> None:
    assert images.display_name(filename) == shown
