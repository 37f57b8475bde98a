from __future__ import annotations

import httpx
import pytest

from studio import __version__
from tests.e2e.harness import StudioProcess
from tests.pipelines.disk.test_identify import LORA_XL, write
from tests.studio.test_api_images import problem

CALLS = {
    "/health": {"get"},
    "/door": {"get"},
    "/door/qr": {"get"},
    "/login": {"post"},
    "/logout": {"post"},
    "/tokens": {"get", "post"},
    "/tokens/{token_id}": {"delete"},
    "/models": {"get"},
    "/images": {"get", "post"},
    "/images/ids": {"get"},
    "/images/stops": {"get"},
    "/images/facets": {"get"},
    "/images/bulk": {"post"},
    "/trash/empty": {"post"},
    "/images/{image_id}": {"get", "patch", "delete"},
    "/images/{image_id}/file": {"get"},
    "/images/{image_id}/thumbnail": {"get"},
    "/images/{image_id}/restore": {"post"},
    "/images/{image_id}/fix-face": {"post"},
    "/images/{image_id}/selection": {"post"},
    "/images/{image_id}/metadata": {"get"},
    "/images/{image_id}/clean": {"get"},
    "/export": {"post"},
    "/imports": {"get", "post"},
    "/imports/{import_id}": {"get"},
    "/imports/{import_id}/cancel": {"post"},
    "/imports/{import_id}/resume": {"post"},
    "/images/{image_id}/details": {"get"},
    "/images/{image_id}/family": {"get"},
    "/images/{image_id}/changes": {"get"},
    "/images/{image_id}/drift": {"get"},
    "/images/{image_id}/reproduce": {"post"},
    "/images/{image_id}/reproductions": {"get"},
    "/images/{image_id}/change": {"get"},
    "/images/{image_id}/return": {"post"},
    "/queue": {"patch"},
    "/queue/pause": {"post"},
    "/queue/resume": {"post"},
    "/queue/clear": {"post"},
    "/queue/restore": {"post"},
    "/jobs/{job_id}/move": {"post"},
    "/jobs/{job_id}/retry": {"post"},
    "/jobs/{job_id}/repeat": {"post"},
    "/presets": {"get", "post"},
    "/presets/file": {"get", "post"},
    "/presets/{preset_id}": {"put", "delete"},
    "/presets/{preset_id}/apply": {"post"},
    "/sweeps": {"get", "post"},
    "/sweeps/estimate": {"post"},
    "/sweeps/{sweep_id}": {"get"},
    "/sweeps/{sweep_id}/cancel": {"post"},
    "/sweeps/{sweep_id}/sheet": {"get"},
    "/images/{image_id}/head": {"get"},
    "/images/{image_id}/subject": {"get"},
    "/sweeps/{sweep_id}/resume": {"post"},
    "/batches": {"get", "post"},
    "/batches/estimate": {"post"},
    "/batches/{job_id}/ranking": {"get"},
    "/batches/{job_id}/winners": {"post"},
    "/jobs": {"post", "get"},
    "/jobs/check": {"post"},
    "/jobs/{job_id}": {"get"},
    "/jobs/{job_id}/cancel": {"post"},
    "/jobs/{job_id}/preview": {"get"},
    "/jobs/{job_id}/control-image": {"get"},
    "/model-roots": {"get", "post", "delete"},
    "/models/library": {"get"},
    "/models/scan": {"post"},
    "/models/defaults/{mode}": {"put"},
    "/models/{model_id}/memory": {"put"},
    "/models/{model_id}/files": {"delete"},
    "/models/{model_id}/download": {"post"},
    "/models/{model_id}/download/cancel": {"post"},
    "/models/{model_id}/consent": {"put", "delete"},
    "/events": {"get"},
    "/advice": {"get", "post"},
    "/images/{image_id}/advice": {"get"},
    "/models/{model_id}/update": {"post"},
    "/characters": {"get", "post"},
    "/characters/order": {"post"},
    "/characters/{character_id}": {"get", "patch", "delete"},
    "/characters/{character_id}/duplicate": {"post"},
    "/characters/{character_id}/blueprint": {"get", "put"},
    "/characters/{character_id}/words": {"get"},
    "/characters/{character_id}/describe": {"post"},
    "/readers": {"get"},
    "/characters/{character_id}/versions": {"get", "post"},
    "/characters/{character_id}/versions/upload": {"post"},
    "/characters/{character_id}/versions/{version_id}": {"get", "delete"},
    "/characters/{character_id}/versions/{version_id}/use": {"post"},
    "/characters/{character_id}/versions/{version_id}/leave": {"post"},
    "/characters/{character_id}/versions/{version_id}/restore": {"post"},
    "/characters/{character_id}/versions/{version_id}/design-default": {"post"},
    "/characters/{character_id}/portrait": {"get", "post"},
    "/characters/{character_id}/versions/{version_id}/crop-guess": {"get"},
    "/characters/{character_id}/versions/{version_id}/crop": {"put"},
    "/characters/{character_id}/avatar": {"delete", "get"},
    "/characters/{character_id}/references": {"get", "post", "put"},
    "/characters/{character_id}/references/{image_id}/anchor": {"put"},
    "/characters/{character_id}/references/{image_id}": {"delete"},
    "/characters/{character_id}/sheet-choices": {"get"},
    "/characters/{character_id}/sheet-cells": {"post"},
    "/characters/{character_id}/sheets": {"post", "get"},
    "/characters/{character_id}/sheets/{sheet_id}": {"get"},
    "/characters/{character_id}/sheets/{sheet_id}/cancel": {"post"},
    "/characters/import": {"post"},
    "/characters/{character_id}/export": {"get"},
    "/characters/{character_id}/card": {"get"},
    "/designs": {"get", "post"},
    "/designs/active": {"put"},
    "/designs/{design_id}": {"get", "patch", "delete"},
    "/designs/{design_id}/uses": {"get"},
    "/designs/{design_id}/cast": {"post", "get"},
    "/cast-runs/{run_id}": {"get"},
    "/cast-runs/{run_id}/cancel": {"post"},
}


def test_health_tells_version_device_and_queue(rest: StudioProcess) -> None:
    body = rest.api("GET", "/health").json()
    assert body["status"] == "ok"
    assert body["version"] == __version__
    assert body["device"] == "cpu"
    assert body["queue_length"] == 0
    assert body["worker"]["state"] in ("ready", "busy")


def test_a_folder_of_another_tool_comes_and_goes(rest: StudioProcess) -> None:
    folder = rest.data_dir.parent / "Other tool"
    write(folder / "Lora" / "ink.safetensors", LORA_XL)
    added = rest.api("POST", "/model-roots", json={"path": str(folder)})
    assert added.status_code == 201
    assert added.json()["holds"] == {"lora": 1}
    assert rest.api("GET", "/model-roots").json() == [added.json()]
    assert rest.api("POST", "/model-roots", json={"path": str(folder)}).status_code == 409
    refused = rest.api("POST", "/model-roots", json={"path": "nowhere"})
    assert (refused.status_code, problem(refused)["field"]) == (422, "path")
    assert rest.api("DELETE", "/model-roots", params={"path": str(folder)}).status_code == 204
    assert rest.api("DELETE", "/model-roots", params={"path": str(folder)}).status_code == 404


def test_models_tell_what_they_can_do(rest: StudioProcess) -> None:
    models = {model["id"]: model for model in rest.api("GET", "/models").json()}
    tiny = models["tiny"]
    assert tiny["available"] == "ready"
    assert tiny["edit"] is True
    assert set(tiny["modes"]) == set(tiny["defaults"]) == set(tiny["limits"])
    assert set(tiny["cost"]) == {"seconds", "vram_mb"}
    assert models["not-here"]["available"] in ("missing", "downloadable")


def test_openapi_lists_every_call(rest: StudioProcess) -> None:
    document = rest.api("GET", "/openapi.json").json()
    assert {path: set(calls) for path, calls in document["paths"].items()} == {
        f"/api/v1{path}": methods for path, methods in CALLS.items()
    }
    upload = document["paths"]["/api/v1/images"]["post"]["requestBody"]["content"]
    assert list(upload) == ["multipart/form-data"]


@pytest.mark.parametrize("path", ["/nothing", "/images/a/b/c", "/", ""])
def test_an_unknown_address_answers_as_a_problem_not_as_a_page(rest: StudioProcess, path: str) -> None:
    answer = rest.api("GET", path)
    assert answer.status_code == 404
    assert "openapi.json" in problem(answer)["detail"]


def test_a_wrong_method_is_told_the_right_ones(rest: StudioProcess) -> None:
    answer = rest.api("PUT", "/jobs")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    problem(answer)


def test_gradio_is_behind_the_same_gate(rest: StudioProcess) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/call/anything"):
        answer = httpx.post(f"{rest.url}{path}", headers=foreign, trust_env=False)
        assert answer.status_code == 403
    rebound = httpx.get(rest.url, headers={"Host": "elsewhere.example"}, trust_env=False)
    assert rebound.status_code == 400


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "likeness.db", "images", "../pyproject.toml", "pyproject.toml", "app.py"]
)
def test_gradio_serves_no_file_of_this_machine(rest: StudioProcess, path: str) -> None:
    names = [path, str(rest.data_dir / path)]
    for name in names:
        answer = httpx.get(f"{rest.url}/gradio_api/file={name}", trust_env=False)
        assert answer.status_code in (403, 404), f"{name}: {answer.status_code}"
