"""Files that are no LoRAs, in the layouts of many makers: none is mistaken, and nearly all of ours are known.

Names and shapes are those of the releases; the tensors are headers alone. What the studio runs must be told
right; of everything else it is enough that no model of the studio is offered it. Two pairs cannot be told apart
and are left out: the autoencoders of FLUX.1 and Stable Diffusion 3 (Lumina 2, HiDream and Chroma use FLUX.1's),
and those of Qwen-Image and Wan 2.1. Each pair has one network, number for number.
"""

# ruff: noqa: E501 - tables of layers read best in lines

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pipelines.disk.identify import Identified, identify
from pipelines.families import registry
from tests.pipelines.disk.test_identify import write

Shapes = Mapping[str, list[int]]
UNET = "model.diffusion_model."
OURS = frozenset(family.base for family in registry.FAMILIES.values() if family.base) | {"sd"}
ADD_ONS = frozenset({"lora", "controlnet", "ip_adapter", "vae", "image_encoder"})
SHARE = 0.95
"""Of the layouts of models the studio runs that must be told right."""

VAE_4: Shapes = {
    "first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3],
    "first_stage_model.decoder.up.3.block.0.conv1.weight": [512, 512, 3, 3],
}
CLIP_L: Shapes = {"cond_stage_model.transformer.text_model.embeddings.position_embedding.weight": [77, 768]}
OPEN_CLIP: Shapes = {"cond_stage_model.model.token_embedding.weight": [49408, 1024]}
TWO_CLIPS: Shapes = {
    "conditioner.embedders.0.transformer.text_model.embeddings.position_embedding.weight": [77, 768],
    "conditioner.embedders.1.model.positional_embedding": [77, 1280],
}
ONE_CLIP: Shapes = {"conditioner.embedders.0.model.text_projection": [1280, 1280]}


def unet(words: int, channels: int = 4, at: str = "input_blocks.1.1", width: int = 320) -> Shapes:
    return {f"{UNET}input_blocks.0.0.weight": [320, channels, 3, 3], f"{UNET}{at}.transformer_blocks.0.attn2.to_k.weight": [width, words], f"{UNET}output_blocks.5.1.transformer_blocks.0.attn1.to_q.weight": [640, 640]}  # fmt: skip


XL = {"at": "input_blocks.4.1", "width": 640}
CHECKPOINTS: dict[str, tuple[Shapes, str, str]] = {
    "SD 1.5": ({**unet(768), **VAE_4, **CLIP_L}, "checkpoint", "sd1"),
    "SD 1.5 with its running mean": ({**unet(768), **VAE_4, **CLIP_L, "model_ema.decay": [], "betas": [1000]}, "checkpoint", "sd1"),
    "SDXL": ({**unet(2048, **XL), **VAE_4, **TWO_CLIPS}, "checkpoint", "sdxl"),
    "SDXL that predicts velocity": ({**unet(2048, **XL), **VAE_4, **TWO_CLIPS, "v_pred": [], "ztsnr": []}, "checkpoint", "sdxl"),
    "Playground 2.5": ({**unet(2048, **XL), **VAE_4, **TWO_CLIPS, "edm_mean": [4], "edm_std": [4]}, "checkpoint", "sdxl"),
    "SD 1.5 inpainting": ({**unet(768, 9), **VAE_4, **CLIP_L}, "checkpoint", "sd1"),
    "InstructPix2Pix": ({**unet(768, 8), **VAE_4, **CLIP_L}, "checkpoint", "sd1"),
    "SDXL inpainting": ({**unet(2048, 9, **XL), **VAE_4, **TWO_CLIPS}, "checkpoint", "sdxl"),
    "SD 1.5 without VAE": ({**unet(768), **CLIP_L}, "network", "sd1"),
    "SDXL's network alone": (unet(2048, **XL), "network", "sdxl"),
}  # fmt: skip
FOREIGN_CHECKPOINTS: dict[str, Shapes] = {
    "SD 2.1": {**unet(1024), **VAE_4, **OPEN_CLIP},
    "SD 2 with depth": {**unet(1024, 5), **VAE_4, **OPEN_CLIP},
    "SD 2 inpainting": {**unet(1024, 9), **VAE_4, **OPEN_CLIP},
    "SD x4 upscaler": {**unet(1024, 7), **VAE_4, **OPEN_CLIP},
    "SDXL refiner": {**unet(1280, **XL), **VAE_4, **ONE_CLIP},
    "SVD": {**unet(1024, 8), **VAE_4, "conditioner.embedders.0.open_clip.model.visual.proj": [1280, 1024], f"{UNET}input_blocks.1.1.time_stack.0.attn2.to_k.weight": [320, 1024]},
}  # fmt: skip

NETWORKS: dict[str, tuple[str, Shapes]] = {
    "FLUX.1": ("flux1", {"img_in.weight": [3072, 64], "guidance_in.in_layer.weight": [3072, 256], "double_blocks.0.img_attn.norm.key_norm.scale": [128], "single_blocks.37.linear1.weight": [21504, 3072]}),
    "FLUX.1 Fill": ("flux1", {"img_in.weight": [3072, 384], "double_blocks.0.img_attn.norm.key_norm.scale": [128]}),
    "FLUX.1 in 8 bits": ("flux1", {"img_in.weight": [3072, 64], "double_blocks.0.img_attn.norm.key_norm.scale": [128], "double_blocks.0.img_attn.qkv.scale_weight": []}),
    "FLUX.1 in 4 bits": ("flux1", {"double_blocks.0.img_attn.norm.key_norm.scale": [128], "double_blocks.0.img_attn.qkv.weight.absmax": [442368], "double_blocks.0.img_attn.qkv.weight": [14155776, 1]}),
    "FLUX.1, diffusers": ("flux1", {f"single_transformer_blocks.{n}.attn.to_q.weight": [3072, 3072] for n in range(38)} | {"x_embedder.weight": [3072, 64]}),
    "FLUX.2": ("flux2", {"img_in.weight": [6144, 128], "single_stream_modulation.lin.weight": [18432, 6144], "double_blocks.0.img_attn.norm.key_norm.scale": [128]}),
    "FLUX.2, diffusers": ("flux2", {"single_stream_modulation.linear.weight": [9216, 3072], "single_transformer_blocks.0.attn.to_qkv_mlp_proj.weight": [27648, 3072]}),
    "FLUX.3": ("flux3", {"emb_in.image.weight": [3072, 128], "early_stream_modulations.image.lin.weight": [9216, 3072], "single_blocks.27.q_proj.weight": [3072, 3072]}),
    "FLUX.3, diffusers": ("flux3", {f"single_transformer_blocks.{n}.attn.to_q.weight": [3072, 3072] for n in range(28)} | {"early_stream_modulations.image.linear.weight": [9216, 3072]}),
    "Qwen-Image": ("qwen-image", {"img_in.weight": [3072, 64], "txt_norm.weight": [3584], "transformer_blocks.59.img_mod.1.weight": [18432, 3072]}),
    "Z-Image": ("z-image", {"cap_embedder.0.weight": [2560], "layers.0.adaLN_modulation.0.weight": [15360, 256], "noise_refiner.0.attention.qkv.weight": [11520, 3840]}),
    "Chroma": ("none", {"distilled_guidance_layer.in_proj.weight": [5120, 64], "double_blocks.0.img_attn.norm.key_norm.scale": [128]}),
    "Chroma Radiance": ("none", {"distilled_guidance_layer.in_proj.weight": [5120, 64], "nerf_blocks.0.param_generator.weight": [1, 1], "double_blocks.0.img_attn.norm.key_norm.scale": [128]}),
    "SD 3.5": ("none", {"x_embedder.proj.weight": [2432, 16, 2, 2], "joint_blocks.0.x_block.attn.qkv.weight": [7296, 2432]}),
    "SD 3.5, diffusers": ("none", {"pos_embed.proj.weight": [1536, 16, 2, 2], "transformer_blocks.0.attn.add_q_proj.weight": [1536, 1536], "context_embedder.weight": [1536, 4096]}),
    "AuraFlow": ("none", {"double_layers.0.attn.w1q.weight": [3072, 3072], "cond_seq_linear.weight": [3072, 2048]}),
    "HiDream": ("none", {"double_stream_blocks.0.block.adaLN_modulation.1.bias": [30720], "caption_projection.0.linear.weight": [2560, 4096]}),
    "HunyuanVideo": ("none", {"double_blocks.0.img_mod.linear.weight": [18432, 3072], "double_blocks.0.img_attn_q_norm.weight": [128], "txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias": [6144]}),
    "HunyuanVideo for ComfyUI": ("none", {"double_blocks.0.img_attn.norm.key_norm.weight": [128], "double_blocks.0.img_attn.qkv.weight": [9216, 3072], "txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias": [6144]}),
    "HunyuanImage 2.1": ("none", {"double_blocks.0.img_mod.linear.weight": [21504, 3584], "byt5_in.fc1.weight": [2048, 1472], "double_blocks.0.img_attn_k_norm.weight": [128]}),
    "Hunyuan-DiT": ("none", {"mlp_t5.0.weight": [4096, 2048], "text_embedding_padding": [333, 1024], "blocks.0.attn1.Wqkv.weight": [4224, 1408]}),
    "Wan 2.1": ("none", {"patch_embedding.weight": [5120, 16, 1, 2, 2], "blocks.0.self_attn.q.weight": [5120, 5120], "head.modulation": [1, 2, 5120]}),
    "Wan 2.2 VACE": ("none", {"vace_blocks.0.after_proj.bias": [5120], "blocks.0.self_attn.q.weight": [5120, 5120]}),
    "LTX-Video": ("none", {"patchify_proj.weight": [2048, 128], "adaln_single.linear.weight": [12288, 2048], "transformer_blocks.27.scale_shift_table": [6, 2048]}),
    "PixArt": ("none", {"adaln_single.linear.weight": [6912, 1152], "caption_projection.linear_1.weight": [1152, 4096], "transformer_blocks.0.attn2.to_k.weight": [1152, 1152]}),
    "PixArt, its makers'": ("none", {"t_block.1.weight": [6912, 1152], "y_embedder.y_proj.fc1.weight": [1152, 4096], "blocks.0.cross_attn.q_linear.weight": [1152, 1152]}),
    "Sana": ("none", {"blocks.0.cross_attn.q_linear.weight": [2240, 2240], "blocks.0.attn.qkv.weight": [6720, 2240], "attention_y_norm.weight": [2240]}),
    "Sana, diffusers": ("none", {"caption_norm.weight": [2240], "transformer_blocks.0.ff.conv_inverted.weight": [11200, 2240, 1, 1], "time_embed.linear.weight": [13440, 2240]}),
    "Mochi": ("none", {"blocks.0.attn.qkv_x.weight": [9216, 3072], "t5_yproj.weight": [3072, 4096]}),
    "Cosmos 2": ("none", {"net.x_embedder.proj.1.weight": [2048, 68], "net.blocks.0.self_attn.q_proj.weight": [2048, 2048]}),
    "Cosmos 1": ("none", {"net.x_embedder.proj.1.weight": [4096, 68], "net.blocks.block1.blocks.0.block.attn.to_q.0.weight": [4096, 4096]}),
    "Anima": ("none", {"net.blocks.0.self_attn.q_proj.weight": [2048, 2048], "net.llm_adapter.blocks.0.self_attn.q_proj.weight": [1024, 1024]}),
    "Lumina 2": ("none", {"cap_embedder.0.weight": [2304], "layers.0.attention.qkv.weight": [4608, 2304]}),
    "OmniGen 2": ("none", {"time_caption_embed.caption_embedder.0.weight": [2048], "layers.0.attn.to_q.weight": [2520, 2520], "ref_image_patch_embedder.weight": [2520, 64]}),
    "Cascade, stage C": ("none", {"clip_txt_mapper.weight": [2048, 1280], "down_blocks.0.0.channelwise.0.weight": [8192, 2048]}),
    "Cascade, stage B": ("none", {"effnet_mapper.0.weight": [1280, 16, 1, 1], "down_blocks.1.0.channelwise.0.weight": [2560, 640], "clip_mapper.weight": [5120, 1280]}),
    "Kolors, diffusers": ("none", {"encoder_hid_proj.weight": [2048, 4096], "conv_in.weight": [320, 4, 3, 3], "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": [640, 2048], "add_embedding.linear_1.weight": [1280, 5632]}),
    "CogVideoX": ("none", {"patch_embed.proj.weight": [1920, 16, 2, 2], "patch_embed.text_proj.weight": [1920, 4096], "transformer_blocks.0.attn1.to_q.weight": [1920, 1920]}),
    "CogView 4": ("none", {"patch_embed.text_proj.weight": [4096, 4096], "transformer_blocks.0.attn1.to_q.weight": [4096, 4096], "time_condition_embed.size_embedder.linear_1.weight": [512, 1024]}),
    "Bria": ("none", {f"single_transformer_blocks.{n}.attn.to_q.weight": [3072, 3072] for n in range(28)}),
    "LongCat": ("none", {f"single_transformer_blocks.{n}.attn.to_q.weight": [3072, 3072] for n in range(20)}),
    "Ovis": ("none", {f"single_transformer_blocks.{n}.attn.to_q.weight": [3072, 3072] for n in range(27)}),
    "HunyuanVideo, diffusers": ("none", {f"single_transformer_blocks.{n}.attn.to_q.weight": [3072, 3072] for n in range(40)}),
    "Kandinsky 5": ("none", {"visual_transformer_blocks.0.self_attention.to_query.weight": [1792, 1792], "text_transformer_blocks.0.self_attention.to_query.weight": [1792, 1792]}),
    "Kandinsky 2.2": ("none", {"conv_in.weight": [384, 4, 3, 3], "encoder_hid_proj.image_embeds.weight": [24576, 1280], "down_blocks.1.attentions.0.to_k.weight": [768, 768]}),
    "JoyImage": ("none", {"double_blocks.0.attn.to_qkv.weight": [9216, 3072], "condition_embedder.text_embedder.linear_1.weight": [3072, 4096]}),
    "ERNIE": ("none", {"layers.0.self_attention.to_q.weight": [4096, 4096], "x_embedder.proj.weight": [4096, 64]}),
    "FLUX.1 Redux": ("none", {"redux_up.weight": [12288, 1152], "redux_down.weight": [4096, 12288]}),
    "AnimateDiff": ("none", {"down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q.weight": [320, 320]}),
    "AnimateDiff, its third": ("none", {"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": [320], "mid_block.motion_modules.0.temporal_transformer.norm.bias": [1280]}),
}  # fmt: skip


def decoder(width: int, *sides: int, **more: list[int]) -> Shapes:
    return named("decoder.conv_in.weight", width, *sides, **more)


def named(name: str, /, width: int, *sides: int, **more: list[int]) -> Shapes:
    """A decoder whose first layer has another name."""
    return {name: [width, *sides], **{key.replace("__", "."): shape for key, shape in more.items()}}


LDM = {
    "decoder__up__3__block__0__conv1__weight": [512, 512, 3, 3],
    "encoder__conv_in__weight": [128, 3, 3, 3],
}
DIFFUSERS = {
    "decoder__up_blocks__3__resnets__0__conv1__weight": [128, 256, 3, 3],
    "quant_conv__weight": [8, 8, 1, 1],
}
VAES: dict[str, tuple[str, Shapes]] = {
    "SD": ("sd", decoder(512, 4, 3, 3, **LDM)),
    "SD, diffusers": ("sd", decoder(512, 4, 3, 3, **DIFFUSERS)),
    "SD, out of a checkpoint": ("sd", {"first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3], "first_stage_model.decoder.up.3.block.0.conv1.weight": [256, 512, 3, 3]}),
    "FLUX.1": ("flux1", decoder(512, 16, 3, 3, **LDM)),
    "FLUX.1, diffusers": ("flux1", decoder(512, 16, 3, 3, decoder__up_blocks__3__resnets__0__conv1__weight=[128, 256, 3, 3])),
    "FLUX.2": ("flux2", decoder(512, 32, 3, 3, **LDM, bn__running_mean=[128])),
    "FLUX.2, diffusers": ("flux2", decoder(512, 32, 3, 3, **DIFFUSERS, bn__running_mean=[128])),
    "Qwen-Image": ("qwen-image", decoder(384, 16, 3, 3, 3, encoder__conv_in__weight=[96, 3, 3, 3, 3])),
    "Qwen-Image for ComfyUI": ("qwen-image", named("decoder.conv1.weight", 384, 16, 3, 3, 3, decoder__middle__0__residual__0__gamma=[384, 1, 1, 1])),
    "Wan 2.2": ("none", decoder(1024, 48, 3, 3, 3)),
    "Wan 2.2, its makers'": ("none", named("decoder.conv1.weight", 1024, 48, 3, 3, 3)),
    "Mochi": ("none", decoder(768, 12, 1, 1, 1)),
    "Mochi, its makers'": ("none", {"decoder.blocks.0.0.weight": [768, 12, 1, 1, 1], "encoder.layers.0.weight": [64, 15, 1, 1, 1]}),
    "SVD": ("none", decoder(512, 4, 3, 3, decoder__time_conv_out__weight=[3, 3, 3, 1, 1])),
    "SVD, its makers'": ("none", decoder(512, 4, 3, 3, decoder__up__0__block__0__time_stack__in_layers__2__weight=[128, 128, 3, 1, 1])),
    "HunyuanVideo": ("none", named("decoder.conv_in.conv.weight", 512, 16, 3, 3, 3)),
    "HunyuanImage": ("none", decoder(1024, 64, 3, 3)),
    "LTX-Video": ("none", named("decoder.conv_in.conv.weight", 1024, 128, 3, 3, 3)),
    "CogVideoX": ("none", named("decoder.conv_in.conv.weight", 512, 16, 3, 3, 3)),
    "Sana": ("none", decoder(1024, 32, 3, 3, encoder__conv_in__weight=[128, 3, 3, 3])),
    "Sana, its makers'": ("none", {"decoder.project_in.main.conv.weight": [1024, 32, 3, 3], "encoder.project_in.conv.bias": [128]}),
    "Kandinsky": ("none", decoder(512, 4, 3, 3, quantize__embedding__weight=[16384, 4], decoder__mid_block__attentions__0__spatial_norm__conv_y__weight=[512, 4, 1, 1])),
    "Cascade, stage A": ("none", {"vquantizer.codebook.weight": [8192, 4], "up_blocks.0.0.weight": [384, 4, 1, 1], "in_block.1.weight": [192, 12, 1, 1]}),
    "latent diffusion's, quantised": ("none", decoder(512, 3, 3, 3, quantize__embedding__weight=[8192, 3])),
    "asymmetric": ("none", decoder(768, 4, 3, 3, decoder__condition_encoder__layers__0__weight=[192, 3, 3, 3])),
    "SD x4 upscaler": ("none", decoder(512, 4, 3, 3, decoder__up_blocks__2__resnets__0__conv1__weight=[128, 256, 3, 3], encoder__conv_in__weight=[128, 3, 3, 3])),
    "tiny": ("none", {"decoder.layers.0.weight": [64, 4, 3, 3], "encoder.layers.0.weight": [64, 3, 3, 3]}),
    "tiny, its maker's": ("none", {"1.weight": [64, 4, 3, 3], "3.conv.0.weight": [64, 64, 3, 3]}),
    "sound": ("none", {"decoder.layers.0.weight_v": [2048, 64, 7], "encoder.layers.0.weight_g": [128, 1, 1]}),
}  # fmt: skip

HINT: Shapes = {
    "controlnet_cond_embedding.conv_in.weight": [16, 3, 3, 3],
    "controlnet_down_blocks.0.weight": [320, 320, 1, 1],
}
LISTENS_1: Shapes = {"down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": [320, 768]}
LISTENS_2: Shapes = {"down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": [320, 1024]}
LISTENS_XL: Shapes = {
    "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": [640, 2048],
    "add_embedding.linear_1.weight": [1280, 2816],
}
CONTROLNETS: dict[str, tuple[str, Shapes]] = {
    "SD 1.5": ("sd1", {**HINT, **LISTENS_1}),
    "SD 1.5, its makers'": ("sd1", {"control_model.zero_convs.0.0.weight": [320, 320, 1, 1], "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": [320, 768]}),
    "SD 1.5, cut out by a web page": ("sd1", {"control_model.input_hint_block.0.weight": [16, 3, 3, 3], "control_model.middle_block.1.transformer_blocks.0.attn2.to_v.weight": [1280, 768]}),
    "SDXL": ("sdxl", {**HINT, **LISTENS_XL}),
    "SDXL, small": ("sdxl", {**HINT, "add_embedding.linear_1.weight": [1280, 2816]}),
    "SDXL, union": ("sdxl", {**HINT, **LISTENS_XL, "task_embedding": [6, 320], "spatial_ch_projs.weight": [320, 320], "control_add_embedding.linear_1.weight": [1280, 1536]}),
    "FLUX.1": ("flux1", {"controlnet_x_embedder.weight": [3072, 64], "transformer_blocks.0.attn.to_q.weight": [3072, 3072], "single_transformer_blocks.9.attn.to_q.weight": [3072, 3072]}),
    "FLUX.1, union": ("flux1", {"controlnet_x_embedder.weight": [3072, 64], "controlnet_mode_embedder.weight": [10, 3072], "transformer_blocks.0.attn.to_q.weight": [3072, 3072]}),
    "Qwen-Image": ("qwen-image", {"controlnet_x_embedder.weight": [3072, 64], "txt_norm.weight": [3584], "controlnet_blocks.0.weight": [3072, 3072]}),
    "Z-Image": ("z-image", {"control_all_x_embedder.2-1.weight": [3840, 64], "control_layers.0.after_proj.weight": [3840, 3840]}),
    "SD 2.1": ("none", {**HINT, **LISTENS_2}),
    "SD 3": ("none", {"pos_embed_input.proj.weight": [1536, 16, 2, 2], "controlnet_blocks.0.weight": [1536, 1536]}),
    "SD 3.5, its makers'": ("none", {"control_model.transformer_blocks.0.attn.qkv.weight": [7296, 2432], "controlnet_blocks.0.weight": [2432, 2432], "pos_embed_input.proj.weight": [2432, 16, 2, 2]}),
    "Kolors": ("none", {**HINT, **LISTENS_XL, "encoder_hid_proj.weight": [2048, 4096], "add_embedding.linear_1.weight": [1280, 5632]}),
    "Hunyuan-DiT": ("none", {"controlnet_blocks.0.weight": [1408, 1408], "blocks.0.attn2.to_q.weight": [1408, 1408], "text_embedding_padding": [333, 1024]}),
    "PixArt": ("none", {"controlnet_blocks.0.before_proj.weight": [1152, 1152], "adaln_single.linear.weight": [6912, 1152]}),
    "Sana": ("none", {"controlnet_blocks.0.weight": [2240, 2240], "input_block.weight": [2240, 2240], "transformer_blocks.0.ff.conv_inverted.weight": [11200, 2240, 1, 1]}),
    "FLUX.1 of XLabs": ("none", {"controlnet_blocks.0.weight": [3072, 3072], "double_blocks.0.img_attn.norm.key_norm.scale": [128], "input_hint_block.0.weight": [16, 3, 3, 3]}),
    "Control-LoRA": ("none", {"lora_controlnet": [], "input_blocks.1.1.transformer_blocks.0.attn2.to_k.up": [640, 256]}),
    "LLLite": ("none", {"lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_k.conditioning1.0.weight": [16, 3, 4, 4]}),
    "ControlNet-XS": ("none", {"control_model.input_blocks.0.0.weight": [16, 4, 3, 3], "down_blocks.0.base_to_ctrl.0.weight": [16, 320, 1, 1]}),
    "T2I-Adapter": ("none", {"adapter.body.0.resnets.0.block1.weight": [320, 320, 3, 3], "adapter.conv_in.weight": [320, 192, 3, 3]}),
    "T2I-Adapter, its makers'": ("none", {"body.0.block1.weight": [320, 320, 3, 3], "conv_in.weight": [320, 192, 3, 3]}),
    "SparseCtrl": ("none", {**LISTENS_1, "controlnet_cond_embedding.weight": [320, 5, 3, 3], "down_blocks.0.motion_modules.0.proj_in.weight": [320, 320]}),
    "SparseCtrl for scribbles": ("none", {**HINT, **LISTENS_1, "down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": [320]}),
    "BrushNet": ("none", {"brushnet_down_blocks.0.weight": [320, 320, 1, 1], "conv_in_condition.weight": [320, 9, 3, 3]}),
    "Wan's": ("none", {"control_adapter.conv.weight": [5120, 16, 1, 1], "blocks.0.self_attn.q.weight": [5120, 5120]}),
}  # fmt: skip


def adapter(words: int, width: int = 320, **image_proj: list[int]) -> Shapes:
    named = {f"image_proj.{key.replace('__', '.')}": shape for key, shape in image_proj.items()}
    return {
        **named,
        "ip_adapter.1.to_k_ip.weight": [width, words],
        "ip_adapter.1.to_v_ip.weight": [width, words],
    }


ADAPTERS: dict[str, tuple[str, Shapes]] = {
    "SD 1.5": ("sd1", adapter(768, proj__weight=[3072, 1024], norm__weight=[768])),
    "SD 1.5, plus": ("sd1", adapter(768, proj_in__weight=[768, 1280], latents=[1, 16, 768])),
    "SD 1.5, full face": ("sd1", adapter(768, proj__0__weight=[1280, 1280], proj__2__weight=[768, 1280], proj__3__weight=[768])),
    "SDXL": ("sdxl", adapter(2048, 640, proj__weight=[8192, 1280], norm__weight=[2048])),
    "SDXL, plus": ("sdxl", adapter(2048, 640, proj_in__weight=[1280, 1280], latents=[1, 16, 1280])),
    "FLUX.1 of XLabs": ("flux1", {"ip_adapter_proj_model.proj.weight": [16384, 768], "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight": [3072, 4096]}),
    "FaceID": ("none", adapter(768, proj__0__weight=[1024, 512], proj__2__weight=[3072, 1024], norm__weight=[768])),
    "FaceID, its LoRA inside": ("none", {**adapter(768, proj__0__weight=[1024, 512]), "ip_adapter.0.to_q_lora.down.weight": [128, 320]}),
    "FaceID plus": ("none", adapter(768, proj__0__weight=[1024, 512], perceiver_resampler__proj_in__weight=[768, 1280])),
    "FaceID SDXL": ("none", adapter(2048, 640, proj__0__weight=[1024, 512], norm__weight=[2048])),
    "FaceID portrait": ("none", adapter(768, proj__0__weight=[1024, 512], proj__2__weight=[12288, 1024], norm__weight=[768])),
    "InstantID": ("none", adapter(2048, 640, proj_in__weight=[1280, 512], latents=[1, 16, 1280])),
    "FLUX.1 of InstantX": ("none", adapter(4096, 3072, proj__weight=[524288, 1152])),
    "SD 3.5": ("none", {"image_proj.proj_in.weight": [1280, 1152], "ip_adapter.0.norm_ip_k.weight": [64], "ip_adapter.0.to_k_ip.weight": [2432, 2432]}),
    "PuLID": ("none", {"id_adapter.id_embedding_mapping.0.weight": [1024, 1280], "id_adapter_attn_layers.1.id_to_k.weight": [640, 2048]}),
    "PhotoMaker": ("none", {"id_encoder.visual_projection_2.weight": [1280, 1024], "id_encoder.fuse_module.mlp1.fc1.weight": [2048, 4096]}),
}  # fmt: skip

ENCODERS: dict[str, tuple[str, Shapes]] = {
    "CLIP ViT-H": ("any", {"vision_model.embeddings.class_embedding": [1280], "visual_projection.weight": [1024, 1280]}),
    "CLIP ViT-bigG": ("any", {"vision_model.embeddings.class_embedding": [1664], "visual_projection.weight": [1280, 1664]}),
    "CLIP ViT-L": ("any", {"vision_model.embeddings.class_embedding": [1024], "visual_projection.weight": [768, 1024]}),
    "SigLIP": ("none", {"vision_model.embeddings.patch_embedding.weight": [1152, 3, 14, 14], "vision_model.head.probe": [1, 1, 1152]}),
    "DINOv2": ("none", {"embeddings.cls_token": [1, 1, 384], "encoder.layer.0.attention.attention.query.weight": [384, 384]}),
    "CLIP's text": ("none", {"text_model.encoder.layers.0.self_attn.q_proj.weight": [768, 768]}),
    "T5": ("none", {"encoder.block.0.layer.0.SelfAttention.q.weight": [4096, 4096], "shared.weight": [32128, 4096]}),
    "Qwen": ("none", {"model.layers.0.self_attn.q_proj.weight": [2560, 2560], "model.embed_tokens.weight": [151936, 2560]}),
    "Gemma": ("none", {"model.layers.0.pre_feedforward_layernorm.weight": [2304], "model.layers.0.self_attn.q_proj.weight": [2048, 2304]}),
}  # fmt: skip
OTHERS: dict[str, Shapes] = {
    "textual inversion": {"emb_params": [4, 768]},
    "textual inversion for SDXL": {"clip_g": [4, 1280], "clip_l": [4, 768]},
    "textual inversion of diffusers": {"<a-style>": [768]},
    "ESRGAN": {"model.0.weight": [64, 3, 3, 3], "model.1.sub.0.RDB1.conv1.0.weight": [32, 64, 3, 3]},
    "YOLO": {"model.0.conv.weight": [32, 3, 3, 3], "model.22.dfl.conv.weight": [1, 16, 1, 1]},
    "SAM": {"image_encoder.patch_embed.proj.weight": [768, 3, 16, 16], "mask_decoder.iou_token.weight": [1, 256]},
    "a language model": {"lm_head.weight": [32000, 4096], "model.layers.0.mlp.gate_proj.weight": [11008, 4096]},
    "a hypernetwork": {"768.0.linear.0.weight": [1536, 768]},
    "nothing": {},
}  # fmt: skip


def layouts() -> Iterator[tuple[str, str, str, Shapes]]:
    """(what it is, kind and base that are right or `none`, shapes)."""
    for name, (shapes, kind, base) in CHECKPOINTS.items():
        yield f"{name}, checkpoint", kind, base, shapes
    for name, shapes in FOREIGN_CHECKPOINTS.items():
        yield f"{name}, checkpoint", "none", "none", shapes
    for name, (base, shapes) in NETWORKS.items():
        kind = "network" if base in OURS else "none"
        yield f"{name}, network", kind, base, shapes
        if "diffusers" not in name:
            inside = {f"{UNET}{key.removeprefix('net.')}": shape for key, shape in shapes.items()}
            yield f"{name}, network of ComfyUI", kind, base, inside
            whole = {**inside, "vae.decoder.conv_in.weight": [512, 16, 3, 3], "text_encoders.t5xxl.transformer.shared.weight": [32128, 4096]}  # fmt: skip
            yield f"{name}, all in one", kind, base, whole
    for kind, table in (("vae", VAES), ("controlnet", CONTROLNETS), ("ip_adapter", ADAPTERS)):
        for name, (base, shapes) in table.items():
            yield f"{name}, {kind}", kind if base in OURS else "none", base, shapes
            if kind == "vae" and "checkpoint" not in name:
                inside = {f"vae.{key}": shape for key, shape in shapes.items()}
                yield f"{name}, vae under its name", kind if base in OURS else "none", base, inside
    for name, (base, shapes) in ENCODERS.items():
        yield f"{name}, encoder", "image_encoder" if base == "any" else "none", base, shapes
    for name, shapes in OTHERS.items():
        yield f"{name}, other", "none", "none", shapes


def verdict(found: Identified, kind: str, base: str) -> str:
    """right, open (tried, with a doubt), or mistaken."""
    if kind == "none":
        used = found.kind in ADD_ONS or found.kind in ("checkpoint", "network")
        if not used or (found.base is not None and found.base not in OURS):
            return "right"
        return "open" if found.base is None and found.kind in ADD_ONS else "mistaken"
    if found.kind != kind:
        return "mistaken"
    return "right" if base == "any" or found.base == base else "open" if found.base is None else "mistaken"


def test_no_file_is_mistaken_and_nearly_all_of_ours_are_right(tmp_path: Path) -> None:
    told: dict[str, list[str]] = {"right": [], "open": [], "mistaken": []}
    ours: list[bool] = []
    for name, kind, base, shapes in layouts():
        found = identify(write(tmp_path / "one.safetensors", dict(shapes)))
        said = verdict(found, kind, base)
        told[said].append(f"{name}: {found.kind} {found.base} {found.bases}")
        if kind != "none":
            ours.append(said == "right")
    assert told["mistaken"] == []
    assert told["open"] == []
    assert sum(ours) / len(ours) >= SHARE
    assert len(ours) >= 50
    assert len(told["right"]) >= 200


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_that_is_used_says_which_encoder_it_wants(tmp_path: Path, name: str) -> None:
    base, shapes = ADAPTERS[name]
    found = identify(write(tmp_path / "one.safetensors", dict(shapes)))
    assert (found.encoder_widths is not None) == (base in OURS)
