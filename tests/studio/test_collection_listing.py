"""Listings: newest first, stable pages while pictures come in, filters, and search as people type it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from pipelines.errors import RequestError
from pipelines.request import Mode
from studio.collection import listings
from studio.collection.models import ImageRow, JobRow
from studio.collection.queries import Filter
from studio.records import Category, Sort
from tests.studio.fixtures import Durable, open_durable, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def ids(durable: Durable, **wanted: object) -> list[str]:
    page = durable.collection.gallery.page(Filter(**wanted), None, 100)  # pyright: ignore[reportArgumentType]
    return [record.id for record in page.items]


def all_pages(durable: Durable, limit: int) -> Generator[list[str]]:
    cursor = None
    while True:
        page = durable.collection.gallery.page(Filter(), cursor, limit)
        yield [record.id for record in page.items]
        cursor = page.next
        if cursor is None:
            return


def test_newest_first_in_pages(durable: Durable) -> None:
    made = [upload(durable, seed).id for seed in range(7)][::-1]
    assert list(all_pages(durable, 3)) == [made[:3], made[3:6], made[6:]]
    assert list(all_pages(durable, 7)) == [made]
    assert list(all_pages(durable, 1000)) == [made]


def test_pages_neither_skip_nor_repeat_while_pictures_come_and_go(durable: Durable) -> None:
    made = [upload(durable, seed).id for seed in range(9)][::-1]
    seen: list[str] = []
    for number, page in enumerate(all_pages(durable, 2)):
        seen += page
        upload(durable, 100 + number)
        durable.collection.trash(page[0])
    assert seen == made


def test_pictures_of_the_same_moment_are_all_listed(durable: Durable) -> None:
    made = {upload(durable, seed).id for seed in range(7)}
    with durable.database.transaction() as session:
        session.execute(update(ImageRow).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    listed = [image_id for page in all_pages(durable, 2) for image_id in page]
    assert sorted(listed) == sorted(made)


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "äöü", "MjAyNi0xMS0yMg==", "////", "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCB4"]
)
def test_a_bad_cursor_is_refused(durable: Durable, cursor: str) -> None:
    with pytest.raises(RequestError) as refused:
        durable.collection.gallery.page(Filter(), cursor, 10)
    assert refused.value.field == "cursor"


def test_filters(durable: Durable) -> None:
    a = upload(durable)
    b = save(durable, a, job_id="b")
    c = save(durable, job_id="c", model="plain")
    durable.collection.update(a.id, starred=True)
    assert ids(durable) == [c.id, b.id, a.id]
    assert ids(durable, category=Category.UPLOAD) == [a.id]
    assert ids(durable, category=Category.EDITED) == [b.id]
    assert ids(durable, model="plain") == [c.id]
    assert ids(durable, starred=True) == [a.id]
    assert ids(durable, starred=False) == [c.id, b.id]
    assert ids(durable, starred=True, category=Category.EDITED) == []


def test_listed_records_are_whole(durable: Durable) -> None:
    a = upload(durable)
    b = save(durable, a)
    durable.collection.update(a.id, tags=("x",))
    page = durable.collection.gallery.page(Filter(), None, 10)
    assert page.items == (durable.collection.get(b.id), durable.collection.get(a.id))
    assert page.items[1].children == (b.id,)
    assert page.items[1].tags == ("x",)


def test_search_looks_at_prompt_label_name_and_tags(durable: Durable) -> None:
    portrait = upload(durable, filename="Grandmother_1987.png")
    made = save(durable, prompt="oil painting of a café in Zürich")
    durable.collection.update(portrait.id, name="Nonna Ana", tags=("red hair", "studio light"))
    for query in ("grandmother", "1987", "nonna", "NONNA ana", "red", "studio hair", "grandm"):
        assert ids(durable, query=query) == [portrait.id], query
    for query in ("cafe", "CAFÉ", "zurich oil", "Tiny", "pain"):
        assert ids(durable, query=query) == [made.id], query
    assert ids(durable, query="nonna cafe") == []
    durable.collection.update(portrait.id, name="", tags=())
    assert ids(durable, query="nonna") == []


@pytest.mark.parametrize("query", ["", "   "])
def test_an_empty_search_is_no_search(durable: Durable, query: str) -> None:
    record = upload(durable)
    assert ids(durable, query=query) == [record.id]


@pytest.mark.parametrize(
    "query",
    ['"', "'", '"red', "red*", "re* OR", "NOT red", "red AND (", "name:red", "-red", "^red", "red NEAR hair",
     "*", "(", ")", "{", "col : x", "'; DROP TABLE images; --", "\\", "%", "_", "a" * 5000, "\0", "😀"],
)  # fmt: skip
def test_whatever_is_typed_is_text(durable: Durable, query: str) -> None:
    upload(durable)
    durable.collection.gallery.page(Filter(query=query), None, 10)
    assert len(ids(durable)) == 1


def test_operators_are_words_like_others(durable: Durable) -> None:
    record = save(durable, prompt='"red" hair, not blue (near the sea)')
    for query in ('"red"', "red NOT", "(near", "hair, red!", "NEAR sea"):
        assert ids(durable, query=query) == [record.id], query
    assert ids(durable, query="red NOT green") == []


def test_signs_are_searched_for_as_they_are(durable: Durable) -> None:
    record = upload(durable, filename="moon 🌙 100%.png")
    upload(durable, 1, filename="sun.png")
    assert ids(durable, query="🌙") == [record.id]
    assert ids(durable, query="%") == [record.id]
    assert ids(durable, query="_") == []


@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        (Filter(), Sort.NEWEST, "ix_images_live"),
        (Filter(), Sort.OLDEST, "ix_images_live"),
        (Filter(), Sort.NAME, "ix_images_live_name"),
        (Filter(), Sort.SIZE, "ix_images_live_size"),
        (Filter(category=Category.UPLOAD), Sort.NEWEST, "ix_images_live_category"),
        (Filter(model="tiny", has_references=True), Sort.NEWEST, "ix_images_live_model"),
        (Filter(mode=Mode.IMG2IMG), Sort.OLDEST, "ix_images_live_mode"),
        (Filter(starred=True, category=Category.UPLOAD), Sort.NEWEST, "ix_images_live_starred"),
        (Filter(starred=False), Sort.SIZE, "ix_images_live_size"),
        (Filter(query="red"), Sort.NEWEST, "PRIMARY KEY"),
        (Filter(query="red", model="tiny"), Sort.OLDEST, "PRIMARY KEY"),
        (Filter(trashed=True), Sort.NEWEST, "ix_images_trash"),
    ],
)
def test_pictures_are_chosen_on_an_index_in_order(
    durable: Durable, wanted: Filter, sort: Sort, index: str
) -> None:
    upload(durable)
    with durable.database.reading() as session:
        listing = listings._chosen(session, wanted, sort).limit(60)
        statement = listing.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = session.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all()
    lines = [line[-1] for line in plan]
    assert any(f"{index} " in f"{line} " for line in lines), lines
    assert not any("TEMP B-TREE" in line for line in lines), lines


def test_tags_of_the_trash_are_not_counted_however_they_are_spelt(durable: Durable) -> None:
    made = [upload(durable, seed).id for seed in range(4)]
    for image_id, tags in zip(made, (("hero", "É"), ("Hero", "é"), ("HERO",), ("gone",)), strict=True):
        durable.collection.update(image_id, tags=tags)
    for image_id in made[1:]:
        durable.collection.trash(image_id)
    counts = durable.collection.gallery.facets().tag
    assert {tag.lower() if tag.isascii() else tag: count for tag, count in counts.items()} == {
        "hero": 1,
        "É": 1,
    }


def test_cost_is_the_median_of_the_last_done_jobs(durable: Durable) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def job(number: int, model: str, status: str, seconds: float | None, memory: int | None = None) -> JobRow:
        return JobRow(
            id=f"{number}", status=status, request={}, model=model, mode="img2img", seconds=seconds,
            memory_mb=memory, created_at=start + timedelta(seconds=number),
        )  # fmt: skip

    jobs = [job(n, "tiny", "done", 100.0, 9000) for n in range(30)]
    jobs += [job(30 + n, "tiny", "done", float(n), 500 + n) for n in range(20)]
    jobs += [job(50, "tiny", "failed", 1000.0), job(51, "plain", "done", None), job(52, "away", "done", 4.0)]
    with durable.database.transaction() as session:
        session.add_all(jobs)
    costs = durable.collection.costs()
    assert set(costs) == {"tiny", "away"}
    assert (costs["tiny"].seconds, costs["tiny"].vram_mb) == (9.5, 519)
    assert (costs["away"].seconds, costs["away"].vram_mb) == (4.0, None)
