"""Ten kills amid sweeps, edits over many pictures and pauses; `tests.kill.sweeps` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.sweeps import run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]


def test_ten_kills_amid_sweeps_and_pauses(tmp_path: Path, tiny_models_yaml: Path) -> None:
    report = run(tmp_path, tiny_models_yaml, rounds=10)
    assert report.kills == 10
    assert report.promised
    assert report.cells > len(report.promised)
