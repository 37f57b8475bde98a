"""How long an artist waits: from `python app.py` to the page, and to the first picture.

`python -m benchmarks.startup` starts the studio several times on a new data folder and a free port and
prints least, median and most of: the ready line; the first answer of the page;
the first picture (20 steps), asked for over REST as soon as the page answers.

`--page` opens the page in Chromium with an empty cache instead: how many kB it is until it can be used,
before compression, and how long that takes.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.settings import ROOT

READY = "Likeness is ready at "
_PATIENCE_SECONDS = 300.0


class Studio:
    """A running `python app.py`, with a clock that began with it."""

    def __init__(self, data: Path, models: Path) -> None:
        self._began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--port", "0", "--data-dir", str(data), "--models", str(models)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if line.startswith(READY)), None)
        if line is None:
            sys.exit("The studio did not start.")
        self.url = line.removeprefix(READY).strip()

    def seconds(self) -> float:
        """Since the command was given."""
        return time.perf_counter() - self._began

    def get(self, path: str) -> bytes:
        """Body of a GET."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read()

    def json(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Answer of the REST interface; a POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Origin": self.url}
        request = urllib.request.Request(self.url + "/api/v1" + path, data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextlib.contextmanager
def _started(models: Path) -> Iterator[Studio]:
    with tempfile.TemporaryDirectory(prefix="likeness-startup-") as data:
        studio = Studio(Path(data), models)
        try:
            yield studio
        finally:
            studio.process.send_signal(signal.SIGINT)
            studio.process.wait(30)


def once(models: Path, steps: int) -> dict[str, float]:
    """Seconds from the command to each milestone."""
    with _started(models) as studio:
        times = {"ready line": studio.seconds()}
        studio.get("/")
        times["page answers"] = studio.seconds()
        body = {"prompt": "a portrait", "seed": 1, "num_inference_steps": steps}
        job = studio.json("/jobs", body)
        while job["status"] in ("queued", "running"):
            if studio.seconds() > _PATIENCE_SECONDS:
                sys.exit("The first picture did not come.")
            time.sleep(0.05)
            job = studio.json(f"/jobs/{job['id']}")
        if job["status"] != "done":
            sys.exit(f"The first picture failed: {job['error']}")
        studio.get(f"/api/v1/images/{job['images'][0]}/file")
        times["first picture"] = studio.seconds()
        return times


def open_page(models: Path) -> dict[str, float]:
    """Seconds until the page can be used, and kB of it: the studio's own, and with Gradio's."""
    from playwright.sync_api import Response, sync_playwright

    from tests.e2e.harness import CHROMIUM_FLAGS, find_chromium

    came: list[Response] = []
    with _started(models) as studio, sync_playwright() as playwright:
        studio.get("/")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.on("response", lambda response: came.append(response))
        began = time.perf_counter()
        page.goto(studio.url)
        page.wait_for_selector("body.lk-ready")
        seconds = time.perf_counter() - began
        static = [
            each for each in came if each.ok and "/gradio_api/" not in each.url and "/api/" not in each.url
        ]
        sizes = {each.url.removeprefix(studio.url): len(each.body()) / 1e3 for each in static}
        browser.close()
    own = sum(size for path, size in sizes.items() if path == "/" or path.startswith("/page/"))
    return {"first use": seconds, "page kB": own, "with Gradio kB": sum(sizes.values())}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models.yaml")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    measure = open_page if options.page else functools.partial(once, steps=options.steps)
    runs = [measure(options.models) for _ in range(options.runs)]
    print(f"{options.runs} starts, seconds {'of the page' if options.page else 'from `python app.py`'}")
    for milestone in runs[0]:
        values = [run[milestone] for run in runs]
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{milestone:14} min {low:5.2f}  median {middle:5.2f}  max {high:5.2f}")


if __name__ == "__main__":
    main()
