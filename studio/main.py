"""The composition root: settings → catalogue → collection → queue → engine → service → server.

`python3 app.py` comes here from a checkout, `likeness` from an installed package. Imports are inside
functions: what is wrong with a start is said before anything slow is loaded.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from studio import collector, durable
from studio.cli import Command, read_command
from studio.startup import (
    StartError,
    bind,
    check_certificate,
    check_engine,
    claim_data_folder,
    empty_temp_folder,
    page_url,
)

if TYPE_CHECKING:
    from pipelines.catalog.catalog import Catalog
    from studio.collection.collection import Collection
    from studio.dispatcher import Dispatcher
    from studio.door.door import Door
    from studio.engine import Engine
    from studio.jobs import JobQueue
    from studio.models.library import ModelLibrary
    from studio.service import StudioService
    from studio.settings import Settings


@contextmanager
def open_studio(settings: Settings) -> Generator[StudioService]:
    """Everything but the server, running; ended in the opposite order. Raises StartError."""
    check_engine(settings)
    from pipelines.catalog.catalog import load_catalog
    from studio.collection.collection import Collection
    from studio.collection.expiry import Expiry
    from studio.database import Database
    from studio.jobs import JobQueue
    from studio.models.library import ModelLibrary
    from studio.presets.presets import Presets
    from studio.readers import Readers
    from studio.service import StudioService

    catalog = load_catalog(settings.models, settings.models_dir, settings.root_paths)
    database = Database(settings.database)
    collection = Collection(settings, database, catalog)
    collection.reconcile()
    queue = JobQueue(database)
    library = ModelLibrary(catalog, settings.data_dir, memory=settings.memory)
    engine = _engine(settings, catalog, library)
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


def _engine(settings: Settings, catalog: Catalog, library: ModelLibrary) -> Engine:
    if settings.engine == "ray":
        from studio.cluster.engine import RayEngine
        from studio.cluster.process import setup_of

        return RayEngine(setup_of(settings), catalog, library.has_room)
    from studio.engine.local import LocalEngine

    return LocalEngine(
        settings.models, settings.device, settings.models_dir, settings.precision, settings.root_paths
    )


def _dispatcher(
    service: StudioService, queue: JobQueue, engine: Engine, collection: Collection
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
    from studio.door.opening import open_door

    check_certificate(settings)
    check_engine(settings)
    with claim_data_folder(settings):
        door = open_door(settings)
        with bind(settings) as sock:
            empty_temp_folder(settings)
            _serve_on(sock, settings, door)
    return 0


def _serve_on(sock: socket.socket, settings: Settings, door: Door | None) -> None:
    from studio.house import house_urls

    port = sock.getsockname()[1]
    url = page_url(settings, port)
    own_key = door.own_key if door else ""

    def ready() -> None:
        address = "\n".join((url, own_key, str(settings.tls_cert.resolve()) if settings.tls_cert else ""))
        _tell_shells(settings, address.rstrip())
        others = [each for each in house_urls(settings, port) if each.rstrip("/") != url.rstrip("/")][:1]
        print(f"Likeness is ready at {url}", *(f"(on your phone: {each})" for each in others), flush=True)
        if settings.open_browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    with open_studio(settings) as service:
        from studio.server import StudioServer, create_app

        try:
            app = create_app(service, settings, door)
            collector.settle()
            StudioServer(app, sock, ready, settings, own_key).serve_until_stopped()
        finally:
            _tell_shells_no_more(settings)


def _tell_shells(settings: Settings, address: str) -> None:
    """Write down where the studio is; without it only commands of the shell do not find it."""
    try:
        durable.write_whole(settings.address, [address.encode()])
    except OSError as error:
        logging.getLogger(__name__).warning(
            "%s could not be written (%s), so commands such as “generate” need --url.",
            settings.address,
            error.strerror or error,
        )


def _tell_shells_no_more(settings: Settings) -> None:
    """A folder that cannot be written by now keeps an address at which nobody answers; shells see that."""
    with contextlib.suppress(OSError):
        durable.delete(settings.address)


def _print_anything() -> None:
    """A terminal or pipe that lacks a sign shows another in its place, and nothing ends for that."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(command: Command) -> int:
    """Serve, or carry out another command and print what it found."""
    if command.action == "serve":
        return serve(command.settings)
    collector.settle()
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
        command = read_command(sys.argv[1:] if arguments is None else arguments, os.environ)
        for secret in ("LIKENESS_PASSWORD", "LIKENESS_TOKEN"):  # nothing that is started from here needs them
            os.environ.pop(secret, None)
        return run(command)
    except (StartError, CatalogError, StorageFailure) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
