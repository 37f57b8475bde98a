"""Small files that would keep a reader busy for minutes or fill the memory: work is bounded, as bytes are."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from pipelines.errors import NotFound
from studio import images
from studio.collection.metadata import exif, reading, xmp
from studio.collection.metadata.reading import Findings
from studio.exchange import exchange as exchange_module
from studio.exchange.exchange import Exchange
from studio.exchange.remembered import FindingsCache
from tests.studio import foreign_files as files
from tests.studio.fixtures import encoded, noise, open_durable


def took(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin


def test_a_text_inside_a_text_is_read_once() -> None:
    nested = "<UserComment>abcdefghij" * 40_000 + "</UserComment>" * 40_000
    packet = f"<x:xmpmeta xmlns:x='a'>{nested}</x:xmpmeta>"
    found: list[str] = []
    assert took(lambda: found.extend(xmp.values(packet, "UserComment"))) < 2.0
    assert [len(text) for text in found] == [400_000]
    inner = "<UserComment>1</UserComment><b UserComment='2'><UserComment>3</UserComment></b>"
    assert xmp.values(f"<x:xmpmeta xmlns:x='a'>{inner}</x:xmpmeta>", "UserComment") == ("1", "2", "3")


PNG_HEAD = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "data",
    [
        PNG_HEAD + files.chunk(b"abcd", b"") * 1_000_000,
        b"\xff\xd8" + b"\xff" * 4_000_000,
        b"\xff\xd8" + b"\xff\xe5\0\2" * 1_000_000,
        b"RIFF\0\0\0\0WEBP" + b"abcd\0\0\0\0" * 1_000_000,
    ],
    ids=["png", "fill", "jpeg", "webp"],
)
def test_a_file_of_a_million_parts_is_not_walked_to_its_end(data: bytes) -> None:
    found: list[Findings] = []
    assert took(lambda: found.append(reading.read(data))) < 1.0
    assert found[0].faults == ("The file has more parts than are read.",)


def test_a_segment_behind_fill_bytes_is_still_read() -> None:
    plain = files.with_exif("JPEG", files.exif(files.unicode_comment(files.A1111)))
    found = reading.read(plain[:2] + b"\xff" * 7 + plain[2:]).metadata
    assert found is not None
    assert found.seed == 1234567890


def tags_on_one_place(tags: int = 2_000, size: int = 500_000) -> bytes:
    """EXIF whose tags all name the same bytes."""
    entries = b"".join(struct.pack(">HHII", 1000 + n, 2, size, 14 + 12 * tags) for n in range(tags))
    return b"MM\0*" + struct.pack(">IH", 8, tags) + entries + b"\0\0\0\0" + b"x" * size


def jpeg_with(block: bytes) -> bytes:
    """As many segments as it takes; without the header that states a resolution."""
    plain = encoded(noise(), "JPEG")
    after = 4 + struct.unpack(">H", plain[4:6])[0]
    parts = [b"Exif\0\0" + block[at : at + 65_000] for at in range(0, len(block), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return plain[:2] + segments + plain[after:]


HEAVY: dict[str, Callable[[], bytes]] = {
    "png": lambda: files.with_chunks(files.chunk(b"eXIf", tags_on_one_place())),
    "jpeg": lambda: jpeg_with(tags_on_one_place()),
    "webp": lambda: encoded(noise(), "WEBP", exif=tags_on_one_place()),
    "avif": lambda: encoded(noise(), "AVIF", exif=tags_on_one_place()),
    "tiff": lambda: tags_on_one_place(),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", HEAVY)
def test_tags_that_name_the_same_bytes_do_not_fill_the_memory(kind: str) -> None:
    data = HEAVY[kind]()
    tracemalloc.start()
    try:
        reading.read(data)
        images.ingest(data)
    except images.PictureRefused:
        assert kind in ("tiff", "avif")
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 150 * 2**20


def test_large_tags_of_honest_files_are_read() -> None:
    block = files.exif(files.unicode_comment("words"), Copyright="x" * 3_000_000)
    found = exif.texts(block.removeprefix(b"Exif\0\0"))
    assert found is not None
    assert (len(found["exif:Copyright"]), found["exif:UserComment"]) == (3_000_000, "words")
    turned = Image.Exif()
    turned[0x0112] = 6
    data = encoded(noise(), "JPEG", exif=turned.tobytes())
    assert images.ingest(data).turned


# --- what was read is remembered --------------------------------------------------------------------


def test_looking_again_reads_no_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_durable(tmp_path) as durable:
        exchange = Exchange(durable.collection, durable.catalog)
        image = durable.collection.add_upload(io.BytesIO(files.png(parameters=files.A1111)), "a")[0]
        read: list[Path] = []
        original = exchange_module._read
        monkeypatch.setattr(
            exchange_module, "_read", lambda path, beside: (read.append(path), original(path, beside))[1]
        )
        first = exchange.metadata(image.id)
        assert exchange.metadata(image.id) == first
        assert len(read) == 1
        path, _ = durable.collection.file(image.id)
        path.write_bytes(path.read_bytes().replace(b"1234567890", b"1234567899"))  # by somebody else
        with pytest.raises(NotFound, match="damaged"):
            exchange.metadata(image.id)
        path.unlink()
        with pytest.raises(NotFound):
            exchange.metadata(image.id)


def findings(size: int) -> Findings:
    return Findings(None, (("parameters", "x" * size),), ())


def test_the_least_asked_for_goes_when_there_is_no_room() -> None:
    kept = FindingsCache(most_chars=10_000)
    for key in "abc":
        kept.of(key, lambda: findings(2_000))
    kept.of("a", lambda: pytest.fail("it is known"))
    kept.of("d", lambda: findings(2_000))  # "b" goes
    assert kept.of("b", lambda: findings(1)).raw[0][1] == "x"
    kept.of("large", lambda: findings(20_000))
    assert len(kept.of("large", lambda: findings(7)).raw[0][1]) == 7
    kept.of("a", lambda: pytest.fail("what is too large pushes nothing out"))


def test_what_cannot_be_read_is_tried_again() -> None:
    kept = FindingsCache()

    def fails() -> Findings:
        raise NotFound("gone")

    with pytest.raises(NotFound):
        kept.of("a", fails)
    assert kept.of("a", lambda: findings(3)).raw


def test_many_may_look_at_once() -> None:
    kept = FindingsCache(most_chars=20_000)

    def look(n: int) -> int:
        return len(kept.of(n % 13, lambda: findings(n % 13)).raw[0][1])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, range(2_000))) == [n % 13 for n in range(2_000)]
