"""The library of models over REST, in a studio of its own with a hub on loopback."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.harness import StudioProcess, running_studio
from tests.hub import Hub, Repo, running_hub
from tests.pipelines.disk.test_identify import LORA_XL, write
from tests.studio.test_api_images import problem

FREE = "modes: [text_to_image], resolution: 64, licence: {name: MIT, commercial: yes}"
BOUND = "modes: [text_to_image], resolution: 64, licence: {name: Ink Licence, commercial: no, version: '1'}"


@pytest.fixture(scope="module")
def hub(tiny_plain_dir: Path) -> Iterator[Hub]:
    with running_hub(someone__tiny=Repo.of_folder(tiny_plain_dir)) as hub:
        yield hub


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, hub: Hub, tiny_plain_dir: Path
) -> Iterator[StudioProcess]:
    folder = tmp_path_factory.mktemp("models-rest")
    (folder / "models.yaml").write_text(
        "models:\n"
        f"  - {{id: here, label: Here, family: stable-diffusion, source: '{tiny_plain_dir}', {FREE}}}\n"
        f"  - {{id: away, label: Away, family: stable-diffusion, source: someone/tiny, {BOUND}}}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_HOME", str(folder / "hf"))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        with running_studio(folder / "data", folder / "models.yaml") as studio:
            studio.wait_for_worker()
            yield studio


def card(studio: StudioProcess, model: str) -> dict[str, Any]:
    library = studio.api("GET", "/models/library").json()
    return next(each for each in library["models"] if each["id"] == model)


def test_a_model_is_fetched_agreed_to_used_and_removed(studio: StudioProcess, hub: Hub) -> None:
    assert card(studio, "away")["available"] == "downloadable"
    assert hub.asked == []
    answer = studio.api("POST", "/models/away/download")
    assert answer.status_code == 202
    deadline = time.monotonic() + 90
    while card(studio, "away")["available"] != "ready":
        assert time.monotonic() < deadline, card(studio, "away")["download"]
        time.sleep(0.1)
    request = {"model": "away", "prompt": "a portrait", "num_inference_steps": 1, "width": 64, "height": 64}
    refused = studio.api("POST", "/jobs", json=request)
    assert refused.status_code == 422
    assert problem(refused)["field"] == "model"
    assert "Agree to its licence" in problem(refused)["detail"]
    agreed = studio.api("PUT", "/models/away/consent").json()
    assert agreed["consent"]["licence"] == "Ink Licence"
    job = studio.finished(studio.submit(**request)["id"])
    assert job["status"] == "done", job["error"]
    record = studio.api("GET", f"/images/{job['images'][0]}").json()
    assert record["provenance"]["licence"] == {"name": "Ink Licence", "commercial": "no", "version": "1"}
    assert record["provenance"]["revision"] == "a" * 40
    written = studio.api("GET", f"/images/{record['id']}/file")
    said = json.loads(Image.open(io.BytesIO(written.content)).text["likeness"])  # type: ignore[attr-defined]
    assert said["provenance"]["licence"] == record["provenance"]["licence"]
    assert said["model"] == {"id": "away", "label": "Away", "revision": "a" * 40}
    details = studio.api("GET", f"/images/{record['id']}/details").json()
    assert details["image"]["provenance"]["licence"]["commercial"] == "no"
    away = card(studio, "away")
    assert (away["version"]["commit"], away["version"]["held"]) == ("a" * 40, "studio")
    _newer_is_taken_when_asked(studio, hub)
    assert studio.api("DELETE", "/models/away/consent").json()["consent"] is None
    assert studio.api("DELETE", "/models/away/files").json()["available"] == "downloadable"


def _newer_is_taken_when_asked(studio: StudioProcess, hub: Hub) -> None:
    hub.repos["someone/tiny"].publish("b" * 40)
    job = studio.finished(studio.submit(model="away", prompt="again", num_inference_steps=1)["id"])
    again = studio.api("GET", f"/images/{job['images'][0]}").json()
    assert again["provenance"]["revision"] == "a" * 40
    assert studio.api("POST", "/models/away/update").json()["newest"] is True
    deadline = time.monotonic() + 90
    while card(studio, "away")["version"]["commit"] != "b" * 40:
        assert time.monotonic() < deadline, card(studio, "away")["download"]
        time.sleep(0.1)
    job = studio.finished(studio.submit(model="away", prompt="newer", num_inference_steps=1)["id"])
    newer = studio.api("GET", f"/images/{job['images'][0]}").json()
    assert newer["provenance"]["revision"] == "b" * 40
    assert studio.api("POST", "/models/here/update").status_code == 409


def test_how_a_model_is_kept_is_chosen_and_reaches_the_job(studio: StudioProcess) -> None:
    setting = {"choice": "resident", "tiling": True, "warm_up": False}
    changed = studio.api("PUT", "/models/here/memory", json=setting).json()
    assert changed["memory"] == setting
    assert changed["fit"]["tiling"] is True
    refused = studio.api("PUT", "/models/here/memory", json={"choice": "nf4"})
    assert refused.status_code == 422
    assert "Choose Automatic" in problem(refused)["detail"]
    job = studio.finished(studio.submit(model="here", prompt="a portrait", num_inference_steps=1)["id"])
    record = studio.api("GET", f"/images/{job['images'][0]}").json()
    assert "decoded in tiles" in record["provenance"]["memory_reason"]


def test_defaults_are_set_and_refused_by_mode(studio: StudioProcess) -> None:
    set_default = studio.api("PUT", "/models/defaults/text_to_image", json={"model": "here"})
    assert set_default.json()["defaults"] == {"text_to_image": "here"}
    assert card(studio, "here")["default_for"] == ["text_to_image"]
    models = {each["id"]: each["default_for"] for each in studio.api("GET", "/models").json()}
    assert models["here"] == ["text_to_image"]
    refused = studio.api("PUT", "/models/defaults/smart_edit", json={"model": "here"})
    assert refused.status_code == 422
    assert studio.api("PUT", "/models/defaults/text_to_image", json={"model": None}).json()["defaults"] == {}


def test_what_cannot_be_done_is_said(studio: StudioProcess) -> None:
    assert studio.api("POST", "/models/nothing/download").status_code == 404
    assert studio.api("POST", "/models/here/download").status_code == 409
    assert studio.api("POST", "/models/away/download/cancel").status_code == 404
    assert studio.api("DELETE", "/models/here/files").status_code == 409


def test_the_models_folder_is_looked_through(studio: StudioProcess) -> None:
    folder = studio.data_dir / "models"
    write(folder / "ink.safetensors", LORA_XL)
    (folder / "old.ckpt").write_bytes(b"pickle")
    library = studio.api("POST", "/models/scan").json()
    assert [(each["id"], each["kind"], each["base_label"]) for each in library["add_ons"]] == [
        ("ink", "lora", "SDXL")
    ]
    assert library["refused"][0]["file"] == "old.ckpt"
    assert library["models_folder"] == str(folder)


def test_a_model_of_another_tools_folder_makes_a_picture_there(
    studio: StudioProcess, tiny_plain_dir: Path, tmp_path: Path
) -> None:
    place = tmp_path / "ComfyUI" / "models" / "diffusers" / "little"
    shutil.copytree(tiny_plain_dir, place)
    (tmp_path / "ComfyUI" / "models" / "checkpoints").mkdir()
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    root = studio.api("POST", "/model-roots", json={"path": str(tmp_path / "ComfyUI")}).json()
    assert (root["tool"], root["held"]) == ("ComfyUI", "1 model")
    library = studio.api("GET", "/models/library").json()
    model = next(each for each in library["models"] if each["label"] == "little")
    assert (model["available"], model["root"], model["removable"]) == ("ready", root["path"], False)
    request = {
        "model": model["id"],
        "prompt": "a portrait",
        "num_inference_steps": 1,
        "width": 64,
        "height": 64,
    }
    job = studio.finished(studio.submit(**request)["id"])
    assert job["status"] == "done", job["error"]
    refused = studio.api("DELETE", f"/models/{model['id']}/files")
    assert refused.status_code == 409
    assert "only reads" in problem(refused)["detail"]
    (tmp_path / "ComfyUI").rename(tmp_path / "away")
    time.sleep(4)  # it is asked every few seconds at most
    assert studio.api("GET", "/models/library").json()["model_roots"][0]["state"] == "away"
    gone = studio.api("POST", "/jobs", json=request)
    assert "Is its drive connected" in problem(gone)["detail"]
    (tmp_path / "away").rename(tmp_path / "ComfyUI")
    job = studio.finished(studio.submit(**request)["id"])
    assert job["status"] == "done", job["error"]
    assert studio.api("DELETE", "/model-roots", params={"path": root["path"]}).status_code == 204
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before
