"""LoRAs of the models folder in the calls of every family, with the real classes at tiny size."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.errors import RequestError
from pipelines.events import Notice, Started
from pipelines.memory.plan import MemoryPlan, Storage
from pipelines.planning.plan import plan
from pipelines.request import Mode
from pipelines.running import loras
from pipelines.running.contract import LoadSettings
from pipelines.running.families import load
from tests import tiny_loras
from tests.pipelines.running.families.conftest import Tiny
from tests.pipelines.running.families.test_every_family import differ, pixels
from tests.pipelines.running.families.test_stable_diffusion import denoised

EARLY = re.compile(r"\.(to_[qkv])\.(lora_[AB]|lora\.(?:down|up))\.")
FAMILIES = {
    "tiny-sdxl": "text_to_image",
    "tiny-klein": "smart_edit",
    "tiny-flux3": "smart_edit",
    "tiny-z-image": "text_to_image",
    "tiny-flux1": "img2img",
    "tiny-qwen-image": "text_to_image",
}


def give(tiny: Tiny, model: str, name: str, **how: Any) -> str:
    """A LoRA of `model` in the models folder; its id."""
    path = tiny.add_ons / f"{name}.safetensors"
    if not path.exists():
        tiny_loras.make(tiny.folder_of(model), path, **how)
    return name


@pytest.mark.parametrize(("model", "mode"), FAMILIES.items())
def test_a_lora_acts_while_it_is_wanted_and_leaves_nothing_behind(tiny: Tiny, model: str, mode: str) -> None:
    ink = give(tiny, model, f"ink-{model}")
    plain = tiny.make(model, mode)
    inked = tiny.make(model, mode, loras=[{"id": ink}])
    assert differ(plain, inked)
    (started,) = inked.of(Started)
    (mark,) = started.provenance["loras"]
    assert mark["id"] == mark["name"] == ink
    assert mark["sha256"] == loras.tensors_hash(tiny.add_ons / f"{ink}.safetensors")
    assert differ(inked, tiny.make(model, mode, loras=[{"id": ink, "weight": 0.3}]))
    assert not differ(plain, tiny.make(model, mode, loras=[{"id": ink, "weight": 0.0}]))
    assert not differ(inked, tiny.make(model, mode, loras=[{"id": ink}]))
    assert not differ(plain, tiny.make(model, mode))


def test_keys_that_diffusers_wrote_at_first_act_as_those_of_today(tiny: Tiny) -> None:
    today = give(tiny, "tiny-sdxl", "today")
    tensors = load_file(tiny.add_ons / "today.safetensors")
    early = {EARLY.sub(early_key, name): tensor for name, tensor in tensors.items()}
    assert len(early) == len(tensors)
    assert all(".processor.to_" in name for name in early)
    save_file(early, tiny.add_ons / "early.safetensors")
    inked = tiny.make("tiny-sdxl", "text_to_image", loras=[{"id": today}])
    assert differ(inked, tiny.make("tiny-sdxl", "text_to_image"))
    assert not differ(inked, tiny.make("tiny-sdxl", "text_to_image", loras=[{"id": "early"}]))


def early_key(found: re.Match[str]) -> str:
    return f".processor.{found[1]}_lora.{'down' if found[2] in ('lora_A', 'lora.down') else 'up'}."


def test_stacked_loras_add_up(tiny: Tiny) -> None:
    there = give(tiny, "tiny-sdxl", "there", words=True)
    back = give(tiny, "tiny-sdxl", "back", words=True, sign=-1)
    plain = tiny.make("tiny-sdxl", "text_to_image")
    once = tiny.make("tiny-sdxl", "text_to_image", loras=[{"id": there, "weight": 0.7}])
    stacked = [{"id": there, "weight": 0.7}, {"id": back, "weight": 0.7}]
    both = tiny.make("tiny-sdxl", "text_to_image", loras=stacked)
    assert differ(plain, once)
    assert np.abs(pixels(plain).astype(int) - pixels(both)).max() <= 1
    again = tiny.make("tiny-sdxl", "text_to_image", loras=[{"id": there, "weight": 0.7}])
    assert not differ(once, again)


def test_a_lora_follows_from_mode_to_mode_also_beside_ip_adapters(tiny: Tiny) -> None:
    worn = [{"id": give(tiny, "tiny-sdxl", "there", words=True)}]
    made = {}
    for mode in ("text_to_image", "character_reference", "inpaint", "text_to_image"):
        inked = tiny.make("tiny-sdxl", mode, loras=worn)
        assert differ(inked, tiny.make("tiny-sdxl", mode)), mode
        assert not differ(inked, made.setdefault(mode, inked))
    others = [{"image_id": "other"}, {"image_id": "face", "role": "style"}]
    two = tiny.make("tiny-sdxl", "character_reference", loras=worn, references=others)
    assert differ(two, tiny.make("tiny-sdxl", "character_reference", references=others))


def test_those_used_last_stay_asleep_while_there_is_room(tiny: Tiny, monkeypatch: Any) -> None:
    ids = [give(tiny, "tiny-sdxl", "there", words=True), give(tiny, "tiny-sdxl", "back", words=True, sign=-1)]

    def hung(*names: str) -> int:
        tiny.make("tiny-sdxl", "text_to_image", loras=[{"id": name} for name in names])
        kept = tiny.runner.models.take(tiny.catalog.get("tiny-sdxl"), Mode.TEXT_TO_IMAGE)
        unet: Any = kept.model.unet  # pyright: ignore[reportAttributeAccessIssue]
        return len(getattr(unet, "peft_config", {}))

    assert hung() == 0
    assert [hung(ids[0]), hung(ids[1])] == [1, 2]
    monkeypatch.setattr(loras, "MOST_BYTES", 1)
    assert [hung(ids[0]), hung(*ids), hung()] == [1, 2, 0]


@pytest.mark.parametrize("wrong", ["of-another-family", "of-a-wider-model"])
def test_a_lora_that_does_not_fit_is_refused_in_words_and_leaves_nothing(tiny: Tiny, wrong: str) -> None:
    if wrong == "of-another-family":
        give(tiny, "tiny-qwen-image", wrong)
    else:
        path = tiny_loras.make(tiny.folder_of("tiny-sdxl"), tiny.add_ons / f"{wrong}.safetensors")
        wider = {k: v.repeat(1, 2) if "lora_A" in k else v for k, v in load_file(path).items()}
        save_file(wider, path)
    plain = tiny.make("tiny-sdxl", "text_to_image")
    with pytest.raises(RequestError, match=r"does not fit Tiny XL.*another model") as refused:
        tiny.make("tiny-sdxl", "text_to_image", loras=[{"id": wrong}])
    assert refused.value.field == "loras"
    assert not differ(plain, tiny.make("tiny-sdxl", "text_to_image"))


def test_a_lora_acts_beside_weights_kept_in_8_bits(tiny: Tiny) -> None:
    ink = give(tiny, "tiny-flux1", "ink-tiny-flux1")
    spec = tiny.catalog.get("tiny-flux1")
    settings = LoadSettings(
        tiny.folder_of("tiny-flux1"),
        frozenset({Mode.TEXT_TO_IMAGE}),
        "cpu",
        torch.bfloat16,
        MemoryPlan(storage=Storage.FP8),
    )
    small: Any = load(spec, settings)

    def made(*names: str) -> torch.Tensor:
        request = tiny.ask("tiny-flux1", "text_to_image", loras=[{"id": name} for name in names])
        files = {name: tiny.catalog.add_on(name).path for name in names}
        planned = plan(request, tiny.catalog.route(spec.id, request.mode), files)
        return denoised(small.prepare(planned, [], lambda event: None))

    plain, inked = made(), made(ink)
    assert torch.isfinite(inked).all()
    assert not torch.equal(plain, inked)
    weights = dict(small.components["transformer"].named_parameters())
    assert {w.dtype for name, w in weights.items() if "lora_A" in name} == {torch.bfloat16}
    assert torch.equal(plain, made())


def test_a_warmed_up_model_is_taken_apart_for_a_lora_and_says_so(tiny: Tiny) -> None:
    ink = give(tiny, "tiny-flux1", "ink-tiny-flux1")
    spec = tiny.catalog.get("tiny-flux1")
    settings = LoadSettings(
        tiny.folder_of("tiny-flux1"), frozenset({Mode.TEXT_TO_IMAGE}), "cpu", torch.float32
    )
    request = tiny.ask("tiny-flux1", "text_to_image", loras=[{"id": ink}])
    planned = plan(request, tiny.catalog.route(spec.id, request.mode), {ink: tiny.catalog.add_on(ink).path})
    told: list[Any] = []
    with torch.compiler.set_stance("force_eager"):
        warm: Any = load(spec, replace(settings, warm_up=True))
        fused = [m for m in warm.components["transformer"].modules() if getattr(m, "fused_projections", 0)]
        assert fused
        inked = denoised(warm.prepare(planned, [], told.append))
        assert not any(module.fused_projections for module in fused)
        assert torch.equal(inked, denoised(load(spec, settings).prepare(planned, [], told.append)))  # pyright: ignore[reportArgumentType]
    assert [event.text for event in told if isinstance(event, Notice) and "warmed up" in event.text]
