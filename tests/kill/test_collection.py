"""Ten kills amid all that a collection is kept by; `tests.kill.collection` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.collection import PICTURES, run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]


def test_ten_kills_while_keeping_a_collection(tmp_path: Path) -> None:
    report = run(tmp_path, rounds=10)
    assert report.kills == 10
    assert report.promises
    assert len(report.kinds) == 5
    assert report.pictures >= PICTURES // 2
