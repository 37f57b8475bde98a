"""Build the parts of the portrait model from a preset: stock diffusers and transformers classes, small."""

from __future__ import annotations

import torch
from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from training.presets import Preset

ADAPTERS: tuple[str, str] = ("character", "style")
IMAGE_TOKENS = 4


class Gate:
    """A per-sample adapter scale that stands in for the number diffusers' attention processors expect.

    `value` has shape (B, 1, 1): 0 switches the adapter off for that sample, 1 leaves it on.
    """

    def __init__(self) -> None:
        self.value: torch.Tensor | float = 1.0

    def __mul__(self, states: torch.Tensor) -> torch.Tensor:
        return states * self.value

    __rmul__ = __mul__


def build_text_encoder(preset: Preset, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A CLIP text model that reads the project's own tokenizer."""
    u = preset.unet
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=u.text_width, intermediate_size=4 * u.text_width,
        num_hidden_layers=u.text_layers, num_attention_heads=u.text_width // 32, projection_dim=u.text_width,
        max_position_embeddings=tokenizer.model_max_length, hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = CLIPTextModel(config)
    torch.nn.init.normal_(_embeddings(model).weight, std=0.5 / u.text_width**0.5 * 4)
    return model


def _embeddings(model: CLIPTextModel) -> torch.nn.Embedding:
    return model.get_input_embeddings()


def build_image_encoder(preset: Preset) -> CLIPVisionModelWithProjection:
    """The encoder of character and style references: square pictures of `image_px`, one embedding each."""
    u = preset.unet
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            image_size=u.image_px,
            patch_size=u.image_patch,
            hidden_size=u.image_width,
            intermediate_size=4 * u.image_width,
            num_hidden_layers=u.image_layers,
            num_attention_heads=u.image_width // 32,
            projection_dim=2 * u.image_width,
            hidden_act="gelu",
        )
    )  # fmt: skip


def build_unet(preset: Preset) -> UNet2DConditionModel:
    """The editing network: noisy latents and source latents side by side in, velocity out."""
    u, latent = preset.unet, preset.autoencoder.latent_channels
    last = len(u.channels) - 1
    down = tuple("CrossAttnDownBlock2D" if i in u.attention else "DownBlock2D" for i in range(last + 1))
    up = tuple("CrossAttnUpBlock2D" if last - i in u.attention else "UpBlock2D" for i in range(last + 1))
    return UNet2DConditionModel(
        sample_size=preset.px // preset.autoencoder.factor, in_channels=2 * latent, out_channels=latent,
        down_block_types=down, up_block_types=up, block_out_channels=u.channels, layers_per_block=u.layers,
        attention_head_dim=tuple(max(1, c // 32) for c in u.channels), cross_attention_dim=u.text_width,
        norm_num_groups=u.groups, resnet_time_scale_shift="scale_shift",
    )  # fmt: skip


def plain_unet(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same network without source channels; all tensors but the first convolution's are shared."""
    latent = unet.config.out_channels
    config = {k: v for k, v in unet.config.items() if not k.startswith("_")}
    config.update(in_channels=latent, encoder_hid_dim_type=None, encoder_hid_dim=None)
    plain = UNet2DConditionModel.from_config(config)
    state = {
        k: v
        for k, v in unet.state_dict().items()
        if not k.startswith("encoder_hid_proj") and "processor" not in k
    }
    state["conv_in.weight"] = state["conv_in.weight"][:, :latent].clone()
    plain.load_state_dict(state, assign=True)
    return plain


def build_controlnet(preset: Preset, unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet that starts as a copy of the plain network's first half; reads edges in [0, 1]."""
    return ControlNetModel.from_unet(
        plain_unet(unet), conditioning_embedding_out_channels=preset.controlnet.hint_channels
    )


def build_scheduler() -> DDIMScheduler:
    """Velocity prediction, zero terminal signal-to-noise ratio, trailing timesteps."""
    return DDIMScheduler(
        num_train_timesteps=1000, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing",
        clip_sample=False, set_alpha_to_one=True, steps_offset=1,
    )  # fmt: skip


def fresh_adapter(preset: Preset, unet: UNet2DConditionModel) -> dict[str, dict[str, torch.Tensor]]:
    """Random weights of one image-prompt adapter in the standard format (`image_proj`, `ip_adapter`)."""
    width, embed = preset.unet.text_width, 2 * preset.unet.image_width
    proj = torch.nn.Linear(embed, IMAGE_TOKENS * width)
    attn: dict[str, torch.Tensor] = {}
    key = 1
    for name, hidden in _cross_attentions(unet):
        del name
        for part in ("to_k_ip", "to_v_ip"):
            attn[f"{key}.{part}.weight"] = torch.nn.Linear(width, hidden, bias=False).weight.detach()
        key += 2
    image = {
        "proj.weight": proj.weight.detach(), "proj.bias": proj.bias.detach(),
        "norm.weight": torch.ones(width), "norm.bias": torch.zeros(width),
    }  # fmt: skip
    return {"image_proj": image, "ip_adapter": attn}


def _cross_attentions(unet: UNet2DConditionModel) -> list[tuple[str, int]]:
    """Cross-attention layers in diffusers' own order, with their widths."""
    modules = dict(unet.named_modules())
    names = [n.removesuffix(".processor") for n in unet.attn_processors if n.endswith("attn2.processor")]
    return [(n, modules[n].to_q.out_features) for n in names]


def install_adapters(preset: Preset, unet: UNet2DConditionModel) -> tuple[Gate, Gate]:
    """Give `unet` fresh character and style adapters through diffusers' loader; returns their gates."""
    unet._load_ip_adapter_weights([fresh_adapter(preset, unet) for _ in ADAPTERS], low_cpu_mem_usage=False)
    gates = (Gate(), Gate())
    for name, processor in unet.attn_processors.items():
        if name.endswith("attn2.processor"):
            processor.scale = list(gates)
    return gates


def adapter_parts(unet: UNet2DConditionModel, index: int) -> dict[str, torch.Tensor]:
    """The parameters of adapter `index` by their names in the standard format (see `adapter_state`)."""
    projection = unet.encoder_hid_proj.image_projection_layers[index]
    out = {
        "image_proj.proj.weight": projection.image_embeds.weight,
        "image_proj.proj.bias": projection.image_embeds.bias,
        "image_proj.norm.weight": projection.norm.weight, "image_proj.norm.bias": projection.norm.bias,
    }  # fmt: skip
    key = 1
    for name, processor in unet.attn_processors.items():
        if name.endswith("attn2.processor"):
            out[f"ip_adapter.{key}.to_k_ip.weight"] = processor.to_k_ip[index].weight
            out[f"ip_adapter.{key}.to_v_ip.weight"] = processor.to_v_ip[index].weight
            key += 2
    return out


def adapter_state(unet: UNet2DConditionModel, index: int) -> dict[str, torch.Tensor]:
    """Adapter `index` as one flat standard state dict (`image_proj.*`, `ip_adapter.*`)."""
    return {k: v.detach().clone() for k, v in adapter_parts(unet, index).items()}


class PortraitModel(torch.nn.Module):
    """Text encoder, image encoder, and the network with its adapters."""

    def __init__(self, preset: Preset, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.unet = build_unet(preset)
        self.gates = install_adapters(preset, self.unet)
        self.text_encoder = build_text_encoder(preset, tokenizer)
        self.image_encoder = build_image_encoder(preset)


class Adapters(torch.nn.Module):
    """What of a model listens to references, once they are embedded: both adapters."""

    def __init__(self, model: PortraitModel) -> None:
        super().__init__()
        self.projections = model.unet.encoder_hid_proj
        processors = model.unet.attn_processors.items()
        self.attention = torch.nn.ModuleList(p for n, p in processors if n.endswith("attn2.processor"))
