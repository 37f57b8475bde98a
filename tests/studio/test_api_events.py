from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from studio.api import events
from studio.api.events import QueueBroadcast
from studio.records import QueueSnapshot, WorkerState
from tests.coroutines import finish
from tests.e2e.harness import StudioProcess
from tests.studio.test_api_jobs import QUICK


@contextlib.contextmanager
def listening(rest: StudioProcess) -> Iterator[Iterator[dict[str, Any]]]:
    """The snapshots of one listener."""
    with (
        httpx.Client(trust_env=False, timeout=60) as client,
        client.stream("GET", f"{rest.url}/api/v1/events") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.iter_lines()
        yield (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def test_a_listener_sees_the_queue_now_and_every_job_to_its_end(rest: StudioProcess) -> None:
    with listening(rest) as snapshots:
        before = next(snapshots)
        job = rest.submit(**QUICK)
        states: list[str] = []
        versions = [before["version"]]
        for snapshot in snapshots:
            versions.append(snapshot["version"])
            states += [each["status"] for each in snapshot["jobs"] if each["id"] == job["id"]]
            if states and states[-1] == "done":
                break
    assert versions == sorted(versions)
    assert set(states) <= {"queued", "running", "done"}
    assert states == sorted(states, key=["queued", "running", "done"].index)


def test_several_listeners_hear_the_same(rest: StudioProcess) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(listening(rest)) for _ in range(50)]
        for listener in listeners:
            next(listener)
        job = rest.submit(**QUICK)
        for listener in listeners:
            assert any(job["id"] in [each["id"] for each in snapshot["jobs"]] for snapshot in listener)
        assert rest.api("GET", "/health").status_code == 200
    rest.finished(job["id"])


class CountedQueue:
    """A queue whose only change is counted up by the test."""

    def __init__(self) -> None:
        self.version = 1
        self.detail = ""
        self.changed = threading.Condition()

    def snapshot(self) -> QueueSnapshot:
        return QueueSnapshot(
            version=self.version, worker=WorkerState(state="ready", detail=self.detail), jobs=()
        )

    def watch(self, after: int, timeout: float) -> QueueSnapshot:
        with self.changed:
            self.changed.wait_for(lambda: self.version > after, timeout)
            return self.snapshot()

    def change(self) -> None:
        with self.changed:
            self.version += 1
            self.changed.notify_all()


def test_a_slow_listener_gets_the_newest_state_and_stop_ends_it() -> None:
    queue = CountedQueue()
    broadcast = QueueBroadcast(queue)  # type: ignore[arg-type]

    async def scenario() -> list[str]:
        broadcast.start()
        stream = broadcast.listen()
        heard = [await anext(stream)]
        for _ in range(5):
            queue.change()
            await asyncio.sleep(0.05)
        heard.append(await anext(stream))
        broadcast.stop()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        return heard

    heard = finish(scenario())
    assert [message.split("\n")[0] for message in heard] == ["id: 1", "id: 6"]


def test_a_long_queue_is_not_sent_again_with_every_step() -> None:
    queue = CountedQueue()
    queue.detail = "x" * 20_000
    broadcast = QueueBroadcast(queue)  # type: ignore[arg-type]
    heard: list[str] = []

    async def listen() -> None:
        heard.extend([message.split("\n")[0] async for message in broadcast.listen()])

    async def scenario() -> None:
        broadcast.start()
        listener = asyncio.create_task(listen())
        for _ in range(50):
            await asyncio.sleep(0.01)
            queue.change()
        await asyncio.sleep(0.5)
        broadcast.stop()
        await listener

    finish(scenario())
    assert heard[-1] == "id: 51", "the newest state is missed by nobody"
    assert len(heard) < 12


def test_a_quiet_stream_is_kept_open_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    broadcast = QueueBroadcast(CountedQueue())  # type: ignore[arg-type]

    async def scenario() -> str:
        broadcast.start()
        stream = broadcast.listen()
        await anext(stream)
        comment = await anext(stream)
        broadcast.stop()
        return comment

    assert finish(scenario()).startswith(":")
