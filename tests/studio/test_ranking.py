"""A batch in the order of what is measured of its pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from studio.coach import measures
from tests.e2e.harness import StudioProcess
from tests.studio.sweeps.test_api_sweeps import REQUEST, ended, send
from tests.studio.test_api_images import problem


def saved(folder: Path, name: str, pixels: np.ndarray) -> Path:
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def source(tmp_path: Path) -> tuple[Path, np.ndarray]:
    noise = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC))
    return saved(tmp_path, "source", pixels), pixels


def test_a_part_that_changed_counts_as_changed_and_not_as_unlike(
    tmp_path: Path, source: tuple[Path, np.ndarray]
) -> None:
    path, pixels = source
    other = pixels.copy()
    other[:48] = 255 - other[:48]
    level = np.zeros((96, 96), np.uint8)
    level[:48] = 255
    buffer = io.BytesIO()
    Image.fromarray(level).save(buffer, "PNG")
    found = measures.against(saved(tmp_path, "other", other), path, buffer.getvalue())
    assert found.changed == 0.5
    assert found.likeness is not None
    assert found.likeness > 0.95
    seen = measures.against(saved(tmp_path, "other", other), path, None)
    assert seen.changed == pytest.approx(0.5, abs=0.1)


def test_where_all_was_redrawn_what_visibly_differs_counts(
    tmp_path: Path, source: tuple[Path, np.ndarray]
) -> None:
    path, pixels = source
    buffer = io.BytesIO()
    Image.new("L", (96, 96), 255).save(buffer, "PNG")
    other = pixels.copy()
    other[:24] = 255 - other[:24]
    found = measures.against(saved(tmp_path, "redrawn", other), path, buffer.getvalue())
    assert found.changed == pytest.approx(0.25, abs=0.1)


def test_the_same_is_alike_and_a_blurred_one_is_softer(
    tmp_path: Path, source: tuple[Path, np.ndarray]
) -> None:
    path, pixels = source
    same = measures.against(saved(tmp_path, "same", pixels), path, None)
    assert (same.likeness, same.changed) == (1.0, 0.0)
    soft = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(3)))
    blurred = measures.against(saved(tmp_path, "soft", soft), path, None)
    assert blurred.sharpness < same.sharpness
    assert blurred.likeness is not None
    assert blurred.likeness < 0.9


def test_all_pictures_of_a_sweep_are_there_in_order(rest: StudioProcess) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 60)).save(buffer, "PNG")
    source = rest.api("POST", "/images", files={"file": ("red.png", buffer.getvalue())}).json()["id"]
    request = {
        **{name: value for name, value in REQUEST.items() if name not in ("width", "height")},
        "mode": "img2img",
        "references": [{"image_id": source}],
        "num_inference_steps": 4,
    }
    axis = {"field": "influence", "values": "0 | 50 | 90"}
    batch = send(rest, "/sweeps", request=request, x=axis).json()["batch"]
    cells = ended(rest, batch)["cells"]
    made = {cell["image"]["id"] for cell in cells}
    for measured in (1, 2, 3):
        part = rest.api("GET", f"/batches/{batch}/ranking?seconds=0").json()
        assert part["waiting"] == 3 - measured
        assert {one["image"]["id"] for one in part["items"]} == made
        assert [one["likeness"] is None for one in part["items"]] == [False] * measured + [True] * (
            3 - measured
        )
    for by, sign in (("likeness", -1), ("changed", 1), ("sharpness", -1)):
        ranking = rest.api("GET", f"/batches/{batch}/ranking", params={"by": by}).json()
        assert {one["image"]["id"] for one in ranking["items"]} == made
        assert {one["source"] for one in ranking["items"]} == {source}
        values = [sign * one[by] for one in ranking["items"]]
        assert values == sorted(values)
    of_a_cell = rest.api("GET", f"/batches/{cells[0]['job_id']}/ranking").json()
    assert {each["image"]["id"] for each in of_a_cell["items"]} == made


def test_a_picture_without_a_source_is_there_and_last(rest: StudioProcess) -> None:
    job = rest.finished(rest.submit(**REQUEST, num_images=2)["id"])
    ranking = rest.api("GET", f"/batches/{job['id']}/ranking?by=changed").json()
    assert [one["changed"] for one in ranking["items"]] == [None, None]
    assert all(0 <= one["sharpness"] <= 1 for one in ranking["items"])
    assert problem(rest.api("GET", "/batches/nothing/ranking"))["status"] == 404
    assert rest.api("GET", f"/batches/{job['id']}/ranking?by=beauty").status_code == 422


def test_winners_are_picked_of_a_whole_sweep(rest: StudioProcess) -> None:
    batch = send(rest, "/sweeps", request=REQUEST, x={"field": "seed", "values": [5, 6, 7]}).json()["batch"]
    ids = [cell["image"]["id"] for cell in ended(rest, batch)["cells"]]
    picked = send(rest, f"/batches/{batch}/winners", ids=[ids[1]]).json()
    assert (picked["kept"], set(picked["trashed"])) == ([ids[1]], {ids[0], ids[2]})
    send(rest, "/images/bulk", ids=picked["trashed"], action="restore")
