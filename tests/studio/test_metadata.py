"""What a made picture's file says of itself, read with eyes other than our own."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pipelines.request import GenerationRequest, Mode, Reference, Role
from studio.collection.metadata import own, writing
from studio.collection.metadata.infotext import infotext
from studio.collection.metadata.likeness import Likeness, ModelMark, parse
from studio.collection.metadata.png import encode, read_likeness
from studio.collection.metadata.texts import read_texts
from studio.collection.metadata.xmp import packet
from studio.records import Category, ParentLink
from tests.studio.fixtures import encoded, noise, picture

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def likeness(*roles: Role, **changes: object) -> Likeness:
    references = tuple(Reference(image_id=f"id{i}", role=role) for i, role in enumerate(roles))
    request = GenerationRequest(
        mode=Mode.IMG2IMG, model="tiny", prompt="red hair", seed=5, strength=0.75, references=references
    )
    values: dict[str, object] = {
        "software": "Likeness 1",
        "created_at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "category": Category.EDITED,
        "pixel_sha256": "p",
        "job_id": "job",
        "batch_index": 2,
        "seed": 7,
        "model": ModelMark(id="tiny", label="Tiny Portrait", revision="abc"),
        "request": request,
        "parents": tuple(
            ParentLink(image_id=f"id{i}", pixel_sha256=f"hash{i}", role=role, order=i, weight=0.5)
            for i, role in enumerate(roles)
        ),
        "notes": ("A notice.",),
        "provenance": {"device": "cpu", "scheduler": "DDIMScheduler", "versions": {"torch": "2"}},
    }
    return Likeness.model_validate(values | changes)


def test_the_file_says_everything_and_says_it_back(tmp_path: Path) -> None:
    said = likeness(Role.SOURCE, Role.STYLE)
    (tmp_path / "a.png").write_bytes(encode(noise().tobytes(), 24, 16, said))
    assert read_likeness(tmp_path / "a.png") == said
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(noise()))
        assert set(image.info) >= {"parameters", "likeness", "XML:com.adobe.xmp"}
        assert json.loads(image.info["likeness"])["version"] == 1
        assert b"DigitalSourceType" in image.info["xmp"]


def test_the_same_content_gives_the_same_bytes() -> None:
    assert encode(noise().tobytes(), 24, 16, likeness()) == encode(noise().tobytes(), 24, 16, likeness())


def test_no_time_but_the_pictures_own_is_in_it() -> None:
    assert "timings" not in likeness().text()
    assert likeness().text().count("2026-") == 1


@pytest.mark.parametrize(
    "prompt", ["äöü €", "日本語 👩‍🎨", "a\nb\tc", '"quotes" <tags> & {braces} \\', "x" * 10_000, ""]
)
def test_any_prompt_survives(tmp_path: Path, prompt: str) -> None:
    said = likeness(request=GenerationRequest(model="tiny", prompt=prompt, negative_prompt=prompt))
    (tmp_path / "a.png").write_bytes(encode(noise().tobytes(), 24, 16, said))
    again = read_likeness(tmp_path / "a.png")
    assert again is not None
    assert again.request.prompt == prompt
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["parameters"].startswith(f"{prompt}\n")


def test_infotext_is_what_other_tools_read() -> None:
    said = likeness(model=ModelMark(id="m", label="SD: the, best"), provenance={})
    said = said.model_copy(update={"request": said.request.model_copy(update={"negative_prompt": "blurry"})})
    assert infotext(said, 512, 640) == (
        "red hair\n"
        "Negative prompt: blurry\n"
        'Steps: 20, Sampler: Unknown, CFG scale: 3.5, Seed: 7, Size: 512x640, Model: "SD: the, best", '
        "Denoising strength: 0.75, Mode: img2img, Version: Likeness 1"
    )
    assert "Sampler: DDIM, CFG scale: 3.5" in infotext(likeness(), 8, 8)
    flux = likeness(provenance={"scheduler": "FlowMatchEulerDiscreteScheduler", "pipeline": "FluxPipeline"})
    assert "Sampler: Euler, CFG scale: 1, Distilled CFG Scale: 3.5" in infotext(flux, 8, 8)
    odd = likeness(provenance={"scheduler": "NewScheduler"})
    assert "Sampler: New," in infotext(odd, 8, 8)


@pytest.mark.parametrize(
    ("roles", "term"),
    [
        ((), "trainedAlgorithmicMedia"),
        ((Role.STYLE, Role.CHARACTER, Role.STRUCTURE), "trainedAlgorithmicMedia"),
        ((Role.SOURCE,), "compositeWithTrainedAlgorithmicMedia"),
        ((Role.STYLE, Role.SOURCE), "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_xmp_names_the_kind_of_source(roles: tuple[Role, ...], term: str) -> None:
    root = ET.fromstring(packet(likeness(*roles, software='A "studio" <1> & more')))
    description = root[0][0]
    extension = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert description.attrib[extension] == TERMS + term
    tool = description.attrib["{http://ns.adobe.com/xap/1.0/}CreatorTool"]
    assert tool == 'A "studio" <1> & more'


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "not json", '{"version": 1}', '{"version": 2, "everything": "else"}']
)
def test_text_of_others_is_not_ours(text: str) -> None:
    assert parse(text) is None


def test_a_later_version_is_not_guessed_at_but_new_keys_are_left_out() -> None:
    content = json.loads(likeness().text())
    assert parse(json.dumps(content | {"mood": "happy"})) == likeness()
    assert parse(json.dumps(content | {"version": 2})) is None


@pytest.mark.parametrize("data", [b"", b"text", picture()[:60], picture(), encoded(noise(), "JPEG")])
def test_files_that_say_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert read_likeness(tmp_path / "a.png") is None


def test_a_text_chunk_that_is_not_text_is_nothing(tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("likeness", "x" * 2_000_000, zip=True)
    noise().save(tmp_path / "a.png", pnginfo=chunks)
    assert read_likeness(tmp_path / "a.png") is None


def test_xmp_names_what_the_picture_was_made_from() -> None:
    root = ET.fromstring(packet(likeness(Role.STYLE, Role.SOURCE)))
    reference = "{http://ns.adobe.com/xap/1.0/sType/ResourceRef#}documentID"
    management = "{http://ns.adobe.com/xap/1.0/mm/}"
    (derived,) = root.iter(f"{management}DerivedFrom")
    assert derived.attrib[reference] == "xmp.did:hash1"
    (ingredients,) = root.iter(f"{management}Ingredients")
    assert [item.attrib[reference] for item in ingredients[0]] == ["xmp.did:hash0", "xmp.did:hash1"]
    assert root[0][0].attrib[f"{management}DocumentID"] == "xmp.did:p"


@pytest.mark.parametrize("write", [writing.jpeg, writing.webp])
def test_other_formats_say_all_of_it_too(write: Callable[..., writing.EncodedFile]) -> None:
    said = likeness(Role.SOURCE, Role.STYLE)
    written = write(noise(), said)
    assert written.left_out == ()
    texts = read_texts(written.data)
    assert own.find(texts.named) == said
    assert texts.named["exif:UserComment"] == infotext(said, 24, 16)
    assert TERMS + "compositeWithTrainedAlgorithmicMedia" in texts.named["xmp"]


def test_what_has_no_room_in_a_jpeg_is_left_out_and_told() -> None:
    long = likeness(
        request=GenerationRequest(model="tiny", prompt="🎨" * 10_000, negative_prompt="🎨" * 10_000)
    )
    written = writing.jpeg(noise(), long)
    assert written.left_out == ("exif", "xmp")
    assert read_texts(written.data).named == {}
    assert own.find(read_texts(writing.webp(noise(), long).data).named) == long


def test_webp_without_loss_keeps_the_pixels() -> None:
    data = writing.webp(noise(), likeness()).data
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(noise()))
