"""Kills a cast's keeper at random moments and looks whether each change is there as a whole, or not at all.

`python -m tests.kill.characters --rounds 100` prints what was seen; CI does a few rounds.
"""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from studio.characters.records import DesignDraft, VersionState
from studio.collection.maintenance import verify
from studio.database import Database
from studio.service import StudioService
from studio.settings import Settings
from tests.kill.caster import open_studio
from tests.kill.command import play
from tests.kill.run import ROOT
from tests.studio.fixtures import picture

CAST = 3
_ANY = "whatever was before"
_BEGUN = {"using": "used", "cropping": "cropped"}


@dataclass
class Report:
    """What the rounds met."""

    kills: int = 0
    promises: int = 0
    runs: int = 0
    proposed: int = 0
    allowed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """By (used or cropped, character): what was promised last, and what was begun since."""
    kept: set[tuple[str, str]] = field(default_factory=set)
    runs_of: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.promises} promises, {self.runs} cast runs, {self.proposed} proposed "
            "versions in the end. Every change was there as a whole, or not at all.\n"
        )


def run(folder: Path, rounds: int) -> Report:
    """So many kills over one cast. Raises AssertionError at the first half change."""
    report = Report()
    settings = Settings(data_dir=folder / "data")
    with closing(Database(settings.database)) as database:
        _begin(open_studio(settings, database)[2])
    for _ in range(rounds):
        _kill(settings, report)
        _look(settings, report)
    return report


def _begin(service: StudioService) -> None:
    service.designs.create(DesignDraft(name="Ink", style_prompt="ink drawing", model="portrait-mini"))
    for number in range(CAST):
        made = service.characters.create(f"Character {number}")
        for seed in range(3):
            data = io.BytesIO(picture(number * 10 + seed, width=48, height=64))
            service.characters.versions.add_upload(made.id, data, "portrait.png")


def _kill(settings: Settings, report: Report) -> None:
    caster = subprocess.Popen(
        [sys.executable, "-m", "tests.kill.caster", str(settings.data_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert caster.stdout is not None
    assert caster.stdout.readline() == "open\n", "the caster did not start"
    heard = [caster.stdout.readline() for _ in range(random.randint(0, 14))]
    time.sleep(random.uniform(0, 0.08))
    caster.kill()
    told = [*heard, *caster.stdout.read().splitlines(keepends=True)]
    caster.wait()
    caster.stdout.close()
    report.kills += 1
    for line in told:
        if line.endswith("\n"):
            _remember(report, *line.split())


def _remember(report: Report, what: str, subject: str, value: str) -> None:
    report.promises += what not in _BEGUN
    match what:
        case "using" | "cropping":
            report.allowed.setdefault((_BEGUN[what], subject), [_ANY]).append(value)
        case "used" | "cropped":
            report.allowed[what, subject] = [value]
        case "run":
            report.runs_of[subject] = int(value)
        case "kept":
            report.kept.add((subject, value))


def _look(settings: Settings, report: Report) -> None:
    """As the next start finds it, and leaves it."""
    with closing(Database(settings.database)) as database:
        _, queue, service = open_studio(settings, database)
        for row in service.characters.list():
            _check_character(service, row.id, report)
        _check_runs(service, report)
        for character_id, image_id in report.kept:
            found = service.characters.versions.list(character_id).items
            assert image_id in {version.image_id for version in found}, "a kept picture is no version"
        report.runs = len(service.designs.runs(service.designs.list()[0].id))
        report.proposed = sum(row.proposed for row in service.characters.list())
        for job in queue.list():
            queue.cancel(job.id)
    seen = verify(settings)
    assert seen.healthy, seen.lines()


def _check_character(service: StudioService, character_id: str, report: Report) -> None:
    """The portrait is one of the versions, and the avatar whole: picture, version and rectangle together."""
    one = service.characters.get(character_id)
    versions = {v.id: v for v in service.characters.versions.list(character_id).items}
    assert one.portrait is not None
    assert versions[one.portrait.version_id].state is VersionState.KEPT
    assert one.versions + one.proposed == len(versions)
    chosen = report.allowed.get(("used", character_id), [_ANY])
    assert _ANY in chosen or one.portrait.version_id in chosen, "a version that was used is not"
    if one.avatar is not None:
        crops = report.allowed.get(("cropped", character_id), [_ANY])
        assert _ANY in crops or str(one.avatar.crop.x) in crops, "a crop that was set is lost"
        assert versions[one.avatar.version_id or ""].image_id == one.avatar.image_id
        assert (one.avatar.crop.width, one.avatar.crop.aspect) == (9, "1:1")


def _check_runs(service: StudioService, report: Report) -> None:
    """Each run has all its jobs, and each job its run."""
    (design,) = service.designs.list()
    runs = {found.id: found for found in service.designs.runs(design.id)}
    for found in runs.values():
        assert found.total == CAST, f"run {found.id} has {found.total} jobs"
    lost = {run_id for run_id, total in report.runs_of.items() if runs[run_id].total != total}
    assert not lost, f"runs lost jobs: {lost}"
    of_runs = {job.job_id for found in runs.values() for job in found.jobs}
    assert {job.id for job in service.jobs(limit=1_000)} <= of_runs, "a job without its run"


if __name__ == "__main__":
    play(run, __doc__, 20)
