"""Fixing faces in the studio: what is asked of the worker, what follows a job, what waits to be kept."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import NotFound, RequestError
from pipelines.events import Box
from pipelines.request import FixFace, Mode, Role
from studio.collection.maintenance import rebuild, verify
from studio.collection.queries import Filter
from studio.face_fixing import FixWish
from studio.jobs import JobQueue
from studio.records import ImageRecord, JobStatus
from studio.service import StudioService
from tests.studio.fixtures import Durable, open_durable, ready, request, running, save, upload

SMALL: tuple[Box, ...] = ((2, 2, 12, 14),)


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


@pytest.fixture
def service(durable: Durable) -> StudioService:
    made = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
    made.face_fixing.heads_of = lambda path: SMALL
    return made


def fixed(durable: Durable, source: ImageRecord, **changes: Any) -> ImageRecord:
    return durable.collection.save_generated(
        job_id="fixed",
        request=request(source, mode=Mode.FIX_FACE, fix_face=FixFace(under=64), **changes),
        image=ready(),
        notices=(),
        provenance={},
    )


def live(durable: Durable) -> list[str]:
    return [record.id for record in durable.collection.gallery.page(Filter(), None, 50).items]


def test_a_press_asks_for_the_face_with_the_pictures_own_words_and_model(
    durable: Durable, service: StudioService
) -> None:
    made = save(durable, prompt="a woman with red hair", negative_prompt="hat")
    asked = service.fix_face(made.id, FixWish()).request
    assert (asked.mode, asked.model, asked.prompt) == (Mode.FIX_FACE, "tiny", "a woman with red hair")
    assert asked.negative_prompt == "hat"
    assert [(r.image_id, r.role) for r in asked.references] == [(made.id, Role.SOURCE)]
    wish = FixWish(under=99, strength=0.2, prompt="a knight", seed=5)
    own = service.fix_face(made.id, wish).request
    assert (own.prompt, own.strength, own.seed, own.fix_face) == ("a knight", 0.2, 5, FixFace(under=99))


def test_an_edits_words_say_what_to_change_so_those_before_it_are_taken(
    durable: Durable, service: StudioService
) -> None:
    first = save(durable, prompt="a woman with red hair")
    edit = save(durable, first, index=0, job_id="edit", mode=Mode.SMART_EDIT, prompt="make it night")
    assert service.fix_face(edit.id, FixWish()).request.prompt == "a woman with red hair"
    loaded = upload(durable)
    assert service.fix_face(loaded.id, FixWish()).request.prompt == "a portrait"


def test_nothing_is_queued_where_there_is_no_small_head(durable: Durable, service: StudioService) -> None:
    made = save(durable)
    service.face_fixing.heads_of = lambda path: ()
    with pytest.raises(RequestError, match="No head was found"):
        service.fix_face(made.id, FixWish())
    service.face_fixing.heads_of = lambda path: ((0, 0, 90, 90),)
    with pytest.raises(RequestError, match="90 px large already"):
        service.fix_face(made.id, FixWish(under=50))
    with pytest.raises(NotFound):
        service.fix_face("nobody", FixWish())
    assert service.jobs() == ()


def test_a_job_that_asks_for_it_is_followed_by_one_for_each_picture(
    durable: Durable, service: StudioService
) -> None:
    job = service.submit(request(prompt="a man", num_images=2, fix_face=FixFace(under=70)))
    ids = [
        save(durable, job_id=job.id, index=i, prompt="a man", fix_face=FixFace(under=70)).id for i in (0, 1)
    ]
    done = job.model_copy(update={"images": tuple(ids)})
    follows = service.face_fixing.after(done)
    assert [each.references[0].image_id for each, _ in follows.wanted] == ids
    assert [each.fix_face for each, _ in follows.wanted] == 2 * [FixFace(under=70)]
    assert follows.notices == ()
    service.face_fixing.heads_of = lambda path: ()
    none = service.face_fixing.after(done)
    assert none.wanted == ()
    assert len(none.notices) == 1
    assert "not fixed: No head" in none.notices[0]
    plain = done.model_copy(update={"request": done.request.model_copy(update={"fix_face": None})})
    assert service.face_fixing.after(plain) == ((), ())


def test_what_follows_is_queued_with_the_end_of_the_job(durable: Durable, service: StudioService) -> None:
    queue = JobQueue(durable.database)
    job = queue.add(request(prompt="a man", seed=1, width=16, height=16, model="tiny"), tab="here")
    then = job.request.model_copy(update={"seed": 2})
    queue.claim(0)
    queue.finish(running(queue), JobStatus.DONE, then=[(then, ("told",))])
    waiting = JobQueue(durable.database).snapshot().jobs[0]  # as after a crash
    assert (waiting.status, waiting.request, waiting.tab) == (JobStatus.QUEUED, then, "here")
    assert waiting.notices == ("told",)
    queue.claim(0)
    queue.finish(running(queue), JobStatus.FAILED, then=[(then, ())])
    assert len(queue.list()) == 2


def test_what_was_fixed_waits_in_the_trash_until_it_is_kept(
    durable: Durable, service: StudioService, tmp_path: Path
) -> None:
    made = save(durable)
    proposal = fixed(durable, made)
    assert proposal.trashed_at is not None
    assert live(durable) == [made.id]
    assert durable.collection.journal.disagrees(durable.database) == ()
    kept = service.restore(proposal.id)
    assert kept.trashed_at is None
    assert set(live(durable)) == {made.id, proposal.id}


def test_a_kept_face_is_a_version_where_its_source_is_one(durable: Durable, service: StudioService) -> None:
    mara = service.characters.create("Mara").id
    made, other = save(durable, character=mara), save(durable, index=1, job_id="other")
    service.characters.versions.add_picture(mara, made.id)
    assert service.fix_face(made.id, FixWish()).request.character == mara
    proposal, elsewhere = fixed(durable, made), fixed(durable, other, seed=9)
    assert [each.image_id for each in service.characters.versions.list(mara).items] == [made.id]
    for _ in range(2):  # what is kept again is one version all the same
        service.restore(proposal.id)
        service.restore(elsewhere.id)
        newest, first = service.characters.versions.list(mara).items
        assert (newest.image_id, first.image_id) == (proposal.id, made.id)
        assert service.characters.portrait_of(mara) == proposal.id
        durable.collection.trash(elsewhere.id)


@pytest.mark.parametrize("kept", [False, True])
def test_a_rebuild_remembers_whether_it_was_kept(durable: Durable, tmp_path: Path, *, kept: bool) -> None:
    made = save(durable)
    proposal = fixed(durable, made)
    if kept:
        durable.collection.restore(proposal.id)
    durable.database.close()
    assert verify(durable.settings).changed == ()
    rebuild(durable.settings)
    with open_durable(tmp_path) as again:
        assert (len(live(again)) == 2) is kept
