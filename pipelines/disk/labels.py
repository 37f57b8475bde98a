"""What files of weights can be made for, by a short word and as artists know it, and as makers' notes say it.

Models the studio runs stand beside others it does not: a file made for one of those is told so, not tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

BASE_LABEL: dict[str, str] = {
    "sd": "Stable Diffusion 1.x or XL",
    "sd1": "Stable Diffusion 1.x",
    "sd2": "Stable Diffusion 2.x",
    "sdxl": "SDXL",
    "sdxl-refiner": "SDXL Refiner",
    "sd3": "Stable Diffusion 3",
    "flux1": "FLUX.1",
    "flux2": "FLUX.2",
    "flux3": "FLUX.3",
    "clip": "CLIP",
    "t5": "T5",
    "qwen3": "Qwen3",
    "qwen3-vl": "Qwen3-VL",
    "qwen2.5-vl": "Qwen2.5-VL",
    "qwen-image": "Qwen-Image",
    "z-image": "Z-Image",
    "anima": "Anima",
    "animatediff": "AnimateDiff",
    "auraflow": "AuraFlow",
    "bria": "Bria",
    "cascade": "Stable Cascade",
    "chroma": "Chroma",
    "cogvideox": "CogVideoX",
    "cogview": "CogView",
    "cosmos": "Cosmos",
    "ernie": "ERNIE-Image",
    "hidream": "HiDream",
    "hunyuan-dit": "Hunyuan-DiT",
    "hunyuan-image": "HunyuanImage",
    "hunyuan-video": "HunyuanVideo",
    "joyimage": "JoyImage",
    "kandinsky": "Kandinsky",
    "kolors": "Kolors",
    "krea2": "Krea 2",
    "longcat": "LongCat-Image",
    "ltx": "LTX-Video",
    "lumina2": "Lumina 2",
    "mochi": "Mochi",
    "omnigen": "OmniGen",
    "ovis": "Ovis-Image",
    "pixart": "PixArt",
    "sana": "Sana",
    "svd": "Stable Video Diffusion",
    "wan": "Wan",
}

_KEYS = ("modelspec.architecture", "ss_base_model_version", "base_model", "ss_network_base_model")
"""Notes that name the architecture. A checkpoint's file name does not: a "fluxMix" may be SD 1.5."""
_NOTES: tuple[tuple[str, str], ...] = (
    (r"animatediff|motion-?module", "animatediff"),
    (r"(stable-diffusion-xl|sdxl)[a-z0-9-]*refiner", "sdxl-refiner"),
    (r"(stable-diffusion-xl|sdxl|sd-xl|pony|illustrious|noobai)", "sdxl"),
    (r"(stable-diffusion-|sd-?)v?3|sd-?35", "sd3"),
    (r"(stable-diffusion-|sd-?)v?2", "sd2"),
    (r"(stable-diffusion-|sd-?)v?1", "sd1"),
    (r"stable-cascade|wuerstchen", "cascade"),
    (r"stable-video|svd", "svd"),
    (r"flux-?3", "flux3"),
    (r"flux-?2", "flux2"),
    (r"flux-?1|flux(-(dev|schnell|kontext|fill|krea|canny|depth|redux))?$", "flux1"),
    (r"qwen-?image", "qwen-image"),
    (r"z-?image", "z-image"),
    (r"chroma", "chroma"),
    (r"hunyuan-?video|framepack", "hunyuan-video"),
    (r"hunyuan-?image", "hunyuan-image"),
    (r"hunyuan-?dit", "hunyuan-dit"),
    (r"aura-?flow", "auraflow"),
    (r"bria|fibo", "bria"),
    (r"longcat", "longcat"),
    (r"ovis", "ovis"),
    (r"mochi", "mochi"),
    (r"ltx", "ltx"),
    (r"cosmos", "cosmos"),
    (r"anima", "anima"),
    (r"ernie", "ernie"),
    (r"lumina|neta", "lumina2"),
    (r"wan-?\d|wan$|wan-|skyreels", "wan"),
    (r"hi-?dream", "hidream"),
    (r"cogvideo", "cogvideox"),
    (r"cogview", "cogview"),
    (r"pix-?art", "pixart"),
    (r"sana", "sana"),
    (r"kolors", "kolors"),
    (r"kandinsky", "kandinsky"),
    (r"krea-?2", "krea2"),
    (r"omni-?gen", "omnigen"),
    (r"joy-?image", "joyimage"),
)
"""How a note begins, in lower case with hyphens → what it names."""

BASE_BY_CONTEXT: dict[int, str] = {768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
"""Width of the words a UNet listens to → whose UNet it is."""


def label_of(base: str | None) -> str:
    """For sentences."""
    return BASE_LABEL.get(base or "", "an unknown model")


def noted_base(notes: Mapping[str, str]) -> str | None:
    """What the maker's notes say the file was made for; None where they name nothing that is known."""
    for key in _KEYS:
        said = re.sub(r"[\s._/]+", "-", str(notes.get(key, "")).lower()).removeprefix("black-forest-labs-")
        for beginning, base in _NOTES:
            if re.match(beginning, said):
                return base
    return None
