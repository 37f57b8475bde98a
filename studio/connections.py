"""HTTP connections that end: uvicorn's, with the deadlines and the limit in number that it leaves out.

A head that never ends, a body of a byte now and then, a reader that does not read: each would keep its
connection for ever, until no file can be opened any more. Knows nothing of what is asked and answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

BACKLOG = 64
"""Connections that are accepted in one go, before the first of them can be counted."""
MOST = 1000
_WANTED_FILES = 4096
_KEPT_FILES = 192
"""Of the open files a process may have: for pictures, the database, the worker, and `BACKLOG` connections."""
_FEWEST = 16
_TOLD_EVERY = 60.0


def _answer(status: HTTPStatus, detail: str) -> bytes:
    code = status.name.lower()
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    body = json.dumps(problem).encode()
    head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


_TOO_SLOW = _answer(HTTPStatus.REQUEST_TIMEOUT, "That came too slowly. Send it again.")
_TOO_MANY = _answer(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections are open. Try again in a moment.")


class PatientConnection(H11Protocol):
    """One connection of a browser or a script. `check` is called every second."""

    most = MOST
    head_seconds = 20.0
    """From the first byte (or the connection) to the end of the head."""
    body_seconds = 60.0
    least_rate = 1024.0
    """Bytes a second a body must come with; it may fall behind by `body_seconds`, in all."""
    write_seconds = 300.0
    """In which whoever is sent something must take some of it; long enough for a download that is held."""

    _checked_at: float | None = None
    _head_since: float | None = None
    _behind = 0.0
    _unsent = 0
    _unsent_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, unless there are too many; those that have asked for nothing yet give way."""
        super().connection_made(transport)
        if len(self.connections) <= self.most:
            return
        waiting = [each for each in _patient(self.connections) if each._asks()]
        oldest = min(waiting, key=lambda each: each._head_since or float("inf"), default=self)
        oldest._leave(_TOO_MANY)

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:  # another head is complete
            self._head_since, self._behind = None, 0.0
        self._behind = max(0.0, self._behind - len(data) / self.least_rate)

    def check(self, now: float) -> None:
        """End the connection where it is beyond a deadline. `now` in seconds of the event loop."""
        passed = now - (self._checked_at or now)
        self._checked_at = now
        if self._takes_nothing(now):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._head_is_late(now) or self._body_is_late(passed):
            self._leave(_TOO_SLOW)

    def _asks(self) -> bool:
        """Whether nothing is being answered: it is new, between two requests, or in the middle of a head."""
        return self.conn.their_state is h11.IDLE and not self.transport.is_closing()

    def _head_is_late(self, now: float) -> bool:
        if self.conn.their_state is not h11.IDLE:
            self._head_since = None
            return False
        if self._head_since is None:
            self._head_since = now
        return now - self._head_since >= self.head_seconds

    def _body_is_late(self, passed: float) -> bool:
        if self.conn.their_state is not h11.SEND_BODY or self.flow.read_paused:
            return False
        self._behind += passed
        return self._behind >= self.body_seconds

    def _takes_nothing(self, now: float) -> bool:
        left = self.transport.get_write_buffer_size()
        if left == 0 or left != self._unsent or self._unsent_since is None:
            self._unsent, self._unsent_since = left, now
        return left > 0 and now - self._unsent_since >= self.write_seconds

    def _leave(self, answer: bytes) -> None:
        """Close, with an answer where none has begun and something was asked."""
        begun = self.conn.their_state is h11.SEND_BODY and self.cycle.response_started
        asked = self.conn.their_state is not h11.IDLE or self.conn.trailing_data[0]
        if not begun and (asked or answer is _TOO_MANY):
            self.transport.write(answer)
        self.transport.close()


def _patient(connections: Iterable[object]) -> list[PatientConnection]:
    """uvicorn has other kinds, too."""
    return [each for each in connections if isinstance(each, PatientConnection)]


class PatientServer(uvicorn.Server):
    """uvicorn that looks after its connections, and says once what it would say a thousand times."""

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Start serving."""
        asyncio.get_running_loop().set_exception_handler(_Quietly())
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in _patient(self.server_state.connections):
                connection.check(now)
        return await super().on_tick(counter)


class _Quietly:
    """The event loop's errors, those about the limit of open files once a minute."""

    def __init__(self) -> None:
        self._told_at = -_TOLD_EVERY

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "out of system resource" not in context.get("message", ""):
            loop.default_exception_handler(context)
        elif time.monotonic() - self._told_at >= _TOLD_EVERY:
            self._told_at = time.monotonic()
            log.error("No connection can be taken: %s. Others have to end first.", context.get("exception"))


def limited_connections() -> type[PatientConnection]:
    """Connections of which there are never more than this process can have open files for."""
    return type("LimitedConnection", (PatientConnection,), {"most": most_connections(open_files_limit())})


def most_connections(files: int | None) -> int:
    """How many connections go with a limit of open files; each may come with a file of its own."""
    return MOST if files is None else max(_FEWEST, min(MOST, (files - _KEPT_FILES) // 2))


def open_files_limit() -> int | None:
    """How many files this process may open, after asking for as many as are wanted; None: without limit."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return None if soft == resource.RLIM_INFINITY else soft
