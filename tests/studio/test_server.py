"""The studio as the person at the terminal meets it: processes, ports, signals, one line of words."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

from studio.settings import ROOT
from tests.e2e.harness import StudioProcess, running_studio

LOAD_EVERYTHING = """
import sys
from pathlib import Path
from studio.main import open_studio
from studio.settings import Settings

settings = Settings(data_dir=Path(sys.argv[1]), models=Path(sys.argv[2]), device="cpu")
with open_studio(settings) as service:
    from studio.server import create_app

    create_app(service, settings)
heavy = {"torch", "diffusers", "transformers", "accelerate", "pandas.core", "scipy", "matplotlib"}
sys.stdout.write(repr(sorted(heavy & set(sys.modules))))
"""


def run_app(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    for word in words:
        assert word in line


def wakings(pid: int, seconds: float = 1) -> float:
    """How often a second the process's main thread goes on after a wait."""
    process = psutil.Process(pid)
    before = process.num_ctx_switches().voluntary
    time.sleep(seconds)
    return (process.num_ctx_switches().voluntary - before) / seconds


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_gone(pids: list[int], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, f"still running: {[pid for pid in pids if alive(pid)]}"
        time.sleep(0.1)


@pytest.mark.posix("sends signals to a process")
def test_the_studio_says_one_line_answers_and_ends_without_orphans(
    tmp_path: Path, tiny_models_yaml: Path
) -> None:
    with running_studio(tmp_path / "data", tiny_models_yaml) as studio:
        assert studio.output == f"Likeness is ready at {studio.url}\n"
        assert studio.api("GET", "/health").status_code == 200
        assert wakings(studio.process.pid) < 300, "a studio with nothing to do does something all the time"
        assert_ends_well(studio, signal.SIGINT)


def assert_ends_well(studio: StudioProcess, how: signal.Signals) -> None:
    workers = studio.worker_pids()
    assert workers
    with open_stream(studio):  # a page that is shown must not hold the end up
        assert studio.stop(how) == 0
    assert_gone(workers)
    assert studio.output.count("\n") == 1
    assert "Traceback" not in studio.errors


def open_stream(studio: StudioProcess) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", int(studio.url.rsplit(":", 1)[1]), timeout=30)
    connection.request("GET", "/api/v1/events")
    return connection.getresponse()


def test_a_killed_studio_takes_its_worker_with_it_and_frees_its_folder(
    tmp_path: Path, tiny_models_yaml: Path
) -> None:
    with running_studio(tmp_path / "data", tiny_models_yaml) as studio:
        workers = studio.worker_pids()
        studio.kill()
        assert_gone(workers)
    with running_studio(tmp_path / "data", tiny_models_yaml) as again:
        assert again.api("GET", "/health").json()["status"] == "ok"
        if sys.platform != "win32":  # where SIGTERM is no signal to a process
            assert_ends_well(again, signal.SIGTERM)


def test_a_second_studio_on_the_folder_or_the_port_is_refused(
    rest: StudioProcess, tmp_path: Path, tiny_models_yaml: Path
) -> None:
    port = rest.url.rsplit(":", 1)[1]
    models = str(tiny_models_yaml)
    same_folder = run_app("--port", "0", "--data-dir", str(rest.data_dir), "--models", models)
    assert_one_clear_line(same_folder, str(rest.data_dir), "in use", "--data-dir")
    same_port = run_app("--port", port, "--data-dir", str(tmp_path / "other"), "--models", models)
    assert_one_clear_line(same_port, f"Port {port}", "in use", "--port")
    assert_one_clear_line(
        run_app("collection", "rebuild", "--data-dir", str(rest.data_dir)), "in use by another running studio"
    )


@pytest.mark.linux("needs /proc, a folder nobody can write to")
def test_an_unwritable_data_folder_is_named() -> None:
    assert_one_clear_line(run_app("--port", "0", "--data-dir", "/proc/likeness"), "/proc/likeness", "written")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("models: [", "models.yaml"),
        (
            "models:\n  - {id: a, label: A, family: nonsense, source: x, licence: y, modes: [img2img]}",
            "family",
        ),
        ("models:\n  - {id: a}", "label"),
    ],
)
def test_a_bad_catalogue_is_named_with_file_and_key(tmp_path: Path, text: str, word: str) -> None:
    models = tmp_path / "models.yaml"
    models.write_text(text)
    done = run_app("--port", "0", "--data-dir", str(tmp_path / "data"), "--models", str(models))
    assert_one_clear_line(done, str(models), word)


def test_a_bad_variable_is_named() -> None:
    assert_one_clear_line(run_app(LIKENESS_PORT="http"), "port", "http")


def test_a_damaged_database_is_named_and_left_alone(tmp_path: Path, tiny_models_yaml: Path) -> None:
    database = tmp_path / "data" / "likeness.db"
    database.parent.mkdir()
    database.write_bytes(b"this is no database" * 1000)
    done = run_app("--port", "0", "--data-dir", str(database.parent), "--models", str(tiny_models_yaml))
    assert_one_clear_line(done, "likeness.db")
    assert database.read_bytes().startswith(b"this is no database")


def test_the_server_process_has_no_torch(tmp_path: Path, tiny_models_yaml: Path) -> None:
    command = [sys.executable, "-c", LOAD_EVERYTHING, str(tmp_path / "data"), str(tiny_models_yaml)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]", done.stderr


def test_verify_and_rebuild_work_on_what_a_studio_left(tmp_path: Path, tiny_models_yaml: Path) -> None:
    picture = tmp_path / "portrait.png"
    Image.new("RGB", (40, 40), (200, 10, 10)).save(picture)
    data = tmp_path / "data"
    with running_studio(data, tiny_models_yaml) as studio:
        record = studio.upload(picture)
    folder = ("--data-dir", str(data))
    assert run_app("collection", "verify", *folder).returncode == 0
    assert run_app("collection", "rebuild", *folder).returncode == 0
    stored = data / "images" / record["sha256"][:2] / f"{record['sha256']}.png"
    stored.write_bytes(stored.read_bytes() + b"x")
    damaged = run_app("collection", "verify", *folder)
    assert damaged.returncode == 1
    assert record["sha256"] in damaged.stdout


@pytest.mark.posix("permissions of files")
def test_what_a_studio_makes_is_for_its_artist_alone(rest: StudioProcess) -> None:
    # the artist's own folders, which other tests fill
    theirs = {rest.data_dir / name for name in ("models", "wildcards")}
    made = [path for path in rest.data_dir.rglob("*") if not theirs & {path, *path.parents}]
    assert len(made) > 5
    assert [path for path in made if path.stat().st_mode & 0o077] == []
