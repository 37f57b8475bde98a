"""What the command line offers beside serving: doctor, the collection's import, export, verify, rebuild, and
the keys of the door.

Each returns what is to be printed and whether all is well, and tells on the way how far it is; nothing here
prints.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import LikenessError, StorageFailure
from studio import doctor, durable
from studio.cli import Command
from studio.collection import maintenance
from studio.collection.collection import Collection
from studio.collection.queries import Filter
from studio.database import Database
from studio.door.keys import KeyFile, Refused, Token
from studio.door.opening import choose_password
from studio.exchange.exchange import Exchange
from studio.exchange.exporting import MANIFEST
from studio.exchange.import_log import imported_files
from studio.exchange.importing import Importer
from studio.exchange.records import ExportWish, ImportProgress
from studio.settings import Settings
from studio.startup import StartError, claim_data_folder

_TELL_SECONDS = 2.0
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Lines for the terminal, and whether all is well."""

    lines: tuple[str, ...]
    healthy: bool


def examine(command: Command, tell: Tell) -> CommandResult:
    """What works on this machine; not healthy where the studio could not run."""
    findings = doctor.examine(command.settings)
    return CommandResult(tuple(map(str, findings)), doctor.can_run(findings))


def verify(command: Command, tell: Tell) -> CommandResult:
    """Check every file against its hash, and mend what can be mended where that is wished.

    Raises StorageFailure, and StartError where mending is wished while a studio runs.
    """
    settings = command.settings
    report = maintenance.verify(settings)
    if command.mend and not report.healthy:
        with claim_data_folder(settings):
            report = maintenance.mend(settings, report, imported_files(settings.imports_dir))
    return CommandResult(report.lines(), report.healthy)


def rebuild(command: Command, tell: Tell) -> CommandResult:
    """Make the database anew from the files. Raises StartError while a studio runs, StorageFailure."""
    with claim_data_folder(command.settings):
        report = maintenance.rebuild(command.settings)
    return CommandResult(report.lines(), report.healthy)


def import_folder(command: Command, tell: Tell) -> CommandResult:
    """Import a folder, or go on with it. Raises StartError while a studio runs, StorageFailure."""
    assert command.folder is not None
    with claim_data_folder(command.settings), _opened(command.settings) as (collection, _):
        collection.reconcile()
        importer = Importer(collection)
        try:
            started = importer.start(command.folder.resolve())
            while (progress := importer.get(started.id)).status in ("scanning", "running"):
                tell(_progress_line(progress))
                importer.wait(_TELL_SECONDS)
        except LikenessError as error:
            raise StartError(error.detail) from error
        finally:
            importer.stop()
    return CommandResult(tuple(_import_lines(progress)), progress.status == "done" and not progress.problems)


def export(command: Command, tell: Tell) -> CommandResult:
    """Write pictures to a zip, also while a studio runs. Raises StartError, StorageFailure."""
    assert command.target is not None
    if not command.settings.database.exists():
        raise StartError(f"There is no collection in {command.settings.data_dir}.")
    with _opened(command.settings) as (collection, exchange):
        wish = _wish(command, collection)
        try:
            _write(command.target, exchange.export(wish))
        except LikenessError as error:
            raise StartError(error.detail) from error
    with zipfile.ZipFile(command.target) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    missing = tuple(f"not exported: {one['id']}: {one['reason']}" for one in manifest["missing"])
    return CommandResult(
        (*missing, f"{len(manifest['images'])} pictures are in {command.target}."), not missing
    )


def change_password(command: Command, tell: Tell) -> CommandResult:
    """Choose another, also while a studio runs. Raises StartError."""
    choose_password(command.settings)
    return CommandResult(("The password is set. Everybody has to log in again; tokens stay.",), True)


def add_token(command: Command, tell: Tell) -> CommandResult:
    """Make one; the only line on stdout is the token. Raises StartError."""
    try:
        _, text = KeyFile(command.settings.door).add_token(command.name, command.days)
    except Refused as error:
        raise StartError(str(error)) from error
    tell("This is the token. It is not shown again:")
    return CommandResult((text,), True)


def list_tokens(command: Command, tell: Tell) -> CommandResult:
    """One line each. Raises StartError."""
    keys = KeyFile(command.settings.door)
    lines = [f"{each.id}  {_until(each, keys.now()):<22}  {each.name}" for each in keys.keys().tokens]
    return CommandResult(tuple(lines or ["There are no tokens."]), True)


def _until(token: Token, now: float) -> str:
    if token.until is None:
        return "until revoked"
    day = time.strftime("%Y-%m-%d", time.localtime(token.until))
    return f"{'until' if now < token.until else 'expired'} {day}"


def revoke_token(command: Command, tell: Tell) -> CommandResult:
    """End one, also while a studio runs. Raises StartError."""
    try:
        gone = KeyFile(command.settings.door).revoke_token(command.name)
    except Refused as error:
        raise StartError(f"{str(error)[:-1]}: {command.name!r}. `token list` names them.") from error
    return CommandResult((f"The token “{gone.name}” is revoked.",), True)


COMMANDS: dict[str, Callable[[Command, Tell], CommandResult]] = {
    "doctor": examine,
    "verify": verify,
    "rebuild": rebuild,
    "import": import_folder,
    "export": export,
    "password": change_password,
    "token-add": add_token,
    "token-list": list_tokens,
    "token-revoke": revoke_token,
}
"""By the names that `studio.cli` gives them."""


@contextmanager
def _opened(settings: Settings) -> Generator[tuple[Collection, Exchange]]:
    catalog = load_catalog(settings.models)
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, catalog)
        yield collection, Exchange(collection, catalog)


def _progress_line(progress: ImportProgress) -> str:
    speed = f", {progress.per_second:g} a second" if progress.per_second else ""
    return f"{progress.done} of {progress.found} pictures{speed}"


def _import_lines(progress: ImportProgress) -> Iterator[str]:
    yield from (f"not imported: {problem.path}: {problem.reason}" for problem in progress.problems)
    if progress.status != "done":
        yield "The import did not come to its end. Give the same command again to go on."
    restored = f"{progress.restored} taken out of the trash, " if progress.restored else ""
    yield (
        f"{progress.added} pictures imported, {restored}{progress.duplicates} were here already, "
        f"{progress.failed} could not be imported."
    )


def _wish(command: Command, collection: Collection) -> ExportWish:
    ids = command.ids
    if command.starred:
        ids = collection.gallery.ids(Filter(starred=True)).ids
    try:
        return ExportWish(
            ids=ids,
            branch_of=command.branch,
            clean=command.clean,
            format=command.format,
            with_rights=command.with_rights,
        )
    except ValidationError as error:
        raise StartError("Say which pictures: their ids, --branch ID or --starred.") from error


def _write(target: Path, parts: Iterator[bytes]) -> None:
    """Whole or not at all."""
    try:
        durable.write_whole(target, parts, private=False)
    except OSError as error:
        raise StorageFailure(f"{target} cannot be written: {error.strerror or error}.") from error
