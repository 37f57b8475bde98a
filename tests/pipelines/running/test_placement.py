from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import Qwen3Config, Qwen3Model, T5Config, T5EncoderModel

from pipelines.catalog.catalog import Catalog
from pipelines.events import ImageReady, Started, WorkOrder
from pipelines.memory.plan import WHOLE, MemoryChoice, Placement, Storage
from pipelines.running import placement
from pipelines.running.contract import LoadSettings
from pipelines.running.runner import PipelineRunner
from tests.pipelines.conftest import Ask, Pictures
from tests.pipelines.running.test_loaded_models import CARD

FULL = LoadSettings(folder=None, modes=frozenset(), device="cpu", dtype=torch.float32, memory=WHOLE)


def flux() -> FluxTransformer2DModel:
    torch.manual_seed(0)
    return FluxTransformer2DModel(
        in_channels=4, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8),
    ).eval()  # fmt: skip


def step(transformer: FluxTransformer2DModel) -> torch.Tensor:
    torch.manual_seed(1)
    with torch.no_grad():
        return transformer(
            hidden_states=torch.randn(1, 16, 4), encoder_hidden_states=torch.randn(1, 8, 32),
            pooled_projections=torch.randn(1, 32), timestep=torch.ones(1), img_ids=torch.zeros(16, 3),
            txt_ids=torch.zeros(8, 3),
        ).sample  # fmt: skip


@pytest.fixture(scope="module")
def outcome(catalog: Catalog, ask: Ask, pictures: Pictures) -> Callable[..., tuple[np.ndarray, Any, Any]]:
    """Picture, provenance and model of a small job on a processor that is planned for like a card.

    Each made once: a model serves all modes, as it does in the studio.
    """
    runners: dict[MemoryChoice, PipelineRunner] = {}

    @cache
    def made(choice: MemoryChoice, mode: str) -> tuple[np.ndarray, Any, Any]:
        runner = runners.setdefault(choice, PipelineRunner(catalog, "cpu", look=lambda: CARD))
        events: list[Any] = []
        request = ask(mode)
        runner.run(
            WorkOrder("job", request, pictures.files, memory=choice.value), events.append, lambda: False
        )
        image = next(event for event in events if isinstance(event, ImageReady))
        started = next(event for event in events if isinstance(event, Started))
        model = runner.models.take(catalog.get("tiny"), None, runner_wish(choice)).model
        return np.frombuffer(image.rgb, np.uint8).astype(int), started.provenance, model

    return made


def runner_wish(choice: MemoryChoice) -> Any:
    from pipelines.running.loaded_models import MemoryOptions

    return MemoryOptions(choice)


@pytest.mark.parametrize("mode", ["text_to_image", "controlnet", "character_reference"])
@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (MemoryChoice.MODEL_OFFLOAD, "parts take turns"),
        (MemoryChoice.GROUP_OFFLOAD, "layers stream through"),
        (MemoryChoice.FP8, "8-bit weights"),
    ],
)
def test_a_plan_reaches_the_real_pipeline_and_makes_the_picture(
    outcome: Any, choice: MemoryChoice, words: str, mode: str
) -> None:
    expected, _, _ = outcome(MemoryChoice.RESIDENT, mode)
    picture, provenance, model = outcome(choice, mode)
    assert words in provenance["memory"]
    assert provenance["memory_reason"].startswith("Your choice")
    assert_carried_out(choice, model)
    if choice is MemoryChoice.FP8:
        assert 0 < np.abs(picture - expected).mean() < 40
    else:
        assert np.abs(picture - expected).max() <= 2  # other kernels may serve tensors that have moved


def assert_carried_out(choice: MemoryChoice, model: Any) -> None:
    unet = [*model._stock.values()][-1].pipeline.unet  # of the mode that was used last
    hooks = [module._diffusers_hook for module in unet.modules() if hasattr(module, "_diffusers_hook")]
    if choice is MemoryChoice.MODEL_OFFLOAD:
        assert hasattr(unet, "_hf_hook")
    elif choice is MemoryChoice.GROUP_OFFLOAD:
        assert any(hook.get_hook("group_offloading") is not None for hook in hooks)
    else:
        assert {p.dtype for n, p in unet.named_parameters() if "to_q" in n} == {torch.float8_e4m3fn}
        assert model.vae.dtype is torch.float32


def test_fusing_projections_changes_no_number() -> None:
    transformer = flux()
    expected = step(transformer)
    transformer.fuse_qkv_projections()
    assert transformer.transformer_blocks[0].attn.fused_projections
    assert torch.equal(step(transformer), expected)


def test_a_warm_up_reaches_every_block_that_repeats() -> None:
    transformer = flux()
    placement.prepare("transformer", transformer, replace(FULL, warm_up=True))
    blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
    assert all(block._compiled_call_impl is not None for block in blocks)
    assert transformer.transformer_blocks[0].attn.fused_projections


@pytest.mark.parametrize("upcast", [True, False])
def test_a_decoder_that_runs_over_in_half_precision_computes_in_full(upcast: bool) -> None:
    vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, force_upcast=upcast).half()
    placement.prepare("vae", vae, replace(FULL, dtype=torch.float16))
    assert vae.dtype is (torch.float32 if upcast else torch.float16)


@pytest.mark.parametrize(
    "encoder",
    [
        lambda: T5EncoderModel(
            T5Config(vocab_size=50, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
        ),
        lambda: Qwen3Model(
            Qwen3Config(
                vocab_size=50,
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=8,
            )
        ),
    ],
    ids=["T5", "Qwen3"],
)
def test_encoders_read_words_with_8_bit_weights(encoder: Callable[[], Any]) -> None:
    torch.manual_seed(0)
    network = encoder().eval()
    words = torch.tensor([[1, 2, 3, 4]])
    with torch.no_grad():
        expected = network(words).last_hidden_state
        bytes_before = sum(p.nbytes for p in network.parameters())
        plan = replace(WHOLE, storage=Storage.FP8)
        placement.prepare("text_encoder", network, replace(FULL, memory=plan))
        found = network(words).last_hidden_state
    assert sum(p.nbytes for p in network.parameters()) < 0.6 * bytes_before
    assert network.dtype is torch.float32
    assert torch.allclose(found, expected, atol=0.3)
    assert not torch.equal(found, expected)


def test_pictures_lie_in_memory_as_a_card_likes_them() -> None:
    unet = UNet2DConditionModel(
        block_out_channels=(8,), layers_per_block=1, down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",), cross_attention_dim=8, norm_num_groups=4,
    )  # fmt: skip
    placement.prepare("unet", unet, FULL)
    assert not unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    placement.prepare("unet", unet, replace(FULL, device="cuda"))
    assert unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)


def test_tiles_are_for_the_decoder() -> None:
    vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)

    class Pipeline:
        components = {"vae": vae}  # noqa: RUF012

        def to(self, device: str) -> None:
            vae.to(device)

    pipeline = Pipeline()
    pipeline.vae = vae  # pyright: ignore[reportAttributeAccessIssue]
    placement.settle(pipeline, replace(FULL, memory=replace(WHOLE, tiling=True)))
    assert vae.use_tiling
    assert vae.use_slicing


def test_only_packages_need_a_configuration() -> None:
    for storage in (Storage.FULL, Storage.HALF, Storage.FP8):
        settings = replace(FULL, memory=replace(WHOLE, storage=storage, placement=Placement.RESIDENT))
        assert placement.quantization(["transformer", "vae"], settings) is None
