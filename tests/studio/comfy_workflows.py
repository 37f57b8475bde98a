"""As `comfy_graphs`: whole graphs as people share them, several constructs in each.

Written after public workflows; names of nodes and inputs are theirs.
"""

# ruff: noqa: E501 - nodes with all their inputs read best in lines

from __future__ import annotations

from tests.studio.comfy_nodes import (
    BARE,
    BASIC,
    FLUX,
    FULL,
    INK,
    NEGATIVE,
    OIL,
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
    texts,
)

CASES: dict[str, tuple[Graph, Expected]] = {
    "efficiency with a script": (
        {
            "1": kind("Eff. Loader SDXL", base_ckpt_name="base.safetensors", base_clip_skip=-2, refiner_ckpt_name="None", refiner_clip_skip=-2, positive_ascore=6.0, negative_ascore=2.0,
                vae_name="Baked VAE", positive=PROMPT, negative=NEGATIVE, empty_latent_width=832, empty_latent_height=1216, batch_size=1, lora_stack="@4"),
            "2": kind("KSampler SDXL (Eff.)", noise_seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", start_at_step=0, refine_at_step=-1, preview_method="auto",
                vae_decode="true", sdxl_tuple="@1", latent_image="@1#1"),
            "3": kind("SaveImage", images="@2#3"),
            "4": kind("LoRA Stacker", input_mode="simple", lora_count=1, lora_name_1="ink.safetensors", lora_wt_1=0.8, model_str_1=1.0, clip_str_1=1.0),
        },
        inked(INK),
    ),
    "tinyterra": (
        {
            "1": kind("ttN pipeLoader_v2", ckpt_name="base.safetensors", config_name="Default", vae_name="Baked VAE", clip_skip=-2, loras="<lora:ink.safetensors:0.8>", positive=PROMPT,
                positive_token_normalization="none", positive_weight_interpretation="comfy", negative=NEGATIVE, empty_latent_width=832, empty_latent_height=1216, batch_size=1, seed=77),
            "2": kind("ttN pipeKSampler_v2", pipe="@1", lora_name="None", lora_strength=1.0, upscale_method="None", upscale_model_name="x", factor=2, rescale="by percentage", percent=50, width=1024, height=1024,
                longer_side=1024, crop="disabled", steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", denoise=1.0, image_output="Preview", save_prefix="x", file_type="png", embed_workflow=True, seed=77),
        },
        inked(INK),
    ),
    "impact's detailer with wildcards": (
        base(
            n8=kind("ImpactWildcardEncode", model="@1", clip="@1#1", wildcard_text="a __place__", populated_text=f"{PROMPT} <lora:ink.safetensors:0.8>", mode="fixed", seed=3),
            n9=kind("ToBasicPipe", model="@8", clip="@8#1", vae="@1#2", positive="@8#2", negative="@3"),
            n10=kind("ImpactKSamplerBasicPipe", basic_pipe="@9", seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", latent_image="@4", denoise=1.0),
            n11=kind("FaceDetailerPipe", image="@12", detailer_pipe="@13", guide_size=384, seed=9, steps=20, cfg=8.0, sampler_name="euler", scheduler="normal", denoise=0.5),
            n12=kind("VAEDecode", samples="@10#1", vae="@10#2"),
            n13=kind("BasicPipeToDetailerPipe", basic_pipe="@10", bbox_detector="@14", wildcard="a face"),
            n14=kind("UltralyticsDetectorProvider", model_name="bbox/face.pt"), n2=None, n5=None, n6=None, n7=kind("SaveImage", images="@11"),
        ),
        inked(INK),
    ),
    "inspire's sampler": (
        base(n5=kind("KSampler //Inspire", seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", denoise=1.0, noise_mode="GPU(=A1111)", batch_seed_mode="incremental", variation_seed=0, variation_strength=0.0,
            model="@1", positive="@2", negative="@3", latent_image="@4")), FULL,
    ),
    "weights as elsewhere": (
        base(n2=kind("BNK_CLIPTextEncodeAdvanced", text=PROMPT, token_normalization="none", weight_interpretation="A1111", clip="@1#1"),
            n3=kind("smZ CLIPTextEncode", text=NEGATIVE, parser="A1111", mean_normalization=True, multi_conditioning=True, with_SDXL=False, ascore=6.0, width=1024, height=1024, text_g="", text_l="", smZ_steps=1, clip="@1#1")), FULL,
    ),
    "prompt control": (
        base(n2=kind("PCLazyTextEncode", clip="@8#1", text=PROMPT),
        n8=kind("PCLazyLoraLoader", model="@1", clip="@1#1", text=f"{PROMPT} <lora:ink.safetensors:0.8>"), n5=sampler(model="@8")), inked(INK),
    ),
    "comfyroll": (
        base(
            n8=kind("CR SDXL Aspect Ratio", width=832, height=1216, aspect_ratio="5:8 portrait 832x1216", swap_dimensions="Off", upscale_factor=1.0, batch_size=1),
            n4=kind("EmptyLatentImage", width="@8", height="@8#1", batch_size="@8#3"),
            n9=kind("CR LoRA Stack", switch_1="On", lora_name_1="ink.safetensors", model_weight_1=0.8, clip_weight_1=1.0, switch_2="Off", lora_name_2="None", model_weight_2=1.0, clip_weight_2=1.0),
            n10=kind("CR Apply LoRA Stack", model="@1", clip="@1#1", lora_stack="@9"),
            n11=kind("CR Multi-ControlNet Stack", switch_1="Off", controlnet_1="None", controlnet_strength_1=1.0),
            n12=kind("CR Apply Multi-ControlNet", base_positive="@2", base_negative="@3", switch="Off", controlnet_stack="@11"),
            n5=sampler(model="@10", positive="@12", negative="@12#1"),
            n2=encode("@13", "@10#1"), n13=kind("CR Prompt Text", prompt=PROMPT),
        ),
        inked(INK),
    ),
    "rgthree's power prompt": (
        base(n2=kind("SDXL Power Prompt - Positive (rgthree)", prompt_g=PROMPT, prompt_l="", opt_model="@1", opt_clip="@1#1", opt_clip_width=1024, opt_clip_height=1024, insert_lora="CHOOSE"),
            n3=kind("SDXL Power Prompt - Simple / Negative (rgthree)", prompt_g=NEGATIVE, prompt_l="", opt_clip="@1#1"),
            n5=sampler(model="@2#1")), FULL,
    ),
    "rgthree's power prompt with a LoRA": (
        base(n2=kind("Power Prompt (rgthree)", prompt=f"{PROMPT} <lora:ink:0.8>", opt_model="@1", opt_clip="@1#1", insert_lora="CHOOSE", insert_embedding="CHOOSE"),
            n3=kind("Power Prompt - Simple (rgthree)", prompt=NEGATIVE, opt_clip="@1#1"), n5=sampler(model="@2#1")), inked(("ink", 0.8)),
    ),
    "WAS's nodes": (
        base(n8=kind("Text Multiline", text="a lighthouse in fog"), n9=kind("Text Random Line", text="oil painting", seed=1),
        n10=texts({"delimiter": ", ", "clean_whitespace": "true", "text_a": "@8", "text_b": "oil painting"}, "Text Concatenate"),
            n2=encode("@10"), n11=kind("Number to Int", number="@12"), n12=kind("Constant Number", number_type="integer", number=22),
            n5=sampler(steps="@11"), n13=kind("Seed", seed=77)), FULL,
    ),
    "a style out of a list": (
        base(n8=kind("SDXLPromptStyler", text_positive=PROMPT, text_negative=NEGATIVE, style="base", log_prompt="No"),
        n2=kind("CLIPTextEncodeSDXL", width=1024, height=1024, text_g="@8", text_l="@8", clip="@1#1"),
            n3=kind("CLIPTextEncodeSDXL", width=1024, height=1024, text_g="@8#1", text_l="@8#1", clip="@1#1")), FULL,
    ),
    "searge's": (
        {
            "1": kind("CheckpointLoaderSimple", ckpt_name="base.safetensors"), "2": kind("SeargePromptText", prompt=PROMPT),
            "3": kind("SeargePromptText", prompt=NEGATIVE),
            "4": kind("EmptyLatentImage", width=832, height=1216, batch_size=1),
            "8": kind("SeargeSDXLPromptEncoder", base_clip="@1#1", refiner_clip="@1#1", pos_g="@2", pos_l="@2", pos_r="@2", neg_g="@3", neg_l="@3", neg_r="@3"),
            "5": kind("SeargeSDXLSampler", base_model="@1", base_positive="@8", base_negative="@8#1", refiner_model="@1", refiner_positive="@8#2", refiner_negative="@8#3", latent_image="@4", noise_seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", base_ratio=0.8, denoise=1.0),
            "6": kind("VAEDecode", samples="@5", vae="@1#2"), "7": kind("SaveImage", images="@6"),
        },
        FULL,
    ),
    "SwarmUI's": (
        {
            "4": kind("CheckpointLoaderSimple", ckpt_name="base.safetensors"), "5": kind("SwarmInputText", title="x", value="y"),
            "6": kind("SwarmClipTextEncodeAdvanced", clip="@4#1", steps=22, prompt=PROMPT, width=832, height=1216, target_width=832, target_height=1216),
            "7": kind("SwarmClipTextEncodeAdvanced", clip="@4#1", steps=22, prompt=NEGATIVE, width=832, height=1216, target_width=832, target_height=1216),
            "8": kind("EmptyLatentImage", width=832, height=1216, batch_size=1),
            "10": kind("SwarmKSampler", model="@15", positive="@6", negative="@7", latent_image="@8", noise_seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", start_at_step=0, end_at_step=10000, add_noise="enable", return_with_leftover_noise="disable", control_after_generate="fixed"),
            "15": kind("SwarmLoraLoader", model="@4", clip="@4#1", lora_names="ink.safetensors", lora_weights="0.8"),
            "9": kind("SwarmSaveImageWS", images="@11"), "11": kind("VAEDecode", samples="@10", vae="@4#2"),
        },
        inked(INK),
    ),
    "Krita's": (
        {
            "1": kind("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
            "2": kind("LoraLoader", model="@1", clip="@1#1", lora_name="ink.safetensors", strength_model=0.8, strength_clip=0.8),
            "3": kind("CLIPSetLastLayer", clip="@2#1", stop_at_clip_layer=-2),
            "4": kind("EmptyLatentImage", width=832, height=1216, batch_size=1), "5": kind("CLIPTextEncode", clip="@3", text=PROMPT),
            "6": kind("CLIPTextEncode", clip="@3", text=NEGATIVE),
            "7": kind("BasicScheduler", model="@2", scheduler="normal", steps=22, denoise=1.0), "8": kind("RandomNoise", noise_seed=77),
            "9": kind("CFGGuider", model="@2", positive="@5", negative="@6", cfg=6.5), "10": kind("KSamplerSelect", sampler_name="euler"),
            "11": kind("SamplerCustomAdvanced", noise="@8", guider="@9", sampler="@10", sigmas="@7", latent_image="@4"),
            "12": kind("VAEDecode", samples="@11", vae="@1#2"), "13": kind("ETN_SendImageWebSocket", images="@12", format="PNG"),
        },
        inked(INK),
    ),
    "a saver that is told everything": (
        base(n7=kind("Image Saver", images="@6", filename="x", path="", extension="png", steps=22, cfg=6.5, modelname="base.safetensors", sampler_name="euler", scheduler_name="normal", positive="@40", negative="@41", seed_value=77, width=832, height=1216, lossless_webp=True, quality_jpeg_or_webp=100, optimize_png=False, counter=0, denoise=1.0, clip_skip=0, time_format="x", save_workflow_as_json=False, embed_workflow=True, additional_hashes=""),
            n40=kind("String Literal", string=PROMPT), n41=kind("String Literal", string=NEGATIVE), n2=encode("@40"), n3=encode("@41"),
            n42=kind("Seed Generator", seed=77), n5=sampler(seed="@42")), FULL,
    ),
    "adetailer by hand": (
        base(n20=kind("BboxDetectorSEGS", bbox_detector="@21", image="@6", threshold=0.5, dilation=10, crop_factor=3.0, drop_size=10),
        n21=kind("UltralyticsDetectorProvider", model_name="face.pt"),
            n22=kind("DetailerForEach", image="@6", segs="@20", model="@1", clip="@1#1", vae="@1#2", guide_size=512, seed=4, steps=20, cfg=8.0, sampler_name="euler", scheduler="normal", positive="@23", negative="@3", denoise=0.5, wildcard=""),
            n23=encode("a face"),
            n7=kind("SaveImage", images="@22")), FULL,
    ),
    "instant id": (
        base(n10=kind("ApplyInstantID", instantid="@11", insightface="@12", control_net="@13", image="@14", model="@1", positive="@2", negative="@3", weight=0.8, start_at=0.0, end_at=1.0),
        n11=kind("InstantIDModelLoader", instantid_file="i"),
            n12=kind("InstantIDFaceAnalysis", provider="CPU"), n13=kind("ControlNetLoader", control_net_name="c"),
            n14=kind("LoadImage", image="a.png"), n5=sampler(model="@10", positive="@10#1", negative="@10#2")), FULL,
    ),
    "pulid on flux": (
        custom(kind("BasicGuider", model="@30", conditioning="@8"), n3=None, n8=FLUX,
        n30=kind("ApplyPulidFlux", model="@31", pulid_flux="@32", eva_clip="@33", face_analysis="@34", image="@35", weight=1.0, start_at=0.0, end_at=1.0),
            n31=lora(INK, "@1"), n32=kind("PulidFluxModelLoader", pulid_file="p"), n33=kind("PulidFluxEvaClipLoader"),
            n34=kind("PulidFluxInsightFaceLoader", provider="CPU"), n35=kind("LoadImage", image="a.png")),
        {**BARE, "loras": [INK]},
    ),
    "regional attention": (
        base(n20=kind("Attention couple", model="@1", positive="@2", negative="@3", mode="Attention", cond_1="@21"), n21=encode("a boat"),
        n5=sampler(model="@20", positive="@2")), FULL,
    ),
    "an XY plot": (
        base(n20=kind("XY Input: Seeds++ Batch", batch_count=3), n21=kind("XY Plot", X="@20", grid_spacing=0),
        n5=kind("KSampler (Efficient)", seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", denoise=1.0, model="@1", positive="@2", negative="@3", latent_image="@4", script="@21"),
            n6=None, n7=kind("SaveImage", images="@5#5")), FULL,
    ),
    "numbers reckoned": (
        base(n20=kind("SimpleMath+", value="a*2", a="@21"), n21=kind("PrimitiveInt", value=416), n22=kind("easy seed", seed=77),
        n5=sampler(seed="@22")), FULL,
    ),
    "a LoRA block weight and its words": (
        base(n8=kind("LoraLoaderBlockWeight //Inspire", model="@1", clip="@1#1", category_filter="All", lora_name="ink.safetensors", strength_model=0.8, strength_clip=1.0, inverse=False, seed=3, A=4.0, B=1.0, preset="Preset", block_vector="1,1,1", bypass=False),
        n5=sampler(model="@8")), inked(INK),
    ),
    "model only through patches": (
        base(n8=kind("PatchModelAddDownscale", model="@9", block_number=3), n9=kind("PerturbedAttentionGuidance", model="@10", scale=3.0),
        n10=kind("RescaleCFG", model="@11", multiplier=0.7), n11=lora(OIL, "@12"), n12=lora(INK, "@1"), n5=sampler(model="@8")), inked(OIL, INK),
    ),
    "nunchaku": (
        custom(BASIC, n3=None, n8=FLUX, n1=kind("NunchakuFluxDiTLoader", model_path="base.safetensors", cache_threshold=0, attention="x"),
        n30=kind("NunchakuFluxLoraLoader", model="@1", lora_name="ink.safetensors", lora_strength=0.8),
        n21=kind("BasicGuider", model="@30", conditioning="@8")),
        {**BARE, "loras": [INK]},
    ),
    "a prompt of a language model that was shown": (
        base(n30=texts({"text": "@31", "text_0": PROMPT}, "ShowText|pysssss"),
        n31=kind("OllamaGenerate", prompt="describe a lighthouse", model="llama"), n2=encode("@30")), FULL,
    ),
    "words written by a node of another name, by what it asks for": (
        base(n30=texts({"text": "@31", "text_0": PROMPT}, "ShowText|pysssss"),
        n31=kind("Story Teller", prompt="describe a lighthouse", max_tokens=300, temperature=0.7), n2=encode("@30")), FULL,
    ),
    "set and get in an executed graph": (
        base(n30=kind("SetNode", value="@1"), n31=kind("easy positive", positive=PROMPT), n32=kind("easy negative", negative=NEGATIVE),
        n2=encode("@31"), n3=encode("@32")), FULL,
    ),
    "the style sheet of Fooocus' sampler": (
        base(n5=kind("KSampler (Fooocus)", seed=77, steps=22, cfg=6.5, sampler_name="euler", scheduler="normal", denoise=1.0, sharpness=2.0, model="@1", positive="@2", negative="@3", latent_image="@4")), FULL,
    ),
    "a queue of prompts, the chosen one": (
        base(n30=kind("CR Prompt List", multiline_text="a\nb", start_index=0, max_rows=1),
        n31=kind("ImpactSwitch", select=2, sel_mode=False, input1="@30", input2="@32"), n32=kind("PrimitiveString", value=PROMPT),
        n2=encode("@31")), FULL,
    ),
    "two pictures kept, the last of one chain": (
        base(n20=kind("PreviewImage", images="@6"), n21=kind("ImageUpscaleWithModel", upscale_model="@22", image="@6"),
        n22=kind("UpscaleModelLoader", model_name="u"), n23=kind("ImageScaleBy", image="@21", upscale_method="lanczos", scale_by=0.5),
        n7=kind("SaveImage", images="@23")), FULL,
    ),
}  # fmt: skip
