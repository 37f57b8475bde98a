"""The composition root: settings → catalogue → collection → queue → engine → service → server.

`python3 app.py` comes here from a checkout, `likeness` from an installed package. Imports are inside
functions: what is wrong with a start is said before anything slow is loaded.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from studio import durable
from studio.cli import Command, read_command
from studio.startup import StartError, bind, claim_data_folder, empty_temp_folder, page_url

if TYPE_CHECKING:
    from studio.collection.collection import Collection
    from studio.dispatcher import Dispatcher
    from studio.engine.local import LocalEngine
    from studio.jobs import JobQueue
    from studio.service import StudioService
    from studio.settings import Settings


@contextmanager
def open_studio(settings: Settings) -> Generator[StudioService]:
    """Everything but the server, running; ended in the opposite order. Raises StartError."""
    from pipelines.catalog.catalog import load_catalog
    from studio.collection.collection import Collection
    from studio.collection.expiry import Expiry
    from studio.database import Database
    from studio.engine.local import LocalEngine
    from studio.jobs import JobQueue
    from studio.models.library import ModelLibrary
    from studio.presets.presets import Presets
    from studio.readers import Readers
    from studio.service import StudioService

    catalog = load_catalog(settings.models, settings.models_dir)
    database = Database(settings.database)
    collection = Collection(settings, database, catalog)
    collection.reconcile()
    queue = JobQueue(database)
    library = ModelLibrary(catalog, settings.data_dir, memory=settings.memory)
    engine = LocalEngine(settings.models, settings.device, settings.models_dir, settings.precision)
    engine.on_state(lambda state: library.set_hardware(state.hardware))
    readers = Readers(catalog, library, collection, engine.read, settings.readings_dir)
    presets = Presets(catalog, settings.shipped_presets, settings.own_presets)
    service = StudioService(catalog, collection, queue, library, readers, settings.wildcards_dir, presets)
    dispatcher = _dispatcher(service, queue, engine, collection)
    dispatcher.start()
    expiry = Expiry(collection.bin)
    expiry.start()
    try:
        yield service
    finally:
        service.exchange.imports.stop()
        expiry.stop()
        library.stop()
        dispatcher.stop()
        database.close()


def _dispatcher(
    service: StudioService, queue: JobQueue, engine: LocalEngine, collection: Collection
) -> Dispatcher:
    from studio.dispatcher import Dispatcher
    from studio.sweeps.pictures import refusal

    return Dispatcher(
        queue,
        engine,
        collection,
        service.library.loading_of,
        heads_of=service.face_fixing.heads_of,
        refusal_of=partial(refusal, collection.database),
        after=service.face_fixing.after,
    )


def serve(settings: Settings) -> int:
    """Run the studio until a signal ends it. Raises StartError."""
    with claim_data_folder(settings), bind(settings) as sock:
        empty_temp_folder(settings)
        url = page_url(settings, sock.getsockname()[1])

        def ready() -> None:
            durable.write_whole(settings.address, [url.encode()])
            print(f"Likeness is ready at {url}", flush=True)
            if settings.open_browser:
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

        with open_studio(settings) as service:
            from studio.server import StudioServer, create_app

            try:
                StudioServer(create_app(service, settings), sock, ready).serve_until_stopped()
            finally:
                durable.delete(settings.address)
    return 0


def _print_anything() -> None:
    """A terminal or pipe that lacks a sign shows another in its place, and nothing ends for that."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(command: Command) -> int:
    """Serve, or carry out another command and print what it found."""
    if command.action == "serve":
        return serve(command.settings)
    if command.shell is not None:
        from studio.cli import make_parser
        from studio.shell.run import run as run_shell

        return run_shell(command.shell.command, command.shell, command.settings, make_parser())
    from studio.commands import COMMANDS

    outcome = COMMANDS[command.action](command, lambda line: print(line, file=sys.stderr, flush=True))
    print(*outcome.lines, sep="\n")
    return 0 if outcome.healthy else 1


def main(arguments: list[str] | None = None) -> int:
    """Without `arguments`, those of the terminal.

    Exit code: 0 ended as wished, 1 a command found a fault, 2 could not start, 130 Ctrl-C meanwhile."""
    from pipelines.errors import CatalogError, StorageFailure

    _print_anything()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return run(read_command(sys.argv[1:] if arguments is None else arguments, os.environ))
    except (StartError, CatalogError, StorageFailure) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
