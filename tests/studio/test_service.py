"""The product's verbs on a real catalogue, collection and queue; only the engine is left out."""

from __future__ import annotations

import io
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import NotFound, RequestError
from pipelines.request import Control, GenerationRequest, Mode, Reference
from studio.collection.queries import Filter
from studio.jobs import JobQueue
from studio.records import Category, ImageRecord, JobStatus
from studio.service import StudioService
from tests.studio.fixtures import Durable, open_durable, picture, running, save, upload


@dataclass(frozen=True)
class Studio:
    durable: Durable
    queue: JobQueue
    service: StudioService


@pytest.fixture
def studio(tmp_path: Path) -> Generator[Studio]:
    with open_durable(tmp_path) as durable:
        queue = JobQueue(durable.database)
        yield Studio(durable, queue, StudioService(durable.catalog, durable.collection, queue))


def edit(*references: ImageRecord | str, **changes: Any) -> GenerationRequest:
    ids = [r if isinstance(r, str) else r.id for r in references]
    values = {"mode": Mode.IMG2IMG, "prompt": "red hair", "references": [Reference(image_id=i) for i in ids]}
    return GenerationRequest(**(values | changes))


# --- models -----------------------------------------------------------------------------------


def test_models_as_the_selector_shows_them(studio: Studio) -> None:
    tiny, plain, away = studio.service.models()
    assert [m.id for m in (tiny, plain, away)] == ["tiny", "plain", "away"]
    assert [m.available for m in (tiny, plain, away)] == ["ready", "ready", "missing"]
    assert [m.edit for m in (tiny, plain, away)] == [False, False, False]  # it paints over its source only
    assert tiny.modes == ("text_to_image", "img2img", "fix_face")
    assert set(tiny.limits) == set(tiny.defaults) == set(tiny.modes)
    assert tiny.defaults["img2img"]["strength"] == 0.75
    assert "strength" in tiny.limits["img2img"].fields
    assert "strength" not in tiny.limits["text_to_image"].fields
    assert tiny.cost.seconds is None


def test_a_model_that_was_used_knows_its_cost(studio: Studio) -> None:
    job = studio.service.submit(edit(mode=Mode.TEXT_TO_IMAGE, model="tiny"))
    assert studio.queue.claim() is not None
    studio.queue.add_image(running(studio.queue), save(studio.durable, job_id=job.id).id)
    studio.queue.finish(running(studio.queue), JobStatus.DONE, timings={"denoising": 2.0, "decoding": 1.0})
    assert studio.service.job(job.id).status is JobStatus.DONE
    assert studio.service.models()[0].cost.seconds == pytest.approx(3.0)


def test_modes_that_cannot_be_used_say_why(studio: Studio) -> None:
    without, with_one = (studio.service.mode_availability("tiny", n) for n in (0, 1))
    assert set(without) == set(Mode)
    assert without[Mode.TEXT_TO_IMAGE] is None
    assert with_one[Mode.IMG2IMG] is None
    assert "needs a reference" in str(without[Mode.IMG2IMG])
    assert "can't do ControlNet" in str(with_one[Mode.CONTROLNET])
    with pytest.raises(NotFound):
        studio.service.mode_availability("nobody", 0)


# --- submitting -------------------------------------------------------------------------------


def test_a_submitted_request_is_complete_and_frozen(studio: Studio) -> None:
    source = upload(studio.durable)
    job = studio.service.submit(edit(source), tab="tab")
    assert (job.status, job.tab, job.request.model) == (JobStatus.QUEUED, "tab", "tiny")
    assert 0 <= job.request.seed < 2**32
    assert job.request.width is not None
    assert job.request.height is not None
    assert job.request.strength == 0.75
    assert studio.service.job(job.id) == job
    assert studio.service.jobs(status=JobStatus.QUEUED) == (job,)
    assert studio.service.preview_request(job.request)[0] == job.request


def test_two_random_seeds_differ_and_a_given_one_is_kept(studio: Studio) -> None:
    draw = edit(mode=Mode.TEXT_TO_IMAGE)
    assert studio.service.submit(draw).request.seed != studio.service.submit(draw).request.seed
    assert studio.service.submit(edit(mode=Mode.TEXT_TO_IMAGE, seed=2**63 - 1)).request.seed == 2**63 - 1


def test_what_was_left_out_is_said(studio: Studio) -> None:
    request = edit(upload(studio.durable), control=Control())
    assert "left out" in studio.service.preview_request(request)[1][0]
    assert "left out" in studio.service.submit(request).notices[0]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"references": ()}, RequestError, "needs a reference"),
        ({"references": (Reference(image_id="nobody"),)}, NotFound, "Reference 1 is not in the collection"),
        ({"model": "nobody"}, NotFound, "no model"),
        ({"model": "away", "mode": Mode.TEXT_TO_IMAGE, "references": ()}, RequestError, "folder"),
        ({"mode": Mode.CONTROLNET}, RequestError, "ControlNet"),
        ({"mode": Mode.TEXT_TO_IMAGE, "references": (), "prompt": "  "}, RequestError, "prompt is empty"),
    ],
)
def test_what_cannot_be_done_is_refused_and_not_queued(
    studio: Studio, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    request = edit(upload(studio.durable), **changes)
    with pytest.raises(error, match=words):
        studio.service.submit(request)
    with pytest.raises(error, match=words):
        studio.service.preview_request(request)
    assert studio.service.jobs() == ()


def test_a_reference_in_the_trash_is_refused_until_it_is_back(studio: Studio) -> None:
    source = upload(studio.durable)
    studio.service.trash(source.id)
    with pytest.raises(RequestError, match="Reference 1 is in the trash"):
        studio.service.submit(edit(source))
    studio.service.restore(source.id)
    assert studio.service.submit(edit(source)).status is JobStatus.QUEUED


def test_a_picture_that_goes_to_the_trash_while_its_job_waits_is_still_there_for_it(studio: Studio) -> None:
    source = upload(studio.durable)
    job = studio.service.submit(edit(source))
    studio.service.trash(source.id)
    assert studio.durable.collection.working_file(source.id).read_bytes() == picture()
    assert studio.queue.claim() is not None
    made = save(studio.durable, source, job_id=job.id)
    studio.queue.add_image(running(studio.queue), made.id)
    assert studio.service.used_references(made.id)[0].trashed_at is not None
    assert studio.service.job(job.id).images == (made.id,)


# --- pictures ---------------------------------------------------------------------------------


def test_pictures_through_the_service(studio: Studio) -> None:
    service = studio.service
    source, created = service.add_upload(io.BytesIO(picture()), "Ana.png")
    made = save(studio.durable, source)
    assert created
    assert service.image(source.id).children == (made.id,)
    assert [r.id for r in service.images().items] == [made.id, source.id]
    assert [r.id for r in service.images(Filter(query="ana", category=Category.UPLOAD)).items] == [source.id]
    assert service.images(limit=1).next is not None
    assert service.image_file(source.id)[0].read_bytes() == picture()
    assert service.thumbnail(source.id).suffix == ".webp"
    assert service.update_image(source.id, starred=True, name="Nonna").name == "Nonna"
    assert [r.id for r in service.images(Filter(starred=True)).items] == [source.id]
    assert [r.id for r in service.used_references(made.id)] == [source.id]
    with pytest.raises(NotFound, match="no such character"):
        service.images(character="anybody")


# --- watching ---------------------------------------------------------------------------------


def test_events_tell_every_change_and_nothing_else(studio: Studio) -> None:
    events = studio.service.events()
    first = next(events)
    job = studio.service.submit(edit(mode=Mode.TEXT_TO_IMAGE))
    second = next(events)
    assert second.version > first.version
    assert [j.id for j in second.jobs] == [job.id]
    timer = threading.Timer(0.2, studio.service.cancel, [job.id])
    timer.start()
    third = next(events)
    assert [j.status for j in third.jobs] == [JobStatus.CANCELLED]
    assert studio.service.snapshot() == third
    assert studio.service.watch(third.version, 0.01) == third


def test_there_is_no_preview_of_a_job_that_waits(studio: Studio) -> None:
    job = studio.service.submit(edit(mode=Mode.TEXT_TO_IMAGE))
    assert studio.service.preview(job.id) is None
    assert studio.service.control_image(job.id) is None
    with pytest.raises(NotFound):
        studio.service.job("nobody")
    with pytest.raises(NotFound):
        studio.service.cancel("nobody")
