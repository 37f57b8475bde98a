"""One edit over many pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.e2e.harness import StudioProcess
from tests.studio.sweeps.test_api_sweeps import ended, send
from tests.studio.test_api_images import problem

EDIT = {"mode": "smart_edit", "model": "tiny", "prompt": "make it blue", "num_inference_steps": 1}


@pytest.fixture
def pictures(rest: StudioProcess) -> Callable[[int], list[str]]:
    """Makes so many different small pictures and gives their ids."""
    made = iter(range(10_000))

    def upload(count: int) -> list[str]:
        ids: list[str] = []
        for _ in range(count):
            number = next(made)
            buffer = io.BytesIO()
            colour = (number % 256, number // 256, id(made) % 256)
            Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
            files = {"file": (f"p{number}.png", buffer.getvalue())}
            ids.append(rest.api("POST", "/images", files=files).json()["id"])
        return ids

    return upload


def paused(rest: StudioProcess, asked: dict[str, Any]) -> dict[str, Any]:
    """Start a batch while nothing is made."""
    rest.api("POST", "/queue/pause")
    started = send(rest, "/batches", **asked)
    assert started.status_code == 202, started.text
    return started.json()


def test_one_edit_is_made_of_each_picture(rest: StudioProcess, pictures: Callable[[int], list[str]]) -> None:
    ids = pictures(3)
    asked = {"request": EDIT, "images": [*ids, ids[0]]}
    estimate = send(rest, "/batches/estimate", **asked).json()
    assert (estimate["pictures"], estimate["left_out"]) == (3, [])
    started = send(rest, "/batches", **asked).json()
    done = ended(rest, started["batch"])
    assert done["x"]["field"] == "picture"
    assert done["x"]["values"] == ids
    assert [cell["job_id"] for cell in done["cells"]] == started["jobs"]
    records = [rest.api("GET", f"/images/{cell['image']['id']}").json() for cell in done["cells"]]
    assert [record["parents"][0]["image_id"] for record in records] == ids
    assert len({record["request"]["seed"] for record in records}) == 1
    sheet = rest.api("GET", f"/sweeps/{started['batch']}/sheet")
    assert Image.open(io.BytesIO(sheet.content)).format == "PNG"


def test_of_two_hundred_three_in_the_trash_are_told_and_the_rest_goes_on(
    rest: StudioProcess, pictures: Callable[[int], list[str]]
) -> None:
    ids = pictures(200)
    for image_id in ids[5:8]:
        rest.api("DELETE", f"/images/{image_id}")
    try:
        started = paused(rest, {"request": EDIT, "images": ids})
        assert len(started["jobs"]) == 197
        assert [each["image_id"] for each in started["left_out"]] == ids[5:8]
        assert {each["reason"] for each in started["left_out"]} == {"It is in the trash."}
        kept = rest.api("GET", f"/sweeps/{started['batch']}").json()
        assert kept["left_out"] == started["left_out"]
        assert rest.api("POST", f"/sweeps/{started['batch']}/cancel").json()["ended"] == 197
    finally:
        rest.api("POST", "/queue/resume")


def test_a_picture_trashed_while_it_waits_is_told_and_goes_on_when_it_is_back(
    rest: StudioProcess, pictures: Callable[[int], list[str]]
) -> None:
    ids = pictures(3)
    try:
        batch = paused(rest, {"request": EDIT, "images": ids})["batch"]
        rest.api("DELETE", f"/images/{ids[1]}")
    finally:
        rest.api("POST", "/queue/resume")
    done = ended(rest, batch)
    assert [cell["status"] for cell in done["cells"]] == ["done", "failed", "done"]
    assert "into the trash" in done["cells"][1]["error"]["message"]
    rest.api("POST", f"/images/{ids[1]}/restore")
    rest.api("POST", f"/sweeps/{batch}/resume")
    assert [cell["status"] for cell in ended(rest, batch)["cells"]] == ["done"] * 3


def test_the_characters_name_is_in_the_words(
    rest: StudioProcess, pictures: Callable[[int], list[str]]
) -> None:
    ids = pictures(3)
    for image_id, name in zip(ids, ("Mara", "Ode {the|old}"), strict=False):
        character = rest.api("POST", "/characters", json={"name": name}).json()["id"]
        rest.api("POST", f"/characters/{character}/versions", json={"image_id": image_id})
    try:
        started = paused(rest, {"request": {**EDIT, "prompt": "give {name} a hat"}, "images": ids})
        (left,) = started["left_out"]
        assert left["image_id"] == ids[2]
        assert "no character" in left["reason"]
        prompts = [rest.api("GET", f"/jobs/{job}").json()["request"]["prompt"] for job in started["jobs"]]
        assert prompts == ["give Mara a hat", "give Ode theold a hat"]
        rest.api("POST", f"/sweeps/{started['batch']}/cancel")
    finally:
        rest.api("POST", "/queue/resume")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": ["one"]}, "Choose 2 to 200 pictures"),
        ({"images": [f"n{n}" for n in range(201)]}, "these are 201"),
        ({"images": ["nowhere-1", "nowhere-2"]}, "no longer in the collection"),
        ({"request": {**EDIT, "prompt": ""}}, "prompt"),
        ({"request": {**EDIT, "prompt": "a __hat_of_none__"}}, "There is no list"),
        ({"request": {**EDIT, "model": "nothing"}}, "nothing"),
    ],
)
def test_what_can_be_made_of_no_picture_says_why(
    rest: StudioProcess, pictures: Callable[[int], list[str]], changes: dict[str, Any], words: str
) -> None:
    asked = {"request": EDIT, "images": pictures(2), **changes}
    refused = problem(send(rest, "/batches", **asked))
    assert words in refused["detail"]
