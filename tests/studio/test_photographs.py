"""Photographs are told from drawings by their texture, and a model that knows none says so."""

from __future__ import annotations

import io
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from pipelines.request import GenerationRequest, Mode, Reference
from studio.jobs import JobQueue
from studio.photographs import TEXTURED, looks_like_one, notice, texture
from studio.service import StudioService
from studio.ui.page_files import STATIC
from tests.studio.fixtures import open_durable

PEOPLE_AND_PLACES = ("astronaut", "chelsea", "coffee", "stereo_motorcycle")
DRAWN = Path(__file__).parent / "characters" / "drawings"


def _photograph(name: str) -> Image.Image:
    pixels = getattr(data, name)()
    return Image.fromarray(pixels[0] if isinstance(pixels, tuple) else pixels).convert("RGB")


@pytest.mark.parametrize("name", PEOPLE_AND_PLACES)
@pytest.mark.parametrize("side", [1024, 256])
def test_a_photograph_is_told(tmp_path: Path, name: str, side: int) -> None:
    picture = _photograph(name)
    picture.thumbnail((side, side))
    picture.save(tmp_path / "it.jpg", quality=85)
    assert looks_like_one(tmp_path / "it.jpg"), texture(tmp_path / "it.jpg")


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("drawing", ["blue-3", "curls-1", "spiky-2", "tall-left", "tall-low"])
def test_a_drawing_is_none(tmp_path: Path, drawing: str, kind: str) -> None:
    path = tmp_path / f"it.{kind}"
    Image.open(DRAWN / f"{drawing}.webp").convert("RGB").save(path, quality=85)
    assert texture(path) < TEXTURED


def test_the_sample_portrait_and_a_picture_too_small_to_tell_are_none(tmp_path: Path) -> None:
    assert not looks_like_one(STATIC / "samples" / "portrait.webp")
    _photograph("astronaut").resize((32, 32)).save(tmp_path / "small.png")
    assert texture(tmp_path / "small.png") == 0


def test_they_are_named_by_their_numbers() -> None:
    assert not notice("Ink", [])
    assert notice("Ink", [2])[0].startswith("Reference 2 looks like a photograph. Ink knows drawings only")
    assert notice("Ink", [1, 3, 4])[0].startswith("References 1, 3 and 4 look like photographs.")


@pytest.fixture
def service(tmp_path: Path) -> Generator[StudioService]:
    with open_durable(tmp_path) as durable:
        yield StudioService(durable.catalog, durable.collection, JobQueue(durable.database))


def _reference(service: StudioService, picture: Image.Image) -> Reference:
    file = io.BytesIO()
    picture.save(file, "PNG")
    file.seek(0)
    return Reference(image_id=service.add_upload(file, "it.png")[0].id)


def _notices(service: StudioService, *references: Reference) -> list[str]:
    wish = GenerationRequest(mode=Mode.IMG2IMG, prompt="red hair", model="tiny", references=references)
    return [words for words in service.preview_request(wish)[1] if "photograph" in words]


def test_a_model_that_knows_drawings_alone_says_so_of_a_photograph(
    service: StudioService, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = _reference(service, _photograph("astronaut"))
    drawing = _reference(service, Image.open(DRAWN / "blue-1.webp"))
    assert not _notices(service, photograph)
    spec = service._catalog.get("tiny").model_copy(update={"sources": "drawings"})
    monkeypatch.setattr(service._catalog, "get", lambda model_id: spec)
    (said,) = _notices(service, photograph)
    assert said == (
        "Reference 1 looks like a photograph. Tiny Portrait knows drawings only; "
        "choose a larger model for photographs."
    )
    assert not _notices(service, drawing)
