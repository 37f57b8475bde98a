"""LoRAs of many models in the layouts of many tools: none is mistaken, and nearly all of ours are known.

Names, widths and numbers of layers are those of the models' classes; the tensors are headers alone. Each model
comes with all its layers and with attention only, in every way of writing that tools use, with its maker's notes
and without. Chroma's attention is that of FLUX.1, number for number: without notes nobody can tell, and the far
more common one is said.
"""

# ruff: noqa: E501 - tables of layers read best in lines

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pipelines.disk.identify import Identified, identify
from tests.pipelines.disk.test_identify import write

Layers = Mapping[str, tuple[int, int]]
OURS = frozenset({"sd1", "sdxl", "flux1", "flux2", "flux3", "qwen-image", "z-image"})
SHARE = 0.95
"""Of the layouts of models the studio runs that must be told right."""


def diffusers_flux(width: int, double: int, single: int, *, modulation: bool = True, gate: int = 4) -> Layers:
    found: dict[str, tuple[int, int]] = {}
    for number in range(double):
        block = f"transformer_blocks.{number}"
        for each in (
            "to_q",
            "to_k",
            "to_v",
            "to_out.0",
            "add_q_proj",
            "add_k_proj",
            "add_v_proj",
            "to_add_out",
        ):
            found[f"{block}.attn.{each}"] = (width, width)
        found[f"{block}.ff.net.0.proj"] = (width, gate * width)
        found[f"{block}.ff_context.net.2"] = (4 * width, width)
        if modulation:
            found[f"{block}.norm1.linear"] = (width, 6 * width)
    for number in range(single):
        block = f"single_transformer_blocks.{number}"
        found |= {f"{block}.attn.{each}": (width, width) for each in ("to_q", "to_k", "to_v")}
        found[f"{block}.proj_mlp"] = (width, gate * width)
        found[f"{block}.proj_out"] = (5 * width, width)
        if modulation:
            found[f"{block}.norm.linear"] = (width, 3 * width)
    return found


def makers_flux(width: int, double: int, single: int, *, gated: bool, modulation: str | None) -> Layers:
    found: dict[str, tuple[int, int]] = {}
    feed, joined = (6, 9) if gated else (4, 7)
    for number in range(double):
        block = f"double_blocks.{number}"
        for stream in ("img", "txt"):
            found[f"{block}.{stream}_attn.qkv"] = (width, 3 * width)
            found[f"{block}.{stream}_attn.proj"] = (width, width)
            found[f"{block}.{stream}_mlp.0"] = (width, feed * width)
            if modulation:
                found[f"{block}.{stream}_mod.{modulation}"] = (width, 6 * width)
    for number in range(single):
        block = f"single_blocks.{number}"
        found[f"{block}.linear1"] = (width, joined * width)
        found[f"{block}.linear2"] = ((4 if gated else 5) * width, width)
    return found


def flux2(width: int, double: int, single: int) -> Layers:
    found: dict[str, tuple[int, int]] = {}
    for number in range(double):
        for each in ("to_q", "to_k", "add_q_proj", "to_out.0"):
            found[f"transformer_blocks.{number}.attn.{each}"] = (width, width)
        found[f"transformer_blocks.{number}.ff.linear_in"] = (width, 6 * width)
    for number in range(single):
        found[f"single_transformer_blocks.{number}.attn.to_qkv_mlp_proj"] = (width, 9 * width)
        found[f"single_transformer_blocks.{number}.attn.to_out"] = (4 * width, width)
    return found


def flux3(*, makers: bool) -> Layers:
    """Of FLUX.3 Image Klein: five blocks for each kind of tokens, 28 for all of them together."""
    names = {"q_proj": 1, "k_proj": 1, "attn_out": 1, "mlp_in": 6}
    if not makers:
        names = {"attn.to_q": 1, "attn.to_k": 1, "attn.to_out.0": 1, "ff.linear_in": 6}
    alone, together = (
        ("content_mode_blocks", "single_blocks") if makers else ("mode_blocks", "single_transformer_blocks")
    )
    blocks = [f"{alone}.{kind}.{number}" for kind in ("image", "image_cond") for number in range(5)]
    blocks += [f"txt_mode_blocks.{number}" for number in range(5)]
    blocks += [f"{together}.{number}" for number in range(28)]
    return {f"{block}.{name}": (3072, times * 3072) for block in blocks for name, times in names.items()}


def qwen() -> Layers:
    found: dict[str, tuple[int, int]] = {}
    for number in range(60):
        for each in ("to_q", "to_k", "to_v", "add_q_proj", "to_out.0"):
            found[f"transformer_blocks.{number}.attn.{each}"] = (3072, 3072)
        found[f"transformer_blocks.{number}.img_mlp.net.0.proj"] = (3072, 12288)
        found[f"transformer_blocks.{number}.img_mod.1"] = (3072, 18432)
    return found


def layered(width: int, name: str, layers: int, *, fused: bool) -> Layers:
    found: dict[str, tuple[int, int]] = {}
    for number in range(layers):
        if fused:
            found[f"layers.{number}.{name}.qkv"] = (width, 3 * width)
        else:
            found |= {f"layers.{number}.{name}.{each}": (width, width) for each in ("to_q", "to_k", "to_v")}
        found[f"layers.{number}.feed_forward.w1"] = (width, 10240)
    return found


def unet(words: int, *, deep: bool, old: bool = False) -> Layers:
    """diffusers' names; `old`: those of the first checkpoints, as some tools use for SDXL."""
    found: dict[str, tuple[int, int]] = {}
    blocks = [("1", 640, 2), ("2", 1280, 10)] if deep else [("0", 320, 1), ("1", 640, 1), ("2", 1280, 1)]
    for block, width, depth in blocks:
        for inner in range(depth):
            where = (
                f"input_blocks.{4 if block == '1' else 7}.1" if old else f"down_blocks.{block}.attentions.0"
            )
            at = f"{where}.transformer_blocks.{inner}"
            found |= {f"{at}.attn1.{each}": (width, width) for each in ("to_q", "to_k", "to_out.0")}
            found |= {f"{at}.attn2.to_k": (words, width), f"{at}.attn2.to_q": (width, width)}
            found[f"{at}.ff.net.0.proj"] = (width, 8 * width)
    return found


def repeated(count: int, block: str, **layers: tuple[int, int]) -> Layers:
    return {
        f"{block}.{number}.{n.replace('__', '.')}": w for number in range(count) for n, w in layers.items()
    }


MODELS: dict[str, tuple[str, Layers, str]] = {
    "SD 1.5": ("sd1", unet(768, deep=False), "sd_v1"),
    "SD 2.1": ("sd2", unet(1024, deep=False), "stable-diffusion-v2-768-v/lora"),
    "SDXL": ("sdxl", unet(2048, deep=True), "sdxl_base_v1-0"),
    "SDXL, makers' names": ("sdxl", unet(2048, deep=True, old=True), "stable-diffusion-xl-v1-base/lora"),
    "FLUX.1": ("flux1", diffusers_flux(3072, 19, 38), "flux1"),
    "FLUX.1, makers' names": (
        "flux1",
        makers_flux(3072, 19, 38, gated=False, modulation="lin"),
        "flux-1-dev/lora",
    ),
    "klein 4B": ("flux2", flux2(3072, 5, 20), "flux_2_klein_4b"),
    "klein 9B": ("flux2", flux2(4096, 8, 24), "Flux.2-klein-9b/lora"),
    "FLUX.2 dev": ("flux2", flux2(6144, 8, 48), "flux2"),
    "klein 4B, makers' names": (
        "flux2",
        makers_flux(3072, 5, 20, gated=True, modulation=None),
        "flux_2_klein_4b",
    ),
    "klein 9B, makers' names": (
        "flux2",
        makers_flux(4096, 8, 24, gated=True, modulation=None),
        "flux_2_klein_9b",
    ),
    "dev, makers' names": ("flux2", makers_flux(6144, 8, 48, gated=True, modulation=None), "flux_2_dev"),
    "FLUX.3": ("flux3", flux3(makers=False), "flux-3-image-klein"),
    "FLUX.3, makers' names": ("flux3", flux3(makers=True), "flux3/lora"),
    "Qwen-Image": ("qwen-image", qwen(), "qwen_image_edit"),
    "Z-Image": ("z-image", layered(3840, "attention", 30, fused=False), "z_image"),
    "Z-Image, fused": ("z-image", layered(3840, "attention", 30, fused=True), "Z-Image-Turbo/lora"),
    "Chroma": ("chroma", diffusers_flux(3072, 19, 38, modulation=False), "chroma"),
    "Chroma, makers' names": ("chroma", makers_flux(3072, 19, 38, gated=False, modulation=None), "chroma"),
    "Bria": ("bria", diffusers_flux(3072, 8, 28), "bria-3.2"),
    "LongCat": ("longcat", diffusers_flux(3072, 10, 20), "longcat-image"),
    "Ovis": ("ovis", diffusers_flux(3072, 6, 27, gate=8), "ovis-image"),
    "HunyuanVideo": ("hunyuan-video", diffusers_flux(3072, 20, 40), "hunyuan_video"),
    "HunyuanVideo, makers' names": (
        "hunyuan-video",
        makers_flux(3072, 20, 40, gated=False, modulation="linear"),
        "hunyuan-video/lora",
    ),
    "HunyuanImage": ("hunyuan-image", diffusers_flux(3584, 20, 40), "hunyuan-image-2.1"),
    "SD 3 medium": ("sd3", diffusers_flux(1536, 24, 0), "stable-diffusion-3-medium/lora"),
    "SD 3.5 large": ("sd3", diffusers_flux(2432, 38, 0), "sd3.5-large"),
    "SD 3, makers' names": ("sd3", repeated(24, "joint_blocks", x_block__attn__qkv=(1536, 4608)), "sd3m"),
    "AuraFlow": (
        "auraflow",
        repeated(4, "joint_transformer_blocks", attn__to_q=(3072, 3072)),
        "auraflow-v0.3",
    ),
    "Mochi": (
        "mochi",
        repeated(48, "transformer_blocks", attn1__to_q=(3072, 3072), attn1__add_k_proj=(1536, 3072)),
        "mochi-1",
    ),
    "LTX-Video": (
        "ltx",
        repeated(28, "transformer_blocks", attn1__to_q=(2048, 2048), attn2__to_k=(2048, 2048)),
        "ltxv",
    ),
    "PixArt": (
        "pixart",
        repeated(28, "transformer_blocks", attn1__to_q=(1152, 1152), attn2__to_k=(1152, 1152)),
        "pixart",
    ),
    "Sana": (
        "sana",
        repeated(20, "transformer_blocks", attn1__to_q=(2240, 2240), attn2__to_q=(2240, 2240)),
        "sana",
    ),
    "CogVideoX": ("cogvideox", repeated(30, "transformer_blocks", attn1__to_q=(1920, 1920)), "cogvideox-2b"),
    "Lumina 2": ("lumina2", layered(2304, "attention", 26, fused=True), "lumina-2"),
    "Wan": ("wan", repeated(40, "blocks", self_attn__q=(5120, 5120), cross_attn__k=(5120, 5120)), "wan2.1"),
    "Cosmos": ("cosmos", repeated(28, "blocks", self_attn__q_proj=(2048, 2048)), "cosmos-predict2"),
    "HiDream": (
        "hidream",
        repeated(16, "double_stream_blocks", block__attn1__to_q=(2560, 2560)),
        "hidream-i1",
    ),
    "ERNIE": ("ernie", repeated(36, "layers", self_attention__to_q=(4096, 4096)), "ernie-image"),
    "Kandinsky 5": (
        "kandinsky",
        repeated(32, "visual_transformer_blocks", self_attention__to_query=(1792, 1792)),
        "kandinsky5",
    ),
    "AnimateDiff": (
        "animatediff",
        {"down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.to_q": (320, 320)},
        "animatediff/lora",
    ),
    "JoyImage": ("joyimage", repeated(40, "double_blocks", attn__to_qkv=(3072, 9216)), "joyimage"),
}
Way = Callable[[str, int, int], dict[str, list[int]]]


def dotted(prefix: str, down: str, up: str) -> Way:
    def made(name: str, reads: int, gives: int) -> dict[str, list[int]]:
        return {f"{prefix}{name}{down}": [16, reads], f"{prefix}{name}{up}": [gives, 16]}

    return made


def kohya(name: str, reads: int, gives: int) -> dict[str, list[int]]:
    stem = f"lora_unet_{name.replace('.', '_')}"
    return {
        f"{stem}.lora_down.weight": [16, reads],
        f"{stem}.lora_up.weight": [gives, 16],
        f"{stem}.alpha": [],
    }


WAYS: dict[str, Way] = {
    "kohya": kohya,
    "PEFT": dotted("base_model.model.", ".lora_A.weight", ".lora_B.weight"),
    "diffusers": dotted("transformer.", ".lora_A.weight", ".lora_B.weight"),
    "unet": dotted("unet.", ".lora.down.weight", ".lora.up.weight"),
    "ComfyUI": dotted("diffusion_model.", ".lora_A.weight", ".lora_B.weight"),
    "bare": dotted("", ".lora_A.default.weight", ".lora_B.default.weight"),
    "lightx2v": dotted("", ".lora_down.weight", ".lora_up.weight"),
}


def layouts() -> Iterator[tuple[str, str, dict[str, list[int]], dict[str, str] | None]]:
    for model, (base, layers, note) in MODELS.items():
        attention = {name: widths for name, widths in layers.items() if "att" in name}
        attention = layers if base == "chroma" else attention or layers
        for way, make in WAYS.items():
            for part, chosen in (("all", layers), ("attention", attention)):
                shapes = {k: s for name, widths in chosen.items() for k, s in make(name, *widths).items()}
                yield f"{model}, {way}, {part}", base, shapes, None
        shapes = {k: s for name, widths in layers.items() for k, s in kohya(name, *widths).items()}
        yield f"{model}, noted", base, shapes, {"ss_base_model_version": note}


def verdict(found: Identified, base: str) -> str:
    """right, open (several, this one among them, or none said), or mistaken."""
    if found.base == base:
        return "right"
    if found.base is None and (not found.bases or base in found.bases):
        return "open"
    return "mistaken"


def test_no_layout_is_mistaken_and_nearly_all_of_ours_are_right(tmp_path: Path) -> None:
    told: dict[str, list[str]] = {"right": [], "open": [], "mistaken": []}
    ours: list[bool] = []
    for name, base, shapes, notes in layouts():
        found = identify(write(tmp_path / "one.safetensors", shapes, notes))
        assert found.kind == "lora", name
        told[verdict(found, base)].append(f"{name}: {found.base} {found.bases}")
        if base in OURS:
            ours.append(verdict(found, base) == "right")
    assert told["mistaken"] == []
    assert len(ours) >= 200
    assert sum(ours) / len(ours) >= SHARE, told["open"]
    assert sum(map(len, told.values())) >= 500


@pytest.mark.parametrize("model", [name for name, (base, *_) in MODELS.items() if base not in OURS])
def test_a_lora_with_its_makers_notes_is_never_offered_to_another_model(tmp_path: Path, model: str) -> None:
    base, layers, note = MODELS[model]
    shapes = {k: s for name, widths in layers.items() for k, s in kohya(name, *widths).items()}
    found = identify(write(tmp_path / "one.safetensors", shapes, {"modelspec.architecture": note}))
    assert found.base == base
    assert not found.bases


def test_a_checkpoints_file_name_says_nothing_of_what_a_lora_was_made_for(tmp_path: Path) -> None:
    shapes = {k: s for name, widths in unet(768, deep=False).items() for k, s in kohya(name, *widths).items()}
    for notes in (
        {"ss_sd_model_name": "fluxMix_v10.safetensors"},
        {"ss_sd_model_name": "qwen_xl.safetensors"},
    ):
        assert identify(write(tmp_path / "one.safetensors", shapes, notes)).base == "sd1"


def test_what_fits_two_models_says_so(tmp_path: Path) -> None:
    few = {f"transformer.transformer_blocks.0.attn.{q}": (3072, 3072) for q in ("to_q", "add_q_proj")}
    shapes = {
        k: s
        for name, widths in few.items()
        for k, s in dotted("", ".lora_A.weight", ".lora_B.weight")(name, *widths).items()
    }
    found = identify(write(tmp_path / "one.safetensors", shapes))
    assert (found.base, found.base_label) == (None, "FLUX.1 or Qwen-Image or FLUX.2")


def test_old_names_of_diffusers_are_known(tmp_path: Path) -> None:
    at = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora"
    found = identify(
        write(tmp_path / "one.safetensors", {f"{at}.down.weight": [4, 768], f"{at}.up.weight": [320, 4]})
    )
    assert (found.kind, found.base) == ("lora", "sd1")


def test_relatives_of_loras_that_cannot_be_loaded_say_what_they_are(tmp_path: Path) -> None:
    at = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    loha = {
        f"{at}.hada_w1_a": [320, 8],
        f"{at}.hada_w1_b": [8, 768],
        f"{at}.hada_w2_a": [320, 8],
        f"{at}.hada_w2_b": [8, 768],
    }
    found = identify(write(tmp_path / "one.safetensors", loha))
    assert found.kind == "foreign"
    assert "LoHa" in (found.reason or "")
    lokr = {"layers.0.attention.to_q.lokr_w1": [16, 16], "layers.0.attention.to_q.lokr_w2": [240, 240]}
    assert identify(write(tmp_path / "two.safetensors", lokr)).kind == "lora"
    lokr = {f"{at}.lokr_w1": [16, 16], f"{at}.lokr_w2": [20, 48]}
    assert "LoKr" in (identify(write(tmp_path / "three.safetensors", lokr)).reason or "")


SLIDER = "lora_unet_down_blocks_2_attentions_1_transformer_blocks_7_attn1_to_q"


@pytest.mark.parametrize(
    ("shapes", "kind", "base"),
    [
        ({f"{SLIDER}.lora_down.weight": [4, 1280], f"{SLIDER}.lora_up.weight": [1280, 4]}, "lora", "sdxl"),
        ({"decoder.conv_in.weight": [1024, 32, 3, 3]}, "vae", "sana"),
        ({"decoder.conv_in.weight": [1024, 48, 3, 3, 3]}, "vae", "wan"),
        ({"decoder.conv_in.weight": [768, 12, 1, 1, 1]}, "vae", "mochi"),
        (
            {"decoder.conv_in.weight": [512, 4, 3, 3], "decoder.time_conv_out.weight": [3, 3, 3, 1, 1]},
            "vae",
            "svd",
        ),
        (
            {"decoder.conv1.weight": [384, 16, 3, 3, 3], "encoder.conv1.weight": [96, 3, 3, 3, 3]},
            "vae",
            "qwen-image",
        ),
        (
            {"image_proj.proj.0.weight": [1024, 512], "ip_adapter.1.to_k_ip.weight": [320, 768]},
            "foreign",
            "sd1",
        ),
        ({"image_proj.proj_in.weight": [1280, 512], "image_proj.latents": [1, 16, 1280]}, "foreign", None),
        (
            {
                "controlnet_cond_embedding.conv_in.weight": [16, 3, 3, 3],
                "add_embedding.linear_1.weight": [1280, 2816],
            },
            "controlnet",
            "sdxl",
        ),
        (
            {"controlnet_down_blocks.0.weight": [320, 320, 1, 1], "down_blocks.0.motion_modules.0.x": [1]},
            "foreign",
            "animatediff",
        ),
        ({"control_model.down_blocks.0.base_to_ctrl.weight": [1]}, "foreign", None),
        (
            {
                "double_blocks.0.img_attn.norm.key_norm.scale": [128],
                "distilled_guidance_layer.in_proj.weight": [1],
            },
            "network",
            "chroma",
        ),
        ({"cap_embedder.0.weight": [2304]}, "network", "lumina2"),
    ],
)
def test_what_resembles_ours_is_told_apart(
    tmp_path: Path, shapes: dict[str, list[int]], kind: str, base: str | None
) -> None:
    found = identify(write(tmp_path / "one.safetensors", shapes))
    assert (found.kind, found.base) == (kind, base)
