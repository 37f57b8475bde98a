"""Characters outlive the database: the journal beside it, and what a crash leaves in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.events import ImageReady
from pipelines.request import GenerationRequest
from studio import jsonlines
from studio.characters.records import Crop, DesignDraft, DesignReference
from studio.characters.sheet_records import SheetCell, SheetWish
from studio.collection import rows
from studio.collection.character_models import CharacterRow
from studio.collection.collection import Collection
from studio.collection.maintenance import rebuild, verify
from studio.records import Category
from tests.studio.characters.conftest import Cast, as_cast
from tests.studio.characters.test_transfer import complete
from tests.studio.fixtures import Durable, noise, open_durable


def everything(studio: Cast) -> list[Any]:
    """All that is said of the cast, without what is of the moment."""
    ids = [each.id for archived in (False, True) for each in studio.characters.list(archived=archived)]
    return [
        studio.designs.list(),
        *(studio.characters.get(each) for each in ids),
        *(studio.characters.versions.list(each) for each in ids),
        *(studio.characters.versions.list(each, trashed=True) for each in ids),
        *(studio.characters.references.get(each, measure=False) for each in ids),
        *({r.id for r in studio.service.images(character=each).items} for each in ids),
        *(sheet.image_id for each in ids for sheet in studio.characters.sheets.list(each)),
    ]


def live(studio: Cast) -> str:
    """Something of everything; returns the id of a laid-out sheet."""
    mara = complete(studio)
    style = studio.upload(20)
    studio.designs.create(
        DesignDraft(name="Ink", style_prompt="ink", references=(DesignReference(image_id=style.id),))
    )
    studio.characters.versions.generate(mara, GenerationRequest(prompt="a sailor", model="portrait-mini"))
    studio.finish()
    wish = SheetWish(cells=(SheetCell(label="a", prompt="b"),), model="portrait-mini")
    sheet = studio.characters.sheets.start(mara, wish)
    studio.finish()
    made = studio.characters.sheets.get(mara, sheet.id).image_id
    assert made is not None
    studio.characters.versions.trash(mara, studio.characters.versions.list(mara).items[-1].id)
    studio.characters.duplicate(mara)
    gone = studio.character("Gone", 30)
    studio.characters.references.add(gone.id, style.id)
    studio.characters.delete(gone.id)
    studio.characters.change(studio.character("Old", 31).id, archived=True)
    return made


@pytest.mark.parametrize("lost", [False, True])
def test_a_rebuild_brings_the_cast_back(tmp_path: Path, lost: bool) -> None:
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        sheet = live(studio)
        before, picture = everything(studio), studio.service.image(sheet)
        settings = durable.settings
        assert verify(settings).healthy
    if lost:
        for part in settings.data_dir.glob("likeness.db*"):
            part.unlink()
    assert rebuild(settings).healthy
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        assert everything(studio) == before
        again = studio.service.image(sheet)
        assert (again.category, again.parents, again.label) == (
            Category.SHEET,
            picture.parents,
            picture.label,
        )
        assert verify(settings).healthy


def test_a_row_that_points_at_a_lost_picture_is_left_out(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        mara = studio.character("Mara", 1, 2)
        newest, older = studio.characters.versions.list(mara.id).items
        studio.characters.avatars.set(mara.id, newest.id, Crop(x=0, y=0, width=9, height=9))
        settings = durable.settings
        studio.service.image_file(newest.image_id)[0].unlink()
    for part in settings.data_dir.glob("likeness.db*"):
        part.unlink()
    rebuild(settings)
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        assert [v.id for v in studio.characters.versions.list(mara.id).items] == [older.id]
        found = studio.characters.get(mara.id)
        assert (found.portrait, found.avatar) == (None, None)


def test_a_start_takes_back_what_was_written_before_a_crash(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        mara = studio.character("Mara", 1)
        journal, database = durable.collection.character_journal, durable.database
        _lines_of_a_crash(durable)
        assert len(journal.disagrees(database)) == 2
        journal.settle(database)
        assert journal.disagrees(database) == ()
        assert journal.rows()["characters", f'["{mara.id}"]']["name"] == "Mara"


def test_an_undone_change_is_in_neither(studio: Cast) -> None:
    mara = studio.character()
    before = studio.collection.character_journal.rows()
    with pytest.raises(ZeroDivisionError):
        _fail_amid_renaming(studio, mara.id)
    assert studio.characters.get(mara.id).name == "Mara"
    assert studio.collection.character_journal.rows() == before
    studio.characters.change(mara.id, description="x")
    assert studio.collection.character_journal.disagrees(studio.database) == ()


def test_a_picture_without_a_row_becomes_its_version_at_the_next_start(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        mara = studio.character("Mara", 1)
        job = studio.characters.versions.generate(
            mara.id, GenerationRequest(prompt="a sailor", model="portrait-mini")
        )
        _file_without_row(durable.collection, job.id, job.request)
        assert len(studio.characters.versions.list(mara.id).items) == 1
        _lines_of_a_crash(durable)
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        newest, _ = studio.characters.versions.list(mara.id).items
        assert (newest.current, newest.prompt) == (True, "a sailor")
        assert durable.collection.character_journal.disagrees(durable.database) == ()


def _lines_of_a_crash(durable: Durable) -> None:
    """A character renamed and one added, both before a commit that never came."""
    said = jsonlines.tail(durable.settings.character_journal, 2**20)
    line = [line for line in said if line["table"] == "characters"][-1]
    number = max(line["n"] for line in said) + 1
    wrong = {**line, "n": number, "row": {**line["row"], "name": "Never"}}
    more = {**line, "n": number, "row": {**line["row"], "id": "x"}}
    jsonlines.append(durable.settings.character_journal, [wrong, more])


def _fail_amid_renaming(studio: Cast, character_id: str) -> None:
    with studio.database.transaction() as session:
        session.get_one(CharacterRow, character_id).name = "Never"
        session.flush()
        raise ZeroDivisionError


def _file_without_row(collection: Collection, job_id: str, request: GenerationRequest) -> None:
    """As a crash between the two leaves it."""
    image = noise(3, 48, 64)
    ready = ImageReady(0, request.seed, 48, 64, image.tobytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "add_generated", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            collection.save_generated(job_id=job_id, request=request, image=ready, notices=(), provenance={})
