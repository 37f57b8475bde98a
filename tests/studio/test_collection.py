"""Taking pictures in, saving made ones, showing and marking them: real files, real SQLite."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import NotFound, PictureRefused, RequestError
from pipelines.request import Role
from studio import images
from studio.collection.queries import Filter
from studio.records import Category
from tests.studio.fixtures import Durable, encoded, noise, open_durable, picture, ready, request, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def stored_files(durable: Durable) -> list[str]:
    return sorted(p.name for p in durable.settings.images_dir.rglob("*") if p.is_file())


# --- uploads ----------------------------------------------------------------------------------


def test_an_upload_keeps_its_bytes(durable: Durable) -> None:
    data = encoded(noise().convert("CMYK"), "JPEG")
    record, created = durable.collection.add_upload(io.BytesIO(data), "../My «portrait» 🎨.jpg")
    path, shown = durable.collection.file(record.id)
    assert created
    assert path.read_bytes() == data
    assert path == durable.settings.images_dir / record.sha256[:2] / f"{record.sha256}.jpg"
    assert shown == record
    assert (record.category, record.label, record.mime) == (
        Category.UPLOAD,
        "My «portrait» 🎨.jpg",
        "image/jpeg",
    )
    assert (record.width, record.height, record.size_bytes) == (24, 16, len(data))
    assert "CMYK" in record.notes[0]
    assert record.request is None


def test_the_same_bytes_again_are_the_same_record(durable: Durable, tmp_path: Path) -> None:
    first = upload(durable, filename="a.png")
    (tmp_path / "b.png").write_bytes(picture())
    again, created = durable.collection.add_upload(tmp_path / "b.png", "b.png")
    assert (again, created) == (first, False)
    assert stored_files(durable) == [f"{first.sha256}.png"]


def test_two_who_load_the_same_picture_at_once_get_one_record(durable: Durable) -> None:
    found: list[tuple[str, bool]] = []
    barrier = threading.Barrier(6)

    def load() -> None:
        barrier.wait()
        record, created = durable.collection.add_upload(io.BytesIO(picture()), "a.png")
        found.append((record.id, created))

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({image_id for image_id, _ in found}) == 1
    assert sorted(created for _, created in found) == [False] * 5 + [True]


def test_loading_a_picture_takes_it_out_of_the_trash(durable: Durable) -> None:
    record = upload(durable)
    assert durable.collection.trash(record.id).trashed_at is not None
    again, created = durable.collection.add_upload(io.BytesIO(picture()), "a.png")
    assert (again.id, again.trashed_at, created) == (record.id, None, False)


def test_loading_a_picture_whose_file_was_deleted_brings_it_back(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.file(record.id)[0].unlink()
    with pytest.raises(NotFound, match="missing"):
        durable.collection.file(record.id)
    upload(durable)
    assert durable.collection.file(record.id)[0].read_bytes() == picture()


def test_a_made_picture_that_is_loaded_again_stays_what_it_is(durable: Durable) -> None:
    made = save(durable)
    with durable.collection.file(made.id)[0].open("rb") as file:
        again, created = durable.collection.add_upload(file, "download.png")
    assert (again, created) == (made, False)


def test_refused_files_leave_nothing(durable: Durable, tmp_path: Path) -> None:
    for data in (b"", b"text", picture()[:200]):
        with pytest.raises(PictureRefused):
            durable.collection.add_upload(io.BytesIO(data), "a.png")
    with pytest.raises(PictureRefused):
        durable.collection.add_upload(tmp_path / "not there.png", "a.png")
    assert stored_files(durable) == []
    assert durable.collection.gallery.page(Filter(), None, 10).items == ()


def test_the_limits_of_the_settings_hold(tmp_path: Path) -> None:
    with open_durable(tmp_path, max_upload_bytes=2000, max_pixels=300) as durable:
        with pytest.raises(PictureRefused, match="24 x 16 px"):
            durable.collection.add_upload(io.BytesIO(encoded(Image.new("RGB", (24, 16)))), "a.png")
        with pytest.raises(PictureRefused, match="file is too large"):
            durable.collection.add_upload(io.BytesIO(b"x" * 2001), "a.png")


# --- made pictures ----------------------------------------------------------------------------


def test_a_made_picture_has_its_pixels_and_its_story(durable: Durable) -> None:
    source = upload(durable)
    record = save(durable, source, index=1)
    with Image.open(durable.collection.file(record.id)[0]) as image:
        assert np.array_equal(np.asarray(image), np.asarray(noise(8)))
    assert (record.category, record.label, record.model) == (Category.EDITED, "Tiny Portrait", "tiny")
    assert (record.job_id, record.batch_index, record.seed) == ("job", 1, 8)
    assert record.request == request(source)
    assert record.notes == ("A notice.",)
    assert record.provenance["device"] == "cpu"
    assert record.provenance["model"]["revision"] == "abc"
    (parent,) = record.parents
    assert (parent.image_id, parent.pixel_sha256) == (source.id, source.pixel_sha256)
    assert (parent.role, parent.order, parent.weight) == (Role.SOURCE, 0, 1.0)
    assert durable.collection.get(source.id).children == (record.id,)
    assert durable.collection.parents(record.id)[0].id == source.id


def test_without_references_it_is_generated(durable: Durable) -> None:
    assert save(durable).category is Category.GENERATED


def test_a_picture_of_a_job_is_saved_once(durable: Durable) -> None:
    first = save(durable)
    assert save(durable) == first
    assert save(durable, index=1).id != first.id
    assert save(durable, job_id="other").id != first.id
    assert len(stored_files(durable)) == 3


def test_saving_at_once_from_two_threads_gives_one_record(durable: Durable) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(save(durable).id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(durable.collection.gallery.page(Filter(), None, 10).items) == 1


def test_parents_keep_their_order_also_when_one_is_used_twice(durable: Durable) -> None:
    a, b = upload(durable, 1), upload(durable, 2)
    record = save(durable, b, a, b)
    assert [(p.image_id, p.order) for p in record.parents] == [(b.id, 0), (a.id, 1), (b.id, 2)]
    assert [r.id for r in durable.collection.parents(record.id)] == [b.id, a.id, b.id]
    assert durable.collection.get(b.id).children == (record.id,)


def test_ten_rounds_of_the_loop_are_a_line_of_descent(durable: Durable) -> None:
    current = upload(durable)
    for number in range(10):
        made = save(durable, current, job_id=f"job{number}")
        assert durable.collection.get(current.id).children == (made.id,)
        assert [p.image_id for p in made.parents] == [current.id]
        current = made


def test_a_model_that_left_the_catalogue_is_named_by_its_id(durable: Durable) -> None:
    assert save(durable, model="gone").label == "gone"


# --- files to work on and to show -------------------------------------------------------------


def test_mask_files_keep_their_transparency(durable: Durable) -> None:
    clear = Image.new("RGBA", (24, 16), (255, 255, 255, 0))
    clear.paste((255, 255, 255, 255), (0, 0, 12, 16))
    record, _ = durable.collection.add_upload(io.BytesIO(encoded(clear, "WEBP", lossless=True)), "mask.webp")
    with Image.open(durable.collection.mask_file(record.id)) as image:
        assert image.mode == "RGBA"
        assert [image.getpixel((x, 8))[3] for x in (2, 20)] == [255, 0]  # type: ignore[index]
    with Image.open(durable.collection.working_file(record.id)) as image:
        assert image.getextrema() == ((255, 255),) * 3
    plain = upload(durable)
    assert durable.collection.mask_file(plain.id) == durable.collection.file(plain.id)[0]


def test_working_files_are_upright_8_bit_rgb_pngs(durable: Durable) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(), "JPEG", exif=exif)
    record, _ = durable.collection.add_upload(io.BytesIO(data), "a.jpg")
    assert (record.width, record.height) == (16, 24)
    with Image.open(durable.collection.working_file(record.id)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (16, 24))
    plain = upload(durable)
    assert durable.collection.working_file(plain.id) == durable.collection.file(plain.id)[0]


def test_the_trash_keeps_the_file_for_jobs_that_wait(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    assert durable.collection.working_file(record.id).read_bytes() == picture()


def test_sizes_of_references(durable: Durable) -> None:
    a, b = upload(durable, 1), upload(durable, 2)
    assert durable.collection.sizes([a.id, b.id]) == {a.id: (24, 16), b.id: (24, 16)}
    with pytest.raises(NotFound, match="Reference 2 is not in the collection"):
        durable.collection.sizes([a.id, "nobody"])
    durable.collection.trash(b.id)
    with pytest.raises(RequestError, match="Reference 2 is in the trash"):
        durable.collection.sizes([a.id, b.id])


def test_a_lost_file_is_said_wherever_it_is_asked_for(durable: Durable) -> None:
    for data, name in ((picture(), "a.png"), (encoded(noise(), "JPEG"), "a.jpg")):
        record, _ = durable.collection.add_upload(io.BytesIO(data), name)
        durable.collection.file(record.id)[0].unlink()
        durable.collection.thumbnail(record.id).unlink()
        for ask in (durable.collection.file, durable.collection.thumbnail, durable.collection.working_file):
            with pytest.raises(NotFound, match="missing"):
                ask(record.id)
        assert durable.collection.get(record.id) == record


@pytest.mark.parametrize("how", ["a bit", "another picture", "a folder"])
def test_a_file_that_holds_other_bytes_of_the_same_length_is_no_picture(durable: Durable, how: str) -> None:
    for seed, (data, name) in enumerate(((picture(3), "a.png"), (encoded(noise(), "JPEG"), "a.jpg"))):
        record, _ = durable.collection.add_upload(io.BytesIO(data), name)
        path, _ = durable.collection.file(record.id)
        before = path.stat()
        if how == "a folder":
            path.unlink()
            path.mkdir()
        else:
            other = (
                picture(7 + seed)
                if how == "another picture"
                else data[:99] + bytes([data[99] ^ 1]) + data[100:]
            )
            path.write_bytes(other[: len(data)].ljust(len(data), b"\0"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        durable.collection.thumbnail(record.id).unlink()
        for ask in (
            durable.collection.file,
            durable.collection.thumbnail,
            durable.collection.working_file,
            durable.collection.mask_file,
        ):
            with pytest.raises(NotFound, match="missing or damaged"):
                ask(record.id)
        if how != "a folder":
            assert durable.collection.add_upload(io.BytesIO(data), name)[0].id == record.id
            assert durable.collection.file(record.id)[0].read_bytes() == data


def test_a_copy_to_work_on_that_was_cut_is_made_again(durable: Durable) -> None:
    record, _ = durable.collection.add_upload(io.BytesIO(encoded(noise(), "JPEG")), "a.jpg")
    for ask in (
        durable.collection.working_file,
        durable.collection.mask_file,
        durable.collection.original_file,
    ):
        whole = ask(record.id).read_bytes()
        for kept in (0, 7, len(whole) - 1):
            ask(record.id).write_bytes(whole[:kept])
            assert ask(record.id).read_bytes() == whole


def test_a_copy_that_cannot_be_decoded_is_refused_in_words(durable: Durable) -> None:
    record, _ = durable.collection.add_upload(io.BytesIO(encoded(noise(), "JPEG")), "a.jpg")
    copy = durable.collection.working_file(record.id)
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 255
    copy.write_bytes(data)
    with pytest.raises(PictureRefused, match="damaged"), images.plain(copy):
        pass


def test_nobody_is_not_found(durable: Durable) -> None:
    for ask in (
        durable.collection.get,
        durable.collection.file,
        durable.collection.thumbnail,
        durable.collection.working_file,
        durable.collection.parents,
        durable.collection.trash,
        durable.collection.restore,
        durable.collection.update,
    ):
        for image_id in ("nobody", "", "../../etc/passwd", "' OR 1=1 --"):
            with pytest.raises(NotFound):
                ask(image_id)


# --- marks ------------------------------------------------------------------------------------


def test_only_what_is_given_is_changed(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.update(record.id, starred=True, name="  Ana \n at\u202e dusk ", tags=("hair", "red"))
    changed = durable.collection.update(record.id, category=Category.IMPORTED)
    assert (changed.starred, changed.name, changed.tags) == (True, "Ana at dusk", ("hair", "red"))
    assert changed.category is Category.IMPORTED
    cleared = durable.collection.update(record.id, starred=False, name="", tags=())
    assert (cleared.starred, cleared.name, cleared.tags) == (False, None, ())
    assert durable.collection.get(record.id) == cleared


def test_tags_are_different_from_each_other_in_the_artists_order(durable: Durable) -> None:
    record = upload(durable)
    tags = durable.collection.update(record.id, tags=("Red", " ", "hair", "red", "Haïr", "HAÏR", "<b>")).tags
    assert tags == ("Red", "hair", "Haïr", "<b>")
    assert durable.collection.update(record.id, tags=("hair", "Red")).tags == ("hair", "Red")


@pytest.mark.parametrize(
    "change", [{"name": "x" * 201}, {"tags": ("x" * 65,)}, {"tags": tuple(map(str, range(65)))}]
)
def test_too_much_text_is_refused_and_changes_nothing(durable: Durable, change: dict[str, object]) -> None:
    record = upload(durable)
    with pytest.raises(RequestError) as refused:
        durable.collection.update(record.id, starred=True, **change)  # pyright: ignore[reportArgumentType]
    assert refused.value.field in change
    assert durable.collection.get(record.id) == record


def test_to_the_trash_and_back(durable: Durable) -> None:
    record = upload(durable)
    trashed = durable.collection.trash(record.id)
    assert durable.collection.trash(record.id).trashed_at == trashed.trashed_at
    assert durable.collection.gallery.page(Filter(), None, 10).items == ()
    assert [r.id for r in durable.collection.gallery.page(Filter(trashed=True), None, 10).items] == [
        record.id
    ]
    assert durable.collection.restore(record.id) == record


def test_a_picture_is_there_for_the_next_start(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        source = upload(durable)
        made = save(durable, source)
    with open_durable(tmp_path) as durable:
        assert durable.collection.get(made.id) == made
        assert ready().rgb == Image.open(durable.collection.file(made.id)[0]).tobytes()
