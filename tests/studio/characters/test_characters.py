"""The cast itself: making, renaming, ordering, doubling, putting away, removing; and its blueprints."""

from __future__ import annotations

import pytest

from pipelines.errors import NotFound, RequestError
from studio.characters.blueprints import BlueprintChanged
from studio.characters.records import BlueprintDraft, BlueprintField, Crop, FieldName, FreeField
from studio.collection.queries import Filter
from tests.studio.characters.conftest import Cast


def draft(
    revision: int = 0, script: str = "", free: tuple[FreeField, ...] = (), **fields: str
) -> BlueprintDraft:
    """Fields of which the value begins with ! are locked."""
    said = {
        FieldName(name): BlueprintField(value=value.lstrip("!"), locked=value.startswith("!"))
        for name, value in fields.items()
    }
    return BlueprintDraft(revision=revision, fields=said, free=free, script=script)


def names(studio: Cast, **wish: object) -> list[str]:
    return [each.name for each in studio.characters.list(**wish)]  # pyright: ignore[reportArgumentType]


def test_a_cast_in_its_order(studio: Cast) -> None:
    ids = [studio.character(name).id for name in ("Mara", "Ilse", "Bo")]
    assert names(studio) == ["Mara", "Ilse", "Bo"]
    studio.characters.reorder([ids[2], ids[0]])
    assert names(studio) == ["Bo", "Ilse", "Mara"]
    studio.characters.reorder([ids[1], ids[2], ids[0]])
    assert names(studio) == ["Ilse", "Bo", "Mara"]
    with pytest.raises(NotFound):
        studio.characters.reorder([ids[0], "nobody"])


def test_a_row_of_the_list(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    studio.character("Ilse")
    with_portrait, without = studio.characters.list()
    assert (with_portrait.versions, with_portrait.proposed, with_portrait.references) == (2, 0, 0)
    assert with_portrait.portrait is not None
    newest = studio.characters.versions.list(mara.id).items[0]
    assert with_portrait.portrait.image_id == newest.image_id
    assert (with_portrait.portrait.width, with_portrait.portrait.height) == (48, 64)
    assert (without.versions, without.portrait, without.avatar) == (0, None, None)


def test_search_in_name_and_description(studio: Cast) -> None:
    mara = studio.character("Mara Voss")
    studio.character("Ilse")
    studio.characters.change(mara.id, description="the ship's engineer, red hair")
    assert names(studio, query="VOSS engineer") == ["Mara Voss"]
    assert names(studio, query="voss pilot") == []


def test_renaming_and_archiving(studio: Cast) -> None:
    mara = studio.character("Mara")
    assert studio.characters.change(mara.id, name="  Mara\n Voss ").name == "Mara Voss"
    assert studio.characters.change(mara.id, archived=True).archived
    assert (names(studio), names(studio, archived=True)) == ([], ["Mara Voss"])
    studio.characters.change(mara.id, archived=False)
    assert names(studio) == ["Mara Voss"]
    for name in ("", " \u200b ", "x" * 121):
        with pytest.raises(RequestError):
            studio.characters.change(mara.id, name=name)


def test_a_duplicate_has_everything_but_its_own_life(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    studio.character("Ilse")
    older = studio.characters.versions.list(mara.id).items[1]
    studio.characters.versions.use(mara.id, older.id)
    studio.characters.avatars.set(mara.id, older.id, Crop(x=1, y=2, width=10, height=10, aspect="1:1"))
    studio.characters.references.add(mara.id, older.image_id)
    studio.characters.save_blueprint(mara.id, draft(hair="!red"))
    twin = studio.characters.duplicate(mara.id)
    assert names(studio) == ["Mara", "Mara (copy)", "Ilse"]
    assert twin.portrait is not None
    assert (twin.portrait.image_id, twin.versions, twin.references) == (older.image_id, 2, 1)
    assert twin.portrait.version_id != older.id
    assert twin.avatar is not None
    assert (twin.avatar.image_id, twin.avatar.version_id) == (older.image_id, twin.portrait.version_id)
    assert twin.blueprint.fields[FieldName.HAIR] == BlueprintField(value="red", locked=True)
    studio.add(twin.id, 3)
    assert (studio.characters.get(mara.id).versions, studio.characters.get(twin.id).versions) == (2, 3)


def test_many_duplicates_find_room(studio: Cast) -> None:
    mara = studio.character("A")
    studio.character("Z")
    for _ in range(12):
        studio.characters.duplicate(mara.id)
    assert (names(studio)[0], names(studio)[-1]) == ("A", "Z")
    assert names(studio)[1:-1] == ["A (copy)"] * 12


def test_deleting_a_character_never_deletes_a_picture(studio: Cast) -> None:
    mara = studio.character("Mara", 1, 2)
    version = studio.characters.versions.list(mara.id).items[0]
    studio.characters.avatars.set(mara.id, version.id, Crop(x=0, y=0, width=10, height=10))
    studio.characters.references.add(mara.id, version.image_id)
    before = studio.service.gallery.ids(Filter()).ids
    studio.characters.delete(mara.id)
    assert studio.service.gallery.ids(Filter()).ids == before
    assert studio.service.image(version.image_id).characters == ()
    assert studio.service.image_file(version.image_id)[0].is_file()
    assert studio.service.bin.empty(0).deleted == 0
    assert names(studio) == []
    for call in (studio.characters.get, studio.characters.delete, studio.characters.versions.list):
        with pytest.raises(NotFound):
            call(mara.id)


def test_pictures_are_listed_by_character(studio: Cast) -> None:
    mara, ilse = studio.character("Mara", 1, 2), studio.character("Ilse", 2, 3)
    reference = studio.upload(9)
    studio.characters.references.add(mara.id, reference.id)
    studio.upload(10)
    found = studio.service.images(character=mara.id).items
    assert len(found) == 3
    assert found[0].id == reference.id
    assert {record.characters for record in found} == {(mara.id,), (mara.id, ilse.id)}
    assert studio.service.gallery.stops(Filter(character=ilse.id)).total == 2
    studio.characters.references.remove(mara.id, reference.id)
    assert len(studio.service.images(character=mara.id).items) == 2
    with pytest.raises(NotFound):
        studio.service.images(character="nobody")


# --- blueprint --------------------------------------------------------------------------------


def test_a_blueprint_is_kept_as_it_was_said(studio: Cast) -> None:
    mara = studio.character()
    assert studio.characters.blueprint(mara.id).revision == 0
    scar = FreeField(name="scar", value="left cheek", locked=True)
    saved = studio.characters.save_blueprint(
        mara.id, draft(hair="!red", eyes="green", free=(scar,), script="Who?")
    )
    assert (saved.revision, saved.free, saved.script) == (1, (scar,), "Who?")
    assert saved.fields[FieldName.HAIR] == BlueprintField(value="red", locked=True)
    assert set(saved.fields) == set(FieldName)
    assert studio.characters.get(mara.id).blueprint == saved
    with pytest.raises(RequestError):
        studio.characters.save_blueprint(mara.id, draft(1, free=(scar, FreeField(name="Scar"))))


def test_the_later_save_says_what_it_would_overwrite(studio: Cast) -> None:
    mara = studio.character()
    studio.characters.save_blueprint(mara.id, draft(hair="red", eyes="green", script="A."))
    studio.characters.save_blueprint(mara.id, draft(1, hair="!black", eyes="green", script="B."))
    with pytest.raises(BlueprintChanged) as met:
        studio.characters.save_blueprint(mara.id, draft(1, hair="red", eyes="blue", script="A."))
    assert [field for field, _ in met.value.errors] == ["hair", "script"]
    assert "hair: “black” (locked) by “red”" in met.value.detail
    assert "“B.”" in met.value.detail
    assert studio.characters.blueprint(mara.id).fields[FieldName.HAIR].value == "black"
    saved = studio.characters.save_blueprint(
        mara.id, draft(1, hair="red", eyes="blue", script="A."), overwrite=True
    )
    assert (saved.revision, saved.fields[FieldName.HAIR].value, saved.script) == (3, "red", "A.")


def test_saves_that_overwrite_nothing_pass(studio: Cast) -> None:
    mara = studio.character()
    studio.characters.save_blueprint(mara.id, draft(hair="red"))
    studio.characters.save_blueprint(mara.id, draft(1, hair="red", eyes="green"))
    saved = studio.characters.save_blueprint(mara.id, draft(1, hair="black", eyes="green"))
    assert (saved.revision, saved.fields[FieldName.HAIR].value) == (3, "black")


def test_a_field_that_was_removed_meanwhile_is_told(studio: Cast) -> None:
    mara = studio.character()
    free = (FreeField(name="scar", value="left"), FreeField(name="voice", value="low"))
    studio.characters.save_blueprint(mara.id, draft(free=free))
    studio.characters.save_blueprint(mara.id, draft(1, free=free[1:]))
    with pytest.raises(BlueprintChanged, match="scar: that it was removed"):
        studio.characters.save_blueprint(mara.id, draft(1, free=free))
    studio.characters.save_blueprint(mara.id, draft(2, free=(*free[1:], FreeField(name="limp", value="yes"))))
    with pytest.raises(BlueprintChanged, match="limp: “yes” by nothing"):
        studio.characters.save_blueprint(mara.id, draft(2, free=free[1:]))
