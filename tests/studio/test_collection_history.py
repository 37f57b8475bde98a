"""Family, depth, drift, batches and details, on real rows and files."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pipelines.errors import NotFound, RequestError
from pipelines.events import ImageReady
from pipelines.request import Mode, Reference, Role
from studio.collection import drift, queries
from studio.collection.history import History
from studio.collection.models import SweepJobRow, SweepRow
from studio.collection.queries import Filter
from studio.history_records import FamilyTree
from studio.records import ImageRecord, Rights
from tests.studio.fixtures import Durable, noise, open_durable, request, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


@pytest.fixture
def history(durable: Durable) -> History:
    return History(durable.collection)


def make(durable: Durable, *references: ImageRecord, number: int, **changes: Any) -> ImageRecord:
    """A picture whose pixels nobody else has."""
    image = noise(1000 + number)
    return durable.collection.save_generated(
        job_id=f"job{number}",
        request=request(*references, **changes),
        image=ImageReady(0, number, image.width, image.height, image.tobytes()),
        notices=(),
        provenance={"device": "cpu"},
    )


def chain(durable: Durable, length: int) -> list[ImageRecord]:
    """An upload and so many edits, each of the one before."""
    line = [upload(durable)]
    for number in range(length):
        line.append(make(durable, line[-1], number=number, guidance_scale=1.0 + number))
    return line


def shape(family: FamilyTree) -> dict[str, list[str | None]]:
    """Children of each picture by primary edges."""
    found: dict[str, list[str | None]] = {}
    for edge in family.edges:
        if edge.primary:
            found.setdefault(str(edge.parent_id), []).append(edge.child_id)
    return found


# --- family -----------------------------------------------------------------------------------


def test_a_family_is_the_same_tree_from_every_picture_of_it(durable: Durable, history: History) -> None:
    root = upload(durable)
    a, b = make(durable, root, number=1), make(durable, root, number=2)
    c = make(durable, a, number=3, guidance_scale=5.0)
    upload(durable, 9)
    for asked in (root, a, b, c):
        family = history.family(asked.id)
        assert [node.image.id for node in family.nodes] == [root.id, a.id, b.id, c.id]
        assert [node.generation for node in family.nodes] == [0, 1, 1, 2]
        assert family.root_ids == (root.id,)
        assert shape(family) == {root.id: [a.id, b.id], a.id: [c.id]}
        assert not family.truncated
    (edge,) = [edge for edge in history.family(c.id).edges if edge.child_id == c.id]
    assert [change.words for change in edge.changes] == ["guidance 3.5 → 5", "seed 1 → 3"]


def test_references_take_part_without_bringing_their_other_children(
    durable: Durable, history: History
) -> None:
    portrait, style, other = upload(durable), upload(durable, 1), upload(durable, 2)
    references = (Reference(image_id=style.id, role=Role.STYLE), Reference(image_id=portrait.id))
    made = make(durable, number=1, mode=Mode.IMG2IMG, references=references)
    elsewhere = make(durable, other, style, number=2)
    family = history.family(made.id)
    assert {node.image.id for node in family.nodes} == {portrait.id, style.id, made.id}
    assert shape(family) == {portrait.id: [made.id]}
    assert set(family.root_ids) == {portrait.id, style.id}
    assert [(e.role, e.order, e.primary) for e in family.edges] == [("style", 0, False), ("source", 1, True)]
    assert elsewhere.id in {node.image.id for node in history.family(style.id).nodes}


def test_a_mask_is_an_edge_without_a_node(durable: Durable, history: History) -> None:
    portrait, mask = upload(durable), upload(durable, 1)
    references = (Reference(image_id=mask.id, role=Role.MASK), Reference(image_id=portrait.id))
    made = make(durable, number=1, mode=Mode.IMG2IMG, references=references)
    family = history.family(made.id)
    assert [node.image.id for node in family.nodes] == [portrait.id, made.id]
    assert ("mask", mask.id) in [(edge.role, edge.parent_id) for edge in family.edges]
    assert made.depth == 1


def test_a_large_family_is_cut_and_says_so(durable: Durable) -> None:
    from studio.collection import lineage

    line = chain(durable, 8)
    with durable.database.reading() as session:
        found = lineage.family(session, queries.row(session, line[5].id), limit=4)
        assert found.truncated
        assert len(found.rows) == 4
        assert line[5].id in {row.id for row in found.rows}
        assert not lineage.family(session, queries.row(session, line[5].id), limit=9).truncated


def test_a_picture_that_comes_after_its_children_takes_its_place_above_them(durable: Durable) -> None:
    line = chain(durable, 3)
    durable.collection.trash(line[0].id)
    durable.collection.trash(line[1].id)
    durable.collection.bin.empty(2)
    assert [durable.collection.get(r.id).depth for r in line[1:]] == [1, 2, 3]
    again = upload(durable)
    assert durable.collection.get(line[1].id).parents[0].image_id == again.id
    assert durable.collection.get(line[3].id).depth == 3


def test_no_picture_is_its_own_ancestor(durable: Durable, history: History) -> None:
    """An edit may have the very pixels of a picture it was made from, which comes back later."""
    source = upload(durable)
    image = noise()
    twin = durable.collection.save_generated(
        job_id="twin",
        request=request(source),
        image=ImageReady(0, 1, image.width, image.height, image.tobytes()),
        notices=(),
        provenance={},
    )
    assert twin.pixel_sha256 == source.pixel_sha256
    below = make(durable, twin, number=1)
    durable.collection.trash(source.id)
    durable.collection.trash(twin.id)
    durable.collection.bin.empty(2)
    again = upload(durable)
    assert again.pixel_sha256 == twin.pixel_sha256
    assert shape(history.family(below.id)) == {again.id: [twin.id], twin.id: [below.id]}
    assert [durable.collection.get(r.id).depth for r in (again, twin, below)] == [0, 1, 2]


# --- details and changes ----------------------------------------------------------------------


def test_details_tell_everything(durable: Durable, history: History) -> None:
    source = upload(durable, filename="Ana.png")
    first = save(durable, source, job_id="batch")
    second = save(durable, source, job_id="batch", index=1)
    details = history.details(second.id)
    assert details.image == durable.collection.get(second.id)
    assert [picture.id for picture in details.batch] == [first.id, second.id]
    assert [picture.id for picture in details.references] == [source.id]
    assert [change.words for change in details.changes] == ["+ 'a woman with red hair'", "Img2Img"]
    assert (details.image.depth, details.anchor_id, details.reproduces) == (1, source.id, None)
    assert details.rights_lines == ("“Ana.png” – rights not stated",)
    durable.collection.update(source.id, rights=Rights(licence=" my own\nphoto ", source=""))
    assert history.details(second.id).rights_lines == ("“Ana.png” – licence: my own photo",)
    durable.collection.trash(source.id)
    assert history.details(second.id).references[0].trashed_at is not None


def test_rights_can_be_taken_back(durable: Durable) -> None:
    record = upload(durable)
    assert record.rights is None
    assert durable.collection.update(record.id, rights=Rights(consent="signed")).rights == Rights(
        consent="signed"
    )
    assert durable.collection.update(record.id, starred=True).rights == Rights(consent="signed")
    assert durable.collection.update(record.id, rights=Rights()).rights is None


def test_any_two_pictures_can_be_compared(durable: Durable, history: History) -> None:
    a = make(durable, number=1, guidance_scale=2.0)
    b = make(durable, number=2)
    assert [c.words for c in history.changes(b.id, a.id)] == ["guidance 2 → 3.5", "seed 1 → 2"]
    assert [c.words for c in history.changes(a.id, a.id)] == []
    with pytest.raises(NotFound):
        history.changes(a.id, "nobody")


# --- drift ------------------------------------------------------------------------------------


@pytest.fixture
def portrait(tmp_path: Path) -> Image.Image:
    """A soft picture with an edge, as faces have."""
    y, x = np.mgrid[0:96, 0:64]
    face = ((x - 32) ** 2 + (y - 48) ** 2 < 700) * 90
    return Image.fromarray(
        np.stack([80 + face + x, 60 + face + y // 2, 50 + face], -1).clip(0, 255).astype("uint8")
    )


def distance(tmp_path: Path, picture: Image.Image, anchor: Image.Image) -> drift.Distance:
    picture.save(tmp_path / "picture.png")
    anchor.save(tmp_path / "anchor.png")
    return drift.measure(tmp_path / "picture.png", tmp_path / "anchor.png")


def reddened(picture: Image.Image, by: int) -> Image.Image:
    pixels = np.asarray(picture).astype(int) + np.array([by, 0, 0])
    return Image.fromarray(pixels.clip(0, 255).astype("uint8"))


def test_the_same_picture_has_not_drifted(tmp_path: Path, portrait: Image.Image) -> None:
    assert distance(tmp_path, portrait, portrait) == drift.Distance(structure=1.0, colour=0.0)


def test_a_shift_of_colour_is_measured_as_colour(tmp_path: Path, portrait: Image.Image) -> None:
    grey = Image.new("RGB", (64, 96), (119, 119, 119))
    lighter = Image.new("RGB", (64, 96), (124, 124, 124))
    known = distance(tmp_path, lighter, grey)
    assert known.colour == pytest.approx(1.9, abs=0.3)  # L* 50.03 → 52.0: ΔE 2000 by the table of CIE greys
    warm, warmer = reddened(portrait, 20), reddened(portrait, 40)
    near, far = distance(tmp_path, warm, portrait), distance(tmp_path, warmer, portrait)
    assert 2 < near.colour < far.colour
    assert near.structure > 0.95


def test_lost_detail_is_measured_as_structure(tmp_path: Path, portrait: Image.Image) -> None:
    soft = distance(tmp_path, portrait.filter(ImageFilter.GaussianBlur(2)), portrait)
    softer = distance(tmp_path, portrait.filter(ImageFilter.GaussianBlur(6)), portrait)
    assert 1 > soft.structure > softer.structure
    assert softer.colour < 4
    moved = distance(
        tmp_path, portrait.transform(portrait.size, Image.Transform.AFFINE, (1, 0, 8, 0, 1, 0)), portrait
    )
    assert moved.structure < 0.95


def test_other_sizes_and_tiny_pictures_are_fitted(tmp_path: Path, portrait: Image.Image) -> None:
    larger = portrait.resize((128, 192), Image.Resampling.BICUBIC)
    assert distance(tmp_path, larger, portrait).structure > 0.95
    assert distance(tmp_path, portrait.resize((3, 2)), portrait.resize((2, 3))).colour >= 0
    assert distance(tmp_path, portrait, portrait.resize((900, 1350))).structure > 0.9


def test_drift_is_shown_along_the_branch_and_advice_given_from_the_fourth_edit(
    durable: Durable, history: History
) -> None:
    line = chain(durable, 5)
    report = history.drift(line[5].id)
    assert (report.anchor_id, report.depth) == (line[0].id, 5)
    assert [(step.image_id, step.depth) for step in report.branch] == [(r.id, n) for n, r in enumerate(line)]
    assert report.branch[-1].drift == report.drift
    assert report.drift.structure < 0.5
    assert report.drift.colour > 1
    assert report.drift.face is None
    assert "No face model" in str(report.face_reason)
    assert "back to the anchor" in str(report.suggestion)
    assert history.drift(line[3].id).suggestion is None
    assert history.drift(line[0].id).drift.structure == 1.0


def test_a_line_whose_edits_kept_the_rest_needs_no_new_beginning(durable: Durable, history: History) -> None:
    line = chain(durable, 5)
    with durable.collection.database.transaction() as session:
        for number, record in enumerate(line[1:], start=1):
            row = queries.row(session, record.id)
            row.provenance = {**row.provenance, "returned": {"verdict": "kept", "changed": number / 100}}
    report = history.drift(line[5].id)
    assert [step.changed for step in report.branch] == [None, 0.01, 0.02, 0.03, 0.04, 0.05]
    assert report.suggestion is None
    with durable.collection.database.transaction() as session:
        row = queries.row(session, line[2].id)
        row.provenance = {**row.provenance, "returned": {"verdict": "everything", "changed": 1.0}}
    assert "back to the anchor" in str(history.drift(line[5].id).suggestion)


def test_a_chosen_anchor_lasts_and_serves_what_comes_after_it(durable: Durable, history: History) -> None:
    line = chain(durable, 5)
    durable.collection.update(line[2].id, anchor=True)
    assert history.drift(line[5].id).depth == 3
    assert history.drift(line[5].id).anchor_id == line[2].id
    assert history.drift(line[2].id).anchor_id == line[0].id
    assert history.drift(line[5].id, line[1].id).depth == 4
    stranger = upload(durable, 5)
    assert history.drift(line[5].id, stranger.id).branch[0].image_id == stranger.id
    durable.collection.update(line[2].id, anchor=False)
    assert history.drift(line[5].id).depth == 5


def test_drift_is_measured_once_and_shown_in_the_tree(
    durable: Durable, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = chain(durable, 2)
    assert all(node.drift is None for node in history.family(line[0].id).nodes)
    first = history.drift(line[2].id)
    monkeypatch.setattr(drift, "measure", None)
    assert history.drift(line[2].id) == first
    known = {node.image.id: node.drift for node in history.family(line[0].id).nodes}
    assert known == {line[0].id: None, line[1].id: first.branch[1].drift, line[2].id: first.drift}


# --- batches ----------------------------------------------------------------------------------


def test_history_by_batch_newest_first_in_pages(durable: Durable, history: History) -> None:
    for name in "abc":
        for index in range(2):
            save(durable, job_id=name, index=index, prompt=f"prompt {name}", seed=ord(name))
    upload(durable)
    first = history.batches(None, 2)
    assert [batch.job_id for batch in first.items] == ["c", "b"]
    assert [picture.batch_index for picture in first.items[0].images] == [0, 1]
    assert first.items[0].request.prompt == "prompt c"
    assert first.next is not None
    rest = history.batches(first.next, 2)
    assert ([batch.job_id for batch in rest.items], rest.next) == (["a"], None)
    with pytest.raises(RequestError):
        history.batches("nonsense", 2)


def test_batches_with_a_picture_that_is_sought(durable: Durable, history: History) -> None:
    for name in "abc":
        for index in range(2):
            save(durable, job_id=name, index=index, prompt=f"prompt {name}", seed=ord(name))
    (starred, _), *_ = [batch.images for batch in history.batches(None, 1).items]
    durable.collection.update(starred.id, starred=True)
    sought = history.batches(None, 10, Filter(query="prompt b")).items
    assert [(batch.job_id, len(batch.images)) for batch in sought] == [("b", 2)]
    kept = history.batches(None, 10, Filter(starred=True)).items
    assert [(batch.job_id, len(batch.images)) for batch in kept] == [("c", 2)]
    both = history.batches(None, 1, Filter(query="prompt"))
    assert [batch.job_id for batch in both.items] == ["c"]
    assert [b.job_id for b in history.batches(both.next, 5, Filter(query="prompt")).items] == ["b", "a"]
    assert history.batches(None, 10, Filter(query="nothing")).items == ()


def test_a_sweep_is_one_batch(durable: Durable, history: History) -> None:
    body = {"request": {"prompt": "a hat"}, "x": {"field": "seed", "values": [1, 2, 3]}, "y": None}
    with durable.database.transaction() as session:
        jobs = [SweepJobRow(job_id=each, position=place) for place, each in enumerate("zyx")]
        session.add(SweepRow(id="s", created_at=datetime.now(UTC), body=body, job_ids=list("zyx"), jobs=jobs))
    made = {
        name: save(durable, job_id=name, prompt=f"prompt {name}", seed=10 * number).id
        for number, name in enumerate("yaxzb")
    }
    first = history.batches(None, 2)
    rest = history.batches(first.next, 2)
    assert [batch.job_id for batch in (*first.items, *rest.items)] == ["b", "z", "a"]
    other, sweep = first.items
    assert other.sweep is None
    assert sweep.sweep is not None
    assert (sweep.sweep.id, sweep.sweep.axes, sweep.sweep.total) == ("s", ("seed",), 3)
    assert [picture.id for picture in sweep.images] == [made[name] for name in "zyx"]
    (found,) = history.batches(None, 9, Filter(query="prompt y")).items
    assert len(found.images) == 3
    assert history.pictures_of_batch("y") == history.pictures_of_batch("s") == sweep.images


def test_winners_stay_and_the_rest_can_be_brought_back(durable: Durable, history: History) -> None:
    pictures = [save(durable, job_id="a", index=index).id for index in range(3)]
    other = save(durable, job_id="b", seed=99, index=5).id
    winners = history.pick_winners("a", [pictures[1]])
    assert (winners.kept, winners.trashed) == ((pictures[1],), (pictures[0], pictures[2]))
    (_, batch) = history.batches(None, 10).items
    assert ([p.id for p in batch.images], batch.trashed) == ([pictures[1]], 2)
    for loser in winners.trashed:
        durable.collection.restore(loser)
    assert len(history.batches(None, 10).items[1].images) == 3
    for picked in ([], [other], [*pictures, "nobody"]):
        with pytest.raises(RequestError, match="only of this batch"):
            history.pick_winners("a", picked)
    with pytest.raises(NotFound):
        history.pick_winners("nobody", pictures)
    assert len(durable.collection.gallery.page(Filter(), None, 10).items) == 4


# --- making again -----------------------------------------------------------------------------
