"""Folders of other tools as artists have them: paths with the kinds of files that lie there, and what each is.

Paths are those that the tools themselves make; headers are those of real files, without numbers.
"""

# ruff: noqa: E501 - tables of paths read best in lines

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.pipelines.disk.test_identify import KNOWN, LORA_XL, SD1, SDXL, write
from tests.pipelines.disk.test_other_layouts import ADAPTERS, CONTROLNETS, ENCODERS, VAES

ESRGAN = {"model.0.weight": [64, 3, 3, 3], "model.1.sub.0.RDB1.conv1.0.weight": [32, 64, 3, 3]}
INVERSION = {"clip_g": [4, 1280], "clip_l": [4, 768]}
UNKNOWN = {"weight": [3]}
PICKLE = "pickle"
"""Instead of tensors: a file that begins as a zip of torch does."""

FLUX_1 = {
    "txt_in.weight": [3072, 4096],
    "vector_in.in_layer.weight": [3072, 768],
    "guidance_in.in_layer.weight": [3072, 256],
    "double_blocks.0.img_attn.norm.key_norm.scale": [128],
}
KLEIN = {"txt_in.weight": [3072, 7680], "single_stream_modulation.lin.weight": [9216, 3072]}
Z_IMAGE = {"cap_embedder.0.weight": [2560], "layers.0.adaLN_modulation.0.weight": [15360, 256]}
T5 = {"encoder.block.0.layer.0.SelfAttention.q.weight": [4096, 4096], "shared.weight": [32128, 4096]}
CLIP = {
    "text_model.encoder.layers.0.self_attn.q_proj.weight": [768, 768],
    "text_model.embeddings.token_embedding.weight": [49408, 768],
}
QWEN3 = {
    "model.embed_tokens.weight": [151936, 2560],
    "model.layers.0.self_attn.q_proj.weight": [4096, 2560],
    "model.layers.0.self_attn.q_norm.weight": [128],
}
QWEN_VL = {
    "model.embed_tokens.weight": [152064, 3584],
    "model.layers.0.self_attn.q_proj.weight": [3584, 3584],
    "model.layers.0.self_attn.q_proj.bias": [3584],
    "visual.patch_embed.proj.weight": [1280, 3, 2, 14, 14],
}
UMT5 = {**T5, "shared.weight": [256384, 4096]}

Shapes = Mapping[str, list[int]] | str


class File(NamedTuple):
    """A file of a tool. `kind`: what it is to the studio; `none`: it is not offered, with a reason or silently."""

    path: str
    shapes: Shapes
    kind: str
    base: str | None = None


def of(table: Mapping[str, tuple[str, Mapping[str, list[int]]]], name: str) -> Mapping[str, list[int]]:
    return table[name][1]


LORA_15, LORA_F1, LORA_QWEN, LORA_Z = (
    KNOWN[name][0] for name in ("lora sd1", "lora flux1", "lora qwen", "lora z-image")
)

COMFY = (
    File("models/checkpoints/sd15/dream.safetensors", SD1, "model", "stable-diffusion"),
    File("models/checkpoints/juggernaut.safetensors", SDXL, "model", "sdxl"),
    File("models/checkpoints/old.ckpt", PICKLE, "none"),
    File("models/loras/ink.safetensors", LORA_XL, "lora", "sdxl"),
    File("models/loras/flux/real/face.safetensors", LORA_F1, "lora", "flux1"),
    File("models/loras/qwen/vae/odd.safetensors", LORA_QWEN, "lora", "qwen-image"),
    File("models/loras/z.safetensors", LORA_Z, "lora", "z-image"),
    File("models/vae/ae.safetensors", of(VAES, "FLUX.1"), "vae", "flux1"),
    File("models/vae/qwen_image_vae.safetensors", of(VAES, "Qwen-Image for ComfyUI"), "vae", "qwen-image"),
    File("models/vae_approx/taesd_decoder.safetensors", of(VAES, "tiny, its maker's"), "none"),
    File("models/controlnet/union.safetensors", of(CONTROLNETS, "SDXL, union"), "controlnet", "sdxl"),
    File("models/controlnet/flux/xlabs.safetensors", of(CONTROLNETS, "FLUX.1 of XLabs"), "none"),
    File("models/ipadapter/plus.safetensors", of(ADAPTERS, "SDXL, plus"), "ip_adapter", "sdxl"),
    File("models/ipadapter/faceid.bin", PICKLE, "none"),
    File("models/clip_vision/CLIP-ViT-H.safetensors", of(ENCODERS, "CLIP ViT-H"), "image_encoder"),
    File("models/clip_vision/sigclip.safetensors", of(ENCODERS, "SigLIP"), "none"),
    File("models/upscale_models/4x-UltraSharp.pth", PICKLE, "enlarger"),
    File("models/upscale_models/anime/4x.safetensors", ESRGAN, "enlarger"),
    File("models/embeddings/easynegative.safetensors", INVERSION, "none"),
    File("models/embeddings/bad.pt", PICKLE, "none"),
    File("models/hypernetworks/h.pt", PICKLE, "none"),
    File("models/ultralytics/bbox/face.pt", PICKLE, "none"),
    File("models/sams/sam.pth", PICKLE, "none"),
    File("models/my own/styles/soft.safetensors", LORA_15, "lora", "sd1"),
    File("models/diffusion_models/flux1-dev.safetensors", FLUX_1, "model", "flux1"),
    File(
        "models/diffusion_models/flux2/klein-4b-fp8.safetensors",
        {**KLEIN, "scaled_fp8": [2]},
        "model",
        "flux2",
    ),
    File(
        "models/unet/z_image_turbo.safetensors",
        {f"model.diffusion_model.{name}": shape for name, shape in Z_IMAGE.items()},
        "model",
        "z-image",
    ),
    File("models/diffusion_models/qwen_image_fp8.safetensors", KNOWN["qwen"][0], "model", "qwen-image"),
    File(
        "models/diffusion_models/z_nvfp4.safetensors",
        {**Z_IMAGE, "layers.0.attention.qkv.weight_scale_2": []},
        "none",
    ),
    File("models/diffusion_models/wan2.1.safetensors", {"blocks.0.self_attn.q.weight": [5120, 5120]}, "none"),
    File("models/text_encoders/t5xxl_fp16.safetensors", T5, "text_encoder", "t5"),
    File("models/clip/clip_l.safetensors", CLIP, "text_encoder", "clip"),
    File("models/text_encoders/qwen_3_4b.safetensors", QWEN3, "text_encoder", "qwen3"),
    File("models/text_encoders/qwen_2.5_vl_7b.safetensors", QWEN_VL, "text_encoder", "qwen2.5-vl"),
    File("models/text_encoders/umt5_xxl.safetensors", UMT5, "none"),
    File("custom_nodes/x/models/lora.safetensors", LORA_15, "none"),
)
A1111 = (
    File("models/Stable-diffusion/sd15.safetensors", SD1, "model", "stable-diffusion"),
    File("models/Stable-diffusion/xl/pony.safetensors", SDXL, "model", "sdxl"),
    File("models/Stable-diffusion/inpainting.ckpt", PICKLE, "none"),
    File("models/Lora/ink.safetensors", LORA_XL, "lora", "sdxl"),
    File("models/LyCORIS/two.safetensors", LORA_15, "lora", "sd1"),
    File("models/VAE/vae-ft-mse.safetensors", of(VAES, "SD"), "vae", "sd"),
    File("models/VAE-approx/model.pt", PICKLE, "none"),
    File("models/ControlNet/canny.safetensors", of(CONTROLNETS, "SD 1.5, its makers'"), "controlnet", "sd1"),
    File(
        "extensions/sd-webui-controlnet/models/depth.safetensors",
        of(CONTROLNETS, "SD 1.5"),
        "controlnet",
        "sd1",
    ),
    File("models/ESRGAN/4x.pth", PICKLE, "enlarger"),
    File("models/RealESRGAN/x4plus.pth", PICKLE, "enlarger"),
    File("models/Codeformer/codeformer.pth", PICKLE, "none"),
    File("models/GFPGAN/GFPGANv1.4.pth", PICKLE, "none"),
    File("embeddings/bad-hands.pt", PICKLE, "none"),
    File("embeddings/good.safetensors", {"emb_params": [4, 768]}, "none"),
    File("models/deepbooru/model.pt", PICKLE, "none"),
    File("venv/lib/x.safetensors", LORA_15, "none"),
)
FORGE = (
    File("models/Stable-diffusion/xl.safetensors", SDXL, "model", "sdxl"),
    File("models/Lora/f1.safetensors", LORA_F1, "lora", "flux1"),
    File("models/VAE/ae.safetensors", of(VAES, "FLUX.1"), "vae", "flux1"),
    File(
        "models/Stable-diffusion/flux1-schnell.safetensors",
        {name: shape for name, shape in FLUX_1.items() if "guidance" not in name},
        "model",
        "flux1",
    ),
    File("models/text_encoder/clip_l.safetensors", CLIP, "text_encoder", "clip"),
    File("models/ControlNetPreprocessor/depth.safetensors", UNKNOWN, "none"),
)
INVOKE = (
    File("models/sd-1/main/dream.safetensors", SD1, "model", "stable-diffusion"),
    File("models/sdxl/main/jugger.safetensors", SDXL, "model", "sdxl"),
    File("models/sdxl/lora/ink.safetensors", LORA_XL, "lora", "sdxl"),
    File("models/sdxl/vae/fix.safetensors", of(VAES, "SD"), "vae", "sd"),
    File(
        "models/sd-1/controlnet/canny/diffusion_pytorch_model.safetensors",
        of(CONTROLNETS, "SD 1.5"),
        "controlnet",
        "sd1",
    ),
    File(
        "models/sdxl/ip_adapter/plus/ip_adapter.safetensors", of(ADAPTERS, "SDXL, plus"), "ip_adapter", "sdxl"
    ),
    File(
        "models/any/clip_vision/ip_adapter_sd_image_encoder/model.safetensors",
        of(ENCODERS, "CLIP ViT-H"),
        "image_encoder",
    ),
    File("models/any/spandrel_image_to_image/4x.pth", PICKLE, "enlarger"),
    File("models/sd-1/embedding/easy.safetensors", INVERSION, "none"),
    File("models/0f3c-uuid/ink2.safetensors", LORA_15, "lora", "sd1"),
)
SWARM = (
    File("Models/Stable-Diffusion/OfficialStableDiffusion/xl.safetensors", SDXL, "model", "sdxl"),
    File("Models/Lora/ink.safetensors", LORA_XL, "lora", "sdxl"),
    File("Models/VAE/Flux/ae.safetensors", of(VAES, "FLUX.1"), "vae", "flux1"),
    File("Models/controlnet/union.safetensors", of(CONTROLNETS, "SDXL, union"), "controlnet", "sdxl"),
    File("Models/clip_vision/h.safetensors", of(ENCODERS, "CLIP ViT-H"), "image_encoder"),
    File("Models/upscale_models/4x.pth", PICKLE, "enlarger"),
    File("Models/Embeddings/easy.safetensors", INVERSION, "none"),
    File("Models/yolov8/face.pt", PICKLE, "none"),
)
FOOOCUS = (
    File("models/checkpoints/juggernautXL.safetensors", SDXL, "model", "sdxl"),
    File("models/loras/sd_xl_offset.safetensors", LORA_XL, "lora", "sdxl"),
    File("models/controlnet/fooocus_ip.bin", PICKLE, "none"),
    File("models/controlnet/canny.safetensors", of(CONTROLNETS, "SDXL"), "controlnet", "sdxl"),
    File("models/upscale_models/fooocus_upscaler.pth", PICKLE, "enlarger"),
    File("models/inpaint/head.pth", PICKLE, "none"),
    File("models/prompt_expansion/fooocus_expansion/pytorch_model.bin", PICKLE, "none"),
    File("models/clip_vision/clip.safetensors", of(ENCODERS, "CLIP ViT-H"), "image_encoder"),
)
TREES: dict[str, tuple[tuple[str, ...], tuple[File, ...]]] = {
    "ComfyUI": (("main.py", "comfy/sd.py"), COMFY),
    "AUTOMATIC1111": (("webui.py", "modules/sd_models.py"), A1111),
    "Forge": (("webui.py", "modules_forge/main_entry.py"), FORGE),
    "InvokeAI": (("invokeai.yaml",), INVOKE),
    "SwarmUI": (("SwarmUI.sln", "src/Core/Program.cs"), SWARM),
    "Fooocus": (("fooocus_version.py",), FOOOCUS),
}
"""Tool → (files by which it is known, its models)."""


def plant(root: Path, tool: str) -> tuple[File, ...]:
    """Make the tool's folder at `root`; what lies in it."""
    signs, files = TREES[tool]
    for sign in signs:
        (root / sign).parent.mkdir(parents=True, exist_ok=True)
        (root / sign).write_text("", "utf-8")
    for file in files:
        put(root / file.path, file.shapes)
    return files


def put(path: Path, shapes: Shapes) -> Path:
    """One file: a header without numbers, or the beginning of a pickle."""
    if not isinstance(shapes, str):
        return write(path, dict(shapes))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PK\x03\x04" + bytes(60))
    return path
