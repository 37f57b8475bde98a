"""Connections of real sockets against a real server with short deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from studio import connections
from studio.connections import BACKLOG, PatientConnection, PatientServer, most_connections

HEAD = b"POST /count HTTP/1.1\r\nHost: here\r\nContent-Length: 60000\r\n\r\n"
GET = b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\n"
LAST = b"GET /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


class Impatient(PatientConnection):
    most = 12
    head_seconds = 2.0
    body_seconds = 2.0
    least_rate = 1000.0
    write_seconds = 3.0


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def count(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("gone")


async def stream(request: Request) -> Response:
    async def parts():
        for _ in range(int(request.query_params["parts"])):
            yield b"x" * int(request.query_params["size"])
            await asyncio.sleep(0.5)

    return StreamingResponse(parts())


@pytest.fixture(scope="module")
def server() -> Iterator[PatientServer]:
    app = Starlette(
        routes=[
            Route("/hello", hello),
            Route("/count", count, methods=["POST"]),
            Route("/stream", stream),
        ]
    )
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=Impatient, ws="none", log_level="warning", backlog=BACKLOG, timeout_graceful_shutdown=1
    )
    server = PatientServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    server.address = sock.getsockname()  # type: ignore[attr-defined]
    yield server
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def connect(server: PatientServer) -> Iterator[Callable[..., socket.socket]]:
    with contextlib.ExitStack() as stack:

        def connect(data: bytes = b"") -> socket.socket:
            connection = socket.create_connection(server.address, timeout=30)  # type: ignore[attr-defined]
            stack.enter_context(connection)
            connection.sendall(data)
            return connection

        yield connect
    while server.server_state.connections:
        time.sleep(0.05)


def answer(connection: socket.socket) -> bytes:
    """All that comes, until the server closes."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            got += part
    return got


def drip(connection: socket.socket, pause: float = 0.3, each: bytes = b"a", times: int = 100) -> float:
    """Send a little at a time; seconds until the server has had enough."""
    begun = time.monotonic()
    connection.settimeout(0.001)
    for _ in range(times):
        try:
            connection.sendall(each)
            time.sleep(pause)
            connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            continue
        except OSError:
            pass
        break
    connection.settimeout(30)
    return time.monotonic() - begun


def test_a_head_that_never_ends_is_answered_and_closed(connect: Callable[..., socket.socket]) -> None:
    connection = connect(b"GET / HTTP/1.1\r\nX: ")
    assert drip(connection) < 15
    head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(body)["status"] == 408


def test_a_connection_that_asks_nothing_is_closed_without_a_word(
    connect: Callable[..., socket.socket],
) -> None:
    assert answer(connect()) == b""


def test_half_a_second_head_is_closed_too(connect: Callable[..., socket.socket]) -> None:
    connection = connect(GET)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
    connection.sendall(b"GET /hello HTTP/1.1\r\n")
    assert b" 408 " in answer(connection)


def test_a_body_of_a_byte_now_and_then_is_given_up(connect: Callable[..., socket.socket]) -> None:
    connection = connect(HEAD)
    assert drip(connection) < 15
    assert b" 408 " in answer(connection)


def test_a_body_that_comes_slowly_but_steadily_is_taken(connect: Callable[..., socket.socket]) -> None:
    connection = connect(HEAD)
    drip(connection, pause=0.25, each=b"a" * 3000, times=20)
    assert b"60000" in answer(connection)


def test_a_stream_may_be_quiet_for_long(connect: Callable[..., socket.socket]) -> None:
    connection = connect(b"GET /stream?size=1&parts=10 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    assert answer(connection).count(b"x") >= 10


def test_whoever_does_not_read_is_let_go(
    server: PatientServer, connect: Callable[..., socket.socket]
) -> None:
    connect(b"GET /stream?size=8000000&parts=20 HTTP/1.1\r\nHost: here\r\n\r\n")
    while not server.server_state.connections:
        time.sleep(0.01)
    deadline = time.monotonic() + 25
    while server.server_state.connections:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_at_the_limit_those_who_ask_nothing_give_way(
    server: PatientServer, connect: Callable[..., socket.socket]
) -> None:
    idle = [connect(b"GET / HTTP/1.1\r\n") for _ in range(Impatient.most)]
    while len(server.server_state.connections) < Impatient.most:
        time.sleep(0.01)
    assert answer(connect(LAST)).endswith(b"hello")
    assert sum(b" 503 " in answer(connection) for connection in idle) >= 1


def test_at_the_limit_of_busy_ones_the_next_is_told(connect: Callable[..., socket.socket]) -> None:
    request = b"GET /stream?size=1&parts=8 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    busy = [connect(request) for _ in range(Impatient.most)]
    time.sleep(0.5)
    assert b" 503 " in answer(connect(GET))
    assert all(answer(connection).count(b"x") >= 8 for connection in busy)


def test_the_loop_tells_of_the_limit_of_open_files_once(caplog: pytest.LogCaptureFixture) -> None:
    error = OSError(errno.EMFILE, "Too many open files")
    loop = asyncio.new_event_loop()
    try:
        loop.set_exception_handler(connections._Quietly())
        for _ in range(1000):
            loop.call_exception_handler(
                {"message": "socket.accept() out of system resource", "exception": error}
            )
        loop.call_exception_handler({"message": "something else"})
    finally:
        loop.close()
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 2
    assert "Too many open files" in told[0].getMessage()


@pytest.mark.parametrize(
    ("files", "most"), [(None, 1000), (64, 16), (256, 32), (1024, 416), (4096, 1000), (1_000_000, 1000)]
)
def test_the_number_of_connections_follows_the_limit_of_open_files(files: int | None, most: int) -> None:
    assert most_connections(files) == most


@pytest.mark.posix("a limit of open files")
def test_the_soft_limit_is_raised_and_the_hard_one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (256, 2000))
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: asked.append(limits))
    assert connections.open_files_limit() == 2000
    assert asked == [(2000, 2000)]
