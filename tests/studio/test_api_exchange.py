"""Exchange over HTTP, against a running studio."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.harness import StudioProcess
from tests.studio import foreign_files as files
from tests.studio.fixtures import picture


def loaded(rest: StudioProcess, data: bytes, name: str) -> str:
    answer = httpx.post(f"{rest.url}/api/v1/images", files={"file": (name, data)}, timeout=60)
    assert answer.status_code in (200, 201)
    return answer.json()["id"]


def get(rest: StudioProcess, path: str) -> httpx.Response:
    return httpx.get(f"{rest.url}/api/v1{path}", timeout=60)


def post(rest: StudioProcess, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{rest.url}/api/v1{path}", json=body, timeout=60)


def test_what_a_file_says(rest: StudioProcess) -> None:
    image_id = loaded(rest, files.png(parameters=files.FORGE), "fox.png")
    said = get(rest, f"/images/{image_id}/metadata").json()
    assert (said["tool"], said["settings"]["prompt"], said["sidecar"]) == ("Forge", "a fox", None)
    assert {"name": "Schedule type", "value": "Simple"} in said["unmapped"]
    assert [one["name"] for one in said["raw"]] == ["parameters"]
    assert get(rest, "/images/nothing/metadata").status_code == 404


def test_a_clean_copy(rest: StudioProcess) -> None:
    image_id = loaded(rest, files.png(parameters=files.FORGE), "fox.png")
    answer = get(rest, f"/images/{image_id}/clean")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith('attachment; filename="fox-')
    assert b"a fox" not in answer.content
    assert files.opened(answer.content).size == (24, 16)


def test_an_export(rest: StudioProcess) -> None:
    data = picture(71)
    image_id = loaded(rest, data, "one.png")
    answer = post(rest, "/export", ids=[image_id], with_rights=True)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (entry,) = json.loads(archive.read("manifest.json"))["images"]
        assert archive.read(entry["file"]) == data
    assert post(rest, "/export", branch_of="nothing").status_code == 404
    for wrong in ({}, {"ids": ["a"], "branch_of": "b"}, {"ids": ["a"], "format": "gif"}):
        refused = post(rest, "/export", **wrong)
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


def test_an_import(rest: StudioProcess, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(72))
    answer = post(rest, "/imports", folder=str(tmp_path))
    assert answer.status_code == 202
    where = answer.headers["location"].removeprefix("/api/v1")
    deadline = time.monotonic() + 60
    while (progress := get(rest, where).json())["status"] in ("scanning", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (progress["status"], progress["added"], progress["problems"]) == ("done", 1, [])
    assert progress["id"] in [one["id"] for one in get(rest, "/imports").json()]
    assert post(rest, f"{where}/cancel").json()["status"] == "done"
    assert post(rest, "/imports", folder="/no/such/folder").status_code == 422
    assert get(rest, "/imports/nothing").status_code == 404


def test_small_thumbnails(rest: StudioProcess) -> None:
    image_id = loaded(rest, picture(73, width=800, height=400), "wide.png")
    small = get(rest, f"/images/{image_id}/thumbnail?side=192").content
    assert files.opened(small).size == (192, 96)
    assert files.opened(get(rest, f"/images/{image_id}/thumbnail").content).size == (384, 192)
    assert get(rest, f"/images/{image_id}/thumbnail?side=999").status_code == 422
