"""Versions: how they come, which one is used, how they go; and what a portrait is made with."""

from __future__ import annotations

import pytest

from pipelines.errors import Conflict, NotFound, PictureRefused, RequestError
from pipelines.request import GenerationRequest, Mode, Role
from studio.characters import styling
from studio.characters.records import Crop, DesignDraft, PortraitVersion, SeedPolicy, VersionSource
from studio.collection.queries import Filter
from studio.records import Category, JobStatus
from tests.studio.characters.conftest import Cast


def portrait(**changes: object) -> GenerationRequest:
    return GenerationRequest.model_validate(
        {"prompt": "a woman with red hair", "model": "portrait-mini", **changes}
    )


def listed(studio: Cast, character_id: str) -> list[PortraitVersion]:
    return list(studio.characters.versions.list(character_id).items)


def test_every_way_of_adding_makes_the_newest_version_current(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    chosen = studio.upload(2)
    studio.characters.versions.add_picture(mara.id, chosen.id)
    job = studio.service.submit(portrait(num_images=2))
    with pytest.raises(Conflict):
        studio.characters.versions.add_job(mara.id, job.id)
    studio.finish()
    added = studio.characters.versions.add_job(mara.id, job.id)
    found = listed(studio, mara.id)
    assert [v.source for v in found] == [
        VersionSource.GENERATED,
        VersionSource.GENERATED,
        VersionSource.PICTURE,
        VersionSource.UPLOAD,
    ]
    assert [v.number for v in found] == [4, 3, 2, 1]
    assert [(v.place, v.total) for v in found] == [(4, 4), (3, 4), (2, 4), (1, 4)]
    assert [v.current for v in found] == [True, False, False, False]
    assert added[-1].id == found[0].id
    assert [v.image_id for v in added] == list(studio.service.job(job.id).images)


def test_the_same_picture_again_is_the_version_there_is(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    again = studio.add(mara.id, 1)
    assert (again.number, again.current) == (1, True)
    assert len(listed(studio, mara.id)) == 2


def test_a_file_that_is_no_picture_makes_no_version(studio: Cast, tmp_path) -> None:
    mara = studio.character()
    path = tmp_path / "a.png"
    path.write_text("no")
    with pytest.raises(PictureRefused):
        studio.characters.versions.add_upload(mara.id, path, "a.png")
    with pytest.raises(NotFound):
        studio.characters.versions.add_upload("nobody", path, "a.png")
    assert listed(studio, mara.id) == []


def test_generating_makes_versions_as_pictures_are_kept(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    job = studio.characters.versions.generate(mara.id, portrait(num_images=2), tab="t")
    assert (job.request.character, job.tab, job.status) == (mara.id, "t", JobStatus.QUEUED)
    assert len(listed(studio, mara.id)) == 1
    studio.finish()
    newest, first, uploaded = listed(studio, mara.id)
    assert (newest.current, newest.model, newest.seed) == (True, "portrait-mini", job.request.seed + 1)
    assert (first.source, uploaded.source) == (VersionSource.GENERATED, VersionSource.UPLOAD)
    assert first.prompt == "a woman with red hair"
    record = studio.service.image(newest.image_id)
    assert (record.characters, record.category) == ((mara.id,), Category.GENERATED)
    assert record.request is not None
    assert record.request.character == mara.id


def test_a_request_of_the_studio_links_its_pictures_and_makes_no_version(studio: Cast) -> None:
    mara = studio.character()
    studio.service.submit(portrait(character=mara.id))
    job = studio.finish()
    assert listed(studio, mara.id) == []
    assert [r.id for r in studio.service.images(character=mara.id).items] == list(job.images)
    with pytest.raises(NotFound):
        studio.service.submit(portrait(character="nobody"))


def test_a_portrait_of_a_character_that_was_deleted_meanwhile_is_only_a_picture(studio: Cast) -> None:
    mara = studio.character()
    studio.characters.versions.generate(mara.id, portrait())
    studio.characters.delete(mara.id)
    (image_id,) = studio.finish().images
    assert studio.service.image(image_id).characters == ()


def test_what_changed_from_version_to_version(studio: Cast) -> None:
    mara = studio.character()
    for prompt in ("a woman with red hair", "a woman with black hair"):
        studio.characters.versions.generate(mara.id, portrait(prompt=prompt, seed=7))
        studio.finish()
    newest, first = listed(studio, mara.id)
    assert [change.words for change in newest.changes] == ["'red' → 'black'"]
    assert first.changes == ()


def test_use_an_older_version(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    older = listed(studio, mara.id)[1]
    assert studio.characters.versions.use(mara.id, older.id).current
    assert [v.current for v in listed(studio, mara.id)] == [False, True]
    ilse = studio.character("Ilse")
    with pytest.raises(NotFound):
        studio.characters.versions.use(ilse.id, older.id)


def test_deleting_a_version_only_puts_it_into_the_trash(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    newest, older = listed(studio, mara.id)
    studio.characters.avatars.set(mara.id, newest.id, Crop(x=0, y=0, width=9, height=9))
    gone = studio.characters.versions.trash(mara.id, newest.id)
    assert gone.trashed_at is not None
    assert [(v.id, v.current) for v in listed(studio, mara.id)] == [(older.id, True)]
    assert studio.characters.get(mara.id).avatar is None
    assert studio.service.image(newest.image_id).trashed_at is not None
    assert [v.id for v in studio.characters.versions.list(mara.id, trashed=True).items] == [newest.id]
    with pytest.raises(Conflict):
        studio.characters.versions.use(mara.id, newest.id)
    back = studio.characters.versions.restore(mara.id, newest.id)
    assert (back.trashed_at, back.number, back.current) == (None, 2, False)
    assert studio.service.image(newest.image_id).trashed_at is None


def test_a_picture_that_comes_back_brings_its_version(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2, 3)
    ids = {v.id: v.image_id for v in listed(studio, mara.id)[:2]}
    for version_id in ids:
        studio.characters.versions.trash(mara.id, version_id)
    first, second = ids.values()
    studio.service.restore(first)
    studio.service.gallery.bulk([second], "restore")  # pyright: ignore[reportArgumentType]
    assert len(listed(studio, mara.id)) == 3


def test_a_picture_that_others_need_stays_out_of_the_trash(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    twin = studio.characters.duplicate(mara.id)
    (version,) = listed(studio, mara.id)
    studio.characters.versions.trash(mara.id, version.id)
    assert studio.service.image(version.image_id).trashed_at is None
    assert studio.characters.get(mara.id).portrait is None
    assert studio.characters.get(twin.id).versions == 1


def test_emptying_the_trash_keeps_what_characters_need(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2, 3)
    three, two, one = listed(studio, mara.id)
    studio.characters.references.add(mara.id, one.image_id)
    studio.characters.versions.trash(mara.id, one.id)
    studio.service.trash(one.image_id)
    studio.service.trash(two.image_id)
    studio.characters.versions.trash(mara.id, three.id)
    emptied = studio.service.bin.empty(3)
    assert (emptied.deleted, emptied.kept) == (1, 2)
    assert [v.id for v in listed(studio, mara.id)] == [two.id]
    assert studio.service.image_file(one.image_id)[0].is_file()
    assert studio.service.image_file(two.image_id)[0].is_file()
    with pytest.raises(NotFound):
        studio.service.image(three.image_id)
    assert studio.add(mara.id, 4).number == 4


# --- portrait, design -------------------------------------------------------------------------


def test_the_modal_starts_with_description_and_reference_set(studio: Cast) -> None:
    mara = studio.character("Mara")
    studio.characters.change(mara.id, description="a sailor")
    start = studio.characters.versions.defaults(mara.id)
    assert (start.prompt, start.mode, start.references, start.seed) == (
        "a sailor",
        Mode.TEXT_TO_IMAGE,
        (),
        None,
    )
    studio.characters.references.add(mara.id, studio.upload(1).id)
    start = studio.characters.versions.defaults(mara.id)
    assert (start.mode, start.model) == (Mode.CHARACTER_REFERENCE, "portrait-mini")
    assert ([r.role for r in start.references], start.aspect_ratio) == ([Role.CHARACTER], "3:4")


def test_a_portrait_that_was_given_is_kept_by_the_next_one(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    start = studio.characters.versions.defaults(mara.id)
    (given,) = listed(studio, mara.id)
    assert (start.mode, start.aspect_ratio) == (Mode.CHARACTER_REFERENCE, "reference")
    assert [r.image_id for r in start.references] == [given.image_id]
    studio.characters.versions.generate(mara.id, portrait())
    studio.finish()
    start = studio.characters.versions.defaults(mara.id)
    assert (start.mode, start.references) == (Mode.TEXT_TO_IMAGE, ())  # nobody gave this one
    studio.characters.versions.use(mara.id, given.id)
    assert studio.characters.versions.defaults(mara.id).mode is Mode.CHARACTER_REFERENCE
    studio.characters.versions.trash(mara.id, given.id)
    assert studio.characters.versions.defaults(mara.id).references == ()


def test_the_studio_gets_the_reference_set_and_the_portrait(studio: Cast) -> None:
    mara = studio.character("Mara")
    assert studio.characters.versions.in_studio(mara.id).references == ()
    studio.characters.versions.generate(mara.id, portrait())
    studio.finish()
    (drawn,) = listed(studio, mara.id)
    start = studio.characters.versions.in_studio(mara.id)
    assert (start.mode, [r.image_id for r in start.references]) == (
        Mode.CHARACTER_REFERENCE,
        [drawn.image_id],
    )
    approved = studio.upload(9)
    for image_id in (drawn.image_id, approved.id):
        studio.characters.references.add(mara.id, image_id, anchor=True)
    studio.add(mara.id, 5)
    start = studio.characters.versions.in_studio(mara.id)
    portrait_id = listed(studio, mara.id)[0].image_id
    assert [r.image_id for r in start.references] == [approved.id, drawn.image_id, portrait_id]


def test_a_portrait_is_made_under_the_active_design(studio: Cast) -> None:
    mara = studio.character()
    design = studio.designs.create(
        DesignDraft(
            name="Ink",
            style_prompt="ink drawing",
            negative_prompt="blurry",
            model="portrait-mini",
            aspect_ratio="1:1",
            seed_policy=SeedPolicy.FIXED,
            seed=11,
            guidance_scale=5.0,
            num_inference_steps=9,
        )
    )
    start = studio.characters.versions.defaults(mara.id)
    assert (start.style_prompt, start.seed, start.aspect_ratio) == ("ink drawing", 11, "1:1")
    job = studio.characters.versions.generate(mara.id, GenerationRequest(prompt="a sailor"))
    made = job.request
    assert made.prompt == "a sailor, ink drawing"
    asked = styling.under(design, GenerationRequest(prompt="a sailor"), styled=True)
    assert asked.negative_prompt == "blurry"
    assert any("does not read a negative prompt" in words for words in job.notices)
    assert (made.seed, made.guidance_scale, made.num_inference_steps) == (11, 5.0, 9)
    assert made.width == made.height
    own = studio.characters.versions.generate(
        mara.id, portrait(seed=3, guidance_scale=2.0, prompt="x")
    ).request
    assert (own.seed, own.guidance_scale, own.num_inference_steps) == (3, 2.0, 9)
    studio.finish()
    (version,) = listed(studio, mara.id)
    assert (version.design_id, version.design_name) == (design.id, "Ink")


def test_save_as_design_default(studio: Cast) -> None:
    mara, ilse = studio.character("Mara"), studio.character("Ilse")
    studio.characters.versions.generate(
        mara.id, portrait(seed=5, negative_prompt="blurry", guidance_scale=4.0, num_inference_steps=8)
    )
    studio.finish()
    (version,) = listed(studio, mara.id)
    design = studio.characters.versions.save_as_default(mara.id, version.id)
    assert (design.active, design.seed_policy, design.seed) == (True, SeedPolicy.FIXED, 5)
    made = studio.characters.versions.generate(ilse.id, GenerationRequest(prompt="a pilot")).request
    assert (made.seed, made.guidance_scale, made.model) == (5, 4.0, "portrait-mini")
    assert (made.guidance_scale, made.num_inference_steps) == (4.0, 8)
    loaded = studio.add(ilse.id, 1)
    with pytest.raises(RequestError):
        studio.characters.versions.save_as_default(ilse.id, loaded.id)


def test_a_design_made_of_a_version_need_not_become_active(studio: Cast) -> None:
    mara = studio.character("Mara")
    studio.characters.versions.generate(mara.id, portrait(seed=5))
    studio.finish()
    (version,) = listed(studio, mara.id)
    design = studio.characters.versions.save_as_default(mara.id, version.id, activate=False)
    assert (design.active, design.seed) == (False, 5)
    assert studio.designs.active() is None


def test_no_version_is_ever_overwritten(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    before = listed(studio, mara.id)[0]
    for _ in range(2):
        studio.characters.versions.generate(mara.id, portrait())
        studio.finish()
    after = listed(studio, mara.id)[-1]
    assert after == before.model_copy(update={"current": False, "total": 3})
    assert len(studio.service.gallery.ids(Filter(character=mara.id)).ids) == 3


def test_a_failed_portrait_makes_no_version(studio: Cast) -> None:
    mara = studio.character()
    studio.characters.versions.generate(mara.id, portrait())
    studio.finish(JobStatus.FAILED)
    assert listed(studio, mara.id) == []
