"""`/sdapi/v1` as a client of another tool sees it: the public `webuiapi` against a real studio."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw
from webuiapi import WebUIApi

from studio.settings import CATALOGUE
from tests.e2e.harness import CALLS, StudioProcess, running_studio

QUICK: dict[str, Any] = {"prompt": "a portrait", "steps": 2, "width": 64, "height": 64}
SLOW = QUICK | {"steps": 150, "batch_size": 8}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    folder = tmp_path_factory.mktemp("sdapi") / "data"
    with running_studio(folder, tiny_models_yaml, "--sdapi") as studio:
        studio.wait_for_worker()
        yield studio


def client_of(studio: StudioProcess) -> WebUIApi:
    api = WebUIApi(baseurl=f"{studio.url}/sdapi/v1")
    api.session.trust_env = False
    return api


@pytest.fixture
def api(studio: StudioProcess) -> Iterator[WebUIApi]:
    client = client_of(studio)
    yield client
    client.set_options({"sd_model_checkpoint": ""})


def call(studio: StudioProcess, method: str, path: str, **arguments: Any) -> httpx.Response:
    return CALLS.request(method, f"{studio.url}/sdapi/v1{path}", **arguments)


def picture(size: tuple[int, int] = (64, 64)) -> Image.Image:
    made = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (made, made.rotate(90), made.rotate(180)))


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_txt2img(studio: StudioProcess, api: WebUIApi) -> None:
    made = api.txt2img(**QUICK, seed=11, batch_size=2, n_iter=2, styles=["neon"], cfg_scale=3)
    assert [each.size for each in made.images] == [(64, 64)] * 4
    info = made.info
    assert (info["prompt"], info["seed"], info["all_seeds"]) == ("a portrait", 11, [11, 12, 13, 14])
    assert (info["width"], info["height"], info["steps"], info["cfg_scale"]) == (64, 64, 2, 3)
    assert info["sd_model_name"] == "Tiny Portrait"
    assert info["infotexts"] == [each.info["parameters"] for each in made.images]
    assert info["sampler_name"] in info["infotexts"][0]
    told = " ".join(info["likeness"]["ignored"])
    assert "styles" in told
    assert "sampler_name “Euler a”" in told
    assert made.parameters["prompt"] == "a portrait"
    stored = [studio.api("GET", f"/images/{each}/file").content for each in info["likeness"]["images"]]
    assert [base64.b64decode(each) for each in made.json["images"]] == stored


def test_the_studios_own_notices_are_told(api: WebUIApi) -> None:
    made = api.txt2img(**QUICK | {"width": 70})
    assert made.images[0].size == (72, 64)
    assert any("rounded" in each for each in made.info["likeness"]["notices"])


def test_pictures_are_left_out_where_the_client_wants_none(api: WebUIApi) -> None:
    made = api.txt2img(**QUICK, send_images=False)
    assert made.images == []
    assert len(made.info["likeness"]["images"]) == 1


def test_img2img(studio: StudioProcess, api: WebUIApi) -> None:
    made = api.img2img(
        images=[picture((96, 96))], **QUICK | {"width": 96, "height": 96}, denoising_strength=0.6
    )
    assert made.image.size == (96, 96)
    assert made.info["denoising_strength"] == 0.6
    assert made.parameters["init_images"] is None
    record = studio.api("GET", f"/images/{made.info['likeness']['images'][0]}").json()
    assert record["request"]["mode"] == "img2img"
    assert [each["role"] for each in record["parents"]] == ["source"]
    smaller = api.img2img(images=[picture((192, 192))], include_init_images=True, **QUICK)
    assert smaller.image.size == (64, 64)
    assert len(smaller.parameters["init_images"]) == 1


@pytest.mark.parametrize("invert", [0, 1])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_outside_a_mask_every_pixel_stays(api: WebUIApi, invert: int, mode: str) -> None:
    source, box = picture((96, 96)), (32, 32, 63, 63)
    painted, ground = ((255, 255, 255), (0, 0, 0)) if mode == "RGB" else ((9, 9, 9, 255), (0, 0, 0, 0))
    mask = Image.new(mode, source.size, ground)
    ImageDraw.Draw(mask).rectangle(box, fill=painted)
    sized = QUICK | {"width": 96, "height": 96}
    made = api.img2img(
        images=[source], mask_image=mask, inpainting_mask_invert=invert, denoising_strength=1, **sized
    )
    changes = Image.new("L", source.size, 255 if invert else 0)
    ImageDraw.Draw(changes).rectangle(box, fill=0 if invert else 255)
    outside = [
        (a, b)
        for a, b, white in zip(
            source.get_flattened_data(),
            made.image.convert("RGB").get_flattened_data(),
            changes.get_flattened_data(),
            strict=True,
        )
        if not white
    ]
    assert len(outside) in (1024, 96 * 96 - 1024)
    assert all(a == b for a, b in outside)
    assert made.image.convert("RGB").tobytes() != source.tobytes()


def test_a_mask_of_another_shape_is_refused(api: WebUIApi) -> None:
    mask = Image.new("L", (96, 32), 255)
    with pytest.raises(RuntimeError, match="another shape") as refused:
        api.img2img(images=[picture()], mask_image=mask, **QUICK)
    assert refused.value.args[0] == 422


def test_progress_while_it_runs_and_interrupt(studio: StudioProcess, api: WebUIApi) -> None:
    idle = api.get_progress()
    assert (idle["progress"], idle["state"]["job_count"], idle["current_image"]) == (0, 0, None)
    own = studio.submit(model="tiny", prompt="of the page", num_inference_steps=2, width=64, height=64)
    studio.finished(own["id"])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.txt2img, **SLOW)
        seen = until(lambda: _moving(studio))
        assert 0 < seen["progress"] < 1
        assert seen["state"]["sampling_steps"] == 150
        assert 0 <= seen["state"]["sampling_step"] <= 150
        Image.open(io.BytesIO(base64.b64decode(seen["current_image"]))).load()
        hidden = call(studio, "GET", "/progress?skip_current_image=true").json()
        assert hidden["current_image"] is None
        assert api.interrupt() == {}
        with pytest.raises(RuntimeError, match="cancelled") as ended:
            waiting.result(60)
    assert ended.value.args[0] == 409
    assert api.get_progress()["state"]["job_count"] == 0
    api.util_wait_for_ready(0.1)


def _moving(studio: StudioProcess) -> dict[str, Any] | None:
    now = call(studio, "GET", "/progress").json()
    return now if now["state"]["sampling_step"] and now["current_image"] else None


def test_interrupt_leaves_the_jobs_of_the_page_alone(studio: StudioProcess, api: WebUIApi) -> None:
    own = studio.submit(model="tiny", prompt="of the page", num_inference_steps=150, num_images=8)
    until(lambda: studio.api("GET", f"/jobs/{own['id']}").json()["status"] == "running")
    assert api.get_progress()["state"]["job_count"] == 0
    api.interrupt()
    api.skip()
    assert not studio.api("GET", f"/jobs/{own['id']}").json()["cancel_requested"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.txt2img, **QUICK)
        until(lambda: call(studio, "GET", "/progress").json()["state"]["job_count"])
        api.interrupt()  # it waits behind the page's
        with pytest.raises(RuntimeError, match="cancelled"):
            waiting.result(60)
    assert studio.api("GET", f"/jobs/{own['id']}").json()["status"] == "running"
    studio.api("POST", f"/jobs/{own['id']}/cancel")
    studio.finished(own["id"])


def test_the_model_is_chosen_by_title(studio: StudioProcess, api: WebUIApi) -> None:
    assert api.util_get_model_names() == ["Tiny Plain", "Tiny Portrait"]
    assert api.util_get_current_model() == "Tiny Portrait"
    api.util_set_model("tiny plan")
    assert api.util_get_current_model() == "Tiny Plain"
    assert api.txt2img(**QUICK).info["sd_model_name"] == "Tiny Plain"
    once = api.txt2img(**QUICK, override_settings={"sd_model_checkpoint": "tiny"})
    assert once.info["sd_model_name"] == "Tiny Portrait"
    assert api.util_get_current_model() == "Tiny Plain"
    for body, path in (
        ({"sd_model_checkpoint": "unheard"}, "/options"),
        (QUICK | {"override_settings": {"sd_model_checkpoint": "unheard"}}, "/txt2img"),
    ):
        answer = call(studio, "POST", path, json=body)
        assert answer.status_code == 422
        assert "Here are: Tiny Portrait, Tiny Plain" in answer.json()["detail"]
    told = api.set_options({"sd_model_checkpoint": "Tiny Portrait", "eta_noise_seed_delta": 5})
    assert told == {"likeness": {"ignored": ["eta_noise_seed_delta 5 is not used."]}}


def test_png_info_reads_what_was_made(api: WebUIApi) -> None:
    made = api.txt2img(**QUICK, seed=5)
    read = api.png_info(made.image)
    assert read.info == made.info["infotexts"][0]
    assert (read.parameters["Prompt"], read.parameters["Seed"], read.parameters["Steps"]) == (
        "a portrait",
        5,
        2,
    )
    assert "likeness" in read.json["items"]
    assert api.png_info(picture()).info == ""


def test_two_clients_at_once_each_get_their_own(studio: StudioProcess) -> None:
    with ThreadPoolExecutor() as pool:
        asked: list[Future[Any]] = [
            pool.submit(client_of(studio).txt2img, **QUICK | {"prompt": f"number {n}"}, seed=n)
            for n in range(4)
        ]
        made = [each.result(120) for each in asked]
    assert [(each.info["prompt"], each.info["seed"]) for each in made] == [
        (f"number {n}", n) for n in range(4)
    ]


def test_the_lists_that_clients_begin_with(studio: StudioProcess, api: WebUIApi) -> None:
    assert [each["name"] for each in api.get_samplers()] == ["Automatic"]
    assert [each["name"] for each in api.get_schedulers()] == ["automatic"]
    assert api.get_upscalers()[0]["name"] == "None"
    assert api.get_memory()["ram"]["total"] > 0
    assert set(api.get_scripts()) == {"txt2img", "img2img"}
    assert api.get_embeddings() == {"loaded": {}, "skipped": {}}
    empty = (
        api.get_loras,
        api.get_sd_vae,
        api.get_latent_upscale_modes,
        api.get_hypernetworks,
        api.get_face_restorers,
        api.get_realesrgan_models,
        api.get_prompt_styles,
    )
    assert [each() for each in empty] == [[]] * len(empty)
    assert (api.get_cmd_flags(), api.refresh_checkpoints()) == ({}, {})
    assert call(studio, "GET", "/script-info").json() == []


PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/txt2img", {"prompt": ""}, 422, "prompt is empty"),
        ("/txt2img", QUICK | {"steps": 10**9}, 422, "150 or less"),
        ("/txt2img", QUICK | {"width": 10**9}, 422, "from 16 to 4096"),
        ("/txt2img", QUICK | {"width": 4096, "height": 4096}, 422, "can't make"),
        ("/txt2img", QUICK | {"batch_size": 1000}, 422, "8 pictures are the most"),
        ("/txt2img", [], 422, "JSON object"),
        ("/img2img", QUICK, 422, "init_images is empty"),
        ("/img2img", QUICK | {"init_images": [""]}, 422, "empty"),
        ("/img2img", QUICK | {"init_images": ["%%"]}, 422, "not base64"),
        ("/img2img", QUICK | {"init_images": [PIXEL]}, 422, ""),
        ("/img2img", QUICK | {"init_images": ["aGVsbG8="]}, 422, ""),
        ("/img2img", QUICK | {"init_images": ["A" * 100_000_000]}, 413, "too large"),
        ("/png-info", {"image": ""}, 422, "empty"),
        ("/extra-single-image", {"image": "aGVsbG8="}, 422, ""),
        ("/nothing", {}, 404, "no such call"),
        ("/samplers", {}, 405, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_what_cannot_be_done_is_said_in_words(
    studio: StudioProcess, path: str, body: Any, status: int, words: str
) -> None:
    answer = call(studio, "POST", path, json=body)
    assert answer.status_code == status, answer.text[:300]
    said = answer.json()
    assert words in said["detail"]
    assert said["detail"]
    if status != 413:  # the gatekeeper's own
        assert set(said) == {"error", "detail", "body", "errors"}


def test_odd_json_is_answered_in_words(studio: StudioProcess) -> None:
    kind = {"Content-Type": "application/json"}
    for content in (
        b"",
        b"{",
        b"[" * 100_000,
        b'{"prompt": NaN}',
        b'{"cfg_scale": NaN, "prompt": "a"}',
        b"\xff",
    ):
        answer = call(studio, "POST", "/txt2img", content=content, headers=kind)
        assert answer.status_code in (400, 422), (content[:40], answer.text)
        assert answer.json()["detail"]
    body = b'{"prompt": "a", "steps": 1, "width": 64, "height": 64, "x": NaN, "y": "\\ud800", "z": 1e999}'
    answer = call(studio, "POST", "/txt2img", content=body, headers=kind)
    assert answer.status_code == 200, answer.text
    assert answer.json()["parameters"].keys().isdisjoint({"x", "z"})


def test_other_pages_and_names_are_kept_out(studio: StudioProcess) -> None:
    assert (
        call(studio, "POST", "/interrupt", headers={"Origin": "https://elsewhere.example"}).status_code == 403
    )
    assert call(studio, "GET", "/options", headers={"Host": "elsewhere.example"}).status_code == 400


def test_it_is_off_unless_asked_for(rest: StudioProcess) -> None:
    for method, path in (("GET", "/options"), ("POST", "/txt2img"), ("GET", "")):
        answer = call(rest, method, path, json=QUICK if method == "POST" else None)
        assert answer.status_code == 404
        assert "--sdapi" in answer.json()["detail"]


TOKEN = "a-token-of-a-script-" + "0123456789" * 2


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """The studio as it comes, with a door."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "token").write_text(TOKEN)
    (folder / "password").write_text("correct horse battery")
    keys = ("--token-file", str(folder / "token"), "--password-file", str(folder / "password"))
    with running_studio(folder / "data", CATALOGUE, "--sdapi", "--host", "0.0.0.0", *keys) as studio:
        yield studio


def test_it_is_behind_the_door(bundled: StudioProcess) -> None:
    for method, path in (
        ("GET", "/options"),
        ("POST", "/txt2img"),
        ("POST", "/interrupt"),
        ("GET", "/nothing"),
    ):
        assert call(bundled, method, path).status_code == 401
    key = {"Authorization": f"Bearer {TOKEN}"}
    assert call(bundled, "GET", "/options", headers=key).json()["sd_model_checkpoint"] == "Portrait Mini"


def test_the_bundled_model_gives_the_size_asked_for(bundled: StudioProcess) -> None:
    api = client_of(bundled)
    api.session.headers["Authorization"] = f"Bearer {TOKEN}"
    made = api.txt2img(prompt="a woman", negative_prompt="a hat", width=256, height=256, steps=1)
    assert made.image.size == (256, 256)
    assert any("negative prompt" in each for each in made.info["likeness"]["notices"])
    large = api.extra_single_image(picture(), upscaling_resize=4, upscaler_1=api.get_upscalers()[1]["name"])
    assert large.image.size == (256, 256)
    assert large.info == "256×256 px"


def test_waiting_clients_do_not_hold_up_the_end(tmp_path: Path, tiny_models_yaml: Path) -> None:
    with (
        running_studio(tmp_path / "data", tiny_models_yaml, "--sdapi") as studio,
        ThreadPoolExecutor() as pool,
    ):
        studio.wait_for_worker()
        waiting = pool.submit(call, studio, "POST", "/txt2img", json=SLOW, timeout=60)
        until(lambda: call(studio, "GET", "/progress").json()["state"]["job_count"])
        studio.stop()
        if not waiting.exception(10):
            assert waiting.result().status_code == 503
