"""`GET /events`: the queue, sent to every listener on every change: as a whole, or what changed.

One thread waits for changes, however many pages listen. A listener to snapshots has room for the newest
one only, so a slow one skips states instead of falling behind, and so does one that would be sent a long
queue again with every step; a slow listener to changes gets the whole again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from studio.api.queue_changes import QueueChange, SentQueue
from studio.records import QueueSnapshot
from studio.service import StudioService

HEARTBEAT_SECONDS = 5.0
"""With each, a stream is asked whether it may still listen: one whose session has ended is told by then."""
_WATCH_SECONDS = 1.0
_ROOM = 64
"""Changes that may wait for a listener before it is sent the whole instead."""
_PACE, _LONGEST_PAUSE = 100_000, 1.0
"""Bytes of snapshots per second and listener, and how many seconds the newest state may wait for that: a long
queue would be sent as a whole with every step."""
_JOBS_A_SECOND = 10_000
"""Of snapshots that are made and compared, at most: many workers make steps all the time, and a queue of a
thousand need not be looked through for each."""


@dataclass(frozen=True, slots=True)
class _Message:
    """One event as text, and the version of the queue that a listener knows after it; None: a comment."""

    version: int | None
    text: str


class _Listener:
    """One open stream's mailbox; None in it ends the stream."""

    def __init__(self, *, changes: bool) -> None:
        self.changes = changes
        self.mailbox: asyncio.Queue[_Message | None] = asyncio.Queue(_ROOM if changes else 1)

    def put(self, message: _Message | None, instead: Callable[[], _Message]) -> None:
        """Leave `message`; without room, it alone, or for a listener to changes what there is `instead`."""
        if self.mailbox.full():
            while not self.mailbox.empty():
                self.mailbox.get_nowait()
            message = instead() if self.changes and message else message
        self.mailbox.put_nowait(message)


class QueueBroadcast:
    """Fans `service.watch` out to the listeners of one event loop. `start` and `stop` run on that loop."""

    def __init__(self, service: StudioService) -> None:
        self._service = service
        self._listeners: set[_Listener] = set()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._telling = threading.Lock()
        self._sent: SentQueue | None = None
        """What listeners to changes know; None while there are none."""

    def start(self) -> None:
        """Begin watching."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, name="queue-watcher", daemon=True).start()

    def stop(self) -> None:
        """End every stream; the watching thread ends within a second."""
        self._stopping.set()
        for listener in self._listeners:
            listener.put(None, self._whole)

    @property
    def stopping(self) -> bool:
        """The studio is about to end."""
        return self._stopping.is_set()

    async def listen(self, *, changes: bool = False) -> AsyncIterator[str]:
        """Messages for one listener: the snapshot now, then every change, comments while nothing happens."""
        listener = _Listener(changes=changes)
        self._listeners.add(listener)
        try:
            first = await asyncio.to_thread(self._whole if changes else self._snapshot)
            version = first.version or 0
            yield first.text
            while not self._stopping.is_set():
                message = await _next(listener.mailbox)
                if message is None:
                    return
                if message.version is None or message.version > version:
                    version = message.version or version
                    yield message.text
                    if not changes:
                        await asyncio.sleep(min(_LONGEST_PAUSE, len(message.text) / _PACE))
        finally:
            self._listeners.discard(listener)

    def _snapshot(self) -> _Message:
        return _plain(self._service.snapshot())

    def _whole(self) -> _Message:
        """All that listeners to changes know."""
        with self._telling:
            if self._sent is None:
                self._sent = SentQueue(self._service.snapshot())
            return _event("snapshot", self._sent.snapshot)

    def _watch(self) -> None:
        version = self._service.snapshot().version
        while not self._stopping.is_set():
            snapshot = self._service.watch(version, _WATCH_SECONDS)
            if snapshot.version != version:
                version = snapshot.version
                self._tell(snapshot)
                self._stopping.wait(len(snapshot.jobs) / _JOBS_A_SECOND)

    def _tell(self, snapshot: QueueSnapshot) -> None:
        wanted = {listener.changes for listener in self._listeners.copy()}
        change = self._change(snapshot, wanted=True in wanted)
        whole = _plain(snapshot) if False in wanted else None
        with contextlib.suppress(RuntimeError):  # the loop was closed while we waited
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._send, whole, change)

    def _change(self, snapshot: QueueSnapshot, *, wanted: bool) -> _Message | None:
        with self._telling:
            if not wanted:
                self._sent = None
            change = self._sent.change_to(snapshot) if self._sent else None
        return _event("change", change) if change else None

    def _send(self, whole: _Message | None, change: _Message | None) -> None:
        for listener in self._listeners:
            if message := change if listener.changes else whole:
                listener.put(message, self._whole)


def _plain(snapshot: QueueSnapshot) -> _Message:
    return _Message(snapshot.version, f"id: {snapshot.version}\ndata: {snapshot.model_dump_json()}\n\n")


def _event(name: str, body: QueueSnapshot | QueueChange) -> _Message:
    data = body.as_json() if isinstance(body, QueueChange) else body.model_dump_json()
    return _Message(body.version, f"id: {body.version}\nevent: {name}\ndata: {data}\n\n")


async def _next(mailbox: asyncio.Queue[_Message | None]) -> _Message | None:
    try:
        return await asyncio.wait_for(mailbox.get(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return _Message(None, ": still here\n\n")


_SCHEMA: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/event-stream": {
                "schema": {"anyOf": [QueueSnapshot.model_json_schema(), QueueChange.model_json_schema()]}
            }
        }
    }
}


def add_events(router: APIRouter, broadcast: QueueBroadcast) -> None:
    """Add the stream of the queue."""

    @router.get("/events", response_class=StreamingResponse, responses=_SCHEMA)
    async def events(changes: bool = False) -> StreamingResponse:
        """Server-sent events; each `data` is one QueueSnapshot as JSON, the first at once.

        The newest state of a long queue is sent at most once a second.

        With `?changes=1` the first event is named `snapshot` and is the whole, those after it are named
        `change` and say what changed since the one before. A `snapshot` comes again where some were missed.
        """
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            broadcast.listen(changes=changes), media_type="text/event-stream", headers=headers
        )
