"""Six kills amid the verbs of queue and sweeps; `tests.kill.steering` does more of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kill.steering import LEFT, run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]
BEFORE: dict[str, Any] = {
    "switches": {"paused": False, "loaded_first": False},
    "waiting": ["a", "b", "c"],
    "repeats": ["a"],
    "status": {"a": "queued", "b": "queued", "c": "queued", "z": "cancelled"},
    "sweeps": {"s": ["b", "z"]},
}


def test_six_kills_while_steering(tmp_path: Path) -> None:
    report = run(tmp_path, rounds=6)
    assert report.kills == 6
    assert report.verbs.total() > 6
    assert report.jobs


@pytest.mark.parametrize("verb", LEFT)
def test_a_verb_that_was_not_begun_yet_is_nothing_amiss(verb: str) -> None:
    LEFT[verb](BEFORE, BEFORE, "s" if "sweep" in verb else "a")


@pytest.mark.parametrize(
    ("verb", "left"),
    [
        ("add", {"status": {"a": "queued", "b": "queued", "c": "queued"}}),
        ("switch", {"waiting": ["b", "a", "c"]}),
        ("move", {"waiting": ["c", "b", "a"]}),
        ("clear", {"waiting": ["a", "c"], "status": {**BEFORE["status"], "b": "cancelled"}}),
        ("restore", {"waiting": ["z", "b", "a", "c"], "status": {**BEFORE["status"], "z": "queued"}}),
        ("retry", {"waiting": ["z", "a", "b", "c"], "status": {**BEFORE["status"], "z": "queued"}}),
        ("repeat", {"repeats": ["a", "c"]}),
        ("make", {"waiting": ["b", "c"], "status": {**BEFORE["status"], "a": "done"}}),
        ("sweep", {"waiting": [*"abcd"], "status": {**BEFORE["status"], "d": "queued"}}),
        ("cancel_sweep", {"waiting": ["a", "b"], "status": {**BEFORE["status"], "c": "cancelled"}}),
        ("resume_sweep", {"waiting": [*"zabc"], "status": {**BEFORE["status"], "z": "queued"}}),
    ],
)
def test_a_half_verb_is_seen(verb: str, left: dict[str, Any]) -> None:
    subject = "s" if "sweep" in verb else "b"
    with pytest.raises(AssertionError):
        LEFT[verb](BEFORE, {**BEFORE, **left}, subject)
