from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.catalog.catalog import Catalog
from pipelines.events import ControlImage, Event
from pipelines.families.stable_diffusion import FAMILY
from pipelines.planning.plan import plan
from pipelines.request import Mode, Role
from pipelines.returning.views import never
from pipelines.running import finishing, references
from pipelines.running.contract import LoadSettings, RoleImage
from pipelines.running.families import load
from pipelines.running.families.call import DiffusersCall
from pipelines.running.families.stable_diffusion import StableDiffusion
from tests.pipelines.conftest import Ask, Pictures


@pytest.fixture(scope="module")
def model(catalog: Catalog) -> StableDiffusion:
    spec = catalog.get("tiny")
    loaded = load(spec, LoadSettings(catalog.folder(spec), frozenset(spec.modes), "cpu", torch.float32))
    assert isinstance(loaded, StableDiffusion)
    return loaded


@pytest.fixture
def prepare(model: StableDiffusion, catalog: Catalog, ask: Ask, pictures: Pictures) -> Any:
    from pathlib import Path

    def prepared(mode: str, events: list[Event] | None = None, **changes: Any) -> DiffusersCall:
        request = ask(mode, **changes)
        planned = plan(request, catalog.route("tiny", request.mode))
        images = [
            RoleImage(references.read(Path(pictures.files[image_id]), number), role, weight, number)
            for number, (role, image_id, weight) in enumerate(planned.references, start=1)
        ]
        return model.prepare(planned, images, (events if events is not None else []).append)

    return prepared


def denoised(call: DiffusersCall) -> torch.Tensor:
    return call.denoise(5, lambda step, of, latents: None)


def test_all_modes_share_their_parts(model: StableDiffusion, prepare: Any) -> None:
    pipelines = [prepare(mode)._pipeline for mode in FAMILY.routes]
    assert len({id(p.vae) for p in pipelines}) == 1
    assert len({id(p.text_encoder) for p in pipelines}) == 1
    weights = {p.unet.down_blocks[0].resnets[0].conv1.weight.data_ptr() for p in pipelines}
    assert weights == {model.edit_unet.down_blocks[0].resnets[0].conv1.weight.data_ptr()}
    schedulers = {id(p): id(p.scheduler) for p in pipelines}
    assert len(set(schedulers.values())) == len(schedulers)


def test_switching_modes_builds_nothing_twice(prepare: Any) -> None:
    first = {mode: prepare(mode)._pipeline for mode in FAMILY.routes}
    again = {mode: prepare(mode)._pipeline for mode in FAMILY.routes}
    assert all(first[mode] is again[mode] for mode in first)


def test_an_adapter_in_use_leaves_other_modes_untouched(prepare: Any) -> None:
    before = denoised(prepare("text_to_image"))
    denoised(prepare("character_reference"))
    assert torch.equal(denoised(prepare("text_to_image")), before)


def test_lines_are_followed_with_guidance_in_the_first_steps_alone_where_the_entry_says_so(
    model: StableDiffusion, prepare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    for above in (0.0, 0.5, 0.5):
        monkeypatch.setattr(model, "options", model.options.model_copy(update={"guidance_above": above}))
        drawn.append(denoised(prepare("controlnet", num_inference_steps=4, guidance_scale=6.0)))
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[1], drawn[2])


def test_what_the_mask_shows_in_black_stays_to_the_pixel(prepare: Any, pictures: Pictures) -> None:
    call = prepare("inpaint", num_inference_steps=4)
    picture = call.finish(denoised(call)).picture
    source = Image.open(pictures.files["face"]).convert("RGB")
    assert picture.crop((0, 0, 32, 64)).tobytes() == source.crop((0, 0, 32, 64)).tobytes()
    assert picture.crop((32, 0, 64, 64)).tobytes() != source.crop((32, 0, 64, 64)).tobytes()


def test_an_edit_leaves_what_it_hardly_changed_where_the_entry_says_so(
    model: StableDiffusion, prepare: Any, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = {"result_size": None, "keep": None, "again": True}
    assert prepare("smart_edit", **earlier)._finish is finishing.alone
    monkeypatch.setattr(model, "options", model.options.model_copy(update={"keep_unchanged": True}))
    assert prepare("img2img", **earlier)._finish is finishing.alone
    call = prepare("smart_edit", **earlier)
    source = Image.open(pictures.files["face"]).convert("RGB")
    with torch.no_grad():
        pixels = torch.from_numpy(np.array(source)).permute(2, 0, 1)[None] / 127.5 - 1
        latents = model.vae.encode(pixels).latent_dist.mode()
        seen = model.vae.decode(latents).sample
    given_back = call._pipeline.image_processor.postprocess(seen)[0]
    assert given_back.tobytes() != source.tobytes()
    assert call._finish(given_back, never).picture.tobytes() == source.tobytes()
    edited = call.finish(denoised(call)).picture
    assert edited.size == source.size


def test_references_reach_their_adapters_in_order_with_their_weights(
    model: StableDiffusion, prepare: Any
) -> None:
    given = [
        {"image_id": "other", "role": "style", "weight": 0.5},
        {"image_id": "face", "weight": 1.0},
        {"image_id": "tall", "weight": 0.5},
    ]
    call = prepare("character_reference", references=given)
    embeds = call.arguments["ip_adapter_image_embeds"]
    for image, encoded in zip(("other", "face", "tall"), embeds, strict=True):
        alone = prepare("character_reference", references=[{"image_id": image}])
        assert torch.equal(alone.arguments["ip_adapter_image_embeds"][0], encoded)
    unet = prepare("character_reference", references=given)._pipeline.unet
    processor = unet.mid_block.attentions[0].transformer_blocks[0].attn2.processor
    assert processor.scale == pytest.approx([0.5, 1 / 1.5, 0.5 / 1.5])
    expected = [model._adapters[role]["ip_adapter"] for role in (Role.STYLE, Role.CHARACTER, Role.CHARACTER)]
    for i, state in enumerate(expected):
        assert any(torch.equal(processor.to_k_ip[i].weight, tensor) for tensor in state.values())


def test_a_reference_of_no_weight_is_as_if_it_were_not_there(prepare: Any) -> None:
    alone = denoised(prepare("character_reference"))
    silent = [
        {"image_id": "face"},
        {"image_id": "other", "weight": 0},
        {"image_id": "other", "role": "style", "weight": 0},
    ]
    beside = denoised(prepare("character_reference", references=silent))
    assert torch.allclose(beside, alone, atol=1e-5)


def test_character_and_style_differ_and_act_together(prepare: Any) -> None:
    character = denoised(prepare("character_reference"))
    style = denoised(prepare("style_reference"))
    both = [{"image_id": "face"}, {"image_id": "face", "role": "style"}]
    together = denoised(prepare("character_reference", references=both))
    assert not torch.allclose(character, style, atol=1e-4)
    assert not torch.allclose(together, character, atol=1e-4)


@pytest.mark.parametrize("guidance", [1.0, 3.5])
@pytest.mark.parametrize("mode", list(FAMILY.routes))
def test_guidance_doubles_only_where_it_acts(prepare: Any, mode: Mode, guidance: float) -> None:
    call = prepare(mode, guidance_scale=guidance)
    assert ("negative_prompt_embeds" in call.arguments) == (guidance > 1)
    assert torch.isfinite(denoised(call)).all()


@pytest.mark.parametrize("mode", ["smart_edit", "img2img"])
def test_the_source_is_rgb_at_the_pictures_size(prepare: Any, mode: str) -> None:
    image = prepare(mode, references=[{"image_id": "tall"}], aspect_ratio="1:1").arguments["image"]
    assert (image.mode, image.size) == ("RGB", (64, 64))


def test_controlnet_shows_its_lines_and_takes_a_source_beside_them(prepare: Any) -> None:
    events: list[Event] = []
    both = [{"image_id": "face"}, {"image_id": "other", "role": "source"}]
    call = prepare(
        "controlnet", events, references=both, control={"kind": "soft_edge", "weight": 0.5, "end": 0.8}
    )
    (shown,) = [e for e in events if isinstance(e, ControlImage)]
    assert shown.kind == "soft_edge"
    assert type(call._pipeline).__name__ == "StableDiffusionControlNetImg2ImgPipeline"
    assert isinstance(call.arguments["control_image"], Image.Image)
    assert call.arguments["image"] is not call.arguments["control_image"]
    assert call.arguments["controlnet_conditioning_scale"] == 0.5
    assert call.arguments["control_guidance_end"] == 0.8


def test_words_are_encoded_as_diffusers_would_have(prepare: Any, ask: Ask) -> None:
    call = prepare("text_to_image", prompt="a stern face", negative_prompt="blur")
    ours = denoised(call)
    request = ask("text_to_image")
    theirs = call._pipeline(
        "a stern face",
        negative_prompt="blur",
        num_inference_steps=2,
        guidance_scale=request.guidance_scale,
        width=request.width,
        height=request.height,
        output_type="latent",
        generator=torch.Generator().manual_seed(5),
    ).images
    assert torch.equal(ours, theirs)


def test_hooks_are_freed_when_a_step_raises(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call = prepare("text_to_image")
    freed: list[bool] = []
    monkeypatch.setattr(call._pipeline, "maybe_free_model_hooks", lambda: freed.append(True))

    def stop(step: int, of: int, latents: Any) -> None:
        raise KeyError("stopped")

    with pytest.raises(KeyError):
        call.denoise(1, stop)
    assert freed
