"""What we write, read by the public readers that galleries and sites use.

sd-prompt-reader pins an old Pillow, so that pip cannot install it beside this project's; its reader itself
works with ours: `pip install --no-deps sd-prompt-reader==1.3.5`, as .ci/run does.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from sd_parsers import ParserManager
from sd_parsers.data import Generators

from pipelines.request import GenerationRequest, Mode, Reference, Role
from studio.collection.metadata import png, writing
from studio.collection.metadata.likeness import Likeness
from tests.studio.fixtures import noise
from tests.studio.test_metadata import likeness

sd_prompt_reader = pytest.importorskip(
    "sd_prompt_reader.image_data_reader", reason="pip install --no-deps sd-prompt-reader==1.3.5 to run these"
)
PROMPT = "a portrait of Ana, red hair: copper, 1890s"
NEGATIVE = "blurry, six fingers"


def said(prompt: str = PROMPT, negative: str = NEGATIVE) -> Likeness:
    request = GenerationRequest(
        mode=Mode.IMG2IMG,
        model="tiny",
        prompt=prompt,
        negative_prompt=negative,
        guidance_scale=4.5,
        num_inference_steps=30,
        seed=5,
        strength=0.6,
        references=(Reference(image_id="id0", role=Role.SOURCE),),
    )
    return likeness(Role.SOURCE, request=request, seed=1234567890123)


def as_png(record: Likeness) -> bytes:
    return png.encode(noise().tobytes(), 24, 16, record)


def as_jpeg(record: Likeness) -> bytes:
    return writing.jpeg(noise(), record).data


def as_webp(record: Likeness) -> bytes:
    return writing.webp(noise(), record).data


FORMATS = pytest.mark.parametrize("write", [as_png, as_jpeg, as_webp])
Write = Callable[[Likeness], bytes]


@FORMATS
@pytest.mark.parametrize("prompt", [PROMPT, "äöü 日本語", "two\nlines"])
def test_sd_parsers_reads_it(write: Write, prompt: str) -> None:
    with Image.open(io.BytesIO(write(said(prompt)))) as image:
        found = ParserManager().parse(image)
    assert found is not None
    assert found.generator is Generators.AUTOMATIC1111
    (sampler,) = found.samplers
    assert sampler.name == "DDIM"
    assert sampler.parameters == {"steps": "30", "cfg_scale": "4.5", "seed": "1234567890123"}
    assert [p.value for p in sampler.prompts] == [prompt]
    assert [p.value for p in sampler.negative_prompts] == [NEGATIVE]
    assert sampler.model is not None
    assert sampler.model.name == "Tiny Portrait"
    assert found.metadata["Size"] == "24x16"


@FORMATS
@pytest.mark.parametrize("prompt", [PROMPT, "äöü 日本語", "two\nlines"])
def test_sd_prompt_reader_reads_it(write: Write, prompt: str) -> None:
    found = sd_prompt_reader.ImageDataReader(io.BytesIO(write(said(prompt))))
    assert found.tool == "A1111 webUI"
    assert (found.positive, found.negative) == (prompt, NEGATIVE)
    assert found.parameter == {
        "model": "Tiny Portrait",
        "sampler": "DDIM",
        "seed": "1234567890123",
        "cfg": "4.5",
        "steps": "30",
        "size": "24x16",
    }


@FORMATS
def test_they_read_a_picture_of_few_words(write: Write) -> None:
    data = write(said("fox", "").model_copy(update={"provenance": {}}))
    with Image.open(io.BytesIO(data)) as image:
        found = ParserManager().parse(image)
    assert found is not None
    assert [p.value for p in found.samplers[0].prompts] == ["fox"]
    other = sd_prompt_reader.ImageDataReader(io.BytesIO(data))
    assert (other.positive, other.negative, other.parameter["seed"]) == ("fox", "", "1234567890123")
