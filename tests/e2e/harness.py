"""A real studio process and a real browser for tests: `python app.py` and Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
READY_LINE = re.compile(r"Likeness is ready at (https?://\S+)")
CALLS = httpx.Client(
    verify=False, trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
)
"""One for all calls: making one reads all certificates, and a studio is asked many times a second."""
ELSEWHERE = "198.51.100.7"
"""An address that is nobody's, of this machine for the browser: to it, the studio is on another computer."""
CHROMIUM_FLAGS = [
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

CTRL_KEY = signal.CTRL_BREAK_EVENT if sys.platform == "win32" else signal.SIGINT
OWN_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP if sys.platform == "win32" else 0
"""On Windows such a key is heard by all of a group, which is not to be that of the tests."""
CHROME_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)

GRADIO_AT_RELOAD = ("AbortError", "Connection errored out")
"""What Gradio's client logs where a page is reloaded while it listens: its connections end with the page."""


class StudioProcess:
    """`python app.py` on a free port. `url`: its page; `output`: everything it printed so far."""

    def __init__(self, data_dir: Path, models: Path, *options: str, port: int = 0) -> None:
        self.data_dir = data_dir
        self._log = data_dir.parent / f"{data_dir.name}.log"
        self._errors = data_dir.parent / f"{data_dir.name}.err"
        self._arguments = ["--data-dir", str(data_dir), "--models", str(models), "--device", "cpu", *options]
        self._start(port)

    def _start(self, port: int) -> None:
        with self._log.open("wb") as log, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", *self._arguments, "--port", str(port)],
                cwd=ROOT,
                stdout=log,
                stderr=errors,
                env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
                creationflags=OWN_GROUP,
            )
        self.url = self._wait_for_url()

    def start_again(self) -> None:
        """After it has ended: the same data folder under the same address."""
        self._start(httpx.URL(self.url).port or 0)

    @property
    def output(self) -> str:
        """What stdout got."""
        return self._log.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """What stderr got."""
        return self._errors.read_text(encoding="utf-8")

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = READY_LINE.search(self.output)
            if found:
                return found[1]
            if self.process.poll() is not None:
                raise AssertionError(f"The studio ended with {self.process.returncode}: {self.errors}")
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"No ready line within {START_SECONDS} s: {self.errors}")

    def api(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call of `/api/v1`."""
        return CALLS.request(method, f"{self.url.rstrip('/')}/api/v1{path}", **arguments)

    def wait_for_worker(self, seconds: float = 240) -> None:
        """Return when the worker takes jobs."""
        self._poll("/health", lambda body: body["worker"]["state"] in ("ready", "busy"), seconds)

    def account(self) -> str:
        """Its health and what it printed, for a failed test; whatever state it is in."""
        try:
            health = self.api("GET", "/health").text
        except httpx.HTTPError as error:
            health = f"no answer: {error!r} (exit code {self.process.poll()})"
        return "\n".join([health, self.output, self.errors])

    def upload(self, path: Path) -> dict[str, Any]:
        """Take a picture in; its record."""
        with path.open("rb") as file:
            answer = self.api("POST", "/images", files={"file": (path.name, file)})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def submit(self, **request: Any) -> dict[str, Any]:
        """Queue a request; the job's record."""
        answer = self.api("POST", "/jobs", json=request)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def finished(self, job_id: str, seconds: float = 120) -> dict[str, Any]:
        """The job once it has ended, however it did."""
        return self._poll(f"/jobs/{job_id}", lambda job: job["status"] not in ("queued", "running"), seconds)

    def _poll(self, path: str, is_done: Any, seconds: float, pause: float = 0.1) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            body = self.api("GET", path).json()
            if is_done(body):
                return body
            assert time.monotonic() < deadline, f"{path} after {seconds} s: {body}"
            time.sleep(pause)

    def worker_pids(self) -> list[int]:
        """Processes started by the studio."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def worker_pid(self, seconds: float = 60) -> int:
        """The process that draws; waited for, since there is none while it is being replaced."""
        deadline = time.monotonic() + seconds
        while len(spawned := self._spawned()) != 1:
            assert time.monotonic() < deadline, f"workers after {seconds} s: {spawned}"
            time.sleep(0.02)
        return spawned[0]

    def _spawned(self) -> list[int]:
        """Workers that live, without those that have ended and are not yet waited for."""
        spawned: list[int] = []
        for pid in self.worker_pids():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(process.cmdline()):
                    spawned.append(pid)
        return spawned

    @contextmanager
    def worker_held(self) -> Iterator[None]:
        """Nothing is drawn meanwhile: a job asked for in here has not ended, however quick the machine is."""
        worker = self._suspended()
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):  # what happens in here may replace it
                worker.resume()

    def _suspended(self) -> psutil.Process:
        while True:
            with suppress(psutil.NoSuchProcess):  # it ended between the two
                worker = psutil.Process(self.worker_pid())
                worker.suspend()
                return worker

    @contextmanager
    def held_when(self, prompt: str, reached: Callable[[dict[str, Any]], bool]) -> Iterator[None]:
        """Wait until the newest job with the prompt runs and has `reached` a point; hold the worker there."""

        def at_point(jobs: list[dict[str, Any]]) -> bool:
            job = next((job for job in jobs if job["request"]["prompt"] == prompt), None)
            assert job is None or job["status"] in ("queued", "running"), job
            return job is not None and job["status"] == "running" and reached(job)

        self._poll("/jobs?limit=5", at_point, seconds=120, pause=0.01)
        with self.worker_held():
            yield

    def stop(self, how: signal.Signals = CTRL_KEY, seconds: float = 20) -> int:
        """End it as Ctrl-C does; the exit code."""
        self.process.send_signal(how)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running_studio(data_dir: Path, models: Path, *options: str, port: int = 0) -> Iterator[StudioProcess]:
    """A studio that is gone afterwards, whatever the test did to it."""
    studio = StudioProcess(data_dir, models, *options, port=port)
    try:
        yield studio
    finally:
        if studio.process.poll() is None:
            try:
                studio.stop()
            except subprocess.TimeoutExpired:
                studio.kill()


def find_chromium() -> str | None:
    """Chromium or Chrome: on PATH, or where Windows and macOS keep it; first the one that has no window.

    That draws the same page for half the work.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", *CHROME_PLACES)
    return next((path for path in map(shutil.which, names) if path), None)


def chromium_or_skip() -> str:
    """Path of the browser; without one the test is skipped, but fails where CI says it must run."""
    path = find_chromium()
    if path is None:
        reason = "No Chromium on this machine: apt install chromium."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class PageWatch:
    """What a page must not do: log errors, throw, or ask anything of another machine.

    A page that is loaded a second time may say what Gradio's client says of connections that end then.
    """

    def __init__(self, page: Any, home: str) -> None:
        self._home = home
        self._expected: list[str] = []
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self._loads = 0
        page.on("domcontentloaded", self._on_load)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"{error}"))
        page.on("request", self._on_request)

    def expect(self, part: str) -> None:
        """Errors containing `part` belong to this test."""
        self._expected.append(part)

    def begin(self) -> None:
        """Another test uses the page: what was seen and expected so far is not its own."""
        self.errors.clear()
        self.foreign.clear()
        self._expected = list(GRADIO_AT_RELOAD) if self._loads > 1 else []

    def check(self) -> None:
        """Raise AssertionError for what was seen and not expected."""
        errors = [error for error in self.errors if not any(part in error for part in self._expected)]
        assert not errors, f"The page logged errors: {errors}"
        assert not self.foreign, f"The page asked other machines: {self.foreign}"

    def _on_load(self, _: Any) -> None:
        self._loads += 1
        if self._loads == 2:
            self._expected += GRADIO_AT_RELOAD

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith((self._home, "data:", "blob:")):
            self.foreign.append(request.url)
