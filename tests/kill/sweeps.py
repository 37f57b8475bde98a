"""Kills an artist of sweeps at random moments and looks whether each is there as a whole, paused as it was.

`python -m tests.kill.sweeps --rounds 100` prints what was seen; CI does a few rounds.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.kill import sweeper
from tests.kill.command import play
from tests.kill.evidence import look
from tests.kill.processes import Spoken


@dataclass
class Report:
    """What the rounds met."""

    kills: int = 0
    pauses: int = 0
    paused_kills: int = 0
    cells: int = 0
    promised: dict[str, list[str]] = field(default_factory=dict)
    """Sweep → its jobs."""
    allowed: set[bool] = field(default_factory=lambda: {False})
    """What the switch may be: as promised last, or as was about to be."""

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.paused_kills} of them while paused, {len(self.promised)} sweeps with "
            f"{self.cells} pictures, {self.pauses} pauses. Nothing was lost or made twice.\n"
        )


def run(folder: Path, models: Path, rounds: int) -> Report:
    """So many kills over one data folder, then everything is finished. Raises AssertionError at a loss."""
    report = Report()
    data_dir = folder / "swept"
    for _ in range(rounds):
        _kill(data_dir, models, report)
        _look(data_dir, report)
    _finish(data_dir, models, report)
    return report


def _kill(data_dir: Path, models: Path, report: Report) -> None:
    artist = Spoken(sweeper.main, str(data_dir), str(models))
    with artist.lines as lines:
        told = [lines.readline() for _ in range(1 + random.randint(0, 12))]
        time.sleep(random.uniform(0, 0.08))
        artist.kill()
        told += lines.readlines()
    report.kills += 1
    assert told[0] == "open\n", f"the studio did not start: {told}"
    for line in told:
        if line.endswith("\n"):
            _remember(report, *line.split())


def _remember(report: Report, what: str, *values: str) -> None:
    match what:
        case "sweep":
            report.promised[values[0]] = list(values[1:])
        case "pausing":
            report.allowed.add(values[0] == "True")
        case "paused":
            report.allowed = {values[0] == "True"}
            report.pauses += 1
        case _:
            pass


def _look(data_dir: Path, report: Report) -> dict[str, str]:
    """Without the studio's own code; the status of each job."""
    seen = look(data_dir)
    seen.check_whole()
    sweeps, paused = _rows(data_dir)
    assert paused in report.allowed, f"the pause is {paused} and was to be {report.allowed}"
    report.allowed = {paused}
    report.paused_kills += paused
    for sweep_id, jobs in report.promised.items():
        assert sweeps.get(sweep_id) == jobs, f"sweep {sweep_id} is lost or another"
    for sweep_id, jobs in sweeps.items():
        lost = set(jobs) - set(seen.jobs)
        assert not lost, f"sweep {sweep_id} has no jobs {lost}"
    strays = set(seen.jobs) - {job for jobs in sweeps.values() for job in jobs}
    assert not strays, f"jobs without their sweep {strays}"
    return {job_id: job.status for job_id, job in seen.jobs.items()}


def _finish(data_dir: Path, models: Path, report: Report) -> None:
    artist = Spoken(sweeper.main, str(data_dir), str(models), "--finish")
    with artist.lines as lines:
        lines.readlines()
    code = artist.end(60)
    assert code == 0, f"the studio ended with {code}"
    report.allowed = {False}
    states = _look(data_dir, report)
    unmade = {job: state for job, state in states.items() if state != "done"}
    assert not unmade, f"not made: {unmade}"
    settled = look(data_dir)
    assert len(settled.orphans) == sweeper.SOURCES, "files without a row, beside those that were uploaded"
    assert settled.leftovers == 0, "interrupted writes were not cleared"
    settled.check_same_pixels()
    report.cells = len(states)


def _rows(data_dir: Path) -> tuple[dict[str, list[str]], bool]:
    """Jobs by sweep, and whether the queue is paused; of a copy, so that looking changes nothing."""
    with tempfile.TemporaryDirectory() as copy:
        for path in data_dir.glob("likeness.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, copy)
        connection = sqlite3.connect(Path(copy) / "likeness.db")
        sweeps = {key: json.loads(jobs) for key, jobs in connection.execute("SELECT id, job_ids FROM sweeps")}
        switches = dict(connection.execute('SELECT name, "on" FROM queue_switches').fetchall())
        connection.close()
    return sweeps, bool(switches.get("paused", False))


def _with_models(folder: Path, rounds: int) -> object:
    from tests.kill.run import _models

    return run(folder, _models(folder), rounds)


if __name__ == "__main__":
    play(_with_models, __doc__, 30)
