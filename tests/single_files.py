"""Single-file checkpoints as they are passed around: a diffusers pipeline under the keys of its origin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_MIDDLE = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}
_OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def write(pipeline: Any, path: Path) -> Path:
    """Stable Diffusion 1.x or XL as one safetensors file."""
    from safetensors.torch import save_file

    tensors = {f"model.diffusion_model.{k}": v for k, v in _unet(pipeline.unet).items()}
    tensors |= {f"first_stage_model.{k}": v for k, v in _vae(pipeline.vae).items()}
    clip = "conditioner.embedders.0" if hasattr(pipeline, "text_encoder_2") else "cond_stage_model"
    tensors |= {f"{clip}.transformer.{k}": v for k, v in _clip(pipeline.text_encoder).items()}
    if hasattr(pipeline, "text_encoder_2"):
        second = _open_clip(pipeline.text_encoder_2)
        tensors |= {f"conditioner.embedders.1.model.{k}": v for k, v in second.items()}
    save_file({key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()}, path)
    return path


def _unet(unet: Any) -> dict[str, Any]:
    layers = unet.config.layers_per_block
    attended = [hasattr(block, "attentions") for block in unet.up_blocks]
    return {_unet_key(key, layers, attended): tensor for key, tensor in unet.state_dict().items()}


def _unet_key(key: str, layers: int, attended: list[bool]) -> str:
    for ours, theirs in _ENDS.items():
        if key.startswith(f"{ours}."):
            return key.replace(ours, theirs, 1)
    side, rest = key.split(".", 1)
    if side == "mid_block":
        part = ".".join(rest.split(".")[:2])
        return "middle_block." + _MIDDLE[part] + _inside(part, rest.removeprefix(part))
    number, kind, index, rest = rest.split(".", 3)
    block, at = int(number), int(index)
    name = "input_blocks" if side == "down_blocks" else "output_blocks"
    first = (layers + 1) * block + (1 if side == "down_blocks" else 0)
    if kind == "downsamplers":
        return f"{name}.{first + layers}.0.op.{rest.removeprefix('conv.')}"
    if kind == "upsamplers":
        return f"{name}.{first + layers}.{2 if attended[block] else 1}.{rest}"
    return f"{name}.{first + at}.{0 if kind == 'resnets' else 1}" + _inside(kind, f".{rest}")


def _inside(kind: str, rest: str) -> str:
    """Names within a residual block; attention has the same in both."""
    if not kind.startswith("resnets"):
        return rest
    return re.sub(r"^\.(\w+)", lambda match: "." + _RESNET[match[1]], rest)


def _vae(vae: Any) -> dict[str, Any]:
    last = len(vae.config.block_out_channels) - 1
    return {_vae_key(k, last): _as_convolution(k, v) for k, v in vae.state_dict().items()}


def _vae_key(key: str, last: int) -> str:
    key = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", key)
    key = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", key)
    key = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda m: f"up.{last - int(m[1])}.block.", key)
    key = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{last - int(m[1])}.upsample", key)
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", key)
    for ours, theirs in (
        ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        ("mid_block.attentions.0.to_", "mid.attn_1."),
        ("conv_norm_out", "norm_out"),
        ("conv_shortcut", "nin_shortcut"),
    ):
        key = key.replace(ours, theirs)
    return key


def _as_convolution(key: str, tensor: Any) -> Any:
    """Attention in the decoder was made of convolutions of one pixel."""
    return tensor[:, :, None, None] if "attentions" in key and tensor.ndim == 2 else tensor


def _clip(encoder: Any) -> dict[str, Any]:
    return {f"text_model.{k.removeprefix('text_model.')}": v for k, v in encoder.state_dict().items()}


def _open_clip(encoder: Any) -> dict[str, Any]:
    import torch

    state = {k.removeprefix("text_model."): v for k, v in encoder.state_dict().items()}
    tensors = {
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
        "text_projection": state["text_projection.weight"].T,
    }
    for number in range(encoder.config.num_hidden_layers):
        ours, theirs = f"encoder.layers.{number}", f"transformer.resblocks.{number}"
        for kind in ("weight", "bias"):
            parts = [state[f"{ours}.self_attn.{name}_proj.{kind}"] for name in "qkv"]
            tensors[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(parts)
            for one, other in _OPEN_CLIP.items():
                tensors[f"{theirs}.{other}.{kind}"] = state[f"{ours}.{one}.{kind}"]
    return tensors
