"""What a second try computes again, in every family: only what changed, and always the same picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from benchmarks import second_try
from tests.pipelines.running.families.conftest import Tiny
from tests.pipelines.running.families.test_every_family import differ, pixels
from tests.pipelines.running.families.test_loras import give

READ = ("texts", "VL pictures", "VAE", "image encoder")
PICTURES = ("VL pictures", "VAE", "image encoder")
UNCHANGED = {
    "same again": READ,
    "new seed": READ,
    "one word": PICTURES,
    "a weight": READ,
    "their order": ("VAE", "image encoder"),
}
"""What none of these may compute."""


@pytest.fixture(scope="module")
def rig(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> second_try.Rig:
    del tiny  # makes references small
    return second_try.tiny_rig(tmp_path_factory.mktemp("second-try"))


@pytest.mark.parametrize(("model", "mode"), second_try.CALLS)
def test_only_what_changed_is_computed_and_the_picture_is_that_of_a_cold_start(
    rig: second_try.Rig, model: str, mode: str
) -> None:
    by_count = {count: second_try.tries(rig, model, mode, count) for count in (1, 2)}
    assert second_try.unequal({(model, mode): by_count}) == []
    for count, tried in by_count.items():
        for label, parts in UNCHANGED.items():
            if label in tried:
                assert not any(tried[label].ours[part] for part in parts), (count, label)
        if tried:
            assert tried["one word"].ours["texts"] < 1 + tried["one word"].bare["texts"]
            assert tried["one word"].ours["texts"] > 0
            assert tried["one reference"].ours["VAE"] <= 2  # an inpaint call encodes its source twice
            tokens = tried["same again"].bare[second_try.TOKENS]
            for label in ("same again", "new seed", "one word"):
                known = 0 if model == "tiny-klein-kv" else tokens
                assert tried[label].ours[second_try.TOKENS] == known, (count, label)


def test_loras_in_the_text_encoder_never_lend_their_words(tiny: Tiny) -> None:
    there = give(tiny, "tiny-sdxl", "there", words=True)
    worn = [None, 1.0, 0.4, 1.0, None, 0.4]
    made: dict[Any, Any] = {}
    for weight in worn:
        loras = [] if weight is None else [{"id": there, "weight": weight}]
        warm = tiny.make("tiny-sdxl", "text_to_image", loras=loras)
        tiny.runner.models.remembered.clear()
        assert not differ(warm, tiny.make("tiny-sdxl", "text_to_image", loras=loras)), weight
        made[weight] = pixels(warm).tobytes()
    assert len(set(made.values())) == 3


def test_a_vae_never_takes_what_another_has_encoded(tiny: Tiny) -> None:
    own = next((tiny.folder_of("tiny-sdxl") / "vae").glob("*.safetensors"))
    path = Path(tiny.add_ons) / "second-vae.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({name: tensor * 1.1 for name, tensor in load_file(own).items()}, path)
    made = []
    for vae in (None, "second-vae", None):
        warm = tiny.make("tiny-sdxl", "img2img", vae=vae)
        tiny.runner.models.remembered.clear()
        assert not differ(warm, tiny.make("tiny-sdxl", "img2img", vae=vae))
        made.append(warm)
    assert differ(made[0], made[1])
    assert not differ(made[0], made[2])
