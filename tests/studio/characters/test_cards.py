"""Character cards in all their files: what is edited here goes out, what is not known here stays."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import PictureRefused
from studio.characters import characters, kept_cards, transfer
from studio.characters.records import BlueprintDraft, BlueprintField, FieldName, FreeField
from studio.collection import store
from studio.collection.character_models import CharacterRow
from studio.service import StudioService
from tests.studio.characters.conftest import Cast
from tests.studio.crashes import Crash, crash_at
from tests.studio.fixtures import encoded, noise, picture

DATA = {
    "name": "Ina",
    "description": "tall, grey coat",
    "personality": "shy",
    "scenario": "a harbour",
    "first_mes": "Hi",
    "extensions": {"risuai": {"emotions": [["happy", "__asset:0"]]}},
    "assets": [
        {"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"},
        {"type": "emotion", "uri": "__asset:0", "name": "happy", "ext": "png"},
        {"type": "background", "uri": "__asset:9", "name": "nowhere", "ext": "png"},
    ],
}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def third(data: dict[str, Any]) -> dict[str, Any]:
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}


def card_png(data: dict[str, Any], **assets: bytes) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("ccv3", b64(json.dumps(third(data)).encode()))
    for path, content in assets.items():
        chunks.add_text(f"chara-ext-asset_:{path.removeprefix('_')}", b64(content))
    return encoded(noise(5, 40, 60), pnginfo=chunks)


def charx(card: dict[str, Any] | bytes, files: dict[str, bytes] | None = None, **how: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **how) as made:
        made.writestr("card.json", card if isinstance(card, bytes) else json.dumps(card))
        for name, content in (files or {}).items():
            made.writestr(name, content)
    return buffer.getvalue()


def take(studio: Cast, data: bytes, name: str = "ina.png") -> str:
    return studio.characters.transfer.import_file(io.BytesIO(data), name).character.id


def notes(studio: Cast, data: bytes, name: str = "ina.png") -> str:
    return " ".join(studio.characters.transfer.import_file(io.BytesIO(data), name).notes)


def refusal(studio: Cast, data: bytes, name: str) -> str:
    with pytest.raises(PictureRefused) as refused:
        take(studio, data, name)
    assert studio.characters.list() == ()
    return refused.value.detail


def texts(png: bytes) -> dict[str, bytes]:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return {str(key): base64.b64decode(text) for key, text in image.info.items() if isinstance(text, str)}


def exported(studio: Cast, character_id: str, key: str = "ccv3") -> dict[str, Any]:
    return json.loads(texts(studio.characters.transfer.card(character_id))[key])["data"]


def edit(studio: Cast, character_id: str, script: str, **more: Any) -> None:
    revision = studio.characters.blueprint(character_id).revision
    draft = BlueprintDraft(revision=revision, script=script, **more)
    studio.characters.save_blueprint(character_id, draft)


# --- what goes out ------------------------------------------------------------------------------


def test_an_untouched_card_goes_out_as_it_came(studio: Cast) -> None:
    back = exported(studio, take(studio, card_png(DATA, _0=b"smile")))
    assert {key: back[key] for key in ("name", "description", "personality", "scenario", "first_mes")} == {
        key: DATA[key] for key in ("name", "description", "personality", "scenario", "first_mes")
    }


@pytest.mark.parametrize("key", ["ccv3", "chara"])
def test_what_is_edited_here_is_what_others_read(studio: Cast, key: str) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile"))
    studio.characters.change(ina, name="Ina Grey")
    edit(studio, ina, "short, red coat\n\nshy\n\na forest")
    back = exported(studio, ina, key)
    assert back["name"] == "Ina Grey"
    assert back["description"] == "short, red coat\n\na forest"
    assert back["personality"] == "shy"  # it still stands there as it came
    assert back["scenario"] == ""  # it was edited: the old harbour must not come back
    assert back["first_mes"] == "Hi"


def test_fields_are_told_where_the_texts_do_not(studio: Cast) -> None:
    ina = take(studio, card_png(DATA))
    fields = {
        FieldName.HAIR: BlueprintField(value="black"),
        FieldName.OUTFIT: BlueprintField(value="grey coat"),
    }
    edit(studio, ina, "tall, grey coat", fields=fields, free=(FreeField(name="scar", value="left."),))
    assert exported(studio, ina)["description"] == "tall, grey coat\n\nHair: black. Scar: left."
    again = studio.characters.get(take(studio, studio.characters.transfer.card(ina)))
    assert again.blueprint.script == "tall, grey coat"
    assert again.blueprint.fields[FieldName.HAIR].value == "black"


def test_an_edit_of_another_program_is_not_overwritten_by_ours(studio: Cast) -> None:
    ina = take(studio, card_png(DATA))
    edit(studio, ina, "short", fields={FieldName.HAIR: BlueprintField(value="black")})
    out = exported(studio, ina)
    edited = {**out, "description": out["description"].replace("short", "very tall")}
    back = studio.characters.transfer.import_file(io.BytesIO(card_png(edited)), "ina.png")
    assert back.character.blueprint.script == "very tall"
    assert back.character.blueprint.fields[FieldName.HAIR].value == "black"
    assert "another program" in back.notes[0]


def test_a_character_of_an_earlier_version_still_carries_its_card(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    with studio.database.transaction() as session:
        row = session.get_one(CharacterRow, mara.id)
        row.card = {"description": "old", "first_mes": "Ahoy", "deep": json.loads("[" * 900 + "]" * 900)}
    edit(studio, mara.id, "new")
    back = exported(studio, mara.id)
    assert (back["description"], back["first_mes"]) == ("new", "Ahoy")
    assert (
        studio.characters.get(take(studio, b"".join(studio.characters.transfer.zipped(mara.id)))).name
        == "Mara"
    )


def test_fields_of_both_versions_have_their_types(studio: Cast) -> None:
    strange = {"name": "x", "description": "y", "character_version": 1.5, "tags": "elf", "extensions": []}
    ina = take(studio, card_png({**strange, "alternate_greetings": None, "modification_date": 5}))
    for key in ("ccv3", "chara"):
        said = exported(studio, ina, key)
        assert said["character_version"] == "1.5"
        assert said["tags"] == ["elf"]
        assert said["alternate_greetings"] == []
        assert isinstance(said["extensions"], dict)
    assert exported(studio, ina)["modification_date"] > 1_700_000_000
    assert "modification_date" not in exported(studio, ina, "chara")
    assert "version 3" in exported(studio, ina, "chara")["creator_notes"]


# --- the files a card brings --------------------------------------------------------------------


def test_assets_of_a_png_go_out_with_it(studio: Cast) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile", other=b"for an extension"))
    found = texts(studio.characters.transfer.card(ina))
    assert found["chara-ext-asset_:0"] == b"smile"
    assert found["chara-ext-asset_:other"] == b"for an extension"
    said = json.loads(found["ccv3"])["data"]
    assert [each["uri"] for each in said["assets"]] == [
        "ccdefault:",
        "__asset:0",
    ]  # no entry points at nothing
    assert said["extensions"]["risuai"] == {"emotions": [["happy", "__asset:0"]]}


def test_assets_survive_a_zip_and_a_twin(studio: Cast) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile"))
    again = take(studio, b"".join(studio.characters.transfer.zipped(ina)), "ina.zip")
    twin = studio.characters.duplicate(ina).id
    for one in (again, twin):
        found = texts(studio.characters.transfer.card(one))
        assert found["chara-ext-asset_:0"] == b"smile"
        assert json.loads(found["ccv3"])["data"]["first_mes"] == "Hi"


def test_a_charx_brings_its_icon_and_its_files(studio: Cast) -> None:
    data = {
        **DATA,
        "assets": [
            {
                "type": "emotion",
                "uri": "embeded://assets/emotion/images/happy.png",
                "name": "happy",
                "ext": "png",
            },
            {"type": "icon", "uri": "embeded://assets/icon/images/1.png", "name": "main", "ext": "png"},
        ],
    }
    files = {"assets/emotion/images/happy.png": b"smile", "assets/icon/images/1.png": picture(7, width=30)}
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        ina = take(studio, charx(third(data), files, compression=how), "ina.charx")
        made = studio.characters.get(ina)
        assert made.portrait is not None
        assert made.portrait.width == 30
    found = texts(studio.characters.transfer.card(ina))
    said = json.loads(found["ccv3"])["data"]
    assert said["assets"][0]["uri"] == "ccdefault:"
    assert said["assets"][1]["uri"] == "__asset:0"
    assert found["chara-ext-asset_:0"] == b"smile"
    assert "chara-ext-asset_:1" not in found  # the picture itself is the icon


def test_a_charx_goes_out_and_comes_back(studio: Cast) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile"))
    edit(studio, ina, "short")
    data = b"".join(studio.characters.transfer.charx(ina))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        said = json.loads(archive.read("card.json"))
        assert (said["spec"], said["spec_version"]) == ("chara_card_v3", "3.0")
        uris = [each["uri"].removeprefix("embeded://") for each in said["data"]["assets"]]
        assert uris[0] == "assets/icon/images/main.png"
        assert archive.read(uris[1]) == b"smile"
        assert set(archive.namelist()) == {"card.json", *uris}
    again = studio.characters.get(take(studio, data, "ina.charx"))
    assert (again.name, again.blueprint.script, again.versions) == ("Ina", "short", 1)


def test_paths_that_lead_out_of_a_charx_are_not_written_again(studio: Cast) -> None:
    data = {**DATA, "assets": [{"type": "x", "uri": "embeded://../../evil.sh", "name": "x", "ext": "sh"}]}
    ina = take(studio, charx(third(data), {"../../evil.sh": b"#!"}), "ina.charx")
    with zipfile.ZipFile(io.BytesIO(b"".join(studio.characters.transfer.charx(ina)))) as archive:
        assert sorted(archive.namelist()) == ["assets/other/other/0.sh", "card.json"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_json_card_is_a_character_without_a_picture(studio: Cast, wrapped: bool) -> None:
    said = third(DATA) if wrapped else DATA
    for text in (
        json.dumps(said).encode(),
        b"\xef\xbb\xbf" + json.dumps(said).encode(),
        json.dumps(said).encode("utf-8"),
    ):
        made = studio.characters.transfer.import_file(io.BytesIO(text), "ina.json")
        assert (made.character.name, made.character.versions) == ("Ina", 0)
        assert "no picture" in made.notes[0]


def test_a_json_card_may_bring_its_icon(studio: Cast) -> None:
    uri = f"data:image/png;base64,{b64(picture(3, width=24))}"
    data = {**DATA, "assets": [{"type": "icon", "uri": uri, "name": "main", "ext": "png"}]}
    made = studio.characters.get(take(studio, json.dumps(third(data)).encode(), "ina.json"))
    assert made.portrait is not None
    assert made.portrait.width == 24


# --- sizes and faults ---------------------------------------------------------------------------


def lore(megabytes: float) -> dict[str, Any]:
    entries = [{"keys": ["k"], "content": "c" * 1000, "enabled": True}] * int(megabytes * 1000)
    return {**DATA, "character_book": {"entries": entries}}


def test_a_large_lore_book_is_taken_and_given_back(studio: Cast) -> None:
    ina = take(studio, card_png(lore(5)))
    assert len(exported(studio, ina)["character_book"]["entries"]) == 5000
    again = take(studio, b"".join(studio.characters.transfer.zipped(ina)), "ina.zip")
    assert len(exported(studio, again)["character_book"]["entries"]) == 5000
    rows = (studio.settings.data_dir / "characters.jsonl").stat().st_size
    assert rows < 1_000_000  # the journal has a line per change; the book is in none of them


def test_a_card_too_long_is_told_its_size_and_the_limit(studio: Cast) -> None:
    said = json.dumps(third(lore(17))).encode()
    for data, name in ((card_png(lore(17)), "ina.png"), (said, "ina.json"), (charx(said), "ina.charx")):
        words = refusal(studio, data, name)
        assert "16 MB" in words


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b'{"a": ', "x.json", "no JSON"),
        (b'{"a": 1}', "x.json", "names nobody"),
        (b'{"a":' + b"[" * 100_000, "x.json", "too deep"),
        (b"[1]", "x.json", "PNG, JSON or CHARX"),
        (charx({"name": "x"}), "x.charx", "names nobody"),
        (picture(1), "x.png", "This PNG is no character card"),
        (encoded(noise(1, 9, 9), "JPEG"), "x.jpg", "PNG, JSON or CHARX"),
    ],
)
def test_refusals_are_true(studio: Cast, data: bytes, name: str, words: str) -> None:
    assert words in refusal(studio, data, name)


def test_a_zip_of_something_else_is_called_that(studio: Cast) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("readme.txt", "hello")
    assert "neither character.json" in refusal(studio, buffer.getvalue(), "x.zip")


def test_a_damaged_newer_card_says_that_the_older_was_read(studio: Cast) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("ccv3", b64(b"{nothing"))
    chunks.add_text("chara", b64(json.dumps({"data": DATA}).encode()))
    assert "older copy" in notes(studio, encoded(noise(5, 40, 60), pnginfo=chunks))


def test_halves_of_signs_and_deep_nests_do_no_harm(studio: Cast) -> None:
    text = json.dumps(third({**DATA, "description": "D\ud800", "n\udc00": ["\udfff"], "x": float("inf")}))
    deep = text[:-2] + ', "deep": ' + "[" * 900 + "]" * 900 + "}}"
    for data, name in ((deep.encode(), "ina.json"), (charx(deep.encode()), "ina.charx")):
        said = studio.characters.transfer.import_file(io.BytesIO(data), name)
        assert said.character.blueprint.script.startswith("D\ufffd")
        assert "64 levels" in said.notes[0]
        said.model_dump_json().encode()
        assert b"".join(studio.characters.transfer.zipped(said.character.id)).endswith(b"\0\0")
        assert b"".join(studio.characters.transfer.charx(said.character.id))


def test_a_card_of_a_later_format_is_read_and_told(studio: Cast) -> None:
    said = {**third(DATA), "spec_version": "3.5", "data": {**DATA, "new": {"a": 1}}}
    made = studio.characters.transfer.import_file(io.BytesIO(json.dumps(said).encode()), "ina.json")
    assert "3.5" in made.notes[0]


def test_a_card_whose_format_has_no_end_of_digits_is_read(studio: Cast) -> None:
    said = {**third(DATA), "spec_version": 10**400}
    made = studio.characters.transfer.import_file(io.BytesIO(json.dumps(said).encode()), "ina.json")
    assert made.character.name == DATA["name"]


# --- zips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["character.json", "card.json"])
def test_methods_that_unpack_without_bound_are_refused_unread(studio: Cast, method: int, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr(name, json.dumps(DATA))
    assert "plain zip" in refusal(studio, buffer.getvalue(), "x.zip")


def test_a_zip_that_swells_too_far_is_refused(studio: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.zips._FREE_BYTES", 2**20)
    files = {f"assets/{number}": bytes(2**19) for number in range(4)}
    data = charx(third(DATA), files, compression=zipfile.ZIP_DEFLATED)
    assert "Too much comes out" in refusal(studio, data, "ina.charx")


def test_a_part_larger_than_it_says_is_refused(studio: Cast) -> None:
    data = charx(third(DATA), {"a": bytes(2**20)}, compression=zipfile.ZIP_DEFLATED)
    at = data.rindex(b"PK\1\2")
    lying = data[: at + 24] + struct.pack("<I", 10) + data[at + 28 :]
    assert "damaged" in refusal(studio, lying, "ina.charx")


def test_a_directory_too_long_is_refused_before_it_is_read(studio: Cast) -> None:
    data = charx(third(DATA))
    at = data.rindex(b"PK\5\6")
    lying = data[: at + 12] + struct.pack("<I", 2**31) + data[at + 16 :]
    assert "damaged" in refusal(studio, lying, "ina.charx")


def test_a_locked_zip_says_so(studio: Cast) -> None:
    data = bytearray(charx(third(DATA)))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + at] |= 1
    assert "password" in refusal(studio, bytes(data), "ina.charx")


def test_many_packed_texts_are_not_all_unpacked() -> None:
    from studio.collection.metadata.texts import MAX_ALL_BYTES, MAX_TEXT_BYTES, read_texts

    body = b"a%d\0\0" + zlib.compress(bytes(MAX_TEXT_BYTES - 1), 9)
    packed = zlib.decompressobj
    calls: list[int] = []

    def chunk(number: int) -> bytes:
        text = body.replace(b"%d", b"%d" % number, 1)
        return struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))

    png = b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, range(300)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zlib, "decompressobj", lambda: calls.append(1) or packed())
        found = read_texts(png)
    assert len(calls) <= MAX_ALL_BYTES // MAX_TEXT_BYTES + 1
    assert found.faults


def card_parts(studio: Cast) -> set[str]:
    folder = studio.settings.cards_dir
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_what_a_card_brought_goes_with_the_last_character_that_needs_it(studio: Cast) -> None:
    first = take(studio, card_png(DATA, _0=b"smile"))
    twin = studio.characters.duplicate(first).id
    other = take(studio, card_png({**DATA, "first_mes": "Ahoy"}, _0=b"smile"))
    kept = card_parts(studio)
    studio.characters.delete(first)
    assert card_parts(studio) == kept
    studio.characters.delete(other)
    assert card_parts(studio) < kept
    assert exported(studio, twin)["first_mes"] == "Hi"
    studio.characters.delete(twin)
    assert card_parts(studio) == set()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_json_is_read_in_every_unicode(studio: Cast, encoding: str) -> None:
    sent = json.dumps(third(DATA)).encode(encoding)
    assert studio.characters.get(take(studio, sent, "ina.json")).name == "Ina"


def test_a_charx_behind_a_jpeg_is_read(studio: Cast) -> None:
    sent = encoded(noise(1), "JPEG") + charx(third(DATA), {"assets/a.bin": b"kept"})
    ina = take(studio, sent, "ina.jpg")
    with zipfile.ZipFile(io.BytesIO(b"".join(studio.characters.transfer.charx(ina)))) as card:
        assert json.loads(card.read("card.json"))["data"]["name"] == "Ina"
    with pytest.raises(PictureRefused, match="no character card"):
        take(studio, encoded(noise(2), "JPEG"), "plain.jpg")


@pytest.mark.parametrize("spaces", range(3))
def test_base64_without_its_end_is_read(studio: Cast, spaces: int) -> None:
    text = b64(json.dumps(third(DATA)).encode() + b" " * spaces).rstrip("=")
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("ccv3", text)
    assert studio.characters.get(take(studio, encoded(noise(5, 40, 60), pnginfo=chunks))).name == "Ina"


def started(studio: Cast) -> None:
    """The next start, as far as characters go."""
    StudioService(load_catalog(studio.settings.models), studio.collection, studio.queue)


@pytest.mark.parametrize("moves", [1, 2])
def test_a_crash_amid_an_import_leaves_nothing_of_its_card(
    studio: Cast, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile"))
    before, left, move = card_parts(studio), [moves], store._move_durably

    def move_and_crash(temp: Path, target: Path) -> None:
        move(temp, target)
        left[0] -= target.is_relative_to(studio.settings.cards_dir)
        if not left[0]:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(store, "_move_durably", move_and_crash)
        patch.setattr(kept_cards, "settle", lambda *_: None)  # whoever is dead settles nothing
        with pytest.raises(Crash):
            take(studio, card_png({**DATA, "first_mes": "Ahoy"}, _0=b"smile", _1=b"frown"))
    assert card_parts(studio) > before
    started(studio)
    assert card_parts(studio) == before
    assert exported(studio, ina)["first_mes"] == "Hi"


def test_a_crash_amid_a_deletion_leaves_nothing_of_its_card(
    studio: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile"))
    strange = studio.settings.cards_dir / "ab" / "somebody's.txt"
    strange.parent.mkdir(exist_ok=True)
    strange.touch()
    with crash_at(monkeypatch, kept_cards, "settle"):
        studio.characters.delete(ina)
    started(studio)
    assert card_parts(studio) == {strange.name}


def test_an_import_or_a_deletion_that_fails_leaves_the_cards_as_they_were(
    studio: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    ina = take(studio, card_png(DATA, _0=b"smile"))
    before = card_parts(studio)
    with crash_at(monkeypatch, transfer, "_named"):
        take(studio, card_png({**DATA, "first_mes": "Ahoy"}, _1=b"frown"))
    assert card_parts(studio) == before
    with crash_at(monkeypatch, characters, "delete"):
        studio.characters.delete(ina)
    started(studio)
    assert card_parts(studio) == before


def test_a_row_that_names_other_files_deletes_nothing_outside(studio: Cast, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.touch()
    ina = take(studio, card_png(DATA))
    with studio.database.transaction() as session:
        row = session.get_one(CharacterRow, ina)
        row.card = {"rest": str(precious), "assets": {"a": "../../precious.txt"}}
    studio.characters.delete(ina)
    assert precious.exists()
