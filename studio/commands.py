"""What the command line offers beside serving: doctor, `collection verify`, `collection rebuild`.

Each returns what is to be printed and whether all is well; nothing here prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio import doctor
from studio.collection import maintenance
from studio.settings import Settings
from studio.startup import claim_data_folder


@dataclass(frozen=True, slots=True)
class Outcome:
    """Lines for the terminal, and whether all is well."""

    lines: tuple[str, ...]
    healthy: bool


def examine(settings: Settings) -> Outcome:
    """What works on this machine; not healthy where the studio could not run."""
    findings = doctor.examine(settings)
    return Outcome(tuple(map(str, findings)), doctor.can_run(findings))


def verify(settings: Settings) -> Outcome:
    """Check every file against its hash. Raises StorageFailure."""
    report = maintenance.verify(settings)
    return Outcome(report.lines(), report.healthy)


def rebuild(settings: Settings) -> Outcome:
    """Make the database anew from the files. Raises StartError while a studio runs, StorageFailure."""
    with claim_data_folder(settings):
        report = maintenance.rebuild(settings)
    return Outcome(report.lines(), report.healthy)


COMMANDS: dict[str, Callable[[Settings], Outcome]] = {"doctor": examine, "verify": verify, "rebuild": rebuild}
"""By the names that `studio.cli` gives them."""
