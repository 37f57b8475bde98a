"""The Ray process: finds machines, keeps a host on them for each worker, carries messages to and fro.

Ray ends the process it is used in when the head of its cluster or its own node is gone, so it has one of its
own: the studio starts it again. Knows nothing of orders but the files they name.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from studio.cluster import versions
from studio.cluster.calls import join, leave
from studio.cluster.machines import Machine, machines
from studio.cluster.messages import (
    LOCAL,
    Connected,
    ForWorker,
    FromCluster,
    Holding,
    KillWorker,
    Leave,
    MachineNote,
    NotConnected,
    Setup,
    StartWorker,
    ToCluster,
    Wanted,
    WorkerLeft,
)
from studio.cluster.remote import RemoteWorker
from studio.engine import orphans
from studio.engine.deaths import ignore_keys
from studio.settings import ROOT

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks at which machines there are."""
RETRY_SECONDS = 10.0
"""Before a machine that could not be used is asked again."""
ASK_SECONDS = 20.0
"""Between two looks at which models machines have, where none has changed."""
_LEAVE_SECONDS = 10.0


def main(pipe: Connection, setup: Setup) -> None:
    """Entry point of the process: until the studio says to leave, or is gone."""
    ignore_keys()
    orphans.end_with_parent()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # the studio talks to nobody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    Driver(pipe, setup).run()


class Driver:
    """All workers of one cluster."""

    def __init__(self, pipe: Connection, setup: Setup) -> None:
        self._pipe = pipe
        self._setup = setup
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._workers: dict[str, RemoteWorker] = {}
        self._wanted: Mapping[str, Holding] = {}
        self._news = threading.Event()
        self._not_before: dict[str, float] = {}
        """When a machine is asked again, or a worker made again, by its id or name."""
        self._checked: set[str] = set()
        self._names: dict[str, str] = {}
        """What machines are called, by id: the same for as long as they are there."""
        self._noted: dict[str, str] = {}

    def run(self) -> None:
        """Join the cluster and serve the studio."""
        from ray.exceptions import RayError

        address = self._connect()
        if address is None:
            return
        self.say(Connected(address))
        for work in (self._listen, lambda: self._watch_head(address), self._ask):
            threading.Thread(target=work, daemon=True).start()
        while True:
            try:
                self._look()
            except (RayError, RuntimeError, ValueError, OSError) as error:  # the head is busy, or gone
                log.warning("The cluster's machines cannot be listed: %s", error)
            time.sleep(LOOK_SECONDS)

    def say(self, message: FromCluster) -> None:
        """Tell the studio."""
        with self._sending, contextlib.suppress(OSError):
            self._pipe.send(message)

    # --- the cluster ------------------------------------------------------------------------

    def _connect(self) -> str | None:
        own = self._setup.address == LOCAL
        if own:  # what it starts finds this very Likeness
            known = os.environ.get("PYTHONPATH")
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), known)))
        # Ray gives its program's folders to all workers: elsewhere, that may be another Likeness than the one
        # installed there.
        os.chdir(tempfile.gettempdir())
        sys.argv = [str(Path(tempfile.gettempdir(), "likeness"))]
        options: dict[str, Any] = {"address": "local", "include_dashboard": False} if own else {}
        try:
            return join(**({"address": self._setup.address} | options))
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            self.say(NotConnected(_no_cluster(self._setup.address, error)))
            return None

    def _watch_head(self, address: str) -> None:
        """Ray itself would wait for a minute, and then end this process without a word for the studio."""
        host, _, port = address.rpartition(":")
        heard = time.monotonic()
        while time.monotonic() - heard < self._setup.head_silence:
            with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), 5.0):
                heard = time.monotonic()
            time.sleep(1.0)
        self.say(NotConnected(f"The head of the Ray cluster at {address} does not answer any more."))
        os._exit(1)

    def _look(self) -> None:
        """Make a host for every worker that there could be, and let go of those whose machine is gone."""
        there = machines(self._setup, self._names)
        for worker in self._all():
            if all(machine.id != worker.machine.id for machine in there):
                self._lose(worker, f"The machine {worker.machine.name} has left the cluster.")
        for machine in there:
            if machine.id in self._checked:
                self._fill(machine)
            elif time.monotonic() >= self._not_before.get(machine.id, 0.0):
                self._not_before[machine.id] = time.monotonic() + RETRY_SECONDS
                threading.Thread(target=self._check, args=(machine,), daemon=True).start()
        for name in set(self._noted) - {machine.name for machine in there}:
            self._note(name, None)

    def _check(self, machine: Machine) -> None:
        """Ask what is installed there, which even a machine without Likeness answers."""
        theirs = machine.versions()
        if isinstance(theirs, str):
            return self._note(machine.name, theirs)
        refusal = versions.refusal(machine.name, theirs, versions.of_this_machine())
        self._note(machine.name, refusal)
        if refusal is None:
            self._checked.add(machine.id)
        return None

    def _fill(self, machine: Machine) -> None:
        with self._lock:
            for name in machine.workers:
                if name in self._workers or time.monotonic() < self._not_before.get(name, 0.0):
                    continue
                self._not_before[name] = time.monotonic() + RETRY_SECONDS
                worker = RemoteWorker(name, machine, self._setup, self.say, self._lose, self._note)
                self._workers[name] = worker
                threading.Thread(target=worker.join, args=(lambda: self._wanted,), daemon=True).start()

    def _lose(self, worker: RemoteWorker, words: str, *, soon: bool = True) -> None:
        """It is gone: the studio is told at once, and another is made in its place where it can be."""
        with self._lock:
            if self._workers.get(worker.name) is not worker:
                return
            del self._workers[worker.name]
            self._not_before[worker.name] = time.monotonic() + (0.0 if soon else RETRY_SECONDS)
        worker.leave()
        self.say(WorkerLeft(worker.name, words))

    def _note(self, machine: str, words: str | None) -> None:
        if self._noted.get(machine) != words:
            self._noted.pop(machine, None)
            self._noted |= {machine: words} if words else {}
            self.say(MachineNote(machine, words))

    def _ask(self) -> None:
        """Which models are where: asked when the studio's have changed, and now and then."""
        while True:
            self._news.wait(ASK_SECONDS)
            self._news.clear()
            for worker in self._all():
                worker.ask(self._wanted)

    def _all(self) -> list[RemoteWorker]:
        with self._lock:
            return [*self._workers.values()]

    # --- the studio -------------------------------------------------------------------------

    def _listen(self) -> None:
        try:
            while True:
                self._hear(self._pipe.recv())
        except (EOFError, OSError):
            self._end()

    def _hear(self, message: ToCluster) -> None:
        match message:
            case Wanted(models):
                self._wanted = models
                self._news.set()
            case Leave():
                self._end()
            case StartWorker(name) | ForWorker(name) | KillWorker(name):
                with self._lock:
                    worker = self._workers.get(name)
                if worker is not None:
                    worker.hear(message)

    def _end(self) -> None:
        """Ray ends its actors with this process, and the cluster that it has started."""
        ending = threading.Thread(target=leave, daemon=True)
        ending.start()
        ending.join(_LEAVE_SECONDS)
        os._exit(0)


def _no_cluster(address: str, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    if address == LOCAL:
        return f"Ray cannot be started on this machine: {reason}"
    start = "ray start --head" if address == "auto" else f"ray start --address={address}"
    return (
        f"No Ray cluster can be joined at {address}: {reason} "
        f"This machine must be part of it: run “{start}” here, in the environment of Likeness."
    )
