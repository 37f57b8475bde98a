from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import StudioProcess
from tests.studio.test_api_images import problem

QUICK = {"model": "tiny", "prompt": "a portrait", "num_inference_steps": 1, "width": 64, "height": 64}


@pytest.fixture
def paused(rest: StudioProcess) -> Iterator[StudioProcess]:
    """Nothing begins, so that what waits stays as it is."""
    assert rest.api("POST", "/queue/pause").json()["paused"]
    yield rest
    rest.api("POST", "/queue/clear")
    assert not rest.api("POST", "/queue/resume").json()["paused"]


def order(studio: StudioProcess) -> list[str]:
    waiting = studio.api("GET", "/jobs?status=queued").json()
    return [job["id"] for job in sorted(waiting, key=lambda job: job["position"])]


def send(studio: StudioProcess, path: str, body: dict[str, Any]) -> Any:
    return studio.api("POST", path, json=body)


def test_jobs_that_wait_are_moved_cleared_and_brought_back(paused: StudioProcess) -> None:
    a, b, c = (paused.submit(**QUICK)["id"] for _ in range(3))
    assert send(paused, f"/jobs/{c}/move", {"to": "front"}).json()["position"] == 0
    assert order(paused) == [c, a, b]
    assert send(paused, f"/jobs/{c}/move", {"before": b}).json()["position"] == 1
    cleared = paused.api("POST", "/queue/clear").json()
    assert cleared == {"job_ids": [a, c, b]}
    assert order(paused) == []
    assert send(paused, "/queue/restore", cleared).json() == cleared
    assert order(paused) == [a, c, b]


def test_a_cancelled_job_is_tried_again_with_the_same_seed(
    rest: StudioProcess, paused: StudioProcess
) -> None:
    job = paused.submit(**QUICK, seed=7)
    paused.api("POST", f"/jobs/{job['id']}/cancel")
    again = paused.api("POST", f"/jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["status"], again.json()["id"]) == (202, "queued", job["id"])
    rest.api("POST", "/queue/resume")
    done = rest.finished(job["id"])
    assert (done["status"], done["request"]["seed"], len(done["images"])) == ("done", 7, 1)
    assert problem(rest.api("POST", f"/jobs/{job['id']}/retry"))["status"] == 409


def test_a_job_repeats_itself_until_it_is_stopped(rest: StudioProcess, paused: StudioProcess) -> None:
    first = paused.submit(**QUICK)
    assert send(paused, f"/jobs/{first['id']}/repeat", {"on": True}).json()["repeat"]
    rest.api("POST", "/queue/resume")
    rest.finished(first["id"])

    def another(jobs: Any) -> Any:
        return [job for job in jobs if job["repeat"] and job["id"] != first["id"]]

    jobs = rest._poll("/jobs?limit=5", another, 60)
    second = another(jobs)[-1]
    assert second["request"]["seed"] != first["request"]["seed"]
    rest.api("POST", "/queue/pause")
    for job in rest.api("GET", "/jobs?limit=100").json():
        rest.api("POST", f"/jobs/{job['id']}/cancel")


@pytest.mark.parametrize(
    "body", [{}, {"to": "front", "before": "x"}, {"to": "up"}, {"before": "x" * 65}, {"to": 3}]
)
def test_a_move_to_nowhere_is_refused(paused: StudioProcess, body: dict[str, Any]) -> None:
    job = paused.submit(**QUICK)
    assert problem(send(paused, f"/jobs/{job['id']}/move", body))["status"] == 422


def test_what_is_not_there_is_said(rest: StudioProcess) -> None:
    assert problem(rest.api("POST", "/jobs/nothing/retry"))["status"] == 404
    assert problem(send(rest, "/jobs/nothing/repeat", {}))["status"] == 404
    assert problem(send(rest, "/jobs/nothing/move", {"to": "front"}))["status"] == 409
    assert send(rest, "/queue/restore", {"job_ids": ["nothing"]}).json() == {"job_ids": []}


def test_switches_are_changed_one_by_one(rest: StudioProcess) -> None:
    try:
        now = rest.api("PATCH", "/queue", json={"loaded_first": True}).json()
        assert now == {"paused": False, "loaded_first": True}
    finally:
        assert not rest.api("PATCH", "/queue", json={"loaded_first": False}).json()["loaded_first"]
