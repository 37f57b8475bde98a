"""What files say, clean copies and exports, on a real collection."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import NotFound
from studio.collection.metadata import reading, stealth
from studio.containers import PNG_MARK, png_chunk
from studio.exchange import clean
from studio.exchange.clean import clean_copy
from studio.exchange.exchange import Exchange
from studio.exchange.records import ExportWish
from studio.records import Rights
from tests.studio import colour_files
from tests.studio import foreign_files as files
from tests.studio.fixtures import Durable, encoded, noise, open_durable, picture, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


@pytest.fixture
def exchange(durable: Durable) -> Exchange:
    return Exchange(durable.collection, durable.catalog)


def load(durable: Durable, data: bytes) -> str:
    return durable.collection.add_upload(io.BytesIO(data), "a")[0].id


def export(exchange: Exchange, **wish: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(manifest, files by name)."""
    with zipfile.ZipFile(io.BytesIO(b"".join(exchange.export(ExportWish(**wish))))) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(contents.pop("manifest.json")), contents


def test_settings_of_another_tool_can_be_used_and_the_rest_is_told(
    durable: Durable, exchange: Exchange
) -> None:
    found = exchange.metadata(load(durable, files.png(parameters=files.A1111)))
    assert found.tool == "AUTOMATIC1111"
    assert found.settings == {
        "prompt": "a portrait of Ana, red hair\nsecond line",
        "negative_prompt": "blurry, hands",
        "seed": 1234567890,
        "num_inference_steps": 25,
        "guidance_scale": 6.5,
        "strength": 0.55,
        "width": 512,
        "height": 768,
        "model": "tiny",
    }
    told = {one.name: one.value for one in found.unmapped}
    assert (told["Sampler"], told["LoRA"]) == ("DPM++ 2M", "oil_paint (0.7)")
    assert {one.name for one in found.raw} == {"parameters"}


def test_what_a_request_would_refuse_is_told_instead(durable: Durable, exchange: Exchange) -> None:
    text = "x\nSteps: 900, Sampler: Euler, CFG scale: 99, Seed: 18446744073709551615, Size: 1x9, Model: other"
    found = exchange.metadata(load(durable, files.png(parameters=text)))
    assert found.settings == {"prompt": "x"}
    told = {one.name: one.value for one in found.unmapped}
    assert told["Steps"] == "900"
    assert told["Seed"] == "18446744073709551615"
    assert told["Model"] == "other"


def test_a_picture_made_here_gives_its_own_request(durable: Durable, exchange: Exchange) -> None:
    source = upload(durable)
    made = save(durable, source, index=2, num_images=3)
    found = exchange.metadata(made.id)
    assert found.tool == "Likeness"
    assert made.seed is not None
    assert (found.settings["seed"], found.settings["num_images"]) == (made.seed, 1)
    assert found.settings["references"][0]["image_id"] == source.id


def test_pictures_that_say_nothing_and_pictures_that_are_not_there(
    durable: Durable, exchange: Exchange
) -> None:
    found = exchange.metadata(upload(durable).id)
    assert (found.tool, found.settings, found.unmapped, found.raw) == (None, {}, (), ())
    with pytest.raises(NotFound):
        exchange.metadata("nothing")


@pytest.mark.parametrize("name", sorted(files.everything()))
def test_nothing_can_be_read_from_a_clean_copy(name: str) -> None:
    data = files.everything()[name]
    mime = {"png": "image/png", "jpg": "image/jpeg", "ebp": "image/webp"}[name[-3:]]
    copy, kept = clean_copy(data, mime)
    assert kept == mime
    image = files.opened(copy)
    found = reading.read(copy, None, image)
    assert (found.metadata, found.raw, found.faults) == (None, (), ())
    assert not image.getexif()
    before = np.asarray(files.opened(data))
    assert np.array_equal(np.asarray(image) | 1, before | 1)
    if not stealth.read(files.opened(data)):
        assert np.array_equal(np.asarray(image), before)


def test_a_clean_copy_stays_upright_and_keeps_its_colours() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(noise(), "JPEG", exif=exif.tobytes(), icc_profile=PROFILE)
    copy, mime = clean_copy(turned, "image/jpeg")
    assert mime == "image/png"
    assert files.opened(copy).size == (16, 24)
    plain, _ = clean_copy(encoded(noise(), "JPEG", icc_profile=PROFILE, comment=b"hello"), "image/jpeg")
    assert files.opened(plain).info["icc_profile"] == PROFILE
    assert b"hello" not in plain


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_clean_copies_of_other_formats_are_png(kind: str) -> None:
    copy, mime = clean_copy(encoded(noise().convert("P"), kind), f"image/{kind.lower()}")
    assert mime == "image/png"
    assert files.opened(copy).size == (24, 16)


SECRET = b"SECRET of a camera"
PROFILE = colour_files.LINEAR


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0110] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (10.0, 20.0, 30.0)
    return exif.tobytes()


def _jpegs() -> dict[str, bytes]:
    first, second = noise(1, 64, 48), noise(2, 64, 48)
    plain = encoded(first, "JPEG", exif=_exif(), quality=95)
    progressive = encoded(first, "JPEG", exif=_exif(), progressive=True, quality=95)
    scan = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    comment = b"\xff\xfe" + struct.pack(">H", len(SECRET) + 2) + SECRET
    thumbnail = b"JFIF\0\1\1\0\0\1\0\1\x06\1" + SECRET
    return {
        "two pictures": encoded(first, "MPO", save_all=True, append_images=[second], exif=_exif()),
        "one after the other": plain + encoded(second, "JPEG", exif=_exif()),
        "a video": plain + b"....ftypmp42" + SECRET + b"\xff\xd9",
        "between the scans": progressive[:scan] + comment + progressive[scan:],
        "restarts": encoded(first, "JPEG", exif=_exif(), restart_marker_blocks=1) + SECRET,
        "a small copy": plain[:2]
        + b"\xff\xe0"
        + struct.pack(">H", len(thumbnail) + 2)
        + thumbnail
        + plain[20:],
    }


@pytest.mark.parametrize("name", sorted(_jpegs()))
def test_a_clean_jpeg_ends_where_its_first_picture_does(name: str) -> None:
    data = _jpegs()[name]
    copy, mime = clean_copy(data, "image/jpeg")
    assert mime == "image/jpeg"
    assert SECRET not in copy
    assert copy.count(b"\xff\xd8\xff") == 1
    assert copy.endswith(b"\xff\xd9")
    assert np.array_equal(np.asarray(files.opened(copy)), np.asarray(files.opened(data)))


def _longer_webp(data: bytes) -> bytes:
    """With secrets behind the compressed picture, inside its own chunk, which comes last."""
    kind, length = data[12:16], int.from_bytes(data[16:20], "little")
    body = data[20 : 20 + length] + SECRET
    content = b"WEBP" + kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _hidden() -> dict[str, tuple[bytes, str]]:
    """Secrets behind, in and between, by format."""
    picture = noise(3, 40, 30)
    png, webp = encoded(picture), encoded(picture, "WEBP", lossless=True)
    rows = b"".join(b"\0" + bytes(row) for row in np.asarray(picture).reshape(30, -1))
    packed = zlib.compress(rows) + SECRET
    inside = PNG_MARK + png[8:33] + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    more = PNG_MARK + png[8:33] + png_chunk(b"IDAT", zlib.compress(rows + SECRET, 0)) + png[-12:]
    said = {
        "a profile's name": (b"iCCP", SECRET + b"\0\0" + zlib.compress(PROFILE)),
        "behind a profile": (b"iCCP", b"x\0\0" + zlib.compress(PROFILE) + SECRET),
        "behind the profile itself": (b"iCCP", b"x\0\0" + zlib.compress(PROFILE + SECRET, 0)),
        "a palette of no use": (b"PLTE", SECRET),
        "behind the transparent colour": (b"tRNS", bytes(6) + SECRET),
    }
    jpeg = encoded(picture, "JPEG")
    profiles = {"no profile": SECRET, "behind the profile": PROFILE + SECRET}
    chunk = b"VP8L" + struct.pack("<I", len(SECRET)) + SECRET
    return {
        "png": (png + SECRET, "image/png"),
        "png in its pixels' chunk": (inside, "image/png"),
        "png behind its pixels": (more, "image/png"),
        **{
            f"png, {name}": (png[:33] + png_chunk(*what) + png[33:], "image/png")
            for name, what in said.items()
        },
        **{
            f"jpeg, {name}": (
                jpeg[:2]
                + b"\xff\xe2"
                + struct.pack(">H", len(body) + 16)
                + b"ICC_PROFILE\0\1\1"
                + body
                + jpeg[2:],
                "image/jpeg",
            )
            for name, body in profiles.items()
        },
        "jpeg without an end": (jpeg[:-2] + SECRET, "image/jpeg"),
        "webp, no profile": (encoded(picture, "WEBP", lossless=True, icc_profile=SECRET), "image/webp"),
        "webp": (webp + SECRET, "image/webp"),
        "webp, a second picture": (webp + chunk, "image/webp"),
        **{
            f"webp, in its picture's chunk, {name}": (_longer_webp(file), "image/webp")
            for name, file in {
                "lossless": webp,
                "lossy": encoded(picture, "WEBP", quality=80),
            }.items()
        },
        "gif": (encoded(picture, "GIF") + SECRET, "image/gif"),
        "bmp": (encoded(picture, "BMP") + SECRET, "image/bmp"),
        "tiff": (encoded(picture, "TIFF") + SECRET, "image/tiff"),
        "avif": (
            encoded(picture, "AVIF") + struct.pack(">I", 8 + len(SECRET)) + b"free" + SECRET,
            "image/avif",
        ),
    }


@pytest.mark.parametrize("name", sorted(_hidden()))
def test_nothing_follows_a_clean_copy(name: str) -> None:
    data, mime = _hidden()[name]
    copy, _ = clean_copy(data, mime)
    assert SECRET in data
    assert SECRET not in copy
    assert np.array_equal(
        np.asarray(files.opened(copy).convert("RGB")), np.asarray(files.opened(data).convert("RGB"))
    )


@pytest.mark.parametrize("cut", [b"no picture", picture(9)], ids=["nothing", "another picture"])
def test_a_clean_copy_that_would_show_something_else_is_drawn_anew(
    monkeypatch: pytest.MonkeyPatch, cut: bytes
) -> None:
    monkeypatch.setitem(clean._CUTTERS, "image/webp", lambda _: cut)
    data = encoded(noise(3), "WEBP", lossless=True)
    copy, mime = clean_copy(data, "image/webp")
    assert mime == "image/png"
    assert np.array_equal(np.asarray(files.opened(copy)), np.asarray(noise(3)))


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_clean_copy_keeps_what_is_transparent(kind: str) -> None:
    indexed = Image.new("P", (4, 4), 0)
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    indexed.putpixel((1, 0), 1)
    copy, _ = clean_copy(encoded(indexed, kind, transparency=0), f"image/{kind.lower()}")
    seen = files.opened(copy).convert("RGBA")
    assert (seen.getpixel((0, 0)), seen.getpixel((1, 0))) == ((10, 20, 30, 0), (40, 50, 60, 255))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_a_clean_copy_of_deep_grey_keeps_its_tones(dtype: type) -> None:
    ramp = np.linspace(0, 65535, 256).astype(dtype).reshape(1, 256)
    copy, _ = clean_copy(encoded(Image.fromarray(ramp), "TIFF"), "image/tiff")
    assert np.abs(np.asarray(files.opened(copy).convert("L"))[0].astype(int) - np.arange(256)).max() <= 1


def test_an_export_holds_the_stored_bytes_and_a_manifest(durable: Durable, exchange: Exchange) -> None:
    source = upload(durable, filename="../Ana: é.png")
    made = save(durable, source)
    manifest, contents = export(exchange, ids=[made.id, source.id, made.id, "nothing"])
    names = [entry["file"] for entry in manifest["images"]]
    assert [*names, "left-out.txt"] == list(contents)
    assert [name[:4] for name in names] == ["001-", "002-"]
    assert names[1] == f"002-Ana-é-{source.sha256[:8]}.png"
    assert [contents[name] for name in names] == [
        durable.collection.file(one.id)[0].read_bytes() for one in (made, source)
    ]
    assert manifest["images"][0]["request"]["prompt"] == "a woman with red hair"
    assert manifest["images"][0]["parents"][0]["pixel_sha256"] == source.pixel_sha256
    assert "rights" not in manifest["images"][0]
    assert [one["id"] for one in manifest["missing"]] == ["nothing"]


def test_a_branch_is_what_a_picture_came_from_and_what_came_of_it(
    durable: Durable, exchange: Exchange
) -> None:
    source, other = upload(durable, seed=1), upload(durable, seed=2)
    first = save(durable, source, job_id="1")
    second = save(durable, first, job_id="2", index=1)
    save(durable, other, job_id="3", index=2)
    manifest, _ = export(exchange, branch_of=first.id)
    assert [entry["id"] for entry in manifest["images"]] == [source.id, first.id, second.id]
    with pytest.raises(NotFound):
        exchange.export(ExportWish(branch_of="nothing"))


def test_rights_go_along_where_that_is_wished(durable: Durable, exchange: Exchange) -> None:
    source = upload(durable, filename="Ana.png")
    durable.collection.update(source.id, rights=Rights(source="my own photo"))
    made = save(durable, source)
    manifest, _ = export(exchange, ids=[source.id, made.id], with_rights=True)
    assert manifest["images"][0]["rights"] == {"source": "my own photo"}
    assert "my own photo" in manifest["images"][1]["rights_lines"][0]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("clean", [True, False])
def test_other_formats_say_the_same_or_nothing(
    durable: Durable, exchange: Exchange, kind: str, clean: bool
) -> None:
    made, loaded = save(durable), load(durable, encoded(noise(5), "BMP"))
    manifest, contents = export(exchange, ids=[made.id, loaded], format=kind, clean=clean)
    first, second = contents.values()
    found = reading.read(first)
    assert found.raw == () if clean else found.metadata is not None
    assert (found.metadata is None) is clean
    assert files.opened(second).size == (24, 16)
    ending = {"png": "png", "jpeg": "jpg", "webp": "webp"}[kind]
    assert all(entry["file"].endswith(ending) for entry in manifest["images"])


def test_a_file_taken_away_is_named_and_the_rest_goes_out(durable: Durable, exchange: Exchange) -> None:
    gone, here = upload(durable, seed=1), upload(durable, seed=2)
    durable.collection.file(gone.id)[0].unlink()
    manifest, contents = export(exchange, ids=[gone.id, here.id])
    assert [name[:3] for name in contents] == ["002", "lef"]
    assert [one["id"] for one in manifest["missing"]] == [gone.id]
    assert contents["left-out.txt"].decode() == f"portrait.png: {manifest['missing'][0]['reason']}\n"


@pytest.mark.parametrize("left", [b"", b"\x89PNG\r\n\x1a\nhalf", None], ids=["emptied", "cut", "another"])
@pytest.mark.parametrize("wish", [{}, {"clean": True}, {"format": "jpeg"}])
def test_a_damaged_file_is_left_out_with_the_reason(
    durable: Durable, exchange: Exchange, left: bytes | None, wish: dict[str, Any]
) -> None:
    damaged, here = upload(durable, seed=1), upload(durable, seed=2)
    path = durable.collection.file(damaged.id)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + bytes(20) if left is None else left)
    manifest, contents = export(exchange, ids=[damaged.id, here.id], **wish)
    assert [entry["id"] for entry in manifest["images"]] == [here.id]
    assert "damaged" in manifest["missing"][0]["reason"]
    assert contents["left-out.txt"].decode().startswith("portrait.png: ")


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "TIFF", "GIF"])
def test_every_format_goes_out_under_its_own_ending(durable: Durable, exchange: Exchange, kind: str) -> None:
    manifest, _ = export(exchange, ids=[load(durable, encoded(noise(), kind))])
    assert manifest["images"][0]["file"].endswith(f".{kind.lower()}")


def test_pictures_of_one_name_do_not_meet_in_a_zip(durable: Durable, exchange: Exchange) -> None:
    ids = [upload(durable, seed, name).id for seed, name in enumerate(["Mira.png", "mira.png", "MIRA.png"])]
    manifest, _ = export(exchange, ids=ids)
    assert len({entry["file"].casefold() for entry in manifest["images"]}) == 3
