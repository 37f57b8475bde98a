"""Nine kills amid importing, emptying the trash and rebuilding; `tests.kill.collection` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.collection import PICTURES, run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]


def test_nine_kills_while_keeping_a_collection(tmp_path: Path) -> None:
    report = run(tmp_path, rounds=9)
    assert report.kills == 9
    assert report.promised
    assert report.pictures >= PICTURES // 2
