"""The words that part another tool's text are words an artist may use, too."""

from __future__ import annotations

import json

import pytest

from pipelines.request import GenerationRequest
from studio.collection.metadata import a1111, invokeai, reading
from studio.collection.metadata.foreign import ForeignLora, ForeignMetadata
from studio.collection.metadata.infotext import infotext
from studio.collection.metadata.reading import Sidecar
from tests.studio import foreign_files as files
from tests.studio.fixtures import picture
from tests.studio.test_metadata import likeness

LAST = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x640"


def read(**texts: str) -> ForeignMetadata:
    found = reading.read(files.png(**texts))
    assert found.faults == ()
    assert found.metadata is not None
    return found.metadata


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        ('"Negative prompt: none" on a wall\nNegative prompt: b', '"Negative prompt: none" on a wall', "b"),
        ("a sign, Negative prompt: keep out, night", "a sign, Negative prompt: keep out, night", ""),
        ("a\nNegative prompt: b, Negative prompt: c", "a", "b, Negative prompt: c"),
        ("a\nNegative prompt: b\nc", "a", "b\nc"),
        ("Negative prompt: b", "", "b"),
        ("Steps: 5 of them, stone\nNegative prompt: b", "Steps: 5 of them, stone", "b"),
        ("{red|blue} hair", "{red|blue} hair", ""),
        ("a\u2028b", "a\u2028b", ""),
    ],
)
def test_the_negative_prompt_begins_where_a_line_does(text: str, prompt: str, negative: str) -> None:
    found = read(parameters=f"{text}\n{LAST}")
    assert (found.tool, found.prompt, found.negative_prompt, found.seed) == (
        "AUTOMATIC1111",
        prompt,
        negative,
        42,
    )


@pytest.mark.parametrize(
    ("prompt", "negative"),
    [
        ("a sign: Negative prompt: keep out", ""),
        ("a poster\nNegative prompt: none", ""),
        ("a poster\n Negative prompt: none", "hat\nNegative prompt: scarf"),
        ("a\nSteps: 3, Sampler: x, Seed: 5, Size: 8x8", "Steps: 4, Seed: 6, Size: 9x9"),
    ],
)
def test_our_own_text_alone_still_says_all(prompt: str, negative: str) -> None:
    request = GenerationRequest(model="tiny", prompt=prompt, negative_prompt=negative, seed=5)
    found = read(parameters=infotext(likeness(request=request), 64, 64))
    assert (found.prompt, found.negative_prompt, found.seed) == (prompt, negative, 7)


@pytest.mark.parametrize(
    "text",
    ["Steps: down to the river, a woman", "Size: of a house, Seed: of doubt, night", "a wall, Steps: 5"],
)
def test_prose_with_colons_is_no_line_of_settings(text: str) -> None:
    assert a1111.parse(text) is None
    found = reading.read(picture(), Sidecar("a.txt", text)).metadata
    assert found is not None
    assert (found.tool, found.prompt) == ("Text file", text)


def test_what_comes_later_does_not_replace_a_setting_and_an_odd_value_hides_none() -> None:
    found = a1111.parse("a\nSteps: 20, Model: my, best, Seed: 5, Wildcard prompt: sea, Seed: 9, Size: 8x16")
    assert found is not None
    assert (found.steps, found.seed, found.width, found.height) == (20, 5, 8, 16)


@pytest.mark.parametrize(
    ("line", "prompt", "negative"),
    [
        ('"a "quoted" sign [snow]" -s 50 -S 11 -I "in.png"', 'a "quoted" sign', "snow"),
        ("a mill -s 50 -S 11", "a mill", ""),
        ('"a mill - at night" -s 50 -S 11', "a mill - at night", ""),
    ],
)
def test_words_and_options_of_a_dream_are_told_apart(line: str, prompt: str, negative: str) -> None:
    found = invokeai.read({"Dream": line})
    assert found is not None
    assert (found.prompt, found.negative_prompt, found.steps, found.seed) == (prompt, negative, 50, 11)


def test_the_name_of_a_tools_key_in_a_prompt_does_not_hide_the_settings() -> None:
    found = read(parameters=f"the words sui_image_params on a wall\n{LAST}")
    assert (found.tool, found.prompt) == ("AUTOMATIC1111", "the words sui_image_params on a wall")


def test_a_lora_that_is_told_twice_is_one() -> None:
    both = {**files.FOOOCUS, "lora_combined_1": "offset : 0.1", "lora_combined_2": "ink : 0.5"}
    found = read(parameters=json.dumps(both))
    assert found.loras == (ForeignLora("offset.safetensors", 0.1), ForeignLora("ink", 0.5))
    assert not any("lora" in name for name, _ in found.unmapped)
    params = {**files.SWARM["sui_image_params"], "prompt": "a bridge <lora:film:0.8> <lora:ink:0.5>"}
    found = read(parameters=json.dumps({"sui_image_params": params}))
    assert (found.prompt, found.loras) == ("a bridge", (ForeignLora("film", 0.8), ForeignLora("ink", 0.5)))


def test_every_character_of_a_picture_is_told() -> None:
    def caption(base: str, *parts: str) -> dict[str, object]:
        return {
            "caption": {"base_caption": base, "char_captions": [{"char_caption": part} for part in parts]}
        }

    said = {
        **files.NOVELAI,
        "v4_prompt": caption("1girl, solo", "girl, red coat", "boy, blue hat"),
        "v4_negative_prompt": caption("lowres", "hat"),
    }
    found = read(**files.novelai_texts(said))
    assert found.prompt == "1girl, solo\ngirl, red coat\nboy, blue hat"
    assert found.negative_prompt == "lowres\nhat"


def test_what_was_unwanted_in_one_character_is_told_of_that_one() -> None:
    captions = [{"char_caption": "hat", "centers": []}, {"char_caption": ""}, {"char_caption": "gloves"}]
    unwanted = {"caption": {"base_caption": "lowres", "char_captions": captions}}
    said = {**files.NOVELAI, "uc": "lowres", "v4_negative_prompt": unwanted}
    found = reading.read(files.png(**files.novelai_texts(said))).metadata
    assert found is not None
    assert found.negative_prompt == "lowres\nhat\ngloves"
    assert found.unmapped[0] == ("Unwanted in one character", "character 1: hat; character 3: gloves")
