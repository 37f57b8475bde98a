"""Files, wishes and disks that go wrong, met by a whole studio: said in words, and the next job works."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.e2e.harness import StudioProcess
from tests.studio.fixtures import encoded, noise
from tests.studio.test_api_images import add, problem
from tests.studio.test_api_jobs import QUICK, SLOW


def grain(mode: str = "RGB", side: int = 64) -> Image.Image:
    """A picture nobody has loaded before."""
    return noise(seed=int.from_bytes(os.urandom(4)), width=side, height=side).convert(mode)


def edit(rest: StudioProcess, image_id: str, **changes: Any) -> dict[str, Any]:
    """Queue an Img2Img job on the picture."""
    return rest.submit(**QUICK | {"mode": "img2img", "references": [{"image_id": image_id}]} | changes)


def check_still_works(rest: StudioProcess) -> None:
    assert rest.finished(rest.submit(**QUICK)["id"])["status"] == "done"


# --- files ----------------------------------------------------------------------------------------


def deep_grey() -> bytes:
    return encoded(Image.fromarray(np.asarray(grain("L")).astype(np.uint16) * 257))


def animated(kind: str) -> bytes:
    return encoded(grain(), kind, save_all=True, append_images=[grain()])


KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "16-bit": (deep_grey, "more than 8 bits"),
    "palette": (lambda: encoded(grain().quantize(16)), ""),
    "cmyk": (lambda: encoded(grain("CMYK"), "JPEG"), "CMYK"),
    "grey and alpha": (lambda: encoded(Image.merge("LA", [grain("L"), grain("L")])), "worked on as white"),
    "rgba": (lambda: encoded(Image.merge("RGBA", [*grain().split(), grain("L")])), "worked on as white"),
    "animated gif": (lambda: animated("GIF"), "first picture"),
    "animated webp": (lambda: animated("WEBP"), "first picture"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_of_any_kind_is_kept_as_it_is_told_of_and_edited(rest: StudioProcess, kind: str) -> None:
    make, words = KINDS[kind]
    data = make()
    taken = add(rest, data)
    assert taken.status_code == 201, taken.text
    assert words in " ".join(taken.json()["notes"])
    assert bool(taken.json()["notes"]) is bool(words)
    assert rest.api("GET", f"/images/{taken.json()['id']}/file").content == data
    done = rest.finished(edit(rest, taken.json()["id"])["id"])
    assert done["status"] == "done", done["error"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_measured_upright(rest: StudioProcess, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    taken = add(rest, encoded(grain().crop((0, 0, 48, 32)), "JPEG", exif=exif)).json()
    upright = (48, 32) if orientation < 5 else (32, 48)
    assert (taken["width"], taken["height"]) == upright
    job = rest.submit(
        mode="img2img", model="tiny", num_inference_steps=2, references=[{"image_id": taken["id"]}]
    )
    assert (job["request"]["width"] > job["request"]["height"]) is (orientation < 5)
    assert rest.finished(job["id"])["status"] == "done"


@pytest.mark.parametrize("missing", [0.5, 0.02])
def test_a_photograph_that_breaks_off_is_refused(rest: StudioProcess, missing: float) -> None:
    data = encoded(grain(side=200), "JPEG", quality=95)
    answer = add(rest, data[: int(len(data) * (1 - missing))], "photo.jpg")
    assert answer.status_code == 422
    assert "damaged" in problem(answer)["detail"]


@pytest.mark.linux("reads the most memory a process has used")
def test_a_bomb_costs_neither_time_nor_memory(rest: StudioProcess) -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    before = memory_peak(rest)
    answer = add(rest, bomb)
    assert answer.status_code == 422
    assert "too large" in problem(answer)["detail"]
    assert memory_peak(rest) - before < 40 * 2**10


def memory_peak(rest: StudioProcess) -> int:
    """The most memory the server has used so far, KiB."""
    status = Path(f"/proc/{rest.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Mira 🧝‍♀️ ✨.png", "Mira 🧝‍♀️ ✨.png"),
        ("the \"best\" 'one'.png", "the \"best\" 'one'.png"),
        ("../../likeness.db", "likeness.db"),
        ("..\\..\\windows.png", "windows.png"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    ],
)
def test_a_file_name_is_only_a_label(rest: StudioProcess, name: str, label: str) -> None:
    data = encoded(grain())
    taken = add(rest, data, name).json()
    assert taken["label"] == label
    stored = rest.data_dir / "images" / taken["sha256"][:2] / f"{taken['sha256']}.png"
    assert stored.read_bytes() == data
    saved = rest.api("GET", f"/images/{taken['id']}/file?download=1")
    assert "\n" not in saved.headers["content-disposition"]
    assert saved.content == data


# --- wishes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode", ["smart_edit", "img2img", "character_reference", "style_reference", "controlnet"]
)
def test_a_mode_that_needs_a_reference_says_so(rest: StudioProcess, mode: str) -> None:
    answer = rest.api("POST", "/jobs", json=QUICK | {"mode": mode})
    assert answer.status_code == 422
    assert problem(answer)["field"] == "references"
    assert "needs a reference" in problem(answer)["detail"]


def test_of_ten_thousand_characters_the_cut_ones_are_told(rest: StudioProcess) -> None:
    words = ["silver", *(f"word{number}" for number in range(1_100))]
    prompt = " ".join(words)[:10_000].strip()
    done = rest.finished(rest.submit(**QUICK | {"prompt": prompt})["id"])
    assert done["status"] == "done", done["error"]
    assert done["request"]["prompt"] == prompt
    [notice] = [notice for notice in done["notices"] if "cut" in notice]
    assert notice.endswith(prompt[-40:])
    assert "silver" not in notice
    record = rest.api("GET", f"/images/{done['images'][0]}").json()
    assert record["request"]["prompt"] == prompt
    assert notice in record["notes"]


def test_an_empty_prompt_beside_a_picture_is_no_fault(rest: StudioProcess) -> None:
    source = add(rest, encoded(grain())).json()
    assert rest.finished(edit(rest, source["id"], prompt="")["id"])["status"] == "done"


def test_a_size_between_multiples_of_eight_is_rounded_and_told(rest: StudioProcess) -> None:
    job = rest.submit(**QUICK | {"width": 67, "height": 93})
    done = rest.finished(job["id"])
    assert (done["request"]["width"], done["request"]["height"]) == (64, 96)
    assert any("64×96" in notice for notice in done["notices"])
    record = rest.api("GET", f"/images/{done['images'][0]}").json()
    assert (record["width"], record["height"]) == (64, 96)


def test_too_few_steps_for_the_influence_lower_it_with_words(rest: StudioProcess) -> None:
    source = add(rest, encoded(grain())).json()
    wish = QUICK | {"mode": "img2img", "references": [{"image_id": source["id"]}], "strength": 0.4}
    few = rest.submit(**wish | {"num_inference_steps": 2})
    assert few["request"]["strength"] == 0.5
    assert any("60% would change nothing; 50%" in notice for notice in few["notices"])
    enough = rest.submit(**wish | {"num_inference_steps": 3})
    assert enough["request"]["strength"] == 0.4
    assert rest.finished(few["id"])["status"] == rest.finished(enough["id"])["status"] == "done"


# --- while a job waits ------------------------------------------------------------------------------


@pytest.fixture
def busy(rest: StudioProcess) -> Iterator[Callable[[], object]]:
    """The worker has something long to do; call it to end that."""
    job = rest.submit(**SLOW)
    end = lambda: rest.api("POST", f"/jobs/{job['id']}/cancel")  # noqa: E731
    yield end
    end()
    rest.finished(job["id"])


def test_a_picture_deleted_while_its_job_waits_is_still_used(
    rest: StudioProcess, busy: Callable[[], object]
) -> None:
    source = add(rest, encoded(grain())).json()
    job = edit(rest, source["id"])
    assert rest.api("DELETE", f"/images/{source['id']}").json()["trashed_at"]
    busy()
    done = rest.finished(job["id"])
    assert done["status"] == "done", done["error"]
    [parent] = rest.api("GET", f"/images/{done['images'][0]}").json()["parents"]
    assert parent["image_id"] == source["id"]


def test_a_file_that_is_gone_when_its_job_begins_fails_that_job_alone(
    rest: StudioProcess, busy: Callable[[], object]
) -> None:
    source = add(rest, encoded(grain())).json()
    job = edit(rest, source["id"])
    [stored] = (rest.data_dir / "images").glob(f"*/{source['sha256']}*")
    stored.unlink()
    busy()
    failed = rest.finished(job["id"])
    assert failed["status"] == "failed"
    assert "missing" in failed["error"]["message"]
    assert failed["images"] == []
    check_still_works(rest)


if sys.platform == "linux":
    import resource

# --- the disk ---------------------------------------------------------------------------------------


@pytest.fixture
def full_disk(rest: StudioProcess) -> Iterator[Callable[[], object]]:
    """No file of the running studio can grow beyond 4 kB, as on a full disk; call it to make room again."""
    pid = rest.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_000, before[1]))
    end = lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, before)  # noqa: E731
    yield end
    end()


@pytest.mark.linux("limits the files of another process")
def test_a_full_disk_is_said_and_nothing_half_is_kept(
    rest: StudioProcess, full_disk: Callable[[], object]
) -> None:
    data = encoded(grain(side=300))
    refused = add(rest, data)
    assert refused.status_code == 507
    assert "space" in problem(refused)["detail"]
    not_queued = rest.api("POST", "/jobs", json=QUICK)
    assert not_queued.status_code == 507
    assert "space" in problem(not_queued)["detail"]
    assert rest.api("GET", "/health").json()["status"] == "ok"
    assert not list((rest.data_dir / "images" / ".incoming").glob("*"))
    full_disk()
    taken = add(rest, data)
    assert taken.status_code == 201
    with Image.open(io.BytesIO(rest.api("GET", f"/images/{taken.json()['id']}/file").content)) as stored:
        stored.load()
    check_still_works(rest)


@pytest.mark.linux("limits the files of another process")
def test_a_disk_that_fills_while_a_picture_is_drawn_holds_the_queue_and_loses_nothing(
    rest: StudioProcess,
) -> None:
    job = rest.submit(**QUICK | {"num_inference_steps": 150})
    rest._poll(f"/jobs/{job['id']}", lambda now: now["step"] > 0, 60)
    before = resource.prlimit(rest.process.pid, resource.RLIMIT_FSIZE, (4_000, resource.RLIM_INFINITY))
    try:
        held = rest._poll("/health", lambda now: now["held"], 120)
    finally:
        resource.prlimit(rest.process.pid, resource.RLIMIT_FSIZE, before)
    assert held["status"] == "degraded"
    assert "space" in held["held"]
    assert rest.finished(job["id"])["status"] == "done"
    check_still_works(rest)
