"""Nineteen kills at random moments; `python -m tests.kill.run --rounds 200` does more of the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.run import run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]


def test_sixteen_kills_while_saving(tmp_path: Path, tiny_models_yaml: Path) -> None:
    report = run(tmp_path, tiny_models_yaml, "quick", servers=16)
    assert report.kills == 16
    assert report.repeated > 16


def test_three_kills_while_generating(tmp_path: Path, tiny_models_yaml: Path) -> None:
    report = run(tmp_path, tiny_models_yaml, "real", servers=2, workers=1)
    assert report.kills == 3
    assert report.repeated > 3
