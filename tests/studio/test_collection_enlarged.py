"""Enlarged pictures in the collection: transparency and profile kept in file and row, also by a rebuild."""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pipelines.events import ImageReady
from pipelines.request import Finish, Mode
from studio.collection.maintenance import rebuild, verify
from studio.collection.metadata.png import read_likeness
from studio.collection.queries import Filter
from tests.studio.colour_files import WIDE
from tests.studio.fixtures import Durable, encoded, noise, open_durable, ready, request, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def enlarged(durable: Durable, image: ImageReady) -> Path:
    source = upload(durable)
    record = durable.collection.save_generated(
        job_id="enlarged",
        request=request(source, mode=Mode.UPSCALE, scale=2, prompt=""),
        image=image,
        notices=(),
        provenance={},
    )
    assert record.parents[0].image_id == source.id
    return durable.collection.file(record.id)[0]


def clear(image: ImageReady) -> ImageReady:
    alpha = bytes(index % 256 for index in range(image.width * image.height))
    return replace(image, alpha=alpha, profile=WIDE)


def test_the_file_has_transparency_and_profile(durable: Durable) -> None:
    image = clear(ready())
    with Image.open(enlarged(durable, image)) as file:
        assert (file.mode, file.info["icc_profile"]) == ("RGBA", image.profile)
        assert file.getchannel("A").tobytes() == image.alpha
        assert file.convert("RGB").tobytes() == image.rgb


def test_a_picture_that_shows_through_is_whole_and_comes_back_with_a_rebuild(
    durable: Durable, tmp_path: Path
) -> None:
    path = enlarged(durable, clear(ready()))
    likeness = read_likeness(path)
    assert likeness is not None
    durable.database.close()
    assert verify(durable.settings).changed == ()
    rebuild(durable.settings)
    with open_durable(tmp_path) as again:
        found = [r for r in again.collection.gallery.page(Filter(), None, 10).items if r.job_id == "enlarged"]
        assert [r.request.mode for r in found if r.request] == [Mode.UPSCALE]
        assert found[0].sha256 == path.stem
        assert not found[0].notes or "changed" not in " ".join(found[0].notes)


def test_opaque_transparency_counts_as_none(durable: Durable) -> None:
    image = replace(ready(), alpha=b"\xff" * (ready().width * ready().height))
    with Image.open(enlarged(durable, image)) as file:
        assert file.convert("RGB").tobytes() == image.rgb
    durable.database.close()
    assert verify(durable.settings).changed == ()


def test_the_original_file_has_its_own_colours_and_is_upright(durable: Durable) -> None:
    picture = noise(3).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    record, _ = durable.collection.add_upload(io.BytesIO(encoded(picture, icc_profile=WIDE)), "a.png")
    with Image.open(durable.collection.original_file(record.id)) as file:
        assert file.mode == "RGBA"
        assert file.tobytes() == picture.tobytes()


def test_a_plain_picture_is_its_own_original(durable: Durable) -> None:
    record = upload(durable)
    assert durable.collection.original_file(record.id) == durable.collection.file(record.id)[0]


def test_print_colours_become_srgb(durable: Durable) -> None:
    data = encoded(noise(4).convert("CMYK"), "TIFF")
    record, _ = durable.collection.add_upload(io.BytesIO(data), "a.tiff")
    with Image.open(durable.collection.original_file(record.id)) as file:
        assert (file.mode, file.info.get("icc_profile")) == ("RGB", None)


def test_other_tools_are_told_of_a_finish(durable: Durable) -> None:
    record = durable.collection.save_generated(
        job_id="finished",
        request=request(finish=Finish(scale=4, upscaler="portrait-enlarger")),
        image=ready(),
        notices=(),
        provenance={},
    )
    with Image.open(durable.collection.file(record.id)[0]) as file:
        assert "Hires upscale: 4, Hires upscaler: portrait-enlarger" in file.info["parameters"]
