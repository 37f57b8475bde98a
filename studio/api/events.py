"""`GET /events`: the queue's snapshot, sent to every listener on every change.

One thread waits for changes, however many pages listen; each listener has room for the newest
snapshot only, so a slow one skips states instead of falling behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from studio.records import QueueSnapshot
from studio.service import StudioService

HEARTBEAT_SECONDS = 15.0
_WATCH_SECONDS = 1.0


class QueueBroadcast:
    """Fans `service.watch` out to the listeners of one event loop. `start` and `stop` run on that loop."""

    def __init__(self, service: StudioService) -> None:
        self._service = service
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin watching."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, name="queue-watcher", daemon=True).start()

    def stop(self) -> None:
        """End every stream; the watching thread ends within a second."""
        self._stopping.set()
        self._send(None)

    async def listen(self) -> AsyncIterator[str]:
        """Messages for one listener: the snapshot now, then every change, comments while nothing happens."""
        mailbox: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
        self._listeners.add(mailbox)
        try:
            yield _message(await asyncio.to_thread(self._service.snapshot))
            while not self._stopping.is_set():
                text = await _next(mailbox)
                if text is None:
                    return
                yield text
        finally:
            self._listeners.discard(mailbox)

    def _watch(self) -> None:
        version = self._service.snapshot().version
        while not self._stopping.is_set():
            snapshot = self._service.watch(version, _WATCH_SECONDS)
            if snapshot.version != version:
                version = snapshot.version
                self._hand_over(_message(snapshot))

    def _hand_over(self, text: str) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop was closed while we waited
            self._loop.call_soon_threadsafe(self._send, text)

    def _send(self, text: str | None) -> None:
        for mailbox in self._listeners:
            if mailbox.full():
                mailbox.get_nowait()
            mailbox.put_nowait(text)


def _message(snapshot: QueueSnapshot) -> str:
    return f"id: {snapshot.version}\ndata: {snapshot.model_dump_json()}\n\n"


async def _next(mailbox: asyncio.Queue[str | None]) -> str | None:
    try:
        return await asyncio.wait_for(mailbox.get(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return ": still here\n\n"


def add_events(router: APIRouter, broadcast: QueueBroadcast) -> None:
    """Add the stream of the queue."""

    @router.get(
        "/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": QueueSnapshot.model_json_schema()}}}},
    )
    async def events() -> StreamingResponse:
        """Server-sent events; each `data` is one QueueSnapshot as JSON, the first at once."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(broadcast.listen(), media_type="text/event-stream", headers=headers)
