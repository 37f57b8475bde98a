"""What changed in a refinement, and putting it together again without generating."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import Conflict, NotFound, RequestError
from pipelines.events import ImageReady, Refined
from pipelines.request import Finish, Mode, Role
from studio.collection.model_pictures import ModelPictures
from studio.collection.refinements import Correction, Refinements
from studio.records import ImageRecord
from tests.studio.fixtures import Durable, encoded, noise, open_durable, request

SIDE, MODEL = 96, 48
BOX = (0.0, 0.0, 96.0, 96.0)
FOUND = (slice(20, 40), slice(20, 40))


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


@pytest.fixture
def refinements(durable: Durable) -> Refinements:
    return Refinements(durable.collection)


def grey(levels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(levels))


def loaded(durable: Durable, data: bytes) -> ImageRecord:
    return durable.collection.add_upload(io.BytesIO(data), "picture.png")[0]


def source_of(durable: Durable) -> ImageRecord:
    return loaded(durable, encoded(noise(3, SIDE, SIDE)))


def refined(durable: Durable, source: ImageRecord, *, redrawn: bool = False) -> ImageRecord:
    """A refinement of `source`: the model made everything pink; a square of that was taken over."""
    seen = noise(3, SIDE, SIDE).resize((MODEL, MODEL))
    pink = Image.new("RGB", (MODEL, MODEL), (250, 60, 160))
    change = np.zeros((SIDE, SIDE), np.uint8)
    change[FOUND] = 255
    pixels = np.asarray(noise(3, SIDE, SIDE)).copy()
    pixels[FOUND] = (250, 60, 160)
    measures = {"verdict": "kept", "changed": 0.04}
    about = Refined(grey(change), encoded(seen), encoded(pink), BOX, redrawn, measures)
    return durable.collection.save_generated(
        job_id="refining",
        request=request(source, mode=Mode.IMG2IMG),
        image=ImageReady(0, 7, SIDE, SIDE, pixels.tobytes(), about),
        notices=(),
        provenance={"device": "cpu"},
    )


def pixels(durable: Durable, record: ImageRecord) -> np.ndarray:
    with Image.open(durable.collection.file(record.id)[0]) as picture:
        return np.asarray(picture.convert("RGB"))


def strokes(*painted: tuple[tuple[slice, slice], int]) -> bytes:
    """White or black on nothing."""
    levels = np.zeros((SIDE, SIDE, 4), np.uint8)
    for where, level in painted:
        levels[where] = (level, level, level, 255)
    return encoded(Image.fromarray(levels))


def test_the_change_is_told_as_a_grey_picture(durable: Durable, refinements: Refinements) -> None:
    made = refined(durable, source_of(durable))
    with Image.open(io.BytesIO(refinements.change(made.id))) as change:
        assert (change.mode, change.size) == ("L", (SIDE, SIDE))
        assert np.asarray(change)[FOUND].min() == 255
    assert made.provenance["returned"]["changed"] == 0.04


def test_of_other_pictures_no_change_is_known(durable: Durable, refinements: Refinements) -> None:
    source = source_of(durable)
    for act in (refinements.change, lambda known: refinements.put_together(known, Correction())):
        with pytest.raises(NotFound, match="not known"):
            act(source.id)
        with pytest.raises(NotFound):
            act("nothing")


def test_strokes_add_and_take_away(durable: Durable, refinements: Refinements) -> None:
    source = source_of(durable)
    made = refined(durable, source)
    more, less = (slice(60, 80), slice(60, 80)), (slice(20, 30), slice(20, 40))
    mask = loaded(durable, strokes((more, 255), (less, 0)))
    again = refinements.put_together(made.id, Correction(mask=mask.id))
    got, was, first = (pixels(durable, each) for each in (again, made, source))
    assert np.array_equal(got[less], first[less])
    assert not np.array_equal(got[more], first[more])
    assert np.array_equal(got[30:40, 20:40], was[30:40, 20:40])
    untouched = np.ones((SIDE, SIDE), bool)
    untouched[FOUND], untouched[more] = False, False
    assert np.array_equal(got[untouched], first[untouched])


def test_a_correction_is_a_version_with_its_parents_and_can_be_corrected(
    durable: Durable, refinements: Refinements
) -> None:
    source = source_of(durable)
    made = refined(durable, source)
    again = refinements.put_together(made.id, Correction(grow=4))
    assert [(link.image_id, link.role) for link in again.parents] == [
        (made.id, Role.SOURCE),
        (source.id, Role.SOURCE),
    ]
    assert again.request == made.request
    assert again.id in durable.collection.get(made.id).children
    assert again.provenance["returned"]["changed"] == pytest.approx(28 * 28 / SIDE**2)
    back = refinements.put_together(again.id, Correction(grow=-4))
    assert np.array_equal(pixels(durable, back)[:16], pixels(durable, source)[:16])


@pytest.mark.parametrize(
    ("correction", "changed"),
    [
        ({"scope": "everything"}, SIDE * SIDE),
        ({"grow": 2}, 24 * 24),
        ({"grow": -2}, 16 * 16),
    ],
)
def test_everything_grow_and_shrink(
    durable: Durable, refinements: Refinements, correction: dict[str, object], changed: int
) -> None:
    made = refined(durable, source_of(durable))
    again = refinements.put_together(made.id, Correction.model_validate(correction))
    with Image.open(io.BytesIO(refinements.change(again.id))) as change:
        assert np.count_nonzero(np.asarray(change)) == changed


def test_only_here_and_an_opaque_mask(durable: Durable, refinements: Refinements) -> None:
    source = source_of(durable)
    made = refined(durable, source)
    here = (slice(50, 70), slice(50, 70))
    levels = np.zeros((SIDE, SIDE), np.uint8)
    levels[here] = 255
    first = pixels(durable, source)
    for data, scope in ((strokes((here, 255)), "mask"), (grey(levels), "found")):
        mask = loaded(durable, data)
        got = pixels(
            durable,
            refinements.put_together(made.id, Correction.model_validate({"mask": mask.id, "scope": scope})),
        )
        assert np.array_equal(got[FOUND], first[FOUND])
        assert not np.array_equal(got[here], first[here])
    with pytest.raises(RequestError):
        refinements.put_together(made.id, Correction(scope="mask"))


def test_a_mask_of_another_size_lies_over_the_whole_picture(
    durable: Durable, refinements: Refinements
) -> None:
    made = refined(durable, source_of(durable))
    mask = loaded(durable, grey(np.full((10, 10), 255, np.uint8)))
    again = refinements.put_together(made.id, Correction(mask=mask.id))
    assert again.provenance["returned"]["changed"] == 1.0


def test_the_folder_may_be_deleted_at_any_time(durable: Durable, refinements: Refinements) -> None:
    made = refined(durable, source_of(durable))
    shutil.rmtree(durable.settings.model_pictures_dir)
    with pytest.raises(NotFound, match="not known"):
        refinements.put_together(made.id, Correction())
    assert durable.collection.get(made.id).width == SIDE
    later = durable.collection.save_generated(
        job_id="later",
        request=request(source_of(durable), mode=Mode.IMG2IMG),
        image=ImageReady(0, 8, SIDE, SIDE, noise(9, SIDE, SIDE).tobytes()),
        notices=(),
        provenance={},
    )
    assert later.width == SIDE


def test_a_damaged_file_is_as_none(durable: Durable, refinements: Refinements) -> None:
    made = refined(durable, source_of(durable))
    (durable.settings.model_pictures_dir / f"{made.id}.zip").write_bytes(b"PK no zip")
    with pytest.raises(NotFound, match="not known"):
        refinements.change(made.id)
    with pytest.raises(NotFound, match="not known"):
        refinements.put_together(made.id, Correction())


@pytest.mark.parametrize(("place", "bits"), [(6, 1), (6, 32), (6, 64), (8, 9), (4, 0xFF)])
def test_a_bit_that_changed_in_the_file_makes_it_as_none(
    durable: Durable, refinements: Refinements, place: int, bits: int
) -> None:
    """`place`: of the version, the switches or the method that the zip's directory says of each part."""
    made = refined(durable, source_of(durable))
    file = durable.settings.model_pictures_dir / f"{made.id}.zip"
    data = bytearray(file.read_bytes())
    entry = data.find(b"PK\1\2")
    while entry >= 0:
        data[entry + 2 + place] ^= bits
        entry = data.find(b"PK\1\2", entry + 1)
    file.write_bytes(data)
    with pytest.raises(NotFound, match="not known"):
        refinements.change(made.id)
    with pytest.raises(NotFound, match="not known"):
        refinements.put_together(made.id, Correction())


def test_a_source_that_was_deleted_meanwhile_is_told(durable: Durable, refinements: Refinements) -> None:
    source = source_of(durable)
    made = refined(durable, source)
    durable.collection.trash(source.id)
    assert refinements.put_together(made.id, Correction(grow=1)).width == SIDE
    durable.collection.file(source.id)[0].unlink()
    with pytest.raises(NotFound):
        refinements.put_together(made.id, Correction())


def test_another_size_than_the_sources_is_refused(durable: Durable, refinements: Refinements) -> None:
    source = loaded(durable, encoded(noise(5, 40, 30)))
    made = refined(durable, source)
    with pytest.raises(Conflict, match="another size"):
        refinements.put_together(made.id, Correction())


@pytest.mark.parametrize("own_colours", [False, True])
def test_what_was_refined_is_kept_where_it_is_not_the_source(
    durable: Durable, refinements: Refinements, own_colours: bool
) -> None:
    """Of an extended, a cropped or a resized source."""
    small = noise(5, 40, 30)
    if own_colours:
        small.putalpha(Image.new("L", small.size, 200))
    source = loaded(durable, encoded(small))
    refined_from = noise(3, SIDE, SIDE)
    change = np.zeros((SIDE, SIDE), np.uint8)
    change[FOUND] = 255
    pink = Image.new("RGB", (MODEL, MODEL), (250, 60, 160))
    seen = encoded(refined_from.resize((MODEL, MODEL)))
    about = Refined(grey(change), seen, encoded(pink), BOX, False, {}, source=encoded(refined_from))
    asked = request(source, mode=Mode.IMG2IMG).model_copy(update={"fit": "crop"})
    made = durable.collection.save_generated(
        job_id="extended",
        request=asked,
        image=ImageReady(0, 7, SIDE, SIDE, refined_from.tobytes(), about),
        notices=(),
        provenance={},
    )
    again = refinements.put_together(made.id, Correction(grow=4))
    got, first = pixels(durable, again), np.asarray(refined_from)
    assert np.array_equal(got[:16], first[:16])
    assert not np.array_equal(got[17:43, 17:43], first[17:43, 17:43])
    assert refinements.put_together(again.id, Correction(grow=-2)).width == SIDE


def test_what_was_enlarged_afterwards_is_refused_with_the_reason(
    durable: Durable, refinements: Refinements
) -> None:
    source = source_of(durable)
    asked = request(source, mode=Mode.IMG2IMG).model_copy(update={"finish": Finish(scale=2)})
    change = grey(np.zeros((SIDE, SIDE), np.uint8))
    model = encoded(Image.new("RGB", (MODEL, MODEL)))
    made = durable.collection.save_generated(
        job_id="finished",
        request=asked,
        image=ImageReady(
            0, 7, 2 * SIDE, 2 * SIDE, bytes(12 * SIDE * SIDE), Refined(change, model, model, BOX, False, {})
        ),
        notices=(),
        provenance={},
    )
    with pytest.raises(Conflict, match="enlarged after"):
        refinements.put_together(made.id, Correction())


def test_what_an_enlarger_made_is_used_again(durable: Durable, refinements: Refinements) -> None:
    """New structure in a correction is as sharp as in the picture it corrects."""
    source = source_of(durable)
    seen = noise(3, SIDE, SIDE).resize((MODEL, MODEL))
    drawn = Image.new("RGB", (MODEL, MODEL), (250, 60, 160))
    large = np.kron(np.indices((MODEL, MODEL)).sum(0) % 2, np.ones((2, 2)))[..., None] * np.ones(3) * 255
    about = Refined(
        change=grey(np.zeros((SIDE, SIDE), np.uint8)),
        seen=encoded(seen),
        drawn=encoded(drawn),
        box=BOX,
        redrawn=True,
        measures={},
        large=encoded(Image.fromarray(large.astype(np.uint8))),
        frame=(0.0, 0.0, float(MODEL), float(MODEL)),
    )
    made = durable.collection.save_generated(
        job_id="enlarged",
        request=request(source, mode=Mode.IMG2IMG),
        image=ImageReady(0, 7, SIDE, SIDE, noise(3, SIDE, SIDE).tobytes(), about),
        notices=(),
        provenance={},
    )
    again = refinements.put_together(made.id, Correction(scope="everything"))
    got = pixels(durable, again).astype(int)
    assert np.abs(np.diff(got, axis=1)).mean() > 50
    kept = durable.collection.model_pictures.of(again.id)
    assert kept is not None
    assert kept.large is not None


def test_the_files_own_transparency_and_colours_outlast_a_correction(
    durable: Durable, refinements: Refinements
) -> None:
    own = noise(3, SIDE, SIDE)
    own.putalpha(Image.linear_gradient("L").resize(own.size))
    source = loaded(durable, encoded(own))
    made = refined(durable, source)
    again = refinements.put_together(made.id, Correction(grow=2))
    with Image.open(durable.collection.file(again.id)[0]) as picture:
        assert picture.mode == "RGBA"
        got = np.asarray(picture)
    kept = np.ones((SIDE, SIDE), bool)
    kept[18:42, 18:42] = False
    assert np.array_equal(got[kept], np.asarray(own)[kept])


def test_two_corrections_at_once_are_two_pictures(durable: Durable, refinements: Refinements) -> None:
    made = refined(durable, source_of(durable))
    done: list[ImageRecord] = []

    def correct(by: int) -> None:
        done.append(refinements.put_together(made.id, Correction(grow=by)))

    threads = [threading.Thread(target=correct, args=(by,)) for by in (2, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({record.id for record in done}) == 2
    assert all(record.parents[0].image_id == made.id for record in done)


def test_the_folder_is_bounded_and_a_purged_picture_leaves_it(durable: Durable, tmp_path: Path) -> None:
    about = Refined(b"c" * 1000, b"s" * 1000, b"d" * 1000, BOX, False, {})
    folder = tmp_path / "bounded"
    pictures = ModelPictures(folder, most_bytes=10_000)
    for number in range(8):
        pictures.keep(f"picture{number}", about, "source")
    left = sorted(path.stem for path in folder.glob("*.zip"))
    assert 1 <= len(left) < 8
    assert "picture7" in left
    made = refined(durable, source_of(durable))
    path = durable.settings.model_pictures_dir / f"{made.id}.zip"
    assert path.exists()
    durable.collection.store.delete([(made.sha256, "png")])
    assert not path.exists()
