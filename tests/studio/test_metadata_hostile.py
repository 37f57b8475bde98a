"""Files that mean harm or are broken: whatever is in them, reading ends, and says what was left out.

`python -m tests.studio.fuzz 5000` tries more mutations than the suite does.
"""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.collection.metadata import a1111, foreign, reading, stealth, xmp
from studio.collection.metadata.reading import Sidecar
from studio.collection.metadata.texts import MAX_TEXT_BYTES, MAX_TEXTS
from tests.studio import foreign_files as files
from tests.studio import fuzz
from tests.studio.fixtures import picture

BOMB = zlib.compress(b"\0" * 300_000_000, 9)


def faults(data: bytes) -> str:
    return " ".join(reading.read(data).faults)


@pytest.mark.parametrize(
    "chunk",
    [
        files.chunk(b"zTXt", b"parameters\0\0" + BOMB),
        files.chunk(b"iTXt", b"parameters\0\1\0\0\0" + BOMB),
        files.chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB),
    ],
)
def test_a_text_that_unpacks_to_hundreds_of_megabytes_is_not_unpacked(chunk: bytes) -> None:
    data = files.with_chunks(chunk, files.chunk(b"tEXt", b"Dream\0" + files.DREAM.encode()))
    tracemalloc.start()
    found = reading.read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "too long" in " ".join(found.faults)
    assert peak < 8 * MAX_TEXT_BYTES
    assert found.metadata is not None  # the text after it is still read
    assert found.metadata.seed == 11


@pytest.mark.parametrize(
    ("chunk", "word"),
    [
        (files.chunk(b"zTXt", b"parameters\0\0not packed"), "damaged"),
        (files.chunk(b"iTXt", b"parameters"), "damaged"),
        (files.chunk(b"tEXt", b"parameters\0" + b"x" * (MAX_TEXT_BYTES + 1)), "too long"),
        (files.chunk(b"eXIf", b"no EXIF at all"), "EXIF"),
        (struct.pack(">I", 2**31 - 1) + b"tEXt", "middle of a chunk"),
        (b"".join(files.chunk(b"tEXt", b"%d\0x" % n) for n in range(MAX_TEXTS + 9)), "more text"),
    ],
)
def test_damage_is_told(chunk: bytes, word: str) -> None:
    assert word in faults(files.with_chunks(chunk))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"prompt": ' + "9" * 10_000 + "}",
        '{"1": {"class_type": "KSampler", "inputs": []}}',
        '{"1": {"class_type": ["x"], "inputs": {"sampler_name": {}, "steps": [[]], "model": [[1], 2]}}}',
        '{"sui_image_params": [1, 2], "sui_extra_data": 7}',
        '{"base_model": {}, "sharpness": null, "loras": [[], [1], {}], "resolution": ["x"]}',
        '{"image": {"prompt": [[]]}}',
        '{"c": 1, "uc": [], "model": {}, "lora": [1, null], "size": 5}',
        '{"prompt": "\\ud800 half a character"}',
        '{"nodes": [{"id": [], "type": "KSampler", "inputs": 3}], "links": [[1, 2], 7, [{}, 1, 2]]}',
        "Infinity",
        '{"seed": Infinity, "steps": NaN, "positive_prompt": null, "cfg_scale": 1e999}',
        "",
        "\0\0\0",
    ],
)
@pytest.mark.parametrize(
    "key", ["parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Comment", "Dream"]
)
def test_odd_values_in_any_text_do_not_stop_anything(key: str, text: str) -> None:
    found = reading.read(files.png(**{key: text, "Software": "NovelAI"}))
    json.dumps([found.raw, found.faults]).encode()
    if found.metadata is not None:
        repr(found.metadata).encode("utf-8")
    reading.read(picture(), Sidecar("a.json", text))


@pytest.mark.parametrize(
    "packet",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x:xmpmeta xmlns:x="y">&b;</x:xmpmeta>',
        '<x:xmpmeta xmlns:x="y"><!ENTITY x SYSTEM "file:///etc/passwd">&x;</x:xmpmeta>',
        "<x:xmpmeta",
        "<a>" * 50_000,
        "\ud800",
    ],
)
def test_xmp_with_entities_or_without_an_end_is_nothing(packet: str) -> None:
    assert xmp.values(packet, "UserComment") == ()


def test_deep_xmp_is_read_without_harm() -> None:
    assert xmp.values("<a>" * 50_000 + "</a>" * 50_000, "b") == ()


def test_a_line_of_a_million_pairs_takes_no_time() -> None:
    line = "Steps: 1, " + "a: b, " * 1_000_000
    assert a1111.parse(line) is None
    assert len(list(a1111.pairs("a: b, " * 10_000))) == 500


@pytest.mark.parametrize("value", [True, "0x10", "1e400", "--5", "9" * 30, [], {}, None, float("nan"), 2.5])
def test_what_is_no_whole_number_is_none(value: object) -> None:
    assert foreign.whole(value) is None


def test_numbers_of_all_writings_are_read() -> None:
    assert [foreign.whole(v) for v in (7, "7", " 7 ", 7.0, "7.0", 2**63)] == [7, 7, 7, 7, 7, 2**63]
    assert foreign.number("nan") is None


def test_hidden_texts_are_bounded() -> None:
    for bits_said in (2**32 - 1, 2**22, 160 * 160, 7, 0):
        reading.read(b"", None, files.opened(files.stealth("x", bits_said=bits_said)))
    bomb = files.stealth(" " * 2_000_000)
    assert stealth.read(files.opened(bomb)) == {}


@settings(
    max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
@given(st.sampled_from(sorted(fuzz.SEEDS)), st.integers(0, 2**32 - 1))
def test_a_thousand_mutated_files_never_raise(name: str, seed: int) -> None:
    fuzz.try_one(fuzz.SEEDS[name], seed)
