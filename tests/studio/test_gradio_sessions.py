"""What a tab waits for reaches its newest stream; of too many tabs the oldest go."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gradio as gr

from studio.gradio_sessions import Sessions, keep_sessions

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: this one may have the loop of a browser that other tests drive."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def page() -> Any:
    with gr.Blocks() as blocks:
        gr.Button("press")
    blocks.queue()
    keep_sessions(blocks)
    return blocks


def test_a_stream_that_was_left_drops_nothing() -> None:
    queue = page()._queue
    sessions = queue.pending_messages_per_session
    sessions["tab"] = asyncio.Queue()
    sessions["tab"].put_nowait("for the next one")
    queue.pending_event_ids_session["tab"] = {"event"}
    del sessions["tab"]
    del sessions["of a tab that was forgotten"]
    run(queue.clean_events(session_hash="tab"))
    assert queue.pending_event_ids_session == {"tab": {"event"}}

    async def listen() -> Any:
        return await asyncio.wait_for(sessions["tab"].get(), 1)

    assert run(listen()) == "for the next one"


def test_the_newest_stream_alone_is_answered_whoever_waits_already() -> None:
    async def both() -> tuple[list[str], list[str]]:
        sessions = Sessions(10)
        sessions["tab"] = asyncio.Queue()

        async def stream(heard: list[str]) -> None:
            while True:
                heard.append(await asyncio.wait_for(sessions["tab"].get(), 5))

        old: list[str] = []
        new: list[str] = []
        first = asyncio.create_task(stream(old))
        await asyncio.sleep(0.01)
        sessions["tab"].put_nowait("one")
        await asyncio.sleep(0.01)
        second = asyncio.create_task(stream(new))
        await asyncio.sleep(0.01)
        for word in ("two", "three"):
            await sessions["tab"].put(word)
            await asyncio.sleep(0.01)
        for each in (first, second):
            each.cancel()
        return old, new

    assert run(both()) == (["one"], ["two", "three"])


def test_tabs_are_not_kept_for_ever() -> None:
    sessions = Sessions(2000)
    for number in range(2003):
        sessions[str(number)] = asyncio.Queue()
    assert len(sessions) == 2000
    assert "2" not in sessions
    assert "3" in sessions
