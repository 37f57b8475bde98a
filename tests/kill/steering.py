"""Kills a studio at random moments while its queue is steered, and looks what each verb left.

A verb is there as a whole or not at all, but for going on with a sweep and cancelling one: these take their
jobs one after the other. `python -m tests.kill.steering --rounds 100` prints what was seen.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.database import Database
from studio.settings import Settings
from tests.kill import steerer
from tests.kill.caster import open_studio
from tests.kill.command import play
from tests.kill.evidence import look
from tests.kill.processes import Spoken
from tests.studio.fixtures import make_catalog

State = dict[str, Any]
OPEN = ("queued", "running")


@dataclass
class Report:
    """What the rounds met."""

    kills: int = 0
    verbs: Counter[str] = field(default_factory=Counter)
    amid: Counter[str] = field(default_factory=Counter)
    """Verbs that were begun and not promised when the kill came, and which of them had been done."""
    done: int = 0
    jobs: int = 0

    def __str__(self) -> str:
        verbs = ", ".join(f"{verb} {count}" for verb, count in sorted(self.verbs.items()))
        amid = ", ".join(f"{verb} {count}" for verb, count in sorted(self.amid.items()))
        return (
            f"{self.kills} kills, {self.jobs} jobs. Promised: {verbs}. Killed amid: {amid or 'none'}; "
            f"{self.done} of these had been done. Every verb was there as a whole, or not at all.\n"
        )


def run(folder: Path, rounds: int) -> Report:
    """So many kills over one queue. Raises AssertionError at the first half change."""
    report = Report()
    make_catalog(folder)
    settings = Settings(data_dir=folder / "data", models=folder / "models.yaml")
    for _ in range(rounds):
        state, begun = _kill(settings, report)
        _look(settings, state, begun, report)
    return report


def _kill(settings: Settings, report: Report) -> tuple[State, list[str]]:
    """What was promised last, and the verb that was begun since: `[verb, subject]`, or empty."""
    process = Spoken(steerer.main, str(settings.data_dir), str(settings.models), str(random.randrange(2**32)))
    with process.lines as lines:
        assert lines.readline() == "open\n", "the steerer did not start"
        heard = [lines.readline() for _ in range(1 + 2 * random.randint(0, 40))]
        time.sleep(random.uniform(0, 0.05))
        process.kill()
        assert process.end(0) == -signal.SIGKILL, "the steerer ended by itself"
        told = [line for line in (*heard, *lines.read().splitlines(keepends=True)) if line.endswith("\n")]
    report.kills += 1
    state, begun = {}, []
    for line in told:
        what, _, rest = line.strip().partition(" ")
        if what == "begin":
            begun = rest.split()
        else:
            state = json.loads(rest)
            report.verbs.update(begun[:1])
            begun = []
    report.amid.update(begun[:1])
    return state, begun


def _look(settings: Settings, before: State, begun: list[str], report: Report) -> None:
    """The rows as the kill left them, then as the next start has them in memory."""
    seen = look(settings.data_dir)
    seen.check_whole()
    rows = _rows(settings.database)
    if begun:
        verb, subject = begun
        LEFT[verb](before, rows, subject)
        report.done += rows != before
    else:
        assert _told(rows, before) == before, "a promise is lost"
    with closing(Database(settings.database)) as database:
        collection, queue, service = open_studio(settings, database)
        state = steerer.Steerer(collection, queue, service).state()
    running = [job for job, status in rows["status"].items() if status == "running"]
    assert len(running) <= 1, "two jobs were running"
    for job in running:  # it waits again where it was, or has had its attempts
        assert state["status"][job] in ("queued", "failed", "cancelled"), state["status"][job]
    waits = [job for job in _order(rows) if state["status"][job] == "queued"]
    assert state["waiting"] == waits, "memory has another order than the rows"
    report.jobs = len(rows["status"])


def _rows(database: Path) -> State:
    """As `Steerer.state`, without the studio's own code."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as rows:
        jobs = rows.execute(
            "SELECT id, status, repeat FROM jobs ORDER BY coalesce(place, number), number"
        ).fetchall()
        on = {name: bool(value) for name, value in rows.execute('SELECT name, "on" FROM queue_switches')}
        newest = "SELECT id, job_ids FROM sweeps ORDER BY created_at DESC LIMIT 6"
        sweeps = {each: json.loads(ids) for each, ids in rows.execute(newest)}
    waiting = [job for job, status, _ in jobs if status == "queued"]
    return {
        "switches": {name: on.get(name, False) for name in ("paused", "loaded_first")},
        "waiting": waiting,
        "repeats": sorted(job for job, status, repeat in jobs if status == "queued" and repeat),
        "status": {job: status for job, status, _ in jobs},
        "sweeps": sweeps,
        "order": [job for job, _, _ in jobs],
    }


def _told(rows: State, before: State) -> State:
    return {name: rows[name] for name in before}


def _order(rows: State) -> list[str]:
    return [job for job in rows["order"] if rows["status"][job] in OPEN]


# --- what each verb may have left: nothing, or all of it ------------------------------------------------


def _same(before: State, rows: State, *but: str) -> None:
    for name in before.keys() - set(but):
        assert rows[name] == before[name], f"{name} changed, which no verb was to change"


def _changed(before: State, rows: State) -> dict[str, tuple[str | None, str]]:
    """Job → (status before, status now), where they differ. No job is ever gone."""
    assert set(rows["status"]) >= set(before["status"]), "jobs are gone"
    return {
        job: (before["status"].get(job), now)
        for job, now in rows["status"].items()
        if now != before["status"].get(job)
    }


def _after_add(before: State, rows: State, _: str) -> None:
    _same(before, rows, "waiting", "status")
    changed = _changed(before, rows)
    assert list(changed.values()) in ([], [(None, "queued")])
    assert rows["waiting"] == [*before["waiting"], *changed]


def _after_switch(before: State, rows: State, _: str) -> None:
    _same(before, rows, "switches")
    assert sum(rows["switches"][name] != on for name, on in before["switches"].items()) <= 1


def _after_move(before: State, rows: State, job: str) -> None:
    _same(before, rows, "waiting")
    left = [[each for each in state["waiting"] if each != job] for state in (before, rows)]
    assert left[0] == left[1], "others moved, too"
    assert job in rows["waiting"]


def _after_clear(before: State, rows: State, _: str) -> None:
    _same(before, rows, "waiting", "status", "repeats")
    changed = _changed(before, rows)
    assert set(changed.values()) <= {("queued", "cancelled")}
    assert not changed or set(changed) == set(before["waiting"]), "only some were cleared"


def _after_restore(before: State, rows: State, _: str) -> None:
    _same(before, rows, "waiting", "status", "repeats")
    changed = _changed(before, rows)
    assert set(changed.values()) <= {("cancelled", "queued")}
    assert [job for job in rows["waiting"] if job not in changed] == before["waiting"]


def _after_retry(before: State, rows: State, job: str) -> None:
    _same(before, rows, "waiting", "status", "repeats")
    changed = _changed(before, rows)
    assert changed in ({}, {job: ("cancelled", "queued")})
    assert rows["waiting"] == [*before["waiting"], *changed]


def _after_repeat(before: State, rows: State, job: str) -> None:
    _same(before, rows, "repeats")
    assert set(before["repeats"]) ^ set(rows["repeats"]) <= {job}


def _after_make(before: State, rows: State, _: str) -> None:
    """The next job runs, is done or cancelled; one that repeats has left another in the very same step."""
    _same(before, rows, "waiting", "status", "repeats")
    changed = _changed(before, rows)
    new = [job for job, (earlier, _) in changed.items() if earlier is None]
    ended = [job for job, (_, now) in changed.items() if now in ("done", "cancelled")]
    assert len(changed) - len(new) <= 1, "more than one job was begun"
    assert len(new) <= 1
    done = [job for job in ended if rows["status"][job] == "done"]
    repeating = [job for job in done if job in before["repeats"]]
    assert len(new) == len(repeating), "a job that repeats is done without the next one, or twice"


def _after_sweep(before: State, rows: State, _: str) -> None:
    _same(before, rows, "waiting", "status", "sweeps")
    new = list(_changed(before, rows))
    assert rows["waiting"] == [*before["waiting"], *new]
    made = {each: ids for each, ids in rows["sweeps"].items() if each not in before["sweeps"]}
    assert len(new) in (0, steerer.CELLS), "a part of a sweep"
    assert [sorted(ids) for ids in made.values()] == ([sorted(new)] if new else [])


def _after_cancel_sweep(before: State, rows: State, sweep: str) -> None:
    _same(before, rows, "waiting", "status", "repeats")
    changed = _changed(before, rows)
    assert set(changed) <= set(before["sweeps"][sweep])
    assert set(changed.values()) <= {("queued", "cancelled")}


def _after_resume_sweep(before: State, rows: State, sweep: str) -> None:
    _same(before, rows, "waiting", "status", "repeats")
    changed = _changed(before, rows)
    assert set(changed) <= set(before["sweeps"][sweep])
    assert set(changed.values()) <= {("cancelled", "queued"), ("failed", "queued")}
    assert rows["waiting"][: len(before["waiting"])] == before["waiting"]


LEFT: dict[str, Callable[[State, State, str], None]] = {
    "add": _after_add,
    "switch": _after_switch,
    "move": _after_move,
    "clear": _after_clear,
    "restore": _after_restore,
    "retry": _after_retry,
    "repeat": _after_repeat,
    "make": _after_make,
    "sweep": _after_sweep,
    "cancel_sweep": _after_cancel_sweep,
    "resume_sweep": _after_resume_sweep,
}


if __name__ == "__main__":
    play(run, __doc__, 20)
