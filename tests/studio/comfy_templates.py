"""As `comfy_graphs`: the templates that ComfyUI brings, several constructs in each."""

# ruff: noqa: E501 - nodes with all their inputs read best in lines

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
    base,
    custom,
    encode,
    inked,
    kind,
    lora,
    sampler,
)

LOADED = {"width": None, "height": None}
CASES: dict[str, tuple[Graph, Expected]] = {
    "flux schnell in one file": (
        base(n5=sampler(cfg=6.5, scheduler="simple"), n3=encode("")), BARE,
    ),
    "flux fill": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"),
            n2=encode(PROMPT, "@34"), n34=kind("DualCLIPLoader", clip_name1="clip_l", clip_name2="t5", type="flux"),
            n3=None, n46=kind("ConditioningZeroOut", conditioning="@2"), n26=kind("FluxGuidance", conditioning="@2", guidance=6.5),
            n17=kind("LoadImage", image="a.png"),
            n38=kind("InpaintModelConditioning", positive="@26", negative="@46", vae="@32", pixels="@17", mask="@17#1", noise_mask=False),
            n32=kind("VAELoader", vae_name="ae"), n39=kind("DifferentialDiffusion", model="@1"),
            n5=sampler(cfg=1.0, model="@39", positive="@38", negative="@38#1", latent_image="@38#2"), n4=None,
        ),
        {**BARE, **LOADED},
    ),
    "flux kontext": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"), n3=None,
            n142=kind("LoadImageOutput", image="a.png"),
            n146=kind("ImageStitch", image1="@142", direction="right", match_image_size=True, spacing_width=0),
            n42=kind("FluxKontextImageScale", image="@146"), n124=kind("VAEEncode", pixels="@42", vae="@39"), n39=kind("VAELoader", vae_name="ae"),
            n177=kind("ReferenceLatent", conditioning="@2", latent="@124"), n35=kind("FluxGuidance", conditioning="@177", guidance=6.5),
            n135=kind("ConditioningZeroOut", conditioning="@2"), n4=None,
            n5=sampler(cfg=1.0, positive="@35", negative="@135", latent_image="@124"),
        ),
        {**BARE, **LOADED},
    ),
    "flux redux": (
        custom(
            BASIC, n3=None,
            n8=kind("StyleModelApply", conditioning="@26", style_model="@42", clip_vision_output="@39", strength=1.0, strength_type="multiply"),
            n26=FLUX, n42=kind("StyleModelLoader", style_model_name="redux"),
            n39=kind("CLIPVisionEncode", clip_vision="@38", image="@40", crop="center"),
            n38=kind("CLIPVisionLoader", clip_name="siglip"), n40=kind("LoadImage", image="a.png"),
            n30=kind("ModelSamplingFlux", max_shift=1.15, base_shift=0.5, width=832, height=1216, model="@1"),
            n23=kind("BasicScheduler", model="@30", scheduler="simple", steps=22, denoise=1.0),
        ),
        BARE,
    ),
    "flux with two controls": (
        base(
            n3=encode(""), n26=kind("FluxGuidance", conditioning="@2", guidance=6.5), n14=kind("ControlNetLoader", control_net_name="union"),
            n15=kind("SetUnionControlNetType", control_net="@14", type="depth"), n16=kind("LoadImage", image="a.png"),
            n17=kind("Canny", image="@16", low_threshold=0.2, high_threshold=0.3),
            n18=kind("ControlNetApplySD3", positive="@26", negative="@3", control_net="@15", vae="@1#2", image="@17", strength=0.4, start_percent=0.0, end_percent=0.7),
            n19=kind("ControlNetApplySD3", positive="@18", negative="@18#1", control_net="@14", vae="@1#2", image="@16", strength=0.4, start_percent=0.0, end_percent=0.7),
            n5=sampler(cfg=1.0, positive="@19", negative="@19#1"),
        ),
        BARE,
    ),
    "sd3.5 with three encoders": (
        base(
            n2=kind("CLIPTextEncodeSD3", clip_l=PROMPT, clip_g=PROMPT, t5xxl=PROMPT, empty_padding="none", clip="@11"),
            n11=kind("TripleCLIPLoader", clip_name1="l", clip_name2="g", clip_name3="t5"), n13=kind("ModelSamplingSD3", shift=3.0, model="@1"),
            n5=sampler(model="@13"), n4=kind("EmptySD3LatentImage", width=832, height=1216, batch_size=1),
        ),
        FULL,
    ),
    "hidream": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"),
            n54=kind("QuadrupleCLIPLoader", clip_name1="l", clip_name2="g", clip_name3="t5", clip_name4="llama"),
            n2=encode(PROMPT, "@54"), n3=encode(NEGATIVE, "@54"), n70=kind("ModelSamplingSD3", shift=3.0, model="@1"), n5=sampler(model="@70"),
        ),
        FULL,
    ),
    "qwen image lightning by a switch": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"), n73=lora(INK), n90=kind("PrimitiveBoolean", value=True),
            n91=kind("ComfySwitchNode", switch="@90", on_false="@1", on_true="@73"), n66=kind("ModelSamplingAuraFlow", shift=3.1, model="@91"),
            n92=kind("PrimitiveInt", value=50), n93=kind("PrimitiveInt", value=22),
            n94=kind("ComfySwitchNode", switch="@90", on_false="@92", on_true="@93"),
            n95=kind("PrimitiveFloat", value=4.0), n96=kind("PrimitiveFloat", value=6.5),
            n97=kind("ComfySwitchNode", switch="@90", on_false="@95", on_true="@96"),
            n5=sampler(model="@66", steps="@94", cfg="@97"),
        ),
        inked(INK),
    ),
    "qwen image edit with three pictures": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"), n78=kind("LoadImage", image="a.png"),
            n79=kind("LoadImage", image="b.png"),
            n93=kind("ImageScaleToTotalPixels", image="@78", upscale_method="lanczos", megapixels=1.0),
            n2=kind("TextEncodeQwenImageEditPlus", clip="@38", vae="@39", image1="@93", image2="@79", prompt="@80"),
            n80=kind("PrimitiveStringMultiline", value=PROMPT),
            n3=kind("TextEncodeQwenImageEditPlus", clip="@38", vae="@39", image1="@93", image2="@79", prompt=NEGATIVE),
            n38=kind("CLIPLoader", clip_name="qwen", type="qwen_image"), n39=kind("VAELoader", vae_name="qwen"),
            n81=kind("FluxKontextMultiReferenceLatentMethod", conditioning="@2", reference_latents_method="index"),
            n82=kind("FluxKontextMultiReferenceLatentMethod", conditioning="@3", reference_latents_method="index"),
            n88=kind("VAEEncode", pixels="@93", vae="@39"), n66=kind("ModelSamplingAuraFlow", shift=3.0, model="@89"), n89=lora(INK, "@1"),
            n75=kind("CFGNorm", strength=1.0, model="@66"), n4=None, n5=sampler(model="@75", positive="@81", negative="@82", latent_image="@88"),
        ),
        {**inked(INK), **LOADED},
    ),
    "flux2 with several references": (
        custom(
            BASIC, n3=None, n10=kind("LoadImage", image="a.png"), n12=kind("VAEEncode", pixels="@10", vae="@13"),
            n13=kind("VAELoader", vae_name="f2"),
            n26=kind("FluxGuidance", conditioning="@2", guidance=6.5), n14=kind("ReferenceLatent", conditioning="@26", latent="@12"),
            n8=kind("ReferenceLatent", conditioning="@14", latent="@12"), n15=kind("GetImageSize", image="@10"),
            n23=kind("Flux2Scheduler", steps=22, width="@15", height="@15#1"), n4=kind("EmptyFlux2LatentImage", width=832, height=1216, batch_size=1),
        ),
        BARE,
    ),
    "chroma": (
        custom(
            CFG, n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"),
            n30=kind("T5TokenizerOptions", min_padding=1, min_length=3, clip="@31"),
            n31=kind("CLIPLoader", clip_name="t5", type="chroma"), n2=encode(PROMPT, "@30"), n3=encode(NEGATIVE, "@30"),
            n23=kind("BetaSamplingScheduler", model="@1", steps=22, alpha=0.45, beta=0.45),
        ),
        FULL,
    ),
    "sdxl turbo": (
        base(
            n5=kind("SamplerCustom", add_noise=True, noise_seed=77, cfg=6.5, model="@1", positive="@2", negative="@3", sampler="@14", sigmas="@22", latent_image="@4"),
            n14=kind("KSamplerSelect", sampler_name="euler_ancestral"), n22=kind("SDTurboScheduler", steps=22, denoise=1.0, model="@1"),
        ),
        FULL,
    ),
    "sdxl with both encoders and a refiner": (
        base(
            n2=kind("CLIPTextEncodeSDXL", width=1024, height=1024, crop_w=0, crop_h=0, target_width=1024, target_height=1024, text_g=PROMPT, text_l=PROMPT, clip="@1#1"),
            n12=kind("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
            n15=kind("CLIPTextEncodeSDXLRefiner", ascore=6.0, width=1024, height=1024, text=PROMPT, clip="@12#1"),
            n16=kind("CLIPTextEncodeSDXLRefiner", ascore=2.5, width=1024, height=1024, text=NEGATIVE, clip="@12#1"),
            n5=kind("KSamplerAdvanced", add_noise="enable", noise_seed="@40", steps="@41", cfg=6.5, sampler_name="euler", scheduler="normal", start_at_step=0, end_at_step=18, return_with_leftover_noise="enable", model="@1", positive="@2", negative="@3", latent_image="@4"),
            n11=kind("KSamplerAdvanced", add_noise="disable", noise_seed=0, steps="@41", cfg=8.0, sampler_name="euler", scheduler="normal", start_at_step=18, end_at_step=10000, return_with_leftover_noise="disable", model="@12", positive="@15", negative="@16", latent_image="@5"),
            n40=kind("PrimitiveInt", value=77), n41=kind("PrimitiveInt", value=22), n6=kind("VAEDecode", samples="@11", vae="@12#2"),
        ),
        FULL,
    ),
    "unclip": (
        base(
            n1=kind("unCLIPCheckpointLoader", ckpt_name="base.safetensors"),
            n18=kind("unCLIPConditioning", conditioning="@2", clip_vision_output="@19", strength=1, noise_augmentation=0),
            n19=kind("CLIPVisionEncode", clip_vision="@1#3", image="@20"), n20=kind("LoadImage", image="a.png"), n5=sampler(positive="@18"),
        ),
        FULL,
    ),
    "areas": (
        base(
            n13=encode("a boat"), n15=kind("ConditioningSetArea", conditioning="@13", width=64, height=64, x=0, y=0, strength=1.0),
            n10=kind("ConditioningCombine", conditioning_1="@2", conditioning_2="@15"), n5=sampler(positive="@10"),
        ),
        {**FULL, "prompt": f"{PROMPT}\na boat"},
    ),
    "inpainting": (
        base(
            n20=kind("LoadImage", image="a.png"), n4=kind("VAEEncodeForInpaint", pixels="@20", vae="@1#2", mask="@20#1", grow_mask_by=6),
        ),
        {**FULL, **LOADED},
    ),
    "outpainting": (
        base(
            n20=kind("LoadImage", image="a.png"), n30=kind("ImagePadForOutpaint", image="@20", left=0, top=128, right=0, bottom=128, feathering=40),
            n4=kind("VAEEncodeForInpaint", pixels="@30", vae="@1#2", mask="@30#1", grow_mask_by=8),
        ),
        {**FULL, **LOADED},
    ),
    "latent hires with another sampler": (
        base(
            n10=kind("LatentUpscale", samples="@5", upscale_method="nearest-exact", width=1152, height=1152, crop="disabled"),
            n11=kind("KSampler", seed=1, steps=14, cfg=8.0, sampler_name="dpmpp_2m", scheduler="simple", denoise=0.5, model="@1", positive="@2", negative="@3", latent_image="@10"),
            n12=kind("SaveImage", images="@13", filename_prefix="x"), n13=kind("VAEDecode", samples="@11", vae="@1#2"),
        ),
        FULL,
    ),
    "gligen": (
        base(
            n10=kind("GLIGENLoader", gligen_name="g"),
            n21=kind("GLIGENTextBoxApply", conditioning_to="@2", clip="@1#1", gligen_textbox_model="@10", text="a boat", width=64, height=64, x=0, y=0),
            n5=sampler(positive="@21"),
        ),
        {**FULL, "prompt": f"a boat\n{PROMPT}"},
    ),
    "hypernetwork and clip skip": (
        base(n8=kind("HypernetworkLoader", hypernetwork_name="h", strength=1.0, model="@1"),
        n9=kind("CLIPSetLastLayer", stop_at_clip_layer=-2, clip="@1#1"),
            n2=encode(PROMPT, "@9"), n3=encode(NEGATIVE, "@9"), n5=sampler(model="@8")), FULL,
    ),
    "lumina with its system prompt": (
        base(n2=kind("CLIPTextEncodeLumina2", system_prompt="superior", user_prompt=PROMPT, clip="@1#1"),
            n3=kind("CLIPTextEncodeLumina2", system_prompt="alignment", user_prompt=NEGATIVE, clip="@1#1"),
            n11=kind("RenormCFG", model="@1", cfg_trunc=100, renorm_cfg=1.0), n5=sampler(model="@11")), FULL,
    ),
    "omnigen": (
        custom(
            kind("DualCFGGuider", model="@1", cond1="@30", cond2="@31", negative="@3", cfg_conds=6.5, cfg_cond2_negative=2.0, style="regular"),
            n30=kind("ReferenceLatent", conditioning="@2", latent="@32"), n31=kind("ReferenceLatent", conditioning="@3", latent="@32"),
            n32=kind("VAEEncode", pixels="@33", vae="@34"), n33=kind("LoadImage", image="a.png"), n34=kind("VAELoader", vae_name="ae"),
        ),
        FULL,
    ),
    "a film, its frames kept as pictures": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"),
            n4=kind("EmptyHunyuanLatentVideo", width=832, height=1216, length=1, batch_size=1),
            n54=kind("ModelSamplingSD3", shift=8.0, model="@1"), n5=sampler(model="@54"),
        ),
        FULL,
    ),
    "a picture becomes a film": (
        base(
            n1=kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"),
            n50=kind("WanImageToVideo", width=832, height=1216, length=33, batch_size=1, positive="@2", negative="@3", vae="@39", clip_vision_output="@51", start_image="@52"),
            n51=kind("CLIPVisionEncode", clip_vision="@49", image="@52", crop="none"), n49=kind("CLIPVisionLoader", clip_name="h"),
            n52=kind("LoadImage", image="a.png"),
            n39=kind("VAELoader", vae_name="wan"), n4=None, n5=sampler(positive="@50", negative="@50#1", latent_image="@50#2"),
            n7=kind("SaveAnimatedWEBP", images="@6", fps=16.0, filename_prefix="x"),
        ),
        FULL,
    ),
}  # fmt: skip
