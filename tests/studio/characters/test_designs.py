"""Designs, and bringing the cast to one."""

from __future__ import annotations

import pytest

from pipelines.errors import NotFound, RequestError
from pipelines.request import GenerationRequest, Mode, Role
from studio.characters.records import (
    BlueprintDraft,
    BlueprintField,
    CastWish,
    DesignDraft,
    DesignReference,
    FieldName,
    SeedPolicy,
    VersionState,
)
from studio.records import JobStatus
from tests.studio.characters.conftest import Cast


def test_the_first_design_is_active_and_others_wait(studio: Cast) -> None:
    ink = studio.designs.create(DesignDraft(name="Ink", style_prompt="ink drawing"))
    oil = studio.designs.create(DesignDraft(name="Oil"))
    assert [(d.name, d.active) for d in studio.designs.list()] == [("Ink", True), ("Oil", False)]
    studio.designs.activate(oil.id)
    assert studio.designs.active() == studio.designs.get(oil.id)
    studio.designs.activate(None)
    assert studio.designs.active() is None
    assert studio.designs.get(ink.id).style_prompt == "ink drawing"


def test_a_change_leaves_the_rest_as_it_is(studio: Cast) -> None:
    style = studio.upload(1)
    reference = DesignReference(image_id=style.id, weight=0.5)
    ink = studio.designs.create(DesignDraft(name="Ink", style_prompt="ink drawing", references=(reference,)))
    changed = studio.designs.change(ink.id, DesignDraft(guidance_scale=5.0))
    assert (changed.name, changed.style_prompt, changed.guidance_scale) == ("Ink", "ink drawing", 5.0)
    assert changed.references == (reference,)
    assert studio.designs.change(ink.id, DesignDraft(references=())).references == ()


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (DesignDraft(name=" \u200b"), "name"),
        (DesignDraft(name="INK"), "name"),
        (DesignDraft(name="b", seed_policy=SeedPolicy.FIXED), "seed"),
    ],
)
def test_a_design_that_cannot_be(studio: Cast, draft: DesignDraft, field: str) -> None:
    studio.designs.create(DesignDraft(name="Ink"))
    with pytest.raises(RequestError) as met:
        studio.designs.create(draft)
    assert met.value.field == field
    assert len(studio.designs.list()) == 1


def test_unknown_models_pictures_and_designs(studio: Cast) -> None:
    for draft in (
        DesignDraft(name="a", model="nobody"),
        DesignDraft(name="a", references=(DesignReference(image_id="nothing"),)),
    ):
        with pytest.raises(NotFound):
            studio.designs.create(draft)
    assert studio.designs.list() == ()
    for call in (studio.designs.get, studio.designs.delete, studio.designs.uses, studio.designs.activate):
        with pytest.raises(NotFound):
            call("nobody")


def test_the_trash_lets_style_pictures_stay(studio: Cast) -> None:
    style = studio.upload(1)
    studio.designs.create(DesignDraft(name="Ink", references=(DesignReference(image_id=style.id),)))
    studio.service.trash(style.id)
    assert studio.service.bin.empty(1).kept == 1
    assert studio.service.image_file(style.id)[0].is_file()


def test_switching_shows_what_was_made_under_another(studio: Cast) -> None:
    ink = studio.designs.create(DesignDraft(name="Ink", style_prompt="ink"))
    oil = studio.designs.create(DesignDraft(name="Oil", style_prompt="oil"))
    mara, ilse = studio.character("Mara"), studio.character("Ilse", 1)
    studio.character("Nobody yet")
    studio.characters.versions.generate(mara.id, GenerationRequest(prompt="a sailor", model="portrait-mini"))
    studio.finish()
    uses = {use.character_id: use for use in studio.designs.activate(oil.id)}
    assert (uses[mara.id].design_name, uses[mara.id].same) == ("Ink", False)
    assert (uses[ilse.id].design_id, uses[ilse.id].same) == (None, False)
    assert len(uses) == 2
    assert [row.other_design for row in studio.characters.list()] == [True, True, False]
    assert {use.same for use in studio.designs.uses(ink.id) if use.character_id == mara.id} == {True}
    studio.designs.delete(ink.id)
    (version,) = studio.characters.versions.list(mara.id).items
    assert version.design_id is None


def locked(studio: Cast, character_id: str, **fields: str) -> None:
    said = {FieldName(name): BlueprintField(value=value, locked=True) for name, value in fields.items()}
    studio.characters.save_blueprint(character_id, BlueprintDraft(revision=0, fields=said))


def test_bring_the_cast_by_smart_edits(studio: Cast) -> None:
    mara, ilse, bo = studio.character("Mara", 1), studio.character("Ilse", 2), studio.character("Bo")
    locked(studio, mara.id, outfit="a red coat", hair="red")
    design = studio.designs.create(DesignDraft(name="Ink", style_prompt="ink drawing", model="portrait-mini"))
    run = studio.designs.bring_cast(design.id, CastWish(characters=(mara.id, ilse.id, bo.id)))
    assert [(job.name, job.status) for job in run.jobs] == [
        ("Mara", JobStatus.QUEUED),
        ("Ilse", JobStatus.QUEUED),
    ]
    assert [(s.name, "no portrait" in s.reason) for s in run.skipped] == [("Bo", True)]
    first = studio.service.job(run.jobs[0].job_id).request
    assert (first.mode, first.character) == (Mode.SMART_EDIT, mara.id)
    assert first.prompt == (
        "same character, change the style to ink drawing, maintain current hair, maintain current outfit"
    )
    portrait = studio.characters.get(mara.id).portrait
    assert portrait is not None
    assert [(r.image_id, r.role) for r in first.references] == [(portrait.image_id, Role.SOURCE)]
    studio.finish()
    studio.finish(JobStatus.FAILED)
    run = studio.designs.run(run.id)
    assert (run.total, run.ended) == (2, 2)
    assert [job.state for job in run.jobs] == [VersionState.PROPOSED, None]
    assert studio.designs.runs(design.id) == (run,)


def test_each_result_is_accepted_or_left(studio: Cast) -> None:
    mara, ilse = studio.character("Mara", 1), studio.character("Ilse", 2)
    design = studio.designs.create(DesignDraft(name="Ink", style_prompt="ink drawing"))
    run = studio.designs.bring_cast(design.id, CastWish())
    studio.finish_all()
    before = studio.characters.get(mara.id)
    assert (before.versions, before.proposed, before.other_design) == (1, 1, True)
    one, two = studio.designs.run(run.id).jobs
    assert one.version_id is not None
    assert two.version_id is not None
    accepted = studio.characters.versions.use(mara.id, one.version_id)
    assert (accepted.current, accepted.state, accepted.design_name) == (True, VersionState.KEPT, "Ink")
    left = studio.characters.versions.leave(ilse.id, two.version_id)
    assert (left.current, left.state, left.place) == (False, VersionState.LEFT, 0)
    assert [job.state for job in studio.designs.run(run.id).jobs] == [VersionState.KEPT, VersionState.LEFT]
    after = studio.characters.get(ilse.id)
    assert (after.versions, after.proposed, after.other_design) == (1, 0, True)
    assert len(studio.service.images(character=ilse.id).items) == 2
    assert [use.same for use in studio.designs.uses(design.id)] == [True, False]
    studio.characters.change(ilse.id, archived=True)
    with pytest.raises(RequestError, match="under this design already"):
        studio.designs.bring_cast(design.id, CastWish())


def test_bring_the_cast_by_style_reference(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    studio.characters.change(mara.id, description="a sailor with red hair")
    style = studio.upload(8)
    design = studio.designs.create(
        DesignDraft(
            name="Ink", style_prompt="ink", references=(DesignReference(image_id=style.id, weight=0.8),)
        )
    )
    run = studio.designs.bring_cast(design.id, CastWish(mode=Mode.STYLE_REFERENCE))
    request = studio.service.job(run.jobs[0].job_id).request
    assert request.prompt == "a sailor with red hair, ink"
    assert [(r.role, r.weight) for r in request.references] == [(Role.STYLE, 0.8), (Role.CHARACTER, 1.0)]


def test_a_cast_that_cannot_be_brought(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    design = studio.designs.create(DesignDraft(name="Ink"))
    for mode, words in ((Mode.SMART_EDIT, "no style prompt"), (Mode.STYLE_REFERENCE, "no style pictures")):
        with pytest.raises(RequestError, match=words):
            studio.designs.bring_cast(design.id, CastWish(mode=mode))
    with pytest.raises(NotFound):
        studio.designs.bring_cast(design.id, CastWish(characters=(mara.id, "nobody")))
    assert studio.service.jobs() == ()
    with pytest.raises(NotFound):
        studio.designs.run("nothing")


def test_a_run_can_be_cancelled(studio: Cast) -> None:
    studio.character("Mara", 1)
    studio.character("Ilse", 2)
    design = studio.designs.create(DesignDraft(name="Ink", style_prompt="ink drawing"))
    run = studio.designs.bring_cast(design.id, CastWish())
    studio.finish()
    run = studio.designs.cancel_run(run.id)
    assert [job.status for job in run.jobs] == [JobStatus.DONE, JobStatus.CANCELLED]
    assert run.jobs[0].state is VersionState.PROPOSED
