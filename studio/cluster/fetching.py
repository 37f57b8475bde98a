"""Brings a model of the hub to this machine, at the commit that the studio has of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from pipelines.catalog.catalog import Catalog
from pipelines.errors import ModelUnavailable
from pipelines.events import Event, Failed, Notice, Phase, PhaseChanged
from studio.cluster.messages import Holding
from studio.models import places
from studio.models.downloads import FetchProcess, launch
from studio.models.messages import Fetched, FetchFailed, FetchOrder, FilesListed, Progressed

_TURN = threading.Lock()
"""One at a time in this process; the hub's cache has locks between processes."""


class Fetching:
    """One model on its way."""

    def __init__(
        self,
        catalog: Catalog,
        model: str,
        wanted: Holding,
        launch: Callable[[FetchOrder], FetchProcess] = launch,
    ) -> None:
        spec = catalog.entry(model)
        order = places.order(spec, catalog)
        parts = tuple(
            replace(each, revision=wanted.commits.get(each.repo, each.revision)) for each in order.wanted
        )
        self._order = replace(order, wanted=parts)
        self._launch = launch
        self._process: FetchProcess | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """End it; what has come stays for the next time."""
        self.cancelled = True
        if process := self._process:
            process.kill()

    def run(self, tell: Callable[[Event], None]) -> Failed | None:
        """Fetch everything, telling that it goes on; why it did not come, where it did not."""
        with _TURN:
            if self.cancelled:
                return None
            self._process = process = self._launch(self._order)
            last = self._follow(process, tell)
            process.wait_and_close()
        if isinstance(last, Fetched):
            return None
        words = (
            last.detail if isinstance(last, FetchFailed) else "The download ended unexpectedly. Try again."
        )
        return Failed(ModelUnavailable.code, f"{self._order.label} could not be downloaded. {words}")

    def _follow(self, process: FetchProcess, tell: Callable[[Event], None]) -> object:
        last: object = None
        for last in process.messages():
            match last:
                case FilesListed(files):
                    size = sum(each.size - each.done for each in files) / 1e9
                    tell(Notice(f"{self._order.label} had to be downloaded by its worker ({size:.1f} GB)."))
                case Progressed():
                    tell(PhaseChanged(Phase.LOADING))
                case _:
                    continue
        return last
