"""The cast's benchmark, on a handful of characters."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import characters


def test_each_call_is_measured_in_both_studios(tmp_path: Path) -> None:
    report = characters.run(4, 3, 1, tmp_path)
    assert len(report.splitlines()) == 2 + len(characters.CALLS)
    for name in characters.CALLS:
        assert re.search(rf"\| {name} \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", report), name
