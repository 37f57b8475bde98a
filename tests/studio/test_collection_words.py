"""Search in scripts without spaces: any part of a run of letters, however the text is put."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import text

from studio import database as database_module
from studio.collection import words
from studio.collection.queries import Filter
from studio.database import Database
from studio.records import Sort
from tests.studio.fixtures import Durable, open_durable, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def found(durable: Durable, query: str) -> set[str]:
    return {record.id for record in durable.collection.gallery.page(Filter(query=query), None, 100).items}


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("赤い猫の肖像", ["赤い猫の肖像", "赤い", "肖像", "猫の肖", "像", "の", "猫"]),
        ("한국어초상화", ["한국어", "초상화", "상화", "화", "어초"]),
        ("เด็กผู้หญิง", ["เด็ก", "ผู้หญิง", "หญิง", "ญิ"]),
        ("红发女骑士 with SDXL光", ["骑士", "女骑", "士", "sdxl", "SDX", "sdxl光", "光 红发", "with 骑士"]),
        ("ສະບາຍດີ", ["ບາຍ", "ດີ"]),
        ("ကလေးမ", ["လေး"]),
        ("ក្មេងស្រី", ["ស្រី"]),
        ("ｶﾅのポートレート", ["カナ", "ポート", "レート"]),
        ("\uff26\uff35\uff2c\uff2c\u3000width", ["full", "width"]),
        ("हिन्दी चित्र", ["हिन्दी", "हिन्", "चित्र"]),
        ("café Ünïcode", ["cafe", "unicode", "ünï"]),
    ],
)
def test_any_part_of_a_run_is_found(durable: Durable, label: str, parts: list[str]) -> None:
    upload(durable, 9, filename="another.png")
    upload(durable, 8, filename="赤猫い骑女红士画상초인物.png")  # the same signs in another order
    record = upload(durable, filename=f"{label}.png")
    for part in parts:
        for typed in (part, unicodedata.normalize("NFD", part)):
            assert record.id in found(durable, typed), typed
            assert len(found(durable, typed)) == 1 or len(part) == 1, typed


@pytest.mark.parametrize("query", ["猫像", "肖の", "赤い猫の肖像画", "초상화가", "像 犬", "ลหญ"])
def test_signs_that_do_not_stand_together_are_not_found(durable: Durable, query: str) -> None:
    for label in ("赤い猫の肖像", "한국어초상화", "เด็กผู้หญิง"):
        upload(durable, hash(label) % 1000, filename=f"{label}.png")
    assert found(durable, query) == set()


def test_prompts_names_and_tags_are_searched_alike(durable: Durable) -> None:
    made = save(durable, prompt="水彩画、古い城の前の騎士")
    named = upload(durable, 1)
    durable.collection.update(named.id, name="青い髪の少女", tags=("横顔と光",))
    assert found(durable, "城の前") == {made.id}
    assert found(durable, "騎") == {made.id}
    assert found(durable, "髪の少") == {named.id}
    assert found(durable, "顔") == {named.id}
    durable.collection.update(named.id, tags=())
    assert found(durable, "顔") == set()


def test_a_name_in_parts_is_found_by_the_whole(durable: Durable) -> None:
    record = upload(durable, filename=unicodedata.normalize("NFD", "바다 한국어초상화 がぎ.png"))
    for query in ("초상화", "바", "がぎ"):
        assert found(durable, query) == {record.id}


def test_a_page_of_hits_goes_on_where_it_ended(durable: Durable) -> None:
    made = [upload(durable, seed, filename=f"{seed}猫の絵.png").id for seed in range(5)][::-1]
    first = durable.collection.gallery.page(Filter(query="の絵"), None, 3)
    rest = durable.collection.gallery.page(Filter(query="の絵"), first.next, 3)
    assert [record.id for record in (*first.items, *rest.items)] == made
    by_name = durable.collection.gallery.page(Filter(query="猫"), None, 9, Sort.NAME)
    assert len(by_name.items) == 5


@pytest.mark.parametrize("query", ["་", "์", "・", "ー", "\u3099", "々", "猫\0犬", "“猫”", "猫*", "-猫"])
def test_whatever_is_typed_is_text(durable: Durable, query: str) -> None:
    upload(durable, filename="猫.png")
    durable.collection.gallery.page(Filter(query=query), None, 10)


@pytest.mark.parametrize("signs", ["🧝", "✨", "%", "_", '"', "♥"])
def test_signs_alone_are_found_in_names_and_tags(durable: Durable, signs: str) -> None:
    by_file = upload(durable, 1, filename=f"a{signs}.png")
    named, tagged, other = upload(durable, 2), upload(durable, 3), upload(durable, 4)
    durable.collection.update(named.id, name=f"Mira {signs}")
    durable.collection.update(tagged.id, tags=(f"fairy {signs}",))
    found = durable.collection.gallery.page(Filter(query=signs), None, 10).items
    assert {record.id for record in found} == {by_file.id, named.id, tagged.id}
    assert other.id not in {record.id for record in found}


def test_what_is_searched_for_is_a_word_for_the_index() -> None:
    assert words.match("red 赤い猫 x_y") == '"red"* "赤い い猫" "x"* "y"*'
    assert words.match("猫") == 'signs : "猫"'
    assert words.match(" ! 🌙") is None
    assert words.indexed("plain text") == "plain text"


def test_pictures_from_before_are_found_after_the_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "likeness.db"
    monkeypatch.setattr(database_module, "SCHEMA", "0004")
    before = Database(path)
    with before.transaction() as session:
        session.execute(
            text(
                "INSERT INTO image_search (rowid, prompt, label, name, tags) "
                "VALUES (:n, :prompt, :label, '', '')"
            ),
            [{"n": n, "prompt": f"赤い猫 {n}", "label": f"p{n}"} for n in range(-1, 2500)],
        )
    before.close()
    monkeypatch.undo()
    after = Database(path)
    with after.reading() as session:
        hits = "SELECT count(*) FROM image_search WHERE image_search MATCH :match"
        for query, count in (("い猫", 2501), ("猫", 2501), ("p2499", 1), ("赤猫", 0)):
            assert session.scalar(text(hits), {"match": words.match(query)}) == count
        assert session.scalar(text("SELECT count(*) FROM sqlite_master WHERE name LIKE '%_before%'")) == 0
    after.close()
