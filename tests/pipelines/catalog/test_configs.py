"""The configuration beside single files describes the published networks: counted, not loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping

import diffusers
import pytest
import transformers
from accelerate import init_empty_weights

from pipelines.catalog.models_folder import CONFIGS

MILLIONS: Mapping[str, dict[str, float]] = {
    "sd1": {"unet": 859.52, "vae": 83.65, "text_encoder": 123.06},
    "sdxl": {"unet": 2567.46, "vae": 83.65, "text_encoder": 123.06, "text_encoder_2": 694.66},
}


def parameters(base: str, index: Mapping[str, tuple[str, str]], part: str) -> int:
    """How many a part has that is made by its configuration."""
    library, name = index[part]
    cls = getattr(diffusers if library == "diffusers" else transformers, name)
    with init_empty_weights():
        if library == "diffusers":
            network = cls.from_config(cls.load_config(CONFIGS / base / part))
        else:
            network = cls(cls.config_class.from_pretrained(CONFIGS / base / part))
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("base", MILLIONS)
def test_each_network_has_the_published_size(base: str) -> None:
    index = json.loads((CONFIGS / base / "model_index.json").read_text())
    for part, millions in MILLIONS[base].items():
        assert parameters(base, index, part) / 1e6 == pytest.approx(millions, abs=0.01)


BILLIONS: Mapping[str, dict[str, float]] = {
    "flux1-dev": {"transformer": 11.90, "vae": 0.08, "text_encoder": 0.12, "text_encoder_2": 4.89},
    "flux1-schnell": {"transformer": 11.89, "vae": 0.08, "text_encoder": 0.12, "text_encoder_2": 4.89},
    "flux1-fill": {"transformer": 11.90, "vae": 0.08, "text_encoder": 0.12, "text_encoder_2": 4.89},
    "flux2-klein-4b": {"transformer": 3.88, "vae": 0.08, "text_encoder": 4.41},
    "flux2-klein-9b": {"transformer": 9.08, "vae": 0.08, "text_encoder": 8.19},
    "qwen-image": {"transformer": 20.43, "vae": 0.13, "text_encoder": 8.29},
    "qwen-image-edit-2511": {"transformer": 20.43, "vae": 0.13, "text_encoder": 8.29},
    "z-image-turbo": {"transformer": 6.15, "vae": 0.08, "text_encoder": 4.41},
    "z-image": {"transformer": 6.15, "vae": 0.08, "text_encoder": 4.41},
}
"""As their makers tell; a table of words that two layers have in common twice."""


@pytest.mark.parametrize("base", BILLIONS)
def test_each_network_of_split_files_has_the_published_size(base: str) -> None:
    index = json.loads((CONFIGS / base / "model_index.json").read_text("utf-8"))
    for part, billions in BILLIONS[base].items():
        assert parameters(base, index, part) / 1e9 == pytest.approx(billions, abs=0.006)
    scheduler = getattr(diffusers, index["scheduler"][1])
    assert scheduler.from_config(scheduler.load_config(CONFIGS / base / "scheduler")).config.shift > 0


@pytest.mark.parametrize(("base", "folder", "pad"), [("sd1", "tokenizer", 49407), ("sdxl", "tokenizer_2", 0)])
def test_words_are_cut_as_clip_cuts_them(base: str, folder: str, pad: int) -> None:
    tokenizer = transformers.CLIPTokenizer.from_pretrained(CONFIGS / base / folder, local_files_only=True)
    ids = tokenizer("a photo of a cat", padding="max_length", max_length=9).input_ids
    assert ids == [49406, 320, 1125, 539, 320, 2368, 49407, pad, pad]
    assert tokenizer.model_max_length == 77
