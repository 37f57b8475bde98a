"""Carries a memory plan out on pipelines and networks of diffusers and transformers.

`settle` once for a model's components, `place` for a network beside them, `enable_offload` for every pipeline
built of them. Knows which call makes which plan real; decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pipelines.memory.plan import Part, Placement, Storage

if TYPE_CHECKING:
    import torch

    from pipelines.running.contract import LoadSettings

log = logging.getLogger(__name__)


def settle(pipeline: Any, settings: LoadSettings) -> None:
    """Bring all networks of a freshly loaded pipeline into the state its plan wants."""
    for name, network in networks(pipeline):
        prepare(name, network, settings)
    if settings.memory.tiling:
        tile(pipeline.components.get("vae"))
    if settings.memory.placement is Placement.RESIDENT:
        pipeline.to(settings.device)
    elif settings.memory.placement is Placement.GROUP_OFFLOAD:
        for _, network in networks(pipeline):
            stream(network, settings)


def place(network: Any, settings: LoadSettings) -> Any:
    """The same for one further network (ControlNet, image encoder, VAE); returns it."""
    network.requires_grad_(False).eval()
    name = _name(network)
    prepare(name, network, settings)
    if name == "vae" and settings.memory.tiling:
        tile(network)
    if settings.memory.placement is Placement.RESIDENT:
        return network.to(settings.device)
    if settings.memory.placement is Placement.GROUP_OFFLOAD:
        stream(network, settings)
    return network


def enable_offload(pipeline: Any, settings: LoadSettings) -> None:
    """What a plan asks of a whole pipeline: parts that take turns are hooked into each one anew."""
    if settings.memory.placement is Placement.MODEL_OFFLOAD:
        pipeline.enable_model_cpu_offload(device=settings.device)


def networks(pipeline: Any) -> Iterator[tuple[str, Any]]:
    """The components of a pipeline that have weights, by name."""
    import torch

    for name, component in pipeline.components.items():
        if isinstance(component, torch.nn.Module):
            yield name, component


def prepare(name: str, network: Any, settings: LoadSettings) -> None:
    """Set memory layout and precision of one network, before it is moved to a device."""
    import torch

    on_card = torch.device(settings.device).type != "cpu"
    part = Part(name, 0)
    if on_card and name.startswith(("unet", "vae", "controlnet")) and _is_convolutional(network):
        network.to(memory_format=torch.channels_last)
    if part.is_decoder:
        keep_decoder_finite(network)
    if settings.memory.storage is Storage.FP8 and (part.is_denoiser or part.is_encoder):
        store_in_8_bits(network, settings.dtype)
    if settings.warm_up and name in ("transformer", "unet"):
        warm_up(network, fused=name == "transformer")


def keep_decoder_finite(vae: Any) -> None:
    """A decoder whose float16 numbers run over (SDXL's own) computes in float32; a mended one stays."""
    import torch

    if vae.dtype is torch.float16 and getattr(vae.config, "force_upcast", False):
        vae.to(torch.float32)


def store_in_8_bits(network: Any, compute: torch.dtype) -> None:
    """Weights lie in float8 and are computed with in `compute`, layer by layer; norms stay as they are."""
    import torch
    from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN, apply_layerwise_casting

    if hasattr(network, "enable_layerwise_casting"):
        network.enable_layerwise_casting(torch.float8_e4m3fn, compute)
        return
    kept = tuple(getattr(network, "_keep_in_fp32_modules", None) or ())
    # Pipelines ask an encoder for its precision, and it answers with that of its first weights: embeddings.
    skipped = (*DEFAULT_SKIP_MODULES_PATTERN, *kept, "embed", "shared", "lm_head")
    apply_layerwise_casting(network, torch.float8_e4m3fn, compute, skipped)


def stream(network: Any, settings: LoadSettings) -> None:
    """Layers come to the device one after the other, the next one while this one computes."""
    import torch
    from diffusers.hooks.group_offloading import apply_group_offloading

    streams = settings.memory.streams
    arguments: dict[str, Any] = {
        "onload_device": torch.device(settings.device),
        "offload_type": "leaf_level",
        "use_stream": streams,
        "record_stream": streams,
        "low_cpu_mem_usage": streams,  # pinned as they travel: pinning all at once doubles what RAM holds
    }
    if hasattr(network, "enable_group_offload"):
        network.enable_group_offload(**arguments)
    else:
        apply_group_offloading(network, **arguments)


def tile(vae: Any) -> None:
    """Decode and encode large pictures in tiles, several pictures one by one."""
    for switch in ("enable_tiling", "enable_slicing"):
        if hasattr(vae, switch):
            getattr(vae, switch)()


def warm_up(denoiser: Any, *, fused: bool = True) -> None:
    """Compile the blocks that repeat, `fused`: with what is the same in one multiplication.

    The first picture of each size then waits for the compiler. IP-Adapters replace what would be fused
    in a UNet, and LoRAs do nothing to it: see `unfuse`.
    """
    if fused and hasattr(denoiser, "fuse_qkv_projections"):
        denoiser.fuse_qkv_projections()
    if getattr(denoiser, "_repeated_blocks", None):
        denoiser.compile_repeated_blocks(dynamic=True)
    else:
        log.warning("%s has no repeated blocks to compile.", type(denoiser).__name__)


def unfuse(pipeline: Any) -> None:
    """Take fused multiplications apart again, so that LoRAs act on all of them; the same numbers come out."""
    transformer = getattr(pipeline, "transformer", None)
    if transformer is not None and hasattr(transformer, "unfuse_qkv_projections"):
        transformer.unfuse_qkv_projections()


def quantization(names: Iterable[str], settings: LoadSettings) -> Any:
    """diffusers' configuration for int8 or nf4 weights of the big networks in `names`; None for others."""
    if settings.memory.storage not in (Storage.INT8, Storage.NF4):
        return None
    from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig

    big = [name for name in names if (part := Part(name, 0)).is_denoiser or part.is_encoder]
    return PipelineQuantizationConfig(quant_mapping={name: _quantized(name, settings) for name in big})


def bring_newcomers(pipeline: Any, settings: LoadSettings) -> None:
    """Layers that came after the streams were set up (IP-Adapters) stay on the device."""
    if settings.memory.placement is not Placement.GROUP_OFFLOAD:
        return
    for _, network in networks(pipeline):
        for module in network.modules():
            if not hasattr(module, "_diffusers_hook"):
                for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                    tensor.data = tensor.data.to(settings.device)


def mirror_hooks(twin: Any, settings: LoadSettings) -> Any:
    """Gives a module that shares a settled network's tensors the same casts and streams; returns it."""
    if settings.memory.storage is Storage.FP8:
        store_in_8_bits(twin, settings.dtype)
    if settings.memory.placement is Placement.GROUP_OFFLOAD:
        stream(twin, settings)
    return twin


def _name(network: Any) -> str:
    """What a network that comes alone is called in a pipeline."""
    kind = type(network).__name__
    return "controlnet" if "ControlNet" in kind else "vae" if "Autoencoder" in kind else "image_encoder"


def _is_convolutional(network: Any) -> bool:
    """Whether it works on pictures of two dimensions alone; a layout for those does not suit videos."""
    import torch

    kinds = {type(module) for module in network.modules()}
    return torch.nn.Conv2d in kinds and torch.nn.Conv3d not in kinds


def _quantized(name: str, settings: LoadSettings) -> Any:
    """The configuration class differs between diffusers' networks and transformers' encoders."""
    import diffusers
    import transformers

    library: Any = diffusers if Part(name, 0).is_denoiser else transformers
    if settings.backend == "torchao":
        from torchao.quantization import Int8WeightOnlyConfig  # pyright: ignore[reportMissingImports]

        return library.TorchAoConfig(Int8WeightOnlyConfig())
    if settings.memory.storage is Storage.INT8:
        return library.BitsAndBytesConfig(load_in_8bit=True)
    return library.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=settings.dtype
    )
