"""Models that read pictures: real transformers classes at tiny size, through the runner and its shelf."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import ModelUnavailable, NotFound, OutOfMemory, RequestError
from pipelines.events import ReadOrder, Region
from pipelines.memory.plan import Hardware
from pipelines.running.runner import PipelineRunner
from tests import tiny_readers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """models.yaml with both readers beside it, and three pictures."""
    place = tmp_path_factory.mktemp("readers")
    tiny_readers.catalogue(place)
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        picture = Image.new("RGB", (64, 64), colour)
        picture.paste((255, 255, 255), (10, 10, 30, 50))
        picture.save(place / f"{name}.png")
    return place


@pytest.fixture(scope="module")
def runner(folder: Path) -> PipelineRunner:
    torch.set_num_threads(1)
    return PipelineRunner(load_catalog(folder / "models.yaml"), device="cpu")


def read(runner: PipelineRunner, reader: str, *regions: Region) -> tuple[object, ...]:
    return runner.read(ReadOrder("order", reader, regions))


def test_a_captioner_says_what_it_sees_in_words(runner: PipelineRunner, folder: Path) -> None:
    red, blue = Region(str(folder / "red.png")), Region(str(folder / "blue.png"))
    words = read(runner, "tiny-captioner", red, blue, red)
    assert words[0] == words[2]
    assert words[0] != words[1]
    assert set(str(words[0]).split()) <= set(tiny_readers.WORDS)


def test_a_face_model_gives_directions_and_looks_at_the_box_alone(
    runner: PipelineRunner, folder: Path
) -> None:
    whole = Region(str(folder / "red.png"))
    box = Region(str(folder / "red.png"), (8, 8, 40, 40))
    one, again, part = read(runner, "tiny-face", whole, whole, box)
    assert one == again != part
    assert math.hypot(*one) == pytest.approx(1.0, abs=1e-4)  # type: ignore[misc]
    assert runner.models.ids[-1] == "tiny-face"


def test_what_cannot_be_read_is_said_in_words(runner: PipelineRunner, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no longer there"):
        read(runner, "tiny-face", Region(str(tmp_path / "gone.png")))
    with pytest.raises(RequestError, match="reads none"):
        read(runner, "maker", Region(str(folder / "red.png")))
    with pytest.raises(NotFound):
        read(runner, "nobody", Region(str(folder / "red.png")))


def test_damaged_files_and_pickles_are_refused(folder: Path, tmp_path: Path) -> None:
    tiny_readers.catalogue(tmp_path)
    (tmp_path / "tiny-face" / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{broken}")
    pickled = tmp_path / "tiny-captioner"
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    runner = PipelineRunner(load_catalog(tmp_path / "models.yaml"), device="cpu")
    region = Region(str(folder / "red.png"))
    with pytest.raises(ModelUnavailable, match="damaged"):
        read(runner, "tiny-face", region)
    with pytest.raises(ModelUnavailable, match="Tiny Captioner"):
        read(runner, "tiny-captioner", region)


def test_a_reader_leaves_when_another_needs_the_room(folder: Path) -> None:
    free = [2**40]
    machine = Hardware(kind="cpu", name="test", total=2**40, free=0, ram_total=2**40, ram_free=0, itemsize=4)

    def look() -> Hardware:
        return replace(machine, free=free[0], ram_free=free[0])

    runner = PipelineRunner(load_catalog(folder / "models.yaml"), device="cpu", look=look)
    region = Region(str(folder / "red.png"))
    read(runner, "tiny-captioner", region)
    free[0] = 0
    with pytest.raises(OutOfMemory, match="Tiny Face"):
        read(runner, "tiny-face", region)
    assert runner.models.ids == ()
    free[0] = 2**40
    read(runner, "tiny-face", region)
    assert runner.models.ids == ("tiny-face",)
