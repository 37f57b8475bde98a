"""Reference sets and avatars."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from pipelines.errors import Conflict, NotFound, RequestError
from pipelines.request import Role
from studio.characters.records import Crop
from tests.studio.characters.conftest import Cast
from tests.studio.fixtures import encoded

DRAWINGS = Path(__file__).parent / "drawings"


def test_a_set_in_its_order_with_one_anchor(studio: Cast) -> None:
    mara = studio.character()
    ids = [studio.upload(seed).id for seed in range(3)]
    for image_id in ids:
        found = studio.characters.references.add(mara.id, image_id)
    assert [(item.image_id, item.anchor) for item in found.items] == list(
        zip(ids, (True, False, False), strict=True)
    )
    studio.characters.references.set_anchor(mara.id, ids[2])
    studio.characters.references.reorder(mara.id, [ids[1], ids[2], ids[0]])
    found = studio.characters.references.get(mara.id)
    assert [(item.image_id, item.anchor) for item in found.items] == [
        (ids[1], False),
        (ids[2], True),
        (ids[0], False),
    ]
    given = studio.characters.references.as_request(mara.id, 2)
    assert [(r.image_id, r.role) for r in given] == [(ids[2], Role.CHARACTER), (ids[1], Role.CHARACTER)]
    left = studio.characters.references.remove(mara.id, ids[2])
    assert [(item.image_id, item.anchor) for item in left.items] == [(ids[1], True), (ids[0], False)]


def test_what_cannot_join_or_be_ordered(studio: Cast) -> None:
    mara = studio.character()
    ids = [studio.upload(seed).id for seed in range(11)]
    for image_id in ids[:10]:
        studio.characters.references.add(mara.id, image_id)
    studio.characters.references.add(mara.id, ids[0])
    with pytest.raises(Conflict):
        studio.characters.references.add(mara.id, ids[10])
    for wrong in (ids[:9], [*ids[:9], ids[0]], [*ids[:9], ids[10]]):
        with pytest.raises(RequestError):
            studio.characters.references.reorder(mara.id, wrong)
    with pytest.raises(NotFound):
        studio.characters.references.remove(mara.id, ids[10])
    studio.service.trash(ids[0])
    assert len(studio.characters.references.as_request(mara.id)) == 9
    studio.characters.references.remove(mara.id, ids[0])
    with pytest.raises(RequestError):
        studio.characters.references.add(mara.id, ids[0])


def drawing(studio: Cast, name: str) -> str:
    """The id of one of the drawings beside this file, taken in."""
    return studio.service.add_upload(DRAWINGS / f"{name}.webp", f"{name}.webp")[0].id


def test_one_person_before_other_backgrounds_agrees_with_herself(studio: Cast) -> None:
    mara = studio.character()
    for name in ("blue-1", "blue-2", "blue-3"):
        studio.characters.references.add(mara.id, drawing(studio, name))
    found = studio.characters.references.get(mara.id)
    assert found.warning is None
    assert found.items[0].colours is None
    assert all(0 < (item.colours or 0) < 20 for item in found.items[1:])


def test_a_set_that_disagrees_with_itself_is_warned_of(studio: Cast) -> None:
    mara = studio.character()
    for name in ("blue-1", "blue-3", "curls-1"):
        studio.characters.references.add(mara.id, drawing(studio, name))
    found = studio.characters.references.get(mara.id)
    assert [item.disagrees for item in found.items] == [False, False, True]
    assert "“curls-1.webp” differs from the anchor in the main colours" in str(found.warning)
    studio.characters.references.set_anchor(mara.id, found.items[2].image_id)
    assert [item.disagrees for item in studio.characters.references.get(mara.id).items] == [True, True, False]


# --- avatars ----------------------------------------------------------------------------------


def test_a_crop_is_a_rectangle_on_an_untouched_picture(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    (version,) = studio.characters.versions.list(mara.id).items
    path, record = studio.service.image_file(version.image_id)
    before = path.read_bytes()
    crop = Crop(x=3, y=4, width=30, height=40, aspect="3:4")
    avatar = studio.characters.avatars.set(mara.id, version.id, crop)
    assert (avatar.image_id, avatar.crop) == (version.image_id, crop)
    made, mime = studio.characters.avatars.export(mara.id, 20)
    assert (Image.open(io.BytesIO(made)).size, mime) == ((15, 20), "image/png")
    again = Crop(x=0, y=0, width=10, height=10)
    assert studio.characters.avatars.set(mara.id, version.id, again).crop == again
    assert path.read_bytes() == before
    assert studio.service.image(version.image_id) == record
    assert studio.characters.list()[0].avatar == studio.characters.get(mara.id).avatar


def test_the_very_pixels_of_the_crop_are_exported(studio: Cast) -> None:
    mara = studio.character("Mara", 1)
    (version,) = studio.characters.versions.list(mara.id).items
    studio.characters.avatars.set(mara.id, version.id, Crop(x=5, y=6, width=32, height=32, aspect="1:1"))
    made, _ = studio.characters.avatars.export(mara.id, 32)
    path, _ = studio.service.image_file(version.image_id)
    wanted = Image.open(path).convert("RGB").crop((5, 6, 37, 38))
    assert Image.open(io.BytesIO(made)).tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    "crop",
    [
        Crop(x=20, y=0, width=30, height=30),
        Crop(x=0, y=40, width=30, height=30),
        Crop(x=0, y=0, width=30, height=20, aspect="1:1"),
        Crop(x=0, y=0, width=30, height=30, aspect="3:4"),
    ],
)
def test_a_crop_that_cannot_be(studio: Cast, crop: Crop) -> None:
    mara = studio.character("Mara", 1)
    (version,) = studio.characters.versions.list(mara.id).items
    with pytest.raises(RequestError):
        studio.characters.avatars.set(mara.id, version.id, crop)
    assert studio.characters.get(mara.id).avatar is None


@pytest.mark.parametrize(("kind", "opened"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
def test_sizes_and_formats_on_demand(studio: Cast, kind: str, opened: str) -> None:
    mara = studio.character("Mara", 1)
    data, mime = studio.characters.avatars.export(mara.id, 128, kind)  # pyright: ignore[reportArgumentType]
    with Image.open(io.BytesIO(data)) as made:
        assert (made.format, made.size, mime) == (opened, (128, 128), f"image/{kind}")
    for side in (15, 2049):
        with pytest.raises(RequestError):
            studio.characters.avatars.export(mara.id, side)


def test_without_a_portrait_there_is_no_avatar(studio: Cast) -> None:
    mara = studio.character()
    with pytest.raises(NotFound, match="Mara has no portrait yet"):
        studio.characters.avatars.export(mara.id)


def test_the_first_guess_is_around_the_face(studio: Cast) -> None:
    mara = studio.character()
    photo = io.BytesIO(encoded(Image.fromarray(data.astronaut())))
    version = studio.characters.versions.add_upload(mara.id, photo, "astronaut.png")
    guess = studio.characters.avatars.guess(mara.id, version.id, "1:1")
    crop = guess.crop
    assert guess.around == "face"
    assert crop.width == crop.height < 512
    assert crop.x < 220 < crop.x + crop.width
    assert crop.y < 120 < crop.y + crop.height
    tall = studio.characters.avatars.guess(mara.id, version.id, "3:4").crop
    studio.characters.avatars.set(mara.id, version.id, tall)


@pytest.mark.parametrize("aspect", ["free", "1:1", "3:4"])
def test_without_a_face_it_is_the_upper_middle(studio: Cast, aspect: str) -> None:
    mara = studio.character()
    plain = io.BytesIO(encoded(Image.new("RGB", (48, 64), "teal")))
    version = studio.characters.versions.add_upload(mara.id, plain, "plain.png")
    guess = studio.characters.avatars.guess(mara.id, version.id, aspect)  # pyright: ignore[reportArgumentType]
    assert guess.around == "middle"
    assert guess.crop.width == 48
    studio.characters.avatars.set(mara.id, version.id, guess.crop)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("tall-left", (30, 80, 85, 125)),
        ("tall-right", (95, 115, 165, 190)),
        ("tall-low", (65, 140, 115, 195)),
    ],
)
def test_a_drawn_head_is_framed_wherever_it_is(
    studio: Cast, name: str, head: tuple[int, int, int, int]
) -> None:
    mara = studio.character()
    version = studio.characters.versions.add_picture(mara.id, drawing(studio, name))
    guess = studio.characters.avatars.guess(mara.id, version.id, "1:1")
    crop = guess.crop
    assert guess.around == "figure"
    assert crop.width < version.width
    left, top, right, bottom = head
    assert crop.x < left < right < crop.x + crop.width
    assert crop.y < top < bottom < crop.y + crop.height
