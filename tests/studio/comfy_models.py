"""As `comfy_graphs`: guiders, models and LoRAs."""

from __future__ import annotations

from tests.studio.comfy_nodes import (
    CFG,
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
    # --- guiders
    "cfg guider": (custom(CFG), FULL),
    "dual guider": (
        custom(kind("DualCFGGuider", model="@1", cond1="@2", cond2="@3", negative="@3", cfg_conds=6.5,
            cfg_cond2_negative=1.5)), FULL,
    ),
    "perp-neg guider": (
        custom(kind("PerpNegGuider", model="@1", positive="@2", negative="@3", empty_conditioning="@8",
            cfg=6.5, neg_scale=1.0), n8=encode("")),
        FULL,
    ),
    "sampler custom": (
        base(n5=kind("SamplerCustom", add_noise=True, noise_seed=77, cfg=6.5, model="@1", positive="@2",
            negative="@3", sampler="@8", sigmas="@9",
                     latent_image="@4"),
             n8=kind("KSamplerSelect", sampler_name="euler"), n9=kind("AlignYourStepsScheduler",
                 model_type="SDXL", steps=22, denoise=1.0)),
        FULL,
    ),
    "the sampler is a node": (
        custom(CFG, n22=kind("SamplerEulerAncestral", eta=1.0, s_noise=1.0)), {**FULL,
            "sampler": "SamplerEulerAncestral"},
    ),
    "a service": (
        {
            "1": kind("FluxProImageNode", prompt="@2", prompt_upsampling=False, seed=77, width=832,
                height=1216),
            "2": kind("PrimitiveStringMultiline", value=PROMPT),
            "3": kind("SaveImage", images="@1"),
        },
        {**FULL, "negative_prompt": "", "steps": None, "guidance": None, "model": None},
    ),
    "a service with models": (
        {
            "1": kind("ImageNode", prompt=PROMPT, negative_prompt=NEGATIVE, model="flux-pro", seed=77,
                images="@4"),
            "3": kind("SaveImage", images="@1"),
            "4": kind("LoadImage", image="a.png"),
        },
        {**FULL, "steps": None, "guidance": None, "model": "flux-pro", "width": None, "height": None},
    ),
    # --- models and LoRAs
    "two LoRAs": (base(n8=lora(INK), n9=lora(OIL, "@8"), n5=sampler(model="@9")), inked(OIL, INK)),
    "a LoRA for the model alone": (
        base(n8=kind("LoraLoaderModelOnly", lora_name="ink.safetensors", strength_model=0.8, model="@1"),
            n5=sampler(model="@8")), inked(INK),
    ),
    "power lora loader": (
        base(n8=kind("Power Lora Loader (rgthree)", model="@1", clip="@1#1",
            PowerLoraLoaderHeaderWidget={"type": "PowerLoraLoaderHeaderWidget"},
                     lora_1={"on": True, "lora": "ink.safetensors", "strength": 0.8}, lora_2={"on": False,
                         "lora": "off.safetensors", "strength": 1}),
             n5=sampler(model="@8")),
        inked(INK),
    ),
    "lora stack of rgthree": (
        base(n8=kind("Lora Loader Stack (rgthree)", model="@1", clip="@1#1", lora_01="ink.safetensors",
            strength_01=0.8, lora_02="None", strength_02=1.0,
                     lora_03="oil.safetensors", strength_03=0.5), n5=sampler(model="@8")),
        inked(INK, OIL),
    ),
    "lora stacks of CR, one after the other": (
        base(n8=kind("CR LoRA Stack", switch_1="On", lora_name_1="ink.safetensors", model_weight_1=0.8,
            clip_weight_1=1.0, switch_2="Off",
                     lora_name_2="off.safetensors", model_weight_2=1.0, clip_weight_2=1.0, lora_stack="@9"),
             n9=kind("CR LoRA Stack", switch_1="On", lora_name_1="oil.safetensors", model_weight_1=0.5,
                 clip_weight_1=1.0),
             n10=kind("CR Apply LoRA Stack", model="@1", clip="@1#1", lora_stack="@8"),
                 n5=sampler(model="@10")),
        inked(INK, OIL),
    ),
    "efficient loader": (
        {
            "1": kind("Efficient Loader", ckpt_name="base.safetensors", vae_name="Baked VAE", clip_skip=-1,
                lora_name="ink.safetensors",
                      lora_model_strength=0.8, lora_clip_strength=0.7, positive=PROMPT, negative=NEGATIVE,
                          empty_latent_width=832,
                      empty_latent_height=1216, batch_size=1),
            "2": sampler("KSampler (Efficient)", model="@1", positive="@1#1", negative="@1#2",
                latent_image="@1#3"),
            "3": kind("SaveImage", images="@2#5"),
        },
        inked(INK),
    ),
    "efficient loader with a stack and a control": (
        {
            "1": kind("Efficient Loader", ckpt_name="base.safetensors", lora_name="None",
                lora_model_strength=1.0, positive=PROMPT, negative=NEGATIVE,
                      empty_latent_width=832, empty_latent_height=1216, lora_stack="@4"),
            "2": sampler("KSampler (Efficient)", model="@1", positive="@5", negative="@1#2",
                latent_image="@1#3"),
            "3": kind("SaveImage", images="@2#5"),
            "4": kind("LoRA Stacker", input_mode="simple", lora_count=1, lora_name_1="ink.safetensors",
                lora_wt_1=0.8, model_str_1=1.0,
                      lora_name_2="off.safetensors", lora_wt_2=1.0),
            "5": kind("ControlNetApply", conditioning="@1#1", control_net="@6", image="@7", strength=1.0),
            "6": kind("ControlNetLoader", control_net_name="c"), "7": kind("LoadImage", image="a.png"),
        },
        inked(INK),
    ),
    "stacker in its other mode": (
        base(n8=kind("LoRA Stacker", input_mode="advanced", lora_count=2, lora_name_1="ink.safetensors",
            lora_wt_1=1.0, model_str_1=0.8,
                     lora_name_2="oil.safetensors", lora_wt_2=1.0, model_str_2=0.5),
             n9=kind("CR Apply LoRA Stack", model="@1", clip="@1#1", lora_stack="@8"),
                 n5=sampler(model="@9")),
        inked(INK, OIL),
    ),
    "easy lora stack": (
        base(n8=kind("easy loraStack", toggle=True, mode="simple", num_loras=1,
            lora_1_name="ink.safetensors", lora_1_strength=0.8,
                     lora_1_model_strength=1.0, lora_2_name="off.safetensors", lora_2_strength=1.0),
             n9=kind("easy loraStackApply", model="@1", lora_stack="@8"), n5=sampler(model="@9")),
        inked(INK),
    ),
    "LoRAs as a list of objects": (
        base(n8=kind("Lora Loader (LoraManager)", model="@1", clip="@1#1", text="<lora:ink:0.8>",
                     loras={"__value__": [{"name": "ink", "strength": 0.8, "active": True}, {"name": "off",
                         "strength": 1, "active": False}]}),
             n5=sampler(model="@8")),
        inked(("ink", 0.8)),
    ),
    "names with a picture": (
        base(n1=texts({"ckpt_name": {"content": "base.safetensors", "image": None}},
            "CheckpointLoader|pysssss"),
             n8=texts({"lora_name": {"content": "ink.safetensors", "image": None}, "strength_model": 0.8,
                 "strength_clip": 1.0, "model": "@1"},
                      "LoraLoader|pysssss"), n5=sampler(model="@8")),
        inked(INK),
    ),
    "a merge of two": (
        base(n8=kind("ModelMergeSimple", model1="@1", model2="@9", ratio=0.5),
            n9=kind("CheckpointLoaderSimple", ckpt_name="o.safetensors"),
             n5=sampler(model="@8")),
        FULL,
    ),
    "adapters on the way": (
        base(n8=kind("IPAdapterUnifiedLoader", model="@1", preset="PLUS"), n9=kind("IPAdapter", model="@8",
            ipadapter="@8#1", image="@10", weight=0.7),
             n10=kind("LoadImage", image="a.png"), n11=kind("FreeU_V2", model="@9", b1=1.3), n12=lora(INK,
                 "@11"), n5=sampler(model="@12")),
        inked(INK),
    ),
    "model name of another node": (
        base(n1=kind("CheckpointLoaderSimple", ckpt_name="@8"), n8=kind("Checkpoint Selector",
            ckpt_name="base.safetensors")), FULL,
    ),
    "strength of another node": (
        base(n8=kind("LoraLoaderModelOnly", lora_name="ink.safetensors", strength_model="@9", model="@1"),
            n9=kind("PrimitiveFloat", value=0.8),
             n5=sampler(model="@8")),
        inked(INK),
    ),
}  # fmt: skip
