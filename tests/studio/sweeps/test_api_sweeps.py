from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import StudioProcess
from tests.studio.test_api_images import problem

REQUEST = {"model": "tiny", "prompt": "a red hat", "num_inference_steps": 1, "width": 64, "height": 64}


def send(studio: StudioProcess, path: str, **body: Any) -> Any:
    return studio.api("POST", path, json=body)


def ended(studio: StudioProcess, sweep_id: str) -> dict[str, Any]:
    return studio._poll(f"/sweeps/{sweep_id}", lambda now: now["ended"] == now["total"], 120)


def test_a_grid_of_pictures_is_made_and_each_reproduces(rest: StudioProcess) -> None:
    asked: dict[str, Any] = {
        "request": REQUEST,
        "x": {"field": "guidance_scale", "values": "2..4 step 2"},
        "y": {"field": "prompt_part", "values": "red | blue"},
    }
    estimate = send(rest, "/sweeps/estimate", **asked).json()
    assert estimate["pictures"] == 4
    started = send(rest, "/sweeps", **asked)
    assert started.status_code == 202
    batch = started.json()
    done = ended(rest, batch["batch"])
    assert [cell["job_id"] for cell in done["cells"]] == batch["jobs"]
    assert [(cell["x"], cell["y"]) for cell in done["cells"]] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    requests = [rest.api("GET", f"/images/{cell['image']['id']}").json()["request"] for cell in done["cells"]]
    assert [(each["guidance_scale"], each["prompt"]) for each in requests] == [
        (2, "a red hat"),
        (4, "a red hat"),
        (2, "a blue hat"),
        (4, "a blue hat"),
    ]
    assert len({each["seed"] for each in requests}) == 1
    again = rest.finished(rest.submit(**requests[3])["id"])
    first = rest.api("GET", f"/images/{done['cells'][3]['image']['id']}").json()
    second = rest.api("GET", f"/images/{again['images'][0]}").json()
    assert first["pixel_sha256"] == second["pixel_sha256"]
    assert done == rest.api("GET", "/sweeps").json()["items"][0]
    batches = rest.api("GET", "/batches").json()["items"]
    (batch,) = [each for each in batches if each["sweep"] and each["sweep"]["id"] == done["id"]]
    assert batch["sweep"]["axes"] == ["guidance_scale", "prompt_part"]
    assert [each["id"] for each in batch["images"]] == [cell["image"]["id"] for cell in done["cells"]]


def test_a_cancelled_sweep_goes_on_with_the_same_pictures(rest: StudioProcess) -> None:
    rest.api("POST", "/queue/pause")
    try:
        started = send(rest, "/sweeps", request=REQUEST, x={"field": "seed", "values": [1, 2, 3]}).json()
        cancelled = rest.api("POST", f"/sweeps/{started['batch']}/cancel").json()
        assert {cell["status"] for cell in cancelled["cells"]} == {"cancelled"}
        resumed = rest.api("POST", f"/sweeps/{started['batch']}/resume").json()
        assert {cell["status"] for cell in resumed["cells"]} == {"queued"}
    finally:
        rest.api("POST", "/queue/resume")
    done = ended(rest, started["batch"])
    assert [cell["image"]["seed"] for cell in done["cells"]] == [1, 2, 3]


def test_each_model_is_loaded_once_however_the_axes_lie(rest: StudioProcess) -> None:
    rest.api("POST", "/queue/pause")
    try:
        axes = {
            "x": {"field": "model", "values": "tiny | tiny-plain"},
            "y": {"field": "seed", "values": [1, 2]},
        }
        sweep = send(rest, "/sweeps", request=REQUEST, **axes).json()
        jobs = [rest.api("GET", f"/jobs/{job_id}").json() for job_id in sweep["jobs"]]
        waiting = sorted(jobs, key=lambda job: job["position"])
        models = [job["request"]["model"] for job in waiting]
        assert models in (
            ["tiny", "tiny", "tiny-plain", "tiny-plain"],
            ["tiny-plain", "tiny-plain", "tiny", "tiny"],
        )
        assert [cell["x"] for cell in rest.api("GET", f"/sweeps/{sweep['batch']}").json()["cells"]] == [
            0,
            1,
            0,
            1,
        ]
        rest.api("POST", f"/sweeps/{sweep['batch']}/cancel")
    finally:
        rest.api("POST", "/queue/resume")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": {"field": "seed", "values": "1..100000"}}, "100,000 values"),
        ({"x": {"field": "seed", "values": []}}, "no values"),
        ({"x": {"field": "colour", "values": "red"}}, "can't go over"),
        ({"x": {"field": "guidance_scale", "values": "2 | 99"}}, "guidance_scale 99"),
        ({"x": {"field": "model", "values": "tiny | nothing"}}, "nothing"),
        (
            {"x": {"field": "seed", "values": "1..100"}, "y": {"field": "guidance_scale", "values": "1..9"}},
            "900 pictures",
        ),
        ({"x": {"field": "seed", "values": [1]}, "y": {"field": "seed", "values": [2]}}, "same setting"),
    ],
)
def test_what_cannot_be_swept_queues_nothing_and_says_why(
    rest: StudioProcess, changes: dict[str, Any], words: str
) -> None:
    before = len(rest.api("GET", "/jobs?limit=1000").json())
    refused = problem(send(rest, "/sweeps", request=REQUEST, **changes))
    assert words in refused["detail"]
    assert len(rest.api("GET", "/jobs?limit=1000").json()) == before


def test_all_sweeps_are_reached_page_by_page(rest: StudioProcess) -> None:
    rest.api("POST", "/queue/pause")
    try:
        axis = {"field": "seed", "values": [1, 2]}
        made = [send(rest, "/sweeps", request=REQUEST, x=axis).json()["batch"] for _ in range(3)]
        rest.api("POST", f"/sweeps/{made[2]}/cancel")
        found: list[dict[str, Any]] = []
        cursor = None
        while len(found) < 3:
            page = rest.api("GET", "/sweeps", params={"limit": 1, "cells": False, "cursor": cursor}).json()
            found, cursor = [*found, *page["items"]], page["next"]
        assert [each["id"] for each in found] == made[::-1]
        assert [(each["cells"], each["ended"], each["total"]) for each in found] == [
            ([], 2, 2),
            ([], 0, 2),
            ([], 0, 2),
        ]
        for each in made:
            rest.api("POST", f"/sweeps/{each}/cancel")
    finally:
        rest.api("POST", "/queue/resume")
    assert problem(rest.api("GET", "/sweeps?cursor=nothing"))["field"] == "cursor"
    last = rest.api("GET", "/sweeps?limit=100").json()
    assert last["next"] is None


def test_there_is_no_such_sweep(rest: StudioProcess) -> None:
    assert problem(rest.api("GET", "/sweeps/nothing"))["status"] == 404
