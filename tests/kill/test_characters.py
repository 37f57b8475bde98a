"""Six kills amid use, crop and cast runs; `tests.kill.characters` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.characters import run

pytestmark = [pytest.mark.kill, pytest.mark.posix("forks processes"), pytest.mark.timeout(600)]


def test_six_kills_while_keeping_a_cast(tmp_path: Path) -> None:
    report = run(tmp_path, rounds=6)
    assert report.kills == 6
    assert report.promises > 6
