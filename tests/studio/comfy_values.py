"""As `comfy_graphs`: values that come from elsewhere, switches and texts."""

from __future__ import annotations

from tests.studio.comfy_nodes import (
    FULL,
    INK,
    NEGATIVE,
    PROMPT,
    Expected,
    Graph,
    base,
    encode,
    inked,
    kind,
    lora,
    sampler,
    texts,
)

SWITCH_OFF = kind("PrimitiveBoolean", value=False)
CASES: dict[str, tuple[Graph, Expected]] = {
    # --- values that come from elsewhere
    "primitives": (
        base(
            n8=kind("PrimitiveInt", value=77), n9=kind("PrimitiveFloat", value=6.5),
                n10=kind("PrimitiveStringMultiline", value=PROMPT),
            n5=sampler(seed="@8", cfg="@9"), n2=encode("@10"),
        ),
        FULL,
    ),
    "seed of a node of its own": (base(n8=kind("Seed (rgthree)", seed=77), n5=sampler(seed="@8")), FULL),
    "numbers under other names": (
        base(n8=kind("easy int", value=22), n9=texts({"Number": 832}, "Integer"), n10=kind("INTConstant",
            value=1216),
             n5=sampler(steps="@8"), n4=kind("EmptyLatentImage", width="@9", height="@10")),
        FULL,
    ),
    "reroutes": (
        base(
            n8=texts({"": "@1"}, "Reroute"), n9=texts({"": "@8"}, "Reroute"), n10=texts({"": "@2"},
                "Reroute"),
            n11=texts({"": "@4"}, "Reroute (rgthree)"), n5=sampler(model="@9", positive="@10",
                latent_image="@11"),
        ),
        FULL,
    ),
    "a size out of a list": (
        base(n4=kind("EmptyLatentImagePresets", dimensions="832 x 1216", invert=False, batch_size=1)), FULL,
    ),
    "a size of another node": (
        base(n8=kind("SDXL Aspect Ratio", width=832, height=1216, aspect_ratio="custom"),
             n4=kind("EmptyLatentImage", width="@8", height="@8#1", batch_size="@8#2")),
        FULL,
    ),
    "all in a context": (
        base(n8=kind("Context Big (rgthree)", base_ctx="@9", seed=77, steps=22, cfg=6.5, sampler="euler"),
             n9=kind("Context (rgthree)", model="@1", positive="@2", negative="@3", latent="@4"),
             n5=sampler(model="@8#1", positive="@8#4", negative="@8#5", latent_image="@8#6", seed="@8#8",
                 steps="@8#9", cfg="@8#10")),
        FULL,
    ),
    "basic pipes": (
        base(n8=kind("ToBasicPipe", model="@1", clip="@1#1", vae="@1#2", positive="@2", negative="@3"),
            n9=kind("FromBasicPipe", basic_pipe="@8"),
             n5=sampler(model="@9", positive="@9#3", negative="@9#4")),
        FULL,
    ),
    "one pipe for all": (
        {
            "1": kind("easy fullLoader", ckpt_name="base.safetensors", lora_name="ink.safetensors",
                lora_model_strength=0.8, positive=PROMPT,
                      negative=NEGATIVE, empty_latent_width=832, empty_latent_height=1216,
                          resolution="width x height (custom)"),
            "2": kind("easy preSampling", pipe="@1", steps=22, cfg=6.5, sampler_name="euler",
                scheduler="normal", denoise=1.0, seed=77),
            "3": kind("easy kSampler", pipe="@2", image_output="Save", save_prefix="x"),
        },
        inked(INK),
    ),
    # --- switches
    "switches turned off": (
        base(n30=SWITCH_OFF, n31=kind("PrimitiveInt", value=22), n32=kind("PrimitiveInt", value=8),
             n33=kind("ComfySwitchNode", switch="@30", on_false="@31", on_true="@32"), n34=lora(INK),
             n35=kind("ComfySwitchNode", switch="@30", on_false="@1", on_true="@34"),
                 n5=sampler(steps="@33", model="@35")),
        FULL,
    ),
    "switches turned on": (
        base(n30=kind("PrimitiveBoolean", value=True), n31=encode("other"), n34=lora(INK),
             n33=kind("ComfySwitchNode", switch="@30", on_false="@31", on_true="@2"),
             n35=kind("ComfySwitchNode", switch=True, on_false="@1", on_true="@34"),
                 n5=sampler(positive="@33", model="@35")),
        inked(INK),
    ),
    "a switch of a switch": (
        base(n30=SWITCH_OFF, n31=kind("ComfySwitchNode", switch=True, on_true="@30", on_false=True),
             n33=kind("ComfySwitchNode", switch="@31", on_false=PROMPT, on_true="other"), n2=encode("@33")),
        FULL,
    ),
    "a switch by number": (
        base(n30=kind("ImpactSwitch", select=2, sel_mode=False, input1="@31", input2="@2"),
            n31=encode("other"), n5=sampler(positive="@30")), FULL,
    ),
    "a switch by number, between texts": (
        base(n30=texts({"Input": 2, "text1": "other", "text2": "@31"}, "CR Text Input Switch"),
            n31=kind("CR Text", text=PROMPT), n2=encode("@30")),
        FULL,
    ),
    "the first that is there": (
        base(n30=kind("Any Switch (rgthree)", any_02="@1", any_03="@31"), n31=kind("CheckpointLoaderSimple",
            ckpt_name="o.safetensors"),
             n5=sampler(model="@30")),
        FULL,
    ),
    "if and else": (
        base(n30=kind("easy ifElse", boolean="@31", on_true="@2", on_false="@3"), n31=kind("easy boolean",
            value=True), n5=sampler(positive="@30")),
        FULL,
    ),
    "a branch by condition": (
        base(n30=kind("ImpactConditionalBranch", cond=False, tt_value="@3", ff_value="@2"),
            n5=sampler(positive="@30")), FULL,
    ),
    "a choice that nobody can know": (
        base(n30=texts({"ANY": "@31", "IF_TRUE": "@32", "IF_FALSE": "@4"}, "If ANY execute A else B"),
             n31=kind("Counter", mode="x"), n32=kind("VAEEncode", pixels="@33", vae="@1#2"),
             n33=kind("LoadImage", image="a.png"), n5=sampler(latent_image="@30")),
        FULL,
    ),
    # --- texts
    "texts joined": (
        base(n30=kind("StringConcatenate", string_a="a lighthouse in fog", string_b="@31", delimiter=", "),
             n31=kind("PrimitiveString", value="oil painting"), n2=encode("@30")),
        FULL,
    ),
    "texts joined, three deep": (
        base(n30=kind("JoinStrings", string1="@31", string2="oil painting", delimiter=", "),
             n31=kind("Text Concatenate", text_a="a lighthouse", text_b="@32", delimiter=" ",
                 clean_whitespace="true"),
             n32=kind("easy promptConcat", prompt1="in", prompt2="fog", separator=" "), n2=encode("@30")),
        FULL,
    ),
    "texts joined, one of them missing": (
        base(n30=kind("CR Text Concatenate", text1=PROMPT, text2="", separator=", "), n2=encode("@30")),
            FULL,
    ),
    "a text appended": (
        base(n30=texts({"action": "append", "tidy_tags": "yes", "text_a": "a lighthouse in fog",
            "text_b": "oil painting", "text_c": ""},
                       "StringFunction|pysssss"), n2=encode("@30")),
        FULL,
    ),
    "a word replaced": (
        base(n30=kind("StringReplace", string="a mill in fog, oil painting", find="mill",
            replace="lighthouse"), n2=encode("@30")), FULL,
    ),
    "wildcards, as they were drawn": (
        base(n30=kind("ImpactWildcardProcessor", wildcard_text="a {lighthouse|mill}", populated_text=PROMPT,
            mode="populate", seed=1), n2=encode("@30")),
        FULL,
    ),
    "wildcards that load LoRAs": (
        base(n2=kind("ImpactWildcardEncode", model="@1", clip="@1#1", wildcard_text="x",
            populated_text=f"{PROMPT} <lora:ink.safetensors:0.8>",
                     mode="populate", seed=1), n5=sampler(positive="@2#2", model="@2")),
        inked(INK),
    ),
    "tags that only are words": (base(n2=encode(f"{PROMPT} <lora:ink:0.8>")), {**FULL,
        "prompt": f"{PROMPT} <lora:ink:0.8>"}),
    "a text that is shown": (
        base(n30=texts({"text": "@31", "text_0": "an older one"}, "ShowText|pysssss"),
            n31=kind("Text Multiline", text=PROMPT), n2=encode("@30")), FULL,
    ),
    "a text nobody can know, but it was shown": (
        base(n30=texts({"text": "@31#2", "text_0": PROMPT}, "ShowText|pysssss"),
             n31=kind("Florence2Run", image="@32", florence2_model="@33", text_input="", task="caption",
                 seed=1),
             n32=kind("LoadImage", image="a.png"), n33=kind("Florence2ModelLoader", model="f"),
                 n2=encode("@30")),
        FULL,
    ),
    "regions, joined": (
        base(n8=kind("ConditioningSetArea", conditioning="@2", width=64, height=64), n9=encode("a boat"),
             n10=kind("ConditioningCombine", conditioning_1="@8", conditioning_2="@9"),
                 n5=sampler(positive="@10")),
        {**FULL, "prompt": f"{PROMPT}\na boat"},
    ),
    "regions, in their order": (
        base(n8=encode("a boat"), n9=encode("a gull"), n10=kind("ConditioningCombine", conditioning_1="@2",
            conditioning_2="@8"),
             n11=kind("ConditioningCombine", conditioning_1="@10", conditioning_2="@9"),
                 n5=sampler(positive="@11")),
        {**FULL, "prompt": f"{PROMPT}\na boat\na gull"},
    ),
    "a style model and others in between": (
        base(n8=kind("StyleModelApply", conditioning="@2", style_model="@9", clip_vision_output="@10",
            strength=1.0),
             n9=kind("StyleModelLoader", style_model_name="s"), n10=kind("CLIPVisionEncode",
                 clip_vision="@9", image="@11"),
             n11=kind("LoadImage", image="a.png"), n5=sampler(positive="@8")),
        FULL,
    ),
    "an encoder nobody knows": (base(n2=kind("FancyEncode", clip="@1#1", text=PROMPT, mode="a")), FULL),
}  # fmt: skip
