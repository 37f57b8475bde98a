"""What other tools' files say is understood, from files laid out as each tool lays them out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.collection.metadata import reading
from studio.collection.metadata.foreign import ForeignLora, ForeignMetadata
from studio.collection.metadata.reading import Sidecar
from tests.studio import foreign_files as files
from tests.studio.fixtures import encoded, noise, picture

_CASTLE = {
    "tool": "ComfyUI",
    "prompt": "a castle",
    "negative_prompt": "fog",
    "seed": 42,
    "steps": 30,
    "guidance": 7.5,
    "sampler": "euler",
    "width": 640,
    "height": 832,
    "strength": 1.0,
}
_ANA = {
    "tool": "AUTOMATIC1111",
    "prompt": "a portrait of Ana, red hair\nsecond line",
    "negative_prompt": "blurry, hands",
    "seed": 1234567890,
    "steps": 25,
    "guidance": 6.5,
    "sampler": "DPM++ 2M",
    "width": 512,
    "height": 768,
    "model": "tiny",
    "strength": 0.55,
    "loras": (ForeignLora("oil_paint", 0.7),),
}
_NOVEL = {
    "tool": "NovelAI",
    "prompt": "1girl, solo",
    "negative_prompt": "lowres",
    "seed": 3141,
    "steps": 28,
    "guidance": 5.0,
    "sampler": "k_euler_ancestral",
    "width": 832,
    "height": 1216,
    "strength": 0.7,
    "model": "NovelAI Diffusion V3 AAAA",
}
_FOOOCUS = {
    "tool": "Fooocus",
    "prompt": "a tower",
    "negative_prompt": "text",
    "seed": 77,
    "steps": 30,
    "guidance": 4.0,
    "sampler": "dpmpp_2m_sde_gpu",
    "width": 896,
    "height": 1152,
    "model": "juggernautXL.safetensors",
    "loras": (ForeignLora("offset.safetensors", 0.1),),
}
_SWARM = {
    "tool": "SwarmUI",
    "prompt": "a bridge",
    "negative_prompt": "cars",
    "seed": 2042,
    "steps": 22,
    "guidance": 6.0,
    "sampler": "euler",
    "width": 1024,
    "height": 768,
    "model": "OfficialStableDiffusion/sd_xl",
    "strength": 0.6,
    "loras": (ForeignLora("film", 0.8),),
}
_GARDEN = {
    "tool": "Draw Things",
    "prompt": "a garden",
    "negative_prompt": "people",
    "seed": 606,
    "steps": 12,
    "guidance": 3.5,
    "sampler": "Euler A Trailing",
    "width": 1024,
    "height": 832,
    "model": "flux_1_dev_q8p.ckpt",
    "loras": (ForeignLora("haze", 0.5),),
}
_MILL = {
    "tool": "InvokeAI",
    "prompt": "a mill",
    "negative_prompt": "snow",
    "seed": 11,
    "steps": 50,
    "guidance": 7.5,
    "sampler": "k_lms",
    "width": 512,
}
EXPECTED: dict[str, dict[str, Any]] = {
    "a1111.png": _ANA,
    "a1111-compressed.png": _ANA,
    "a1111.jpg": _ANA,
    "a1111.webp": _ANA,
    "a1111-stealth.png": _ANA,
    "a1111-stealth-rgb.png": _ANA,
    "forge.png": {
        "tool": "Forge",
        "prompt": "a fox",
        "guidance": 3.5,
        "seed": 7,
        "width": 896,
        "height": 1152,
    },
    "comfyui.png": {
        **_CASTLE,
        "model": "sub/dream.safetensors",
        "loras": (ForeignLora("ink.safetensors", 0.6),),
    },
    "comfyui.webp": _CASTLE,
    "comfyui-subgraph.png": {
        "tool": "ComfyUI",
        "prompt": "a lighthouse in fog, oil painting",
        "negative_prompt": "blurry, text",
        "seed": 77,
        "steps": 22,
        "model": "base.safetensors",
    },
    "comfyui-workflow.png": {**_CASTLE, "model": "dream.safetensors"},
    "comfyui-flux.png": {
        "tool": "ComfyUI",
        "prompt": "a lighthouse",
        "negative_prompt": "",
        "seed": 99,
        "steps": 8,
        "guidance": 3.0,
        "sampler": "euler",
        "width": 1024,
        "height": 1024,
        "model": "flux1-dev.safetensors",
    },
    "invokeai-3.png": {
        "tool": "InvokeAI",
        "prompt": "a harbour",
        "negative_prompt": "rain",
        "seed": 5,
        "steps": 28,
        "guidance": 5.5,
        "sampler": "dpmpp_2m",
        "width": 768,
        "height": 512,
        "model": "Juggernaut",
        "strength": 0.4,
        "loras": (ForeignLora("grain", 0.3),),
    },
    "invokeai-2.png": {**_MILL, "height": 512, "model": "sd15"},
    "invokeai-1.png": {**_MILL, "height": 448, "strength": 0.75},
    "novelai.png": _NOVEL,
    "novelai-stealth.png": _NOVEL,
    "fooocus.png": _FOOOCUS,
    "fooocus.jpg": _FOOOCUS,
    "swarmui.png": _SWARM,
    "swarmui.jpg": _SWARM,
    "draw-things.png": _GARDEN,
    "draw-things.jpg": _GARDEN,
}


def said(data: bytes, beside: Sidecar | None = None) -> ForeignMetadata | None:
    return reading.read(data, beside, files.opened(data)).metadata


def understood(data: bytes) -> ForeignMetadata:
    found = said(data)
    assert found is not None
    return found


def test_every_kind_of_file_has_its_expectation() -> None:
    assert set(files.everything()) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_tools_file_is_understood(name: str) -> None:
    found = understood(files.everything()[name])
    assert {field: getattr(found, field) for field in EXPECTED[name]} == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_is_told_twice_and_the_texts_are_kept_as_they_are(name: str) -> None:
    data = files.everything()[name]
    found = reading.read(data, None, files.opened(data))
    assert found.raw
    assert found.faults == ()
    assert found.metadata is not None
    names = [key for key, _ in found.metadata.unmapped]
    assert len(names) == len(set(names))
    assert not set(names) & {"Seed", "seed", "Steps", "steps", "prompt", "positive_prompt", "width"}


def test_what_has_no_place_is_told() -> None:
    told = dict(understood(files.png(parameters=files.A1111)).unmapped)
    assert told["Schedule type"] == "Karras"
    assert told["Lora hashes"] == "oil_paint: 99aa"
    assert told["Clip skip"] == "2"
    graph = dict(understood(files.everything()["comfyui.png"]).unmapped)
    assert graph["Scheduler"] == "normal"
    assert "KSampler" in graph["Nodes"]


def test_of_two_passes_the_one_that_made_the_picture_counts() -> None:
    graph = json.loads(json.dumps(files.GRAPH))
    graph["20"] = {
        "class_type": "KSampler",
        "inputs": {**files.GRAPH["3"]["inputs"], "seed": 1, "denoise": 0.4, "latent_image": ["3", 0]},
    }
    graph["8"]["inputs"]["samples"] = ["20", 0]
    found = understood(files.png(prompt=json.dumps(graph)))
    assert (found.seed, found.strength) == (42, 1.0)
    assert dict(found.unmapped)["Further samplers"] == "1"


def test_a_graph_that_runs_in_circles_ends() -> None:
    graph = json.loads(json.dumps(files.GRAPH))
    graph["6"]["inputs"]["text"] = ["6", 0]
    graph["4"]["inputs"]["model"] = ["10", 0]
    assert understood(files.png(prompt=json.dumps(graph))).seed == 42


@pytest.mark.parametrize(
    ("name", "text", "tool", "prompt"),
    [
        ("a.txt", files.A1111, "AUTOMATIC1111", "a portrait of Ana, red hair\nsecond line"),
        ("a.txt", "a woman in a red coat", "Text file", "a woman in a red coat"),
        ("a.swarm.json", json.dumps(files.SWARM), "SwarmUI", "a bridge"),
        ("a.json", json.dumps(files.INVOKE_3), "InvokeAI", "a harbour"),
        ("a.json", json.dumps(files.FOOOCUS), "Fooocus", "a tower"),
        ("a.json", json.dumps(files.GRAPH), "ComfyUI", "a castle"),
        ("a.json", json.dumps({"prompt": "a hill", "seed": 9, "mood": "calm"}), "JSON file", "a hill"),
    ],
)
def test_a_file_beside_the_picture_is_read(name: str, text: str, tool: str, prompt: str) -> None:
    found = said(picture(), Sidecar(name, text))
    assert found is not None
    assert (found.tool, found.prompt) == (tool, prompt)


def test_what_the_picture_says_goes_before_the_file_beside_it() -> None:
    found = said(files.png(parameters=files.FORGE), Sidecar("a.txt", "a caption"))
    assert found is not None
    assert found.tool == "Forge"


def test_what_is_no_text_is_no_prompt_and_letters_that_were_lost_are_told() -> None:
    noise_as_text = bytes(range(256)).decode("cp1252", "replace")
    assert said(picture(), Sidecar("a.txt", noise_as_text)) is None
    found = reading.read(picture(), Sidecar("a.txt", "\ufffd woman\nSteps: 20, Sampler: Euler, Seed: 7"))
    assert found.faults == ("Some letters of a.txt could not be read: it is not UTF-8 throughout.",)
    assert reading.read(picture(), Sidecar("a.txt", "a\tcaption\r\nof two lines")).faults == ()


@pytest.mark.parametrize("text", ["", "   ", "{", "[]", "{}", "null"])
def test_a_file_beside_the_picture_that_says_nothing(text: str) -> None:
    assert said(picture(), Sidecar("a.json", text)) is None


@pytest.mark.parametrize(
    "data",
    [
        picture(),
        encoded(noise(), "JPEG"),
        encoded(noise(), "WEBP"),
        files.png(Comment="Made with GIMP", Software="GIMP"),
        files.with_exif("JPEG", files.exif(Make="Canon", Model="EOS R5", ImageDescription="holiday")),
    ],
)
def test_pictures_of_no_model_say_nothing(data: bytes) -> None:
    assert said(data) is None


def test_a_prompt_alone_is_not_taken_for_settings() -> None:
    assert said(files.png(parameters="a fox: red, small, sitting: on a hill")) is None
