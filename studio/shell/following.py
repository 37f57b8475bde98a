"""A job from the outside: how far it is, until it ends; Ctrl-C cancels it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from studio.shell.client import Client, Json, ShellError

ENDED = ("done", "failed", "cancelled")
_ASK_SECONDS = 0.25
_CANCEL_SECONDS = 60.0
Ask = Callable[[str], Json]


def followed(client: Client, ids: Sequence[str], *, quiet: bool) -> list[Json]:
    """The jobs once all have ended, progress on stderr meanwhile. KeyboardInterrupt cancels them first."""
    bar = None if quiet or not sys.stderr.isatty() else _bar()
    try:
        with bar or nullcontext():
            return [_until_ended(client, each, bar) for each in ids]
    except KeyboardInterrupt:
        _cancel(client, ids)
        raise


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)


def _until_ended(client: Client, job_id: str, bar: Progress | None) -> Json:
    task = bar and bar.add_task("Queued", total=None)
    while True:
        job = client.get(f"/jobs/{job_id}")
        if bar is not None and task is not None:
            _show(bar, task, job)
        if job["status"] in ENDED:
            return job
        time.sleep(_ASK_SECONDS)


def _show(bar: Progress, task: TaskID, job: Json) -> None:
    done, total = (job["tile"], job["tiles"]) if job["tiles"] else (job["step"], job["total_steps"])
    words = job["phase"] or job["status"]
    ended = job["status"] in ENDED
    bar.update(
        task, description=str(words).capitalize(), completed=done, total=total or None, visible=not ended
    )


def _cancel(client: Client, ids: Sequence[str]) -> None:
    """Cancel what has not ended, and wait for it: a studio started for the call ends right after."""
    until = time.monotonic() + _CANCEL_SECONDS
    for job_id in ids:
        try:
            client.post(f"/jobs/{job_id}/cancel")
            while client.get(f"/jobs/{job_id}")["status"] not in ENDED and time.monotonic() < until:
                time.sleep(_ASK_SECONDS)
        except ShellError as error:
            print(error, file=sys.stderr)


def failure(jobs: Sequence[dict[str, Any]]) -> str | None:
    """What is to be said where one did not make its pictures; None where all did."""
    bad = [job for job in jobs if job["status"] != "done"]
    words = [job["error"]["message"] if job["error"] else f"The job was {job['status']}." for job in bad]
    return " ".join(dict.fromkeys(words)) if bad else None
