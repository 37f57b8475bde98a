"""`/characters` and `/designs` over HTTP, on one application without an engine."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from studio.api import add_api
from studio.api.events import QueueBroadcast
from studio.security import Gatekeeper
from tests.studio.characters.conftest import Cast
from tests.studio.fixtures import picture


@pytest.fixture
def http(studio: Cast) -> TestClient:
    app = FastAPI()
    add_api(app, studio.service, studio.settings, QueueBroadcast(studio.service))
    return TestClient(app, base_url="http://127.0.0.1/api/v1", raise_server_exceptions=False)


def made(http: TestClient, name: str = "Mara") -> str:
    answer = http.post("/characters", json={"name": name})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/characters/{answer.json()['id']}"
    return answer.json()["id"]


def uploaded(http: TestClient, character_id: str, seed: int = 1) -> dict[str, Any]:
    file = ("p.png", picture(seed, width=48, height=64))
    answer = http.post(f"/characters/{character_id}/versions/upload", files={"file": file})
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("field") == field
    return answer.json()


def test_a_cast_over_http(http: TestClient) -> None:
    mara, ilse = made(http), made(http, "Ilse")
    uploaded(http, mara)
    assert http.post("/characters/order", json={"ids": [ilse, mara]}).status_code == 204
    rows = http.get("/characters").json()
    assert [(row["name"], row["versions"]) for row in rows] == [("Ilse", 0), ("Mara", 1)]
    assert [row["name"] for row in http.get("/characters", params={"q": "il"}).json()] == ["Ilse"]
    assert http.patch(f"/characters/{ilse}", json={"name": "Ilsa", "archived": True}).json()["archived"]
    assert [row["name"] for row in http.get("/characters?archived=true").json()] == ["Ilsa"]
    assert http.post(f"/characters/{mara}/duplicate").json()["name"] == "Mara (copy)"
    assert http.delete(f"/characters/{mara}").status_code == 204
    problem(http.get(f"/characters/{mara}"), 404, "character")
    problem(http.post("/characters", json={"name": ""}), 422, "name")
    problem(http.post("/characters", json={"name": "a", "x": 1}), 422, "x")


def test_a_later_save_is_told_what_it_would_overwrite(http: TestClient) -> None:
    place = f"/characters/{made(http)}/blueprint"
    first = {"revision": 0, "fields": {"hair": {"value": "red", "locked": True}}}
    assert http.put(place, json=first).json()["revision"] == 1
    later = {"revision": 0, "fields": {"hair": {"value": "black"}}}
    said = problem(http.put(place, json=later), 409, "hair")
    assert said["code"] == "blueprint_changed"
    assert said["errors"] == [{"field": "hair", "detail": "hair: “red” (locked) by “black”"}]
    assert http.put(place, params={"overwrite": True}, json=later).json()["revision"] == 2
    problem(
        http.put(place, json={"revision": 2, "fields": {"tail": {"value": "x"}}}), 422, "fields.tail.[key]"
    )


def test_words_for_prompts(http: TestClient) -> None:
    mara = made(http)
    fields = {"hair": {"value": "red", "locked": True}, "eyes": {"value": "green"}}
    http.put(f"/characters/{mara}/blueprint", json={"revision": 0, "fields": fields})
    said = http.get(f"/characters/{mara}/words").json()
    assert (said["identity_line"], said["keep"][0]["text"]) == ("red hair", "maintain current hair")
    assert said["description"] == "portrait of a person, green eyes, red hair"


def test_versions_over_http(http: TestClient, studio: Cast) -> None:
    mara = made(http)
    first, second = uploaded(http, mara, 1), uploaded(http, mara, 2)
    place = f"/characters/{mara}/versions"
    assert http.post(f"{place}/{first['id']}/use").json()["current"]
    found = http.get(place).json()
    assert [(v["place"], v["total"], v["current"]) for v in found["items"]] == [(2, 2, False), (1, 2, True)]
    assert http.delete(f"{place}/{second['id']}").json()["trashed_at"] is not None
    assert len(http.get(place, params={"trashed": True}).json()["items"]) == 1
    assert http.post(f"{place}/{second['id']}/restore").json()["trashed_at"] is None
    chosen = studio.upload(5)
    assert http.post(place, json={"image_id": chosen.id}).json()[0]["image_id"] == chosen.id
    problem(http.post(place, json={"image_id": "nothing"}), 404)
    problem(http.post(place, json={}), 422, "image_id")
    problem(http.post(f"{place}/upload", files={"file": ("a.png", b"no")}), 422, "file")
    problem(http.post(f"{place}/upload", data={"file": "no"}), 422, "file")
    problem(http.get(f"{place}/nothing"), 404, "version")
    listed = http.get("/images", params={"character": mara}).json()["items"]
    assert len(listed) == 3
    assert listed[0]["characters"] == [mara]
    problem(http.get("/images?character=nobody"), 404, "character")


def test_a_portrait_over_http(http: TestClient, studio: Cast) -> None:
    mara = made(http)
    http.post("/designs", json={"name": "Ink", "style_prompt": "ink drawing"})
    start = http.get(f"/characters/{mara}/portrait").json()
    assert (start["style_prompt"], start["mode"]) == ("ink drawing", "text_to_image")
    wish = {"prompt": "a sailor", "model": "portrait-mini", "tab": "t"}
    answer = http.post(f"/characters/{mara}/portrait", json=wish)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    assert answer.json()["request"]["prompt"] == "a sailor, ink drawing"
    plain = http.post(f"/characters/{mara}/portrait", json={**wish, "styled": False}).json()
    assert (plain["request"]["prompt"], plain["request"]["character"]) == ("a sailor", mara)
    studio.finish_all()
    assert len(http.get(f"/characters/{mara}/versions").json()["items"]) == 2
    newest = http.get(f"/characters/{mara}/versions").json()["items"][0]
    saved = http.post(f"/characters/{mara}/versions/{newest['id']}/design-default").json()
    assert (saved["seed"], saved["name"]) == (newest["seed"], "Ink")
    problem(http.post(f"/characters/{mara}/portrait", json={**wish, "num_inference_steps": 0}), 422,
            "num_inference_steps")  # fmt: skip


def test_an_avatar_over_http(http: TestClient) -> None:
    mara = made(http)
    problem(http.get(f"/characters/{mara}/avatar"), 404)
    version = uploaded(http, mara)
    place = f"/characters/{mara}/versions/{version['id']}"
    guess = http.get(f"{place}/crop-guess", params={"aspect": "3:4"}).json()
    assert http.put(f"{place}/crop", json=guess["crop"]).json()["image_id"] == version["image_id"]
    answer = http.get(f"/characters/{mara}/avatar", params={"side": 40, "kind": "webp"})
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (30, 40)
    headers = {"If-None-Match": answer.headers["etag"]}
    again = http.get(f"/characters/{mara}/avatar", params={"side": 40, "kind": "webp"}, headers=headers)
    assert again.status_code == 304
    http.put(f"{place}/crop", json={"x": 0, "y": 0, "width": 9, "height": 9})
    changed = http.get(f"/characters/{mara}/avatar", params={"side": 40, "kind": "webp"}, headers=headers)
    assert changed.status_code == 200
    assert http.delete(f"/characters/{mara}/avatar").status_code == 204
    assert http.get(f"/characters/{mara}").json()["avatar"] is None
    problem(http.get(f"/characters/{mara}/avatar?side=9"), 422, "side")
    problem(http.put(f"{place}/crop", json={"x": 0, "y": 0, "width": 99, "height": 9}), 422, "crop")


def test_a_reference_set_over_http(http: TestClient, studio: Cast) -> None:
    mara = made(http)
    place = f"/characters/{mara}/references"
    ids = [studio.upload(seed).id for seed in (1, 2)]
    for image_id in ids:
        assert http.post(place, json={"image_id": image_id}).status_code == 201
    assert http.put(f"{place}/{ids[1]}/anchor").json()["items"][1]["anchor"]
    assert [i["image_id"] for i in http.put(place, json=ids[::-1]).json()["items"]] == ids[::-1]
    assert http.get(place).json()["items"][1]["colours"] > 0
    assert len(http.delete(f"{place}/{ids[0]}").json()["items"]) == 1
    problem(http.delete(f"{place}/{ids[0]}"), 404, "image_id")


def test_a_sheet_over_http(http: TestClient, studio: Cast) -> None:
    mara = made(http)
    assert http.get(f"/characters/{mara}/sheet-choices").json()["angles"]
    cells = http.post(f"/characters/{mara}/sheet-cells", json={"lights": ["candlelight"]}).json()
    started = http.post(f"/characters/{mara}/sheets", json={"cells": cells, "model": "portrait-mini"})
    assert started.status_code == 202
    studio.finish_all()
    sheet = http.get(started.headers["location"].removeprefix("/api/v1")).json()
    assert sheet["image_id"] is not None
    assert http.get(f"/characters/{mara}/sheets").json() == [sheet]
    assert http.get("/images?category=sheet").json()["items"][0]["id"] == sheet["image_id"]
    problem(http.post(f"/characters/{mara}/sheets", json={"cells": []}), 422, "cells")


def test_designs_and_the_cast_over_http(http: TestClient, studio: Cast) -> None:
    mara = made(http)
    uploaded(http, mara)
    answer = http.post("/designs", json={"name": "Ink", "style_prompt": "ink"})
    place = answer.headers["location"].removeprefix("/api/v1")
    assert http.patch(place, json={"guidance_scale": 5}).json()["style_prompt"] == "ink"
    assert http.put("/designs/active", json={"design_id": None}).json()[0]["same"] is True
    assert http.put("/designs/active", json={"design_id": answer.json()["id"]}).json()[0]["same"] is False
    assert http.get("/designs").json()[0]["active"]
    assert http.get(f"{place}/uses").json()[0]["name"] == "Mara"
    run = http.post(f"{place}/cast", json={})
    assert run.status_code == 202
    studio.finish_all()
    run = http.get(run.headers["location"].removeprefix("/api/v1")).json()
    (job,) = run["jobs"]
    assert (job["state"], run["ended"]) == ("proposed", 1)
    left = http.post(f"/characters/{mara}/versions/{job['version_id']}/leave").json()
    assert left["state"] == "left"
    assert http.get(f"{place}/cast").json()[0]["jobs"][0]["state"] == "left"
    assert http.post(f"/cast-runs/{run['id']}/cancel").status_code == 202
    problem(http.post(f"{place}/cast", json={"mode": "img2img"}), 422, "mode")
    problem(http.post("/designs", json={"name": "ink"}), 422, "name")
    assert http.delete(place).status_code == 204
    problem(http.get(place), 404, "design")


def test_files_over_http(http: TestClient) -> None:
    mara = made(http, "Mära Voß")
    uploaded(http, mara)
    zipped = http.get(f"/characters/{mara}/export")
    assert zipped.headers["content-disposition"] == "attachment; filename*=utf-8''M%C3%A4ra-Vo%C3%9F.zip"
    card = http.get(f"/characters/{mara}/card")
    assert card.headers["content-type"] == "image/png"
    charx = http.get(f"/characters/{mara}/card", params={"kind": "charx"})
    assert charx.headers["content-type"] == "application/zip"
    assert charx.headers["content-disposition"].endswith("Vo%C3%9F.charx")
    problem(http.get(f"/characters/{mara}/card", params={"kind": "bmp"}), 422, "kind")
    for data, name in ((zipped.content, "a.zip"), (card.content, "a.png"), (charx.content, "a.charx")):
        answer = http.post("/characters/import", files={"file": (name, data)})
        assert answer.status_code == 201
        assert answer.json()["character"]["name"] == "Mära Voß"
    problem(http.post("/characters/import", files={"file": ("a.png", b"no")}), 422, "file")
    assert len(http.get("/characters").json()) == 4


def test_every_call_is_described(http: TestClient) -> None:
    paths = http.get("http://127.0.0.1/openapi.json").json()["paths"]
    ours = [path for path in paths if "/characters" in path or "/designs" in path or "/cast-runs" in path]
    assert len(ours) > 25
    assert all(call["description"] for path in ours for call in paths[path].values())


def test_archives_may_be_larger_than_a_picture(studio: Cast) -> None:
    app = FastAPI()
    app.add_middleware(Gatekeeper, settings=replace(studio.settings, max_upload_bytes=1000))
    add_api(app, studio.service, studio.settings, QueueBroadcast(studio.service))
    http = TestClient(app, base_url="http://127.0.0.1/api/v1")
    files = {"file": ("a.zip", bytes(200_000))}
    problem(http.post("/images", files=files), 413)
    problem(http.post("/characters/import", files=files), 422, "file")


def test_a_card_with_half_signs_and_deep_nests_is_taken_and_given_out(http: TestClient) -> None:
    said = '{"name": "A\\ud800", "description": "\\udfff", "deep": ' + "[" * 900 + "]" * 900 + "}"
    answer = http.post("/characters/import", files={"file": ("a.json", said.encode())})
    assert answer.status_code == 201, answer.text
    taken = answer.json()
    assert taken["character"]["name"] == "A\ufffd"
    assert any("64 levels" in note for note in taken["notes"])
    character_id = taken["character"]["id"]
    for place in ("export", "card?kind=charx"):
        given = http.get(f"/characters/{character_id}/{place}")
        assert given.status_code == 200
        assert http.post("/characters/import", files={"file": ("b.zip", given.content)}).status_code == 201
