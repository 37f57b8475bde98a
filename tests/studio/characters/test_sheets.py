"""Character sheets: what is proposed, what is queued, and the picture that is laid out."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipelines.errors import NotFound, RequestError
from pipelines.request import GenerationRequest, Mode, Role
from studio.characters import layout
from studio.characters.records import BlueprintDraft, BlueprintField, FieldName
from studio.characters.sheet_records import SheetAsk, SheetCell, SheetWish
from studio.collection.queries import Filter
from studio.records import Category, JobStatus
from tests.studio.characters.conftest import Cast


def locked(studio: Cast, character_id: str, script: str = "", **fields: str) -> None:
    said = {FieldName(name): BlueprintField(value=value, locked=True) for name, value in fields.items()}
    draft = BlueprintDraft(revision=0, fields=said, script=script)
    studio.characters.save_blueprint(character_id, draft)


def test_cells_are_composed_from_the_locked_fields(studio: Cast) -> None:
    mara = studio.character()
    locked(studio, mara.id, "Mara is a sailor.", hair="red", outfit="a coat", expression="stern")
    choices = studio.characters.sheets.choices(mara.id)
    assert (choices.outfits[0], choices.expressions[0]) == ("a coat", "stern")
    ask = SheetAsk(
        expressions=("happy",), angles=("side view",), outfits=("armour",), lights=("candlelight",)
    )
    cells = studio.characters.sheets.compose(mara.id, ask)
    assert [(cell.label, cell.prompt) for cell in cells] == [
        ("happy", "portrait of a sailor, red hair, wearing a coat, happy expression"),
        ("side view", "portrait of a sailor, red hair, wearing a coat, stern expression, side view"),
        ("armour", "portrait of a sailor, red hair, stern expression, wearing armour"),
        ("candlelight", "portrait of a sailor, red hair, wearing a coat, stern expression, candlelight"),
    ]


def test_a_sheet_of_smart_edits_changes_the_anchor(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    locked(studio, mara.id, hair="red", outfit="a coat")
    ask = SheetAsk(outfits=("armour",), lights=("candlelight",), edit=True)
    cells = studio.characters.sheets.compose(mara.id, ask)
    assert [cell.prompt for cell in cells] == [
        "change the outfit to armour, maintain current hair",
        "change the light to candlelight, maintain current hair, maintain current outfit",
    ]
    for version in studio.characters.versions.list(mara.id).items:
        studio.characters.references.add(mara.id, version.image_id)
    sheet = studio.characters.sheets.start(mara.id, wish(mode=Mode.SMART_EDIT))
    request = studio.service.job(sheet.pictures[0].job_id).request
    anchor = studio.characters.references.as_request(mara.id)[0].image_id
    assert [(each.image_id, each.role) for each in request.references] == [(anchor, Role.SOURCE)]


def wish(*seeds: int, cells: int = 2, **changes: object) -> SheetWish:
    made = [SheetCell(label=f"cell {n}", prompt=f"a sailor, look {n}") for n in range(cells)]
    values = {"cells": made, "seeds": seeds or (-1,), "model": "portrait-mini", **changes}
    return SheetWish.model_validate(values)


def test_a_sheet_is_queued_made_and_laid_out(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    (version,) = studio.characters.versions.list(mara.id).items
    studio.characters.references.add(mara.id, version.image_id)
    sheet = studio.characters.sheets.start(mara.id, wish(4, 5))
    assert [(p.label, p.seed) for p in sheet.pictures] == [
        ("cell 0", 4),
        ("cell 0", 5),
        ("cell 1", 4),
        ("cell 1", 5),
    ]
    request = studio.service.job(sheet.pictures[0].job_id).request
    assert (request.mode, request.character) == (Mode.CHARACTER_REFERENCE, mara.id)
    assert [r.image_id for r in request.references] == [version.image_id]
    studio.finish()
    sheet = studio.characters.sheets.get(mara.id, sheet.id)
    assert (sheet.ended, sheet.total, sheet.image_id) == (1, 4, None)
    studio.finish_all()
    sheet = studio.characters.sheets.get(mara.id, sheet.id)
    assert sheet.image_id is not None
    record = studio.service.image(sheet.image_id)
    assert (record.category, record.label) == (Category.SHEET, "Character sheet of Mara")
    assert [p.image_id for p in record.parents] == [p.image_id for p in sheet.pictures]
    assert record.characters == (mara.id,)
    assert len(studio.characters.versions.list(mara.id).items) == 1
    assert studio.characters.sheets.list(mara.id) == (sheet,)
    with Image.open(studio.service.image_file(sheet.image_id)[0]) as picture:
        assert picture.width > 2 * 48
    assert studio.service.gallery.ids(Filter(category=Category.SHEET)).ids == (sheet.image_id,)


def test_one_random_seed_is_the_same_for_all_cells(studio: Cast) -> None:
    mara = studio.character()
    sheet = studio.characters.sheets.start(mara.id, wish(cells=3))
    assert len({picture.seed for picture in sheet.pictures}) == 1
    assert studio.service.job(sheet.pictures[0].job_id).request.mode is Mode.TEXT_TO_IMAGE


def test_a_sheet_is_made_of_what_came(studio: Cast) -> None:
    mara = studio.character()
    sheet = studio.characters.sheets.start(mara.id, wish(cells=2))
    studio.finish(JobStatus.FAILED)
    studio.finish()
    sheet = studio.characters.sheets.get(mara.id, sheet.id)
    assert [p.status for p in sheet.pictures] == [JobStatus.FAILED, JobStatus.DONE]
    assert sheet.image_id is not None
    assert len(studio.service.image(sheet.image_id).parents) == 1
    empty = studio.characters.sheets.start(mara.id, wish(cells=1))
    studio.finish(JobStatus.CANCELLED)
    assert studio.characters.sheets.get(mara.id, empty.id).image_id is None


def test_a_sheet_is_cancelled_as_a_whole(studio: Cast) -> None:
    mara = studio.character()
    sheet = studio.characters.sheets.start(mara.id, wish(cells=3), tab="mine")
    assert {studio.service.job(one.job_id).tab for one in sheet.pictures} == {"mine"}
    studio.finish()
    left = studio.characters.sheets.cancel(mara.id, sheet.id)
    assert [p.status for p in left.pictures] == [JobStatus.DONE, JobStatus.CANCELLED, JobStatus.CANCELLED]
    assert left.image_id is not None
    assert studio.characters.sheets.cancel(mara.id, sheet.id).ended == 3
    with pytest.raises(NotFound):
        studio.characters.sheets.cancel(mara.id, "nobody")


def test_a_sheet_is_one_batch(studio: Cast) -> None:
    mara = studio.character()
    before = studio.service.submit(GenerationRequest(prompt="before", model="portrait-mini"))
    studio.finish()
    sheet = studio.characters.sheets.start(mara.id, wish(4, 5, cells=2))
    studio.finish_all()
    between = studio.service.submit(GenerationRequest(prompt="after", model="portrait-mini"))
    studio.finish()
    sheet = studio.characters.sheets.get(mara.id, sheet.id)
    made = [picture.image_id for picture in sheet.pictures]
    newest, batch, oldest = studio.service.history.batches(None, 10).items
    assert (newest.job_id, oldest.job_id) == (between.id, before.id)
    assert (batch.title, [image.id for image in batch.images]) == ("Character sheet of Mara", made)
    first = studio.service.history.batches(None, 2)
    assert [one.job_id for one in first.items] == [newest.job_id, batch.job_id]
    assert [b.job_id for b in studio.service.history.batches(first.next, 2).items] == [before.id]
    wanted = Filter(query="look 0")
    assert [b.title for b in studio.service.history.batches(None, 10, wanted).items] == [batch.title]
    winners = studio.service.history.pick_winners(sheet.pictures[2].job_id, [str(made[1])])
    assert set(winners.trashed) == set(made) - {made[1]}
    batch = studio.service.history.batches(None, 10).items[1]
    assert ([image.id for image in batch.images], batch.trashed) == ([made[1]], 3)


def test_winners_join_the_reference_set(studio: Cast) -> None:
    mara = studio.character()
    sheet = studio.characters.sheets.start(mara.id, wish(cells=2))
    studio.finish_all()
    winner = studio.characters.sheets.get(mara.id, sheet.id).pictures[1].image_id
    assert winner is not None
    found = studio.characters.references.add(mara.id, winner)
    assert [item.image_id for item in found.items] == [winner]


def test_a_sheet_that_was_thrown_away_stays_away(studio: Cast) -> None:
    mara = studio.character()
    sheet = studio.characters.sheets.start(mara.id, wish(cells=1))
    studio.finish_all()
    image_id = studio.characters.sheets.get(mara.id, sheet.id).image_id
    assert image_id is not None
    studio.service.trash(image_id)
    studio.service.bin.empty(1)
    assert studio.characters.sheets.get(mara.id, sheet.id).image_id is None


def test_a_sheet_that_cannot_be(studio: Cast) -> None:
    mara, ilse = studio.character("Mara"), studio.character("Ilse")
    with pytest.raises(RequestError, match="at most 64"):
        studio.characters.sheets.start(mara.id, wish(1, 2, cells=33))
    with pytest.raises(RequestError):
        studio.characters.sheets.start(mara.id, wish(mode=Mode.SMART_EDIT))
    assert studio.service.jobs() == ()
    sheet = studio.characters.sheets.start(mara.id, wish())
    with pytest.raises(NotFound):
        studio.characters.sheets.get(ilse.id, sheet.id)


@pytest.mark.parametrize(("count", "columns", "wanted"), [(1, 0, 1), (5, 0, 3), (6, 2, 2)])
def test_a_layout_holds_every_picture(tmp_path: Path, count: int, columns: int, wanted: int) -> None:
    cells: list[layout.LabelledPicture] = []
    for number in range(count):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (64, 96), (200, number * 20, 0)).save(path)
        cells.append(
            layout.LabelledPicture(path, "a label that is far too long to fit under it", f"seed {number}")
        )
    sheet = layout.lay_out(cells, "Mara – Wörter, 漢字", columns)
    colours = {colour for _, colour in sheet.getcolors(2**24) or ()}
    assert {(200, number * 20, 0) for number in range(count)} <= colours
    assert sheet.width // 128 == wanted
