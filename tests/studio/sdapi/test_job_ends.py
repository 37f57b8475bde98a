"""How a job ends, as the client hears it that waits; only the engine is left out."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from studio.api.events import QueueBroadcast
from studio.api.sdapi import add_sdapi
from studio.jobs import JobQueue
from studio.records import JobError, JobStatus
from studio.service import StudioService
from studio.settings import Settings
from tests.coroutines import finish
from tests.studio.fixtures import open_durable, running


@dataclass(frozen=True)
class Studio:
    queue: JobQueue
    broadcast: QueueBroadcast
    app: FastAPI

    def post(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.post(f"/sdapi/v1{path}", json={"prompt": "a", "width": 64, "height": 64})

        return finish(asked())


@pytest.fixture
def studio(tmp_path: Path) -> Generator[Studio]:
    with open_durable(tmp_path) as durable:
        queue = JobQueue(durable.database)
        service = StudioService(durable.catalog, durable.collection, queue)
        app, broadcast = FastAPI(), QueueBroadcast(service)
        add_sdapi(app, service, Settings(sdapi=True), broadcast)
        yield Studio(queue, broadcast, app)


@pytest.fixture
def waiting(studio: Studio) -> Generator[Future[httpx.Response]]:
    """A client that waits for a job that has begun."""
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(studio.post, "/txt2img")
        while studio.queue.claim(timeout=30) is None:
            assert not asked.done(), asked.result().text
        yield asked


def answer(waiting: Future[httpx.Response]) -> tuple[int, dict[str, Any]]:
    answered = waiting.result(30)
    return answered.status_code, answered.json()


def test_a_job_that_failed_says_why(studio: Studio, waiting: Future[httpx.Response]) -> None:
    words = "The model drew nothing but black."
    studio.queue.finish(
        running(studio.queue), JobStatus.FAILED, error=JobError(code="generation_failed", message=words)
    )
    status, said = answer(waiting)
    assert (status, said["detail"], said["errors"]) == (500, words, words)


def test_a_job_without_pictures_is_no_success(studio: Studio, waiting: Future[httpx.Response]) -> None:
    studio.queue.finish(running(studio.queue), JobStatus.DONE)
    assert answer(waiting)[0] == 500


def test_an_interrupted_job_is_a_conflict(studio: Studio, waiting: Future[httpx.Response]) -> None:
    assert studio.post("/interrupt").json() == {}
    studio.queue.finish(running(studio.queue), JobStatus.DONE)  # too late: it was to be cancelled
    status, said = answer(waiting)
    assert (status, said["error"]) == (409, "cancelled")


def test_the_end_of_the_studio_ends_the_waiting(studio: Studio, waiting: Future[httpx.Response]) -> None:
    studio.broadcast.stop()
    status, said = answer(waiting)
    assert (status, said["error"]) == (503, "closing")
