"""Pictures made once more: identical, close or different, and what could explain it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import RequestError
from pipelines.events import ImageReady
from studio.collection.queries import Filter
from studio.collection.reproductions import explain
from studio.jobs import JobQueue
from studio.records import ImageRecord, JobRecord
from studio.service import StudioService
from tests.studio.fixtures import Durable, noise, open_durable, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def made_again(
    durable: Durable, original: ImageRecord, image: Image.Image, **provenance: Any
) -> StudioService:
    """The reproduction's job, with this picture as what came of it."""
    queue = JobQueue(durable.database)
    service = StudioService(durable.catalog, durable.collection, queue)
    job = service.reproduce(original.id)
    assert (job.request.seed, job.request.num_images) == (original.seed, 1)
    assert [r.image_id for r in job.request.references] == [link.image_id for link in original.parents]
    durable.collection.save_generated(
        job_id=job.id,
        request=job.request,
        image=ImageReady(0, job.request.seed, image.width, image.height, image.tobytes()),
        notices=(),
        provenance=provenance,
    )
    return service


def test_the_same_pixels_are_identical_and_not_kept_twice(durable: Durable) -> None:
    source = upload(durable)
    original = save(durable, source, index=1)
    durable.collection.trash(source.id)
    service = made_again(durable, original, noise(8))
    (result,) = service.history.reproductions(original.id)
    assert (result.verdict, result.result_id, result.differences) == ("identical", None, ())
    assert [r.id for r in durable.collection.gallery.page(Filter(), None, 10).items] == [original.id]


def test_a_picture_made_before_the_answer_is_out_counts_as_made_again(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = save(durable)
    queue = JobQueue(durable.database)
    queued = queue.add_all

    def made_at_once(*args: Any) -> tuple[JobRecord, ...]:
        jobs = queued(*args)
        pixels = noise(7)
        image = ImageReady(0, original.seed, pixels.width, pixels.height, pixels.tobytes())
        durable.collection.save_generated(
            job_id=jobs[0].id, request=jobs[0].request, image=image, notices=(), provenance={}
        )
        return jobs

    monkeypatch.setattr(queue, "add_all", made_at_once)
    service = StudioService(durable.catalog, durable.collection, queue)
    service.reproduce(original.id)
    (result,) = service.history.reproductions(original.id)
    assert (result.verdict, result.result_id) == ("identical", None)
    assert len(durable.collection.gallery.page(Filter(), None, 10).items) == 1


def test_nearly_the_same_is_close_and_says_what_differs(durable: Durable) -> None:
    original = save(durable)
    pixels = np.asarray(noise(7)).astype(int)
    pixels[::4, ::4] += np.where(pixels[::4, ::4] > 128, -2, 2)
    service = made_again(
        durable, original, Image.fromarray(pixels.astype("uint8")), device="cuda", revision="abc",
    )  # fmt: skip
    (result,) = service.history.reproductions(original.id)
    assert result.verdict == "close"
    assert 0 < result.measures["mean_difference"] < 1
    assert result.measures["max_difference"] == 2
    assert result.differences == ("Another device: cpu then, cuda now.",)
    assert result.result_id is not None
    assert service.history.details(result.result_id).reproduces == original.id
    assert service.history.reproductions(original.id) == (result,)


def test_another_picture_is_different(durable: Durable) -> None:
    original = save(durable)
    service = made_again(durable, original, noise(99), device="cpu", revision="abc")
    (result,) = service.history.reproductions(original.id)
    assert result.verdict == "different"
    assert "Nothing that was written down differs" in result.differences[0]


def test_versions_and_revisions_explain_a_difference() -> None:
    before = {
        "device": "cuda", "device_name": "x", "revision": f"sha256:{'a' * 64}", "memory": "whole",
        "loras": [{"id": "ink", "hash": "1"}], "versions": {"torch": "2.12", "old": "1"},
    }  # fmt: skip
    after = {
        "device": "cuda", "device_name": "y", "revision": "b", "memory": "8-bit weights",
        "loras": [{"id": "ink", "hash": "2"}], "versions": {"torch": "2.13"}, "scheduler": "Euler",
    }  # fmt: skip
    assert list(explain(before, after)) == [
        "Another device: x then, y now.",
        "Another way to keep the model in memory: whole then, 8-bit weights now.",
        "Another revision of the model: aaaaaaaaaaaa then, b now.",
        "Other files of LoRAs, or of other parts beside the model, then and now.",
        "old 1 then, gone now.",
        "torch 2.12 then, 2.13 now.",
    ]


def test_a_processor_under_another_name_explains_nothing() -> None:
    before = {"device": "cpu", "device_name": "cpu"}
    assert list(explain(before, {"device": "cpu", "device_name": "the processor"})) == []
    assert list(explain(before, {"device": "cuda", "device_name": "RTX"})) == [
        "Another device: cpu then, cuda now."
    ]


def test_what_was_not_made_here_cannot_be_made_again(durable: Durable) -> None:
    service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
    with pytest.raises(RequestError, match="not made here"):
        service.reproduce(upload(durable).id)
    assert service.history.reproductions(upload(durable).id) == ()
