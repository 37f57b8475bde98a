"""Characters as files, and files from anywhere."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from pipelines.errors import NotFound, PictureRefused
from studio.characters import cards
from studio.characters.records import BlueprintDraft, BlueprintField, Crop, FieldName, FreeField
from studio.collection.queries import Filter
from tests.studio.characters.conftest import Cast
from tests.studio.fixtures import encoded, noise, picture

DRAFT = BlueprintDraft(
    revision=0,
    fields={FieldName.HAIR: BlueprintField(value="red", locked=True)},
    free=(FreeField(name="scar", value="left"),),
    script="Mara is a sailor.",
)


def png(**texts: str) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    return encoded(noise(5, 40, 60), pnginfo=chunks)


def packed(said: Any) -> str:
    return base64.b64encode(json.dumps(said).encode()).decode()


def texts(data: bytes, key: str) -> dict[str, Any]:
    with Image.open(io.BytesIO(data)) as image:
        return json.loads(base64.b64decode(image.info[key]))


def complete(studio: Cast) -> str:
    mara = studio.character("Mara", 1, 2, 3)
    three, two, _ = studio.characters.versions.list(mara.id).items
    studio.characters.change(mara.id, description="a sailor")
    studio.characters.save_blueprint(mara.id, DRAFT)
    studio.characters.versions.use(mara.id, two.id)
    studio.characters.avatars.set(mara.id, three.id, Crop(x=2, y=3, width=20, height=20, aspect="1:1"))
    for image_id in (three.image_id, studio.upload(9).id):
        studio.characters.references.add(mara.id, image_id)
    studio.characters.references.set_anchor(mara.id, image_id)
    return mara.id


def comparable(studio: Cast, character_id: str) -> Any:
    one = studio.characters.get(character_id)
    versions = studio.characters.versions.list(character_id)
    return (
        one.name,
        one.description,
        one.blueprint.fields,
        one.blueprint.free,
        one.blueprint.script,
        one.avatar and (one.avatar.image_id, one.avatar.crop),
        one.portrait and one.portrait.image_id,
        [v.image_id for v in versions.items],
        [(r.image_id, r.anchor) for r in studio.characters.references.get(character_id, measure=False).items],
    )


def imported(studio: Cast, data: bytes, name: str = "mara.zip") -> str:
    return studio.characters.transfer.import_file(io.BytesIO(data), name).character.id


def test_a_zip_brings_everything_back(studio: Cast) -> None:
    mara = complete(studio)
    data = b"".join(studio.characters.transfer.zipped(mara))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 5
        assert json.loads(archive.read("character.json"))["name"] == "Mara"
    before = comparable(studio, mara)
    assert comparable(studio, imported(studio, data)) == before
    assert studio.characters.transfer.file_name(mara, "zip") == "Mara.zip"


@pytest.mark.parametrize("how", ["a bit", "cut", "gone"])
def test_a_damaged_picture_is_told_before_anything_is_sent(studio: Cast, how: str) -> None:
    mara = complete(studio)
    portrait = studio.characters.get(mara).portrait
    assert portrait is not None
    path, _ = studio.collection.file(portrait.image_id)
    data = path.read_bytes()
    path.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:] if how == "a bit" else data[:50])
    if how == "gone":
        path.unlink()
    for send in (studio.characters.transfer.zipped, studio.characters.transfer.charx):
        with pytest.raises(NotFound, match="A picture of Mara is missing or damaged"):
            send(mara)


def test_what_a_card_brought_and_was_damaged_is_left_out_or_told(studio: Cast) -> None:
    said = {"name": "Wren", "description": "a thief", "odd": {"x": 1}}
    wren = imported(studio, png(chara=packed({"spec": "chara_card_v2", "data": said})), "wren.png")
    for part in studio.settings.cards_dir.rglob("*"):
        if part.is_file():
            part.write_bytes(bytes(part.stat().st_size))
    with pytest.raises(NotFound, match="missing or damaged: it holds what the character's card said"):
        studio.characters.transfer.card(wren)


def test_no_download_has_a_name_that_windows_keeps_for_itself(studio: Cast) -> None:
    con = studio.characters.create(name="Con").id
    assert studio.characters.transfer.file_name(con, "zip") == "_Con.zip"


def test_a_download_is_called_as_the_artist_calls_the_character(studio: Cast) -> None:
    made = studio.characters.create(name="美咲 v1.5").id
    assert studio.characters.transfer.file_name(made, "zip") == "美咲-v1.5.zip"


def test_a_zip_in_another_studio(studio: Cast, tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.studio.characters.conftest import as_cast
    from tests.studio.fixtures import open_durable

    mara = complete(studio)
    before = comparable(studio, mara)
    data = b"".join(studio.characters.transfer.zipped(mara))
    with open_durable(tmp_path_factory.mktemp("other")) as durable:
        other = as_cast(durable)
        assert comparable(other, imported(other, data)) == before


def test_a_card_comes_back_as_it_went(studio: Cast) -> None:
    mara = complete(studio)
    data = studio.characters.transfer.card(mara)
    second, third = texts(data, "chara"), texts(data, "ccv3")
    assert (second["spec"], second["spec_version"]) == ("chara_card_v2", "2.0")
    assert (third["spec"], third["spec_version"]) == ("chara_card_v3", "3.0")
    for said in (second["data"], third["data"]):
        assert said["name"] == "Mara"
        assert said["description"] == "Mara is a sailor.\n\nHair: red. Scar: left."
        assert isinstance(said["first_mes"], str)
        assert isinstance(said["alternate_greetings"], list)
    assert third["data"]["group_only_greetings"] == []
    assert "group_only_greetings" not in second["data"]
    again = studio.characters.get(imported(studio, data, "mara.png"))
    assert (again.name, again.description, again.versions) == ("Mara", "a sailor", 1)
    assert again.blueprint.fields[FieldName.HAIR] == BlueprintField(value="red", locked=True)
    assert (again.blueprint.free, again.blueprint.script) == (DRAFT.free, DRAFT.script)
    nobody = studio.character("Nobody")
    with pytest.raises(NotFound):
        studio.characters.transfer.card(nobody.id)


def test_a_card_of_another_tool_keeps_what_has_no_place_here(studio: Cast) -> None:
    data = {
        "name": "Wren",
        "description": "Wren is a thief.",
        "personality": "shy",
        "first_mes": "Hello.",
        "tags": ["elf"],
        "extensions": {"depth": 4},
        "odd": {"x": 1},
    }
    card = png(chara=packed({"spec": "chara_card_v2", "spec_version": "2.0", "data": data}))
    wren = studio.characters.get(imported(studio, card, "wren.png"))
    assert (wren.name, wren.blueprint.script) == ("Wren", "Wren is a thief.\n\nshy")
    assert studio.characters.describe(wren.id) == "portrait of a thief"
    assert wren.portrait is not None
    assert (wren.portrait.width, wren.portrait.height) == (40, 60)
    back = texts(studio.characters.transfer.card(wren.id), "ccv3")["data"]
    assert {key: back[key] for key in data if key != "extensions"} == {
        key: value for key, value in data.items() if key != "extensions"
    }
    assert back["extensions"]["depth"] == 4


def test_version_three_goes_before_two_and_version_one_is_read(studio: Cast) -> None:
    both = png(
        chara=packed({"data": {"name": "Old"}}),
        ccv3=packed({"spec": "chara_card_v3", "data": {"name": "New"}}),
    )
    assert studio.characters.get(imported(studio, both)).name == "New"
    assert studio.characters.get(imported(studio, png(chara=packed({"name": "One"})))).name == "One"
    damaged = png(chara=packed({"name": "Good"}), ccv3="%%%")
    assert studio.characters.get(imported(studio, damaged)).name == "Good"


@pytest.mark.parametrize(
    "said",
    [
        {"name": ["x"], "description": 4, "extensions": []},
        {"name": "\u200b\u0000", "description": "a" * 30_000},
        {"name": "x" * 5000, "extensions": {"likeness": {"fields": {"hair": 5}}}},
        {"name": "n", "extensions": {"likeness": {"script": "y" * 20_000}}},
    ],
)
def test_strange_cards_become_characters_within_bounds(studio: Cast, said: dict[str, Any]) -> None:
    made = studio.characters.get(imported(studio, png(chara=packed({"data": said}))))
    assert made.name
    assert len(made.name) <= 120
    assert len(made.blueprint.script) <= 10_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        picture(1),
        png(chara="!!!"),
        png(chara=base64.b64encode(b"[" * 200_000).decode()),
        png(chara=packed([1, 2])),
        png(chara=packed({"data": {"name": "a"}}))[:120],
        b"PK\x03\x04 and no more",
    ],
)
def test_files_that_are_no_character(studio: Cast, data: bytes) -> None:
    with pytest.raises(PictureRefused):
        imported(studio, data)
    assert studio.characters.list() == ()


def archive(contents: object, **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("character.json", contents if isinstance(contents, bytes) else json.dumps(contents))
        for name, data in files.items():
            made.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        archive(b"no json"),
        archive([]),
        archive({"name": ""}),
        archive({"name": "a", "version": 2}),
        archive(b"[" * 200_000),
        archive({"name": "a", "versions": ["../../etc/passwd"]}),
        archive({"name": "a", "versions": ["/etc/passwd"]}),
        archive({"name": "a", "versions": ["x"]}, x=b"no picture"),
        archive({"name": "a", "versions": ["x"]}, x=bytes(65 * 2**20)),
        archive({"name": "a", "crop": {"x": -1, "y": 0, "width": 1, "height": 1}}),
        archive(b" " * (9 * 2**20)),
        archive({"name": "a", "references": [str(n) for n in range(11)]}),
        archive({"name": "a"})[:-30],
    ],
)
def test_hostile_archives_make_no_character(studio: Cast, data: bytes) -> None:
    with pytest.raises(PictureRefused):
        imported(studio, data)
    assert studio.characters.list() == ()
    assert studio.service.gallery.ids(Filter()).total == 0


def test_an_archive_with_two_files_of_one_name_is_refused(studio: Cast) -> None:
    buffer = io.BytesIO(archive({"name": "a"}, x=picture(1)))
    with zipfile.ZipFile(buffer, "a") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr("x", picture(2))
    with pytest.raises(PictureRefused):
        imported(studio, buffer.getvalue())


def test_a_crop_beyond_its_picture_is_left_out_and_told(studio: Cast) -> None:
    said = {
        "name": "a",
        "versions": ["x"],
        "avatar": "x",
        "crop": {"x": 0, "y": 0, "width": 999, "height": 9},
    }
    found = studio.characters.transfer.import_file(io.BytesIO(archive(said, x=picture(1))), "a.zip")
    assert found.character.avatar is None
    assert "left out" in found.notes[0]


def test_a_card_says_what_had_no_room() -> None:
    card = cards.read({"name": "a", "description": "b" * 12_000})
    assert "too long" in card.notes[0]
