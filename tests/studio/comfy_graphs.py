"""Executed graphs of ComfyUI, made here: one construct each, with what the artist asked for.

`CASES`: name → (graph, what is in it). Here: the usual ones, negatives, and several samplers.
"""

from __future__ import annotations

from tests.studio.comfy_nodes import (
    BARE,
    BASIC,
    CFG,
    FLUX,
    FULL,
    INK,
    NEGATIVE,
    PROMPT,
    Expected,
    Graph,
    advanced,
    base,
    custom,
    encode,
    inked,
    kind,
    lora,
    sampler,
)

CASES: dict[str, tuple[Graph, Expected]] = {
    # --- the usual ones
    "sd15": (base(), FULL),
    "sdxl, both encoders": (
        base(
            n2=kind("CLIPTextEncodeSDXL", width=4096, height=4096, text_g=PROMPT, text_l=PROMPT,
                clip="@1#1"),
            n3=kind("CLIPTextEncodeSDXL", width=4096, height=4096, text_g=NEGATIVE, text_l="", clip="@1#1"),
        ),
        FULL,
    ),
    "flux, basic guider": (custom(BASIC, n8=FLUX, n3=None, n4=kind("EmptySD3LatentImage", width=832,
        height=1216)), BARE),
    "flux in a KSampler with guidance of its own": (
        base(n8=FLUX, n9=kind("ConditioningZeroOut", conditioning="@2"), n5=sampler(cfg=1.0, positive="@8",
            negative="@9")),
        BARE,
    ),
    "flux2 with its own scheduler and a reference": (
        custom(
            BASIC, n3=None, n8=kind("ReferenceLatent", conditioning="@9", latent="@10"), n9=FLUX,
            n10=kind("VAEEncode", pixels="@11", vae="@1#2"), n11=kind("LoadImage", image="a.png"),
            n23=kind("Flux2Scheduler", steps=22, width=832, height=1216),
            n4=kind("EmptyFlux2LatentImage", width=832, height=1216),
        ),
        BARE,
    ),
    "flux2 klein, CFG guider over a zeroed negative": (
        custom(kind("CFGGuider", model="@1", positive="@2", negative="@8", cfg=6.5),
            n8=kind("ConditioningZeroOut", conditioning="@2")),
        BARE,
    ),
    "qwen image": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors"), n8=lora(INK),
                n9=kind("ModelSamplingAuraFlow", model="@8", shift=3.1),
            n5=sampler(model="@9"),
        ),
        inked(INK),
    ),
    "qwen image edit": (
        base(
            n2=kind("TextEncodeQwenImageEditPlus", clip="@1#1", vae="@1#2", image1="@11", prompt=PROMPT),
            n3=kind("TextEncodeQwenImageEditPlus", clip="@1#1", vae="@1#2", image1="@11", prompt=""),
            n11=kind("LoadImage", image="a.png"), n12=kind("CFGNorm", model="@1", strength=1.0),
                n5=sampler(model="@12"),
        ),
        BARE,
    ),
    "z-image turbo": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors"), n8=kind("ModelSamplingAuraFlow",
                model="@1", shift=3),
            n9=kind("ConditioningZeroOut", conditioning="@2"), n5=sampler(model="@8", negative="@9"),
        ),
        BARE,
    ),
    "flux, two encoders that say different things": (
        base(n2=kind("CLIPTextEncodeFlux", clip_l="lighthouse", t5xxl=PROMPT, guidance=6.5, clip="@1#1"),
            n5=sampler(cfg=1.0)),
        FULL,
    ),
    "sd3, zeroed late and combined": (
        base(
            n8=kind("ConditioningZeroOut", conditioning="@3"), n9=kind("ConditioningSetTimestepRange",
                conditioning="@8", start=0.1, end=1.0),
            n10=kind("ConditioningSetTimestepRange", conditioning="@3", start=0.0, end=0.1),
            n11=kind("ConditioningCombine", conditioning_1="@9", conditioning_2="@10"),
                n5=sampler(negative="@11"),
        ),
        FULL,
    ),
    "lumina, a prompt of the user's": (
        base(n2=kind("CLIPTextEncodeLumina2", system_prompt="superior", user_prompt=PROMPT, clip="@1#1")),
            FULL,
    ),
    "gguf": (base(n1=kind("UnetLoaderGGUF", unet_name="base.gguf")), {**FULL, "model": "base.gguf"}),
    "diffusers folder": (base(n1=kind("DiffusersLoader", model_path="base")), {**FULL, "model": "base"}),
    # --- negatives
    "negative zeroed": (base(n8=kind("ConditioningZeroOut", conditioning="@2"), n5=sampler(negative="@8")),
        BARE),
    "negative zeroed behind a control": (
        base(
            n8=kind("ConditioningZeroOut", conditioning="@2"), n9=kind("LoadImage", image="a.png"),
            n10=kind("ControlNetApplyAdvanced", positive="@2", negative="@8", control_net="@12", image="@9",
                strength=0.5),
            n12=kind("ControlNetLoader", control_net_name="c.safetensors"), n5=sampler(positive="@10",
                negative="@10#1"),
        ),
        BARE,
    ),
    "inpaint conditioning": (
        base(
            n9=kind("LoadImage", image="a.png"),
            n10=kind("InpaintModelConditioning", positive="@2", negative="@3", vae="@1#2", pixels="@9",
                mask="@9#1"),
            n5=sampler(positive="@10", negative="@10#1"),
        ),
        FULL,
    ),
    "a node with both, read by output": (
        base(n2=kind("TextEncodeBoth", prompt=PROMPT, negative_prompt=NEGATIVE, clip="@1#1"), n3=None,
            n5=sampler(negative="@2#1")), FULL,
    ),
    "a node with both, behind others": (
        base(
            n2=kind("TextEncodeBoth", positive=PROMPT, negative=NEGATIVE, clip="@1#1"), n3=None,
            n8=kind("ConditioningSetTimestepRange", conditioning="@2", start=0.0, end=1.0),
            n9=kind("ConditioningSetTimestepRange", conditioning="@2#1", start=0.0, end=1.0),
                n5=sampler(positive="@8", negative="@9"),
        ),
        FULL,
    ),
    "a styler that gives two texts": (
        base(
            n2=encode("@8"), n3=encode("@8#1"),
            n8=kind("SDXLPromptStyler", text_positive=PROMPT, text_negative=NEGATIVE, style="base",
                log_prompt="No"),
        ),
        FULL,
    ),
    "the same output for both sides": (base(n3=None, n5=sampler(negative="@2")), {**FULL,
        "negative_prompt": PROMPT}),
    # --- several samplers
    "hires, a second pass": (
        base(
            n8=kind("LatentUpscaleBy", samples="@5", scale_by=1.5), n9=sampler(seed=5, steps=9, denoise=0.5,
                latent_image="@8"),
            n6=kind("VAEDecode", samples="@9", vae="@1#2"),
        ),
        FULL,
    ),
    "hires through pixels": (
        base(
            n8=kind("UpscaleModelLoader", model_name="up.pth"), n9=kind("ImageUpscaleWithModel",
                upscale_model="@8", image="@6"),
            n10=kind("VAEEncode", pixels="@9", vae="@1#2"), n11=sampler(seed=5, denoise=0.4,
                latent_image="@10"),
            n12=kind("VAEDecode", samples="@11", vae="@1#2"), n7=kind("SaveImage", images="@12"),
        ),
        FULL,
    ),
    "base and refiner": (
        base(
            n5=advanced(), n9=kind("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
            n8=advanced(add_noise="disable", noise_seed=0, start_at_step=16, end_at_step=10000, model="@9",
                latent_image="@5"),
            n6=kind("VAEDecode", samples="@8", vae="@1#2"),
        ),
        FULL,
    ),
    "two experts, the second adds no noise": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors"), n9=kind("UNETLoader",
                unet_name="low.safetensors"), n5=advanced(end_at_step=11),
            n8=advanced(add_noise="disable", noise_seed=1, cfg=1.0, start_at_step=11, model="@9",
                latent_image="@5"),
            n6=kind("VAEDecode", samples="@8", vae="@1#2"),
        ),
        FULL,
    ),
    "split steps, the second without noise": (
        custom(
            CFG, n24=kind("SplitSigmas", sigmas="@23", step=11), n25=kind("DisableNoise"),
            n5=kind("SamplerCustomAdvanced", noise="@20", guider="@21", sampler="@22", sigmas="@24",
                latent_image="@4"),
            n26=kind("SamplerCustomAdvanced", noise="@25", guider="@27", sampler="@22", sigmas="@24#1",
                latent_image="@5"),
            n27=kind("CFGGuider", model="@28", positive="@2", negative="@3", cfg=1.0),
                n28=kind("UNETLoader", unet_name="low.safetensors"),
            n6=kind("VAEDecode", samples="@26", vae="@1#2"),
        ),
        FULL,
    ),
    "a later start is a second pass": (
        base(
            n5=advanced(end_at_step=22), n8=advanced(noise_seed=3, start_at_step=14, latent_image="@9"),
                n9=kind("LatentUpscaleBy", samples="@5"),
            n6=kind("VAEDecode", samples="@8", vae="@1#2"),
        ),
        FULL,
    ),
    "face detailer": (
        base(
            n8=kind(
                "FaceDetailer", image="@6", model="@1", clip="@1#1", vae="@1#2", positive="@9",
                    negative="@3", seed=5, steps=11, cfg=3.0,
                sampler_name="euler", scheduler="normal", denoise=0.45, guide_size=512, max_size=1024,
            ),
            n9=encode("a face"), n7=kind("SaveImage", images="@8"),
        ),
        FULL,
    ),
    "tiled enlargement": (
        base(
            n8=kind("UltimateSDUpscale", image="@6", model="@1", positive="@2", negative="@3", vae="@1#2",
                upscale_by=2.0, seed=5, steps=11,
                    cfg=3.0, sampler_name="euler", scheduler="normal", denoise=0.2),
            n7=kind("SaveImage", images="@8"),
        ),
        FULL,
    ),
    "stable cascade reports stage C": (
        base(
            n4=kind("StableCascade_EmptyLatentImage", width=832, height=1216, compression=42, batch_size=1),
            n8=kind("StableCascade_StageB_Conditioning", conditioning="@2", stage_c="@5"),
                n9=kind("UNETLoader", unet_name="stage_b.safetensors"),
            n10=sampler(seed=1, steps=10, cfg=1.1, model="@9", positive="@8", negative="@11",
                latent_image="@4#1"),
            n11=kind("ConditioningZeroOut", conditioning="@2"), n6=kind("VAEDecode", samples="@10",
                vae="@9#2"),
        ),
        FULL,
    ),
    "img2img": (
        base(n4=kind("VAEEncode", pixels="@8", vae="@1#2"), n8=kind("LoadImage", image="a.png"),
            n5=sampler(denoise=0.55)),
        {**FULL, "width": None, "height": None, "strength": 0.55},
    ),
    "a preview of something else does not count": (
        base(n8=sampler(seed=1, positive="@3"), n9=kind("VAEDecode", samples="@8", vae="@1#2"),
            n10=kind("PreviewImage", images="@9")), FULL,
    ),
    "a saver of its own": (base(n7=kind("Image Saver", images="@6", filename="x")), FULL),
}  # fmt: skip
