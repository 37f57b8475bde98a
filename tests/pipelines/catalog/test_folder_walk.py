"""The models folder with links, loops, pipes and files that are no models: all is told, nothing raises."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from pipelines.catalog import folder_walk, models_folder
from tests.pipelines.disk.test_identify import LORA_XL, write

posix = pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights that Windows gives to few")


def named(folder: Path) -> list[str]:
    return [each.name for each in models_folder.look(folder).add_ons]


def reasons(folder: Path) -> dict[str, str]:
    return {each.path.name: each.reason for each in models_folder.look(folder).unusable}


def unpack_model(folder: Path) -> None:
    (folder / "unet").mkdir(parents=True)
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "unet" / "config.json").write_text("{}")
    write(folder / "unet" / "diffusion_pytorch_model.safetensors", {"a": (1,)})


def test_a_model_unpacked_straight_into_the_folder_is_told_of_and_hides_nothing(tmp_path: Path) -> None:
    write(tmp_path / "loras" / "ink.safetensors", LORA_XL)
    unpack_model(tmp_path)
    found = models_folder.look(tmp_path)
    assert found.specs == ()
    assert named(tmp_path) == ["ink"]
    assert "folder of their own" in reasons(tmp_path)["model_index.json"]


@posix
def test_linked_folders_and_files_are_found(tmp_path: Path) -> None:
    other, own = tmp_path / "other", tmp_path / "models"
    write(other / "loras" / "linked.safetensors", LORA_XL)
    write(other / "single.safetensors", LORA_XL)
    unpack_model(other / "sd")
    own.mkdir()
    (own / "loras").symlink_to(other / "loras")
    (own / "sd").symlink_to(other / "sd")
    (own / "one.safetensors").symlink_to(other / "single.safetensors")
    assert sorted(named(own)) == ["linked", "one"]
    assert [spec.id for spec in models_folder.look(own).specs] == ["file-sd"]


@posix
def test_loops_and_ways_up_are_told_of(tmp_path: Path) -> None:
    own = tmp_path / "models"
    write(own / "a" / "ink.safetensors", LORA_XL)
    (own / "a" / "again").symlink_to(own)
    (own / "b").symlink_to(own / "a")
    (own / "disk").symlink_to("/")
    (own / "round").symlink_to(own / "round")
    assert named(own) == ["ink"]
    told = reasons(own)
    assert "second way" in told["b"]
    assert "holds this one" in told["disk"]
    assert "holds this one" in told["again"]


@posix
def test_a_link_to_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.safetensors").symlink_to("/nowhere/x.safetensors")
    assert "link to something that is not there" in reasons(tmp_path)["gone.safetensors"]


@posix
def test_links_in_a_ring_are_told_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "alone.safetensors").symlink_to("alone.safetensors")
    for name, other in (("one", "two"), ("two", "three"), ("three", "one")):
        (tmp_path / name).symlink_to(other)
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "in.safetensors").symlink_to(tmp_path / "one")
    told = reasons(tmp_path)
    assert set(told) == {"alone.safetensors", "one", "two", "three", "in.safetensors"}
    assert all("leads back to itself" in words for words in told.values())


@posix
@pytest.mark.timeout(20)
def test_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "zero.safetensors").symlink_to("/dev/zero")
    (tmp_path / "m").mkdir()
    os.mkfifo(tmp_path / "m" / "model_index.json")
    write(tmp_path / "ink.safetensors", LORA_XL)
    os.mkfifo(tmp_path / "ink.json")
    assert named(tmp_path) == ["ink"]
    assert {"pipe.safetensors", "zero.safetensors", "m"} == set(reasons(tmp_path))


def test_a_walk_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_walk, "MOST_ENTRIES", 5)
    for number in range(6):
        write(tmp_path / f"d{number}" / "ink.safetensors", LORA_XL)
    assert any("looked at" in reason for reason in reasons(tmp_path).values())


TENSOR = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
LAYER = "model.diffusion_model.input_blocks.0.0.weight"
HEADERS: dict[str, object] = {
    "a list": [],
    "a number": 12,
    "a text": "ab",
    "null": None,
    "a tensor that is a text": {"a": "b"},
    "no offsets": {"a": {"dtype": "F32", "shape": [1]}},
    "no shape": {"a": {"dtype": "F32", "data_offsets": [0, 4]}},
    "one offset": {"a": {**TENSOR, "data_offsets": [0]}},
    "offsets as texts": {"a": {**TENSOR, "data_offsets": ["0", "4"]}},
    "offsets backwards": {"a": {**TENSOR, "data_offsets": [4, 0]}},
    "negative offsets": {"a": {**TENSOR, "data_offsets": [0, -4]}},
    "huge offsets": {"a": {**TENSOR, "data_offsets": [0, 10**30]}},
    "no list as shape": {"a": {**TENSOR, "shape": "x"}},
    "a first layer without a shape": {LAYER: {**TENSOR, "shape": []}},
    "a decoder of one dimension": {"decoder.conv_in.weight": TENSOR},
    "odd notes": {
        "__metadata__": {"ss_tag_frequency": "[" * 9000, "a": 5},
        "lora_unet_x.lora_down.weight": TENSOR,
    },
    "deep notes": {
        "__metadata__": {"ss_tag_frequency": '{"a":' * 9000},
        "lora_unet_x.lora_down.weight": TENSOR,
    },
}


@pytest.mark.parametrize("said", HEADERS.values(), ids=HEADERS)
def test_whatever_a_header_says_the_folder_can_be_looked_through(tmp_path: Path, said: object) -> None:
    text = json.dumps(said).encode()
    (tmp_path / "odd.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    found = models_folder.look(tmp_path)
    assert len(found.unusable) + len(found.add_ons) == 1


@pytest.mark.parametrize(
    "raw", [b"", b"1234567", b"[" * 200_000, b'{"\xff":1}', struct.pack("<Q", 2**63) + b"{}"]
)
def test_whatever_the_bytes_are_the_folder_can_be_looked_through(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "odd.safetensors").write_bytes(raw)
    header = struct.pack("<Q", len(raw)) + raw
    (tmp_path / "odd2.safetensors").write_bytes(header)
    assert len(reasons(tmp_path)) == 2


@pytest.mark.parametrize(
    "index",
    [
        b"[]",
        b"1",
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"_class_name": ["x"]}',
        b'{"_class_name": {}}',
        b'{"_class_name": null}',
        b'{"_class_name": "StableDiffusionPipeline", "unet": 5, "vae": [], "text_encoder": [1, 2]}',
        b'{"_class_name": "StableDiffusionPipeline", "../../etc": ["diffusers", "UNet2DConditionModel"]}',
    ],
)
def test_whatever_an_index_says_the_folder_can_be_looked_through(tmp_path: Path, index: bytes) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model_index.json").write_bytes(index)
    found = models_folder.look(tmp_path)
    assert len(found.unusable) + len(found.specs) == 1


@pytest.mark.parametrize(
    "notes", [b"[]", b"[" * 200_000, b'{"activation text": 5, "preferred weight": "x"}', b"\xff"]
)
def test_odd_notes_beside_a_lora_do_no_harm(tmp_path: Path, notes: bytes) -> None:
    write(tmp_path / "ink.safetensors", LORA_XL)
    (tmp_path / "ink.json").write_bytes(notes)
    assert named(tmp_path) == ["ink"]


@pytest.mark.skipif(os.name != "posix", reason="Windows and macOS have no file names that are no Unicode")
def test_a_name_that_is_no_utf8_can_be_shown(tmp_path: Path) -> None:
    try:
        write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.safetensors")), LORA_XL)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    (found,) = models_folder.look(tmp_path).add_ons
    assert found.name.encode()
    assert found.id.isascii()
