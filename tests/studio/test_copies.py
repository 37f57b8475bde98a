"""Copies kept before something was made anew: which of them stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from studio import copies

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def make(folder: Path, pattern: str, *days: int) -> list[Path]:
    """Copies made so many days ago, the newest first."""
    made = [folder / pattern.format(copies.stamp(NOW - timedelta(days=day))) for day in days]
    for path in made:
        path.touch()
    return made


def test_the_newest_three_and_those_of_a_month_stay(tmp_path: Path) -> None:
    lately = make(tmp_path, "likeness.db.{}.before-rebuild", 1, 2, 3, 4, 29)
    old = make(tmp_path, "likeness.db.{}.before-rebuild", 31, 400)
    companions = make(tmp_path, "likeness.db.{}.before-rebuild-wal", 1, 400)
    journals = make(tmp_path, "journal.jsonl.{}.before-rebuild", 100, 200, 300)
    mended = make(tmp_path, "characters.jsonl.{}.before-mend", 50, 60, 70, 80)
    upgraded = make(tmp_path, "likeness.db.0004-{}.backup", 40, 41, 42, 43)
    assert copies.prune(tmp_path, NOW) == 5
    stay = [*lately, companions[0], *journals, *mended[:3], *upgraded[:3]]
    assert sorted(tmp_path.iterdir()) == sorted(stay)
    assert not any(path.exists() for path in old)


def test_nothing_else_is_taken_for_a_copy(tmp_path: Path) -> None:
    stamp = "20200101-000000"
    names = [
        "likeness.db",
        "journal.jsonl",
        f"likeness.db.{stamp}.mine",
        f"other.db.{stamp}.before-rebuild",
        f"likeness.db.{stamp}.before-rebuild.txt",
        "likeness.db.2020.before-rebuild",
    ]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / f"likeness.db.{stamp}.backup").mkdir()
    assert copies.prune(tmp_path, NOW) == 0
    assert len(list(tmp_path.iterdir())) == len(names) + 1


def test_copies_from_a_clock_that_was_ahead_count_as_new(tmp_path: Path) -> None:
    make(tmp_path, "likeness.db.{}.before-rebuild", -4000, -3000, -2000)
    old = make(tmp_path, "likeness.db.{}.before-rebuild", 5, 400)
    assert copies.prune(tmp_path, NOW) == 1
    assert old[0].exists()
