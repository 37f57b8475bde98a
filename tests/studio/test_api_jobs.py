from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.harness import StudioProcess
from tests.studio.test_api_images import add, png, problem

QUICK = {"model": "tiny", "prompt": "a portrait", "num_inference_steps": 2, "width": 64, "height": 64}
SLOW = QUICK | {"num_inference_steps": 150, "num_images": 8}


def test_a_request_becomes_pictures(rest: StudioProcess) -> None:
    job = rest.submit(**QUICK, num_images=2, seed=-1)
    assert job["status"] == "queued"
    request = job["request"]
    assert request["seed"] >= 0
    assert (request["mode"], request["model"], request["guidance_scale"]) == ("text_to_image", "tiny", 3.5)

    done = rest.finished(job["id"])
    assert done["status"] == "done", done["error"]
    assert done["timings"]["denoising"] > 0
    assert len(done["images"]) == 2
    records = [rest.api("GET", f"/images/{image_id}").json() for image_id in done["images"]]
    assert [record["seed"] for record in records] == [request["seed"], request["seed"] + 1]
    assert all(record["category"] == "generated" and record["request"] == request for record in records)
    assert all(record["job_id"] == job["id"] for record in records)


def test_an_edit_names_its_reference_as_parent(rest: StudioProcess) -> None:
    source = add(rest, png((200, 100, 50), (64, 64))).json()
    job = rest.submit(**QUICK, mode="img2img", strength=1.0, references=[{"image_id": source["id"]}])
    done = rest.finished(job["id"])
    assert done["status"] == "done", done["error"]
    child = rest.api("GET", f"/images/{done['images'][0]}").json()
    assert child["category"] == "edited"
    [parent] = child["parents"]
    assert (parent["image_id"], parent["role"], parent["order"]) == (source["id"], "source", 0)
    assert child["id"] in rest.api("GET", f"/images/{source['id']}").json()["children"]


def test_previews_and_the_control_image_are_served_fresh(rest: StudioProcess) -> None:
    source = add(rest, png((90, 10, 90), (64, 64))).json()
    job = rest.submit(
        **SLOW, mode="controlnet", references=[{"image_id": source["id"]}], control={"kind": "canny"}
    )
    rest._poll(f"/jobs/{job['id']}", lambda now: now["preview"] > 0 and now["has_control_image"], 60)
    for path in ("preview", "control-image"):
        answer = rest.api("GET", f"/jobs/{job['id']}/{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert Image.MIME[str(picture.format)] == answer.headers["content-type"]
    assert rest.api("POST", f"/jobs/{job['id']}/cancel").status_code == 202
    rest.finished(job["id"])


def test_running_and_queued_jobs_can_be_cancelled(rest: StudioProcess) -> None:
    running, queued = rest.submit(**SLOW), rest.submit(**SLOW)
    rest._poll(f"/jobs/{running['id']}", lambda now: now["step"] > 0, 60)
    for job in (queued, running):
        answer = rest.api("POST", f"/jobs/{job['id']}/cancel")
        assert answer.status_code == 202
        assert answer.json()["cancel_requested"] or answer.json()["status"] == "cancelled"
    assert rest.finished(queued["id"])["status"] == "cancelled"
    assert rest.finished(running["id"], 30)["status"] == "cancelled"
    assert rest.api("POST", f"/jobs/{running['id']}/cancel").json()["status"] == "cancelled"
    again = rest.submit(**QUICK)
    assert rest.finished(again["id"])["status"] == "done"


def test_jobs_are_listed_newest_first_and_by_status(rest: StudioProcess) -> None:
    first, second = rest.submit(**QUICK), rest.submit(**QUICK)
    rest.finished(first["id"])
    rest.finished(second["id"])
    listed = [job["id"] for job in rest.api("GET", "/jobs?limit=2").json()]
    assert listed == [second["id"], first["id"]]
    assert all(job["status"] == "done" for job in rest.api("GET", "/jobs?status=done").json())
    assert problem(rest.api("GET", "/jobs?status=lost"))["field"] == "status"


@pytest.mark.parametrize("path", ["", "/preview", "/control-image", "/cancel"])
def test_an_unknown_job_is_not_found(rest: StudioProcess, path: str) -> None:
    answer = rest.api("POST" if path == "/cancel" else "GET", f"/jobs/nothing{path}")
    assert answer.status_code == 404
    problem(answer)


def test_before_the_first_preview_there_is_no_content(rest: StudioProcess) -> None:
    job = rest.submit(**QUICK)
    rest.finished(job["id"])
    assert rest.api("GET", f"/jobs/{job['id']}/control-image").status_code == 204


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"guidance_scale": 1e9}, "guidance_scale", "from 0 to 30"),
    ({"guidance_scale": float("nan")}, "guidance_scale", "from 0 to 30"),
    ({"guidance_scale": float("inf")}, "guidance_scale", "from 0 to 30"),
    ({"num_inference_steps": 0}, "num_inference_steps", "from 1 to 150"),
    ({"num_inference_steps": 10_000}, "num_inference_steps", "from 1 to 150"),
    ({"num_inference_steps": 2.5}, "num_inference_steps", "whole number"),
    ({"num_images": 9}, "num_images", "from 1 to 8"),
    ({"seed": 2**63}, "seed", "from -1 to"),
    ({"seed": 2**70}, "seed", "from -1 to"),
    ({"width": 5}, "width", "from 16 to 4096"),
    ({"strength": 1.5}, "strength", "from 0 to 1"),
    ({"prompt": "x" * 10_001}, "prompt", "10,000"),
    ({"prompt": None}, "prompt", "text"),
    ({"mode": "magic"}, "mode", "text_to_image"),
    ({"model": "unheard-of"}, "model", "unheard-of"),
    ({"aspect_ratio": "banana", "width": None, "height": None}, "aspect_ratio", "banana"),
    ({"references": [{"image_id": "a"}] * 11}, "references", "At most 10"),
    ({"references": [{"image_id": "a", "role": "villain"}]}, "references.0.role", "source"),
    ({"references": [{"image_id": "a", "weight": 7}]}, "references.0.weight", "from 0 to 2"),
    ({"control": {"kind": "palm-reading"}}, "control.kind", "canny"),
    ({"mode": "smart_edit"}, "references", ""),
    ({"prompt": ""}, "prompt", ""),
    ({"sampler": "euler"}, "sampler", "no setting called"),
]


@pytest.mark.parametrize(
    ("change", "field", "words"), REFUSED, ids=[f"{i}-{f}" for i, (_, f, _) in enumerate(REFUSED)]
)
def test_what_cannot_be_done_names_the_field_and_why(
    rest: StudioProcess, change: dict[str, Any], field: str, words: str
) -> None:
    body = json.dumps(QUICK | change)
    answer = rest.api("POST", "/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (404, 422), answer.text
    found = problem(answer)
    assert found["field"] == field
    assert words in found["detail"]


def test_several_faults_are_all_named(rest: StudioProcess) -> None:
    answer = rest.api("POST", "/jobs", json=QUICK | {"num_images": 0, "guidance_scale": -1})
    assert {error["field"] for error in problem(answer)["errors"]} == {"num_images", "guidance_scale"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"prompt=hello", "application/json"),
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[1, 2]", "application/json"),
        (b'"text"', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"prompt": "a"}', "text/plain"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    rest: StudioProcess, body: bytes, content_type: str
) -> None:
    answer = rest.api("POST", "/jobs", content=body, headers={"Content-Type": content_type})
    assert answer.status_code in (400, 422)
    assert "body" in problem(answer)["detail"]


def test_a_reference_that_does_not_exist_is_named(rest: StudioProcess) -> None:
    body = QUICK | {"mode": "img2img", "references": [{"image_id": "f" * 32}]}
    answer = rest.api("POST", "/jobs", json=body)
    assert answer.status_code in (404, 422)
    assert "reference" in problem(answer)["detail"].lower()


def test_strength_that_leaves_no_step_is_raised_to_the_least_that_does(rest: StudioProcess) -> None:
    source = add(rest, png((60, 60, 60), (64, 64))).json()
    body = QUICK | {"mode": "img2img", "strength": 0.0, "references": [{"image_id": source["id"]}]}
    answer: httpx.Response = rest.api("POST", "/jobs", json=body)
    assert answer.status_code == 202
    assert answer.json()["request"]["strength"] > 0
    assert any("is used" in notice for notice in answer.json()["notices"])
