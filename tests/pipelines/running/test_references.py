from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import RequestError
from pipelines.running import references


def saved(tmp_path: Path, picture: Image.Image, name: str = "a.png", **options: object) -> Path:
    picture.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_any_png_becomes_rgb(tmp_path: Path, mode: str) -> None:
    source = Image.new("L", (6, 4), 255)
    picture = Image.fromarray(np.full((4, 6), 65535, np.uint16)) if mode == "I;16" else source.convert(mode)
    read = references.read(saved(tmp_path, picture), 1)
    assert (read.mode, read.size) == ("RGB", (6, 4))
    assert read.getpixel((0, 0)) == (255, 255, 255)


def test_cmyk_and_floating_point_become_rgb(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (4, 4), (0, 0, 0, 255))
    assert references.read(saved(tmp_path, cmyk, "a.jpg"), 1).getpixel((0, 0)) == (0, 0, 0)
    whole = Image.fromarray(np.full((4, 4), 65535, np.int32))
    assert references.read(saved(tmp_path, whole, "b.tiff"), 1).getpixel((0, 0)) == (255, 255, 255)
    deep = Image.fromarray(np.full((4, 4), 0.5, np.float32))
    assert references.read(saved(tmp_path, deep, "a.tiff"), 1).getpixel((0, 0)) == (128, 128, 128)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    read = references.read(saved(tmp_path, Image.new("RGBA", (4, 4), (255, 0, 0, 0))), 1)
    assert read.getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0] * 256)
    assert references.read(saved(tmp_path, palette, transparency=0), 1).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright_whatever_the_camera_wrote(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.new("RGB", (40, 20), "white")
    read = references.read(saved(tmp_path, picture, "a.jpg", exif=exif), 1)
    assert read.size == ((40, 20) if orientation < 5 else (20, 40))


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_picture_is_named_by_its_number(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(RequestError, match="Reference 3 can't be read"):
        references.read(tmp_path / "a.png", 3)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = saved(tmp_path, Image.effect_noise((64, 64), 80).convert("RGB"), "a.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RequestError):
        references.read(tmp_path / "b.jpg", 1)


def test_fitting_keeps_the_middle_and_says_what_it_crops() -> None:
    picture = Image.new("RGB", (300, 100), "black")
    picture.paste("white", (100, 0, 200, 100))
    fitted, notice = references.fit(picture, 64, 64, 2)
    assert fitted.size == (64, 64)
    assert np.asarray(fitted).mean() > 250
    assert notice == "Reference 2 has another shape than the picture: 67% of it is cropped away."


def test_fitting_to_rounded_sizes_is_not_worth_a_word() -> None:
    assert references.fit(Image.new("RGB", (600, 900)), 416, 624, 1)[1] is None
    same = Image.new("RGB", (64, 64))
    assert references.fit(same, 64, 64, 1) == (same, None)
