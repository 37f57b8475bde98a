"""Commands of the terminal, with a running studio and with one that is started for the call."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.main import main
from studio.settings import ROOT
from tests.e2e.harness import OWN_GROUP, StudioProcess

QUICK = ("--steps", "2", "--finish", "1", "--quiet")


@pytest.fixture
def here(studio_server: StudioProcess) -> tuple[str, str]:
    studio_server.wait_for_worker()
    return "--data-dir", str(studio_server.data_dir)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        picture.load()
        return picture.size


def test_words_become_a_picture_which_is_edited(here: tuple[str, str], tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    assert main(["generate", "a woman", *here, *QUICK, "--seed", "5", "--out", str(first)]) == 0
    width, height = size(first)
    assert main(["edit", str(first), "give her glasses", *here, *QUICK, "--out", str(second)]) == 0
    assert size(second) == (width, height)


def test_the_answer_in_json_names_job_pictures_and_files(
    here: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], studio_server: StudioProcess
) -> None:
    asked = ["generate", "a man", *here, *QUICK, "-n", "2", "--set", "keep=null", "--json"]
    assert main([*asked, "--out", str(tmp_path)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["job"]["status"] == "done"
    assert [record["job_id"] for record in answer["images"]] == [answer["job"]["id"]] * 2
    for path, record in zip(answer["files"], answer["images"], strict=True):
        stored = studio_server.api("GET", f"/images/{record['id']}/file").content
        assert Path(path).read_bytes() == stored


def test_a_picture_goes_through_pipes(
    here: tuple[str, str], capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["generate", "a woman", *here, *QUICK, "--out", "-"]) == 0
    picture = capfdbinary.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(picture)))
    assert main(["edit", "-", "in a garden", *here, *QUICK, "--out", "-"]) == 0
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as edited:
        edited.load()
        assert edited.format == "PNG"


def test_a_sweep_becomes_one_labelled_picture(
    here: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    axes = ("--x", "guidance_scale=2..4 step 2", "--y", "seed=1 | 2")
    assert main(["sweep", "a woman", *axes, *here, *QUICK, "--out", str(tmp_path / "grid.png")]) == 0
    assert "4 pictures" in capsys.readouterr().err
    assert size(tmp_path / "grid.png")[0] > 128


def test_lists_are_lines_or_json(here: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--ready", *here]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.split()[1] == "ready" for line in lines)
    assert main(["models", "--json", *here]) == 0
    assert {model["available"] for model in json.loads(capsys.readouterr().out)} >= {"ready"}
    assert main(["characters", "--json", *here]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)
    assert main(["jobs", "--status", "failed", *here]) == 0


def test_a_waiting_job_is_cancelled_by_the_beginning_of_its_id(
    here: tuple[str, str], capsys: pytest.CaptureFixture[str], studio_server: StudioProcess
) -> None:
    studio_server.api("POST", "/queue/pause")
    try:
        job = studio_server.api("POST", "/jobs", json={"prompt": "a woman"}).json()
        assert main(["cancel", job["id"][:12], *here]) == 0
        assert job["id"] in capsys.readouterr().out
        assert studio_server.api("GET", f"/jobs/{job['id']}").json()["status"] == "cancelled"
    finally:
        studio_server.api("POST", "/queue/resume")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["generate", "x", "--model", "nope"], 4, "There is no model 'nope'"),
        (["generate", "x", "--size", "big"], 2, "--size is written as"),
        (["generate", "x", "--set", "keep"], 2, "--set is written as"),
        (["generate", "x", "--character", "Nobody at all"], 4, "There is no character of the name"),
        (["edit", "nowhere.png", "x"], 2, "nowhere.png cannot be read"),
        (["generate", "x", "--out", "nowhere/x.png"], 2, "There is no folder nowhere"),
        (["generate", "x", "--out", "-", "-n", "2"], 2, "Only one picture fits into a pipe"),
        (["cancel", "nope"], 4, "There is no such job"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(
    words: list[str],
    code: int,
    said: str,
    here: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words, *here]) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*"))


def test_no_file_is_written_over_unasked(here: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(b"mine")
    asked = ["generate", "a woman", *here, *QUICK, "--out", str(path)]
    assert main(asked) == 2
    assert path.read_bytes() == b"mine"
    assert main([*asked, "--force"]) == 0
    assert min(size(path)) > 0


def test_a_studio_that_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "--url", "http://127.0.0.1:9"]) == 3
    assert "No studio answers at http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="a console is needed to press Ctrl-C there")
def test_ctrl_c_cancels_the_job(here: tuple[str, str], tmp_path: Path, studio_server: StudioProcess) -> None:
    asked = [
        "generate",
        "someone to be cancelled",
        *here,
        "--steps",
        "100",
        "-n",
        "8",
        "--out",
        str(tmp_path),
    ]
    # A background job of a shell begins without it.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    call = f"{heard}; from studio.main import main; raise SystemExit(main())"
    process = subprocess.Popen([sys.executable, "-c", call, *asked], cwd=ROOT, creationflags=OWN_GROUP)

    def job() -> dict[str, Any]:
        jobs = studio_server.api("GET", "/jobs").json()
        return next((each for each in jobs if each["request"]["prompt"] == asked[1]), {})

    deadline = time.monotonic() + 120
    while job().get("status") != "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    ended = studio_server.finished(job()["id"])  # the worker hears of it at its next step
    assert ended["status"] == "cancelled"


def test_a_studio_is_started_for_the_call_enlarges_and_ends_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--data-dir", str(tmp_path / "data"), "--device", "cpu")
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.new("RGB", (20, 30), "teal").save(small)
    assert main(["enlarge", str(small), "--scale", "4", "--out", str(large), *place]) == 0
    assert size(large) == (80, 120)
    assert "one starts for this call" in capsys.readouterr().err
    assert not (tmp_path / "data" / "likeness.address").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_learns_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("generate", "--guidance", "enlarge"))
