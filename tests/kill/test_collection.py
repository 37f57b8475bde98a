"""Twenty kills amid all that a collection is kept by; `tests.kill.collection` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill import keeper
from tests.kill.collection import PICTURES, run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]


def test_twenty_kills_while_keeping_a_collection(tmp_path: Path) -> None:
    report = run(tmp_path, rounds=20)
    assert report.kills == 20
    assert report.promises
    assert set(report.kinds) == set(keeper.WORK)
    assert report.pictures >= PICTURES // 2
