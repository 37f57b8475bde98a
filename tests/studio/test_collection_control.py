"""Control images and masks: kept with the pictures they guided, out of the way, and back after a rebuild."""

from __future__ import annotations

import io
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.events import ControlImage
from pipelines.request import Control, ControlKind, Mode, Reference, Role
from studio.collection import queries, rows
from studio.collection.history import History
from studio.collection.maintenance import rebuild
from studio.collection.queries import Filter
from studio.records import Category, Emptied, ImageRecord
from tests.studio.crashes import crash_at
from tests.studio.fixtures import Durable, encoded, noise, open_durable, picture, ready, request, upload

LINES = ControlImage(encoded(noise(99)), "canny")


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def guided(durable: Durable, structure: ImageRecord, index: int = 0) -> ImageRecord:
    """Saved as the dispatcher saves a picture that was made along outlines."""
    wanted = request(
        mode=Mode.CONTROLNET,
        references=(Reference(image_id=structure.id, role=Role.STRUCTURE),),
        control=Control(kind=ControlKind.CANNY, weight=0.75),
    )
    return durable.collection.save_generated(
        job_id="guided", request=wanted, image=ready(index), notices=(), provenance={}, control=LINES
    )


def listed(durable: Durable, category: Category | None = None) -> list[str]:
    return [
        record.id for record in durable.collection.gallery.page(Filter(category=category), None, 100).items
    ]


def control_of(durable: Durable) -> ImageRecord:
    (record,) = durable.collection.gallery.page(Filter(category=Category.CONTROL), None, 10).items
    return record


def test_outlines_are_kept_once_as_a_parent_of_what_they_guided(durable: Durable) -> None:
    structure = upload(durable)
    made = [guided(durable, structure, index) for index in range(2)]
    control = control_of(durable)
    assert durable.collection.file(control.id)[0].read_bytes()
    assert (control.width, control.height, control.label) == (24, 16, "Control image (canny)")
    for record in made:
        links = [(link.image_id, link.role, link.order, link.weight) for link in record.parents]
        assert links == [(structure.id, "structure", 0, 1.0), (control.id, "control", 1, 0.75)]
        assert record.parents[1].pixel_sha256 == control.pixel_sha256
    assert control.children == tuple(record.id for record in made)


def test_outlines_are_shown_in_details_but_neither_listed_nor_used_again(durable: Durable) -> None:
    structure = upload(durable)
    made = guided(durable, structure)
    control = control_of(durable)
    assert set(listed(durable)) == {structure.id, made.id}
    assert Category.CONTROL not in durable.collection.gallery.facets().category
    assert [one.id for one in History(durable.collection).details(made.id).references] == [
        structure.id,
        control.id,
    ]
    assert [one.id for one in durable.collection.parents(made.id)] == [structure.id]
    assert made.depth == 1


@pytest.mark.parametrize("journal", [True, False])
def test_a_rebuild_gives_outlines_and_masks_back_as_what_they_were(tmp_path: Path, *, journal: bool) -> None:
    with open_durable(tmp_path) as durable:
        structure, mask = upload(durable), upload(durable, 1)
        roles = (
            Reference(image_id=structure.id, role=Role.SOURCE),
            Reference(image_id=mask.id, role=Role.MASK),
        )
        wanted = request(mode=Mode.INPAINT, references=roles)
        painted = durable.collection.save_generated(
            job_id="painted", request=wanted, image=ready(5), notices=(), provenance={}
        )
        before = {record.id: record for record in (guided(durable, structure), painted)}
        before[control_of(durable).id] = control_of(durable)
    durable.settings.database.unlink()
    if not journal:
        durable.settings.journal.unlink()
    assert rebuild(durable.settings).healthy
    with open_durable(tmp_path) as durable:
        for image_id, record in before.items():
            after = durable.collection.get(image_id)
            assert (after.parents, after.category, after.label) == (
                record.parents,
                record.category,
                record.label,
            )
        assert [link.role for link in durable.collection.get(painted.id).parents] == ["source", "mask"]
        assert set(listed(durable, Category.UPLOAD)) == {structure.id, mask.id}


def test_outlines_go_with_the_last_picture_made_along_them(durable: Durable) -> None:
    structure = upload(durable)
    first, second = (guided(durable, structure, index) for index in range(2))
    path = durable.collection.file(control_of(durable).id)[0]
    durable.collection.trash(first.id)
    assert durable.collection.bin.empty(1) == Emptied(deleted=1, kept=0)
    assert path.exists()
    durable.collection.trash(second.id)
    assert durable.collection.bin.empty(1) == Emptied(deleted=1, kept=0)
    assert not path.exists()
    assert listed(durable, Category.CONTROL) == []


def test_after_a_crash_outlines_alone_are_no_upload(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    structure = upload(durable)
    with crash_at(monkeypatch, rows, "add_loaded"):
        guided(durable, structure)
    durable.collection.reconcile()
    (made,) = (record for record in listed(durable) if record != structure.id)
    assert [link.image_id for link in durable.collection.get(made).parents][1] == control_of(durable).id
    assert listed(durable, Category.UPLOAD) == [structure.id]


def test_outlines_that_an_artist_loads_are_a_picture_of_their_own(durable: Durable) -> None:
    guided(durable, upload(durable))
    control = control_of(durable)
    data = durable.collection.file(control.id)[0].read_bytes()
    again, created = durable.collection.add_upload(io.BytesIO(data), "mine.png")
    assert (again.id, created, again.category) == (control.id, False, Category.UPLOAD)
    assert control.id in listed(durable)


def test_whatever_points_at_a_picture_and_would_not_let_it_go_keeps_it(durable: Durable) -> None:
    needed, other = upload(durable), upload(durable, 1)
    with durable.database.transaction() as session:
        connection = session.connection()
        connection.exec_driver_sql(
            "CREATE TABLE albums (cover TEXT REFERENCES images (id) ON DELETE RESTRICT)"
        )
        connection.exec_driver_sql("INSERT INTO albums VALUES (?)", (needed.id,))
    durable.collection.trash(needed.id)
    durable.collection.trash(other.id)
    assert durable.collection.bin.empty(2) == Emptied(deleted=1, kept=1)
    assert durable.collection.working_file(needed.id).read_bytes() == picture()
    with durable.database.transaction() as session:
        session.connection().exec_driver_sql("DROP TABLE albums")
    assert durable.collection.bin.expire() == Emptied(deleted=1, kept=0)


def test_a_painted_mask_that_a_page_has_loaded_outlasts_an_emptying(durable: Durable) -> None:
    """Nothing here names it yet: only once it is thirty days old does it go."""
    data = encoded(noise(7))
    mask, _ = durable.collection.add_upload(io.BytesIO(data), "mask.png", Category.CONTROL)
    other = upload(durable)
    durable.collection.trash(other.id)
    assert durable.collection.bin.empty(1) == Emptied(deleted=1, kept=0)
    assert durable.collection.file(mask.id)[0].exists()
    age(durable, mask.id, days=31)
    durable.collection.add_upload(io.BytesIO(data), "mask.png", Category.CONTROL)
    durable.collection.bin.expire()
    assert durable.collection.file(mask.id)[0].exists()
    age(durable, mask.id, days=31)
    durable.collection.bin.expire()
    assert listed(durable, Category.CONTROL) == []


def age(durable: Durable, image_id: str, days: int) -> None:
    with durable.database.transaction() as session:
        row = queries.row(session, image_id)
        rows.set_created_at(session, row, row.created_at - timedelta(days=days))
