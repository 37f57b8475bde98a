"""What is sent to `/sdapi/v1`: the fields that do something here, and what the others mean there by default.

Names and defaults are those of that API, not of this studio. A field that is null counts as not sent.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.request import MAX_PROMPT_CHARS, MAX_SEED, RANDOM_SEED, Guidance, Steps
from studio.json_values import is_object

DEFAULT_SIDE = 512
"""Of width and height, in px, where only one of the two is sent."""
_Words = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]
_Side = Annotated[int, Field(ge=16, le=4096)]
_Count = Annotated[int, Field(ge=1, le=10_000)]
_Name = Annotated[str, Field(max_length=256)]


class Sent(BaseModel):
    """Base: what it does not know is kept, to be told of."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_sent(cls, sent: Any) -> Any:
        return {name: value for name, value in sent.items() if value is not None} if is_object(sent) else sent


class Drawing(Sent):
    """What txt2img and img2img share."""

    prompt: _Words = ""
    negative_prompt: _Words = ""
    seed: Annotated[int, Field(le=MAX_SEED)] = RANDOM_SEED
    steps: Steps | None = None
    cfg_scale: Guidance | None = None
    width: _Side | None = None
    height: _Side | None = None
    batch_size: _Count = 1
    n_iter: _Count = 1
    override_settings: dict[str, Any] = {}
    override_settings_restore_afterwards: bool = True
    send_images: bool = True


class TextToImage(Drawing):
    """The body of txt2img."""

    enable_hr: bool = False
    hr_scale: Annotated[float, Field(ge=1, le=16)] = 2
    hr_upscaler: _Name = ""


class ImageToImage(Drawing):
    """The body of img2img; pictures are base64, with or without a `data:` prefix."""

    init_images: list[str] = []
    mask: str | None = None
    inpainting_mask_invert: bool = False
    denoising_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    resize_mode: Annotated[int, Field(ge=0, le=3)] = 0
    include_init_images: bool = False


class ExtraSingleImage(Sent):
    """The body of extra-single-image: one picture to enlarge."""

    image: str = ""
    upscaling_resize: Annotated[float, Field(ge=1, le=16)] = 2
    upscaler_1: _Name = ""


class PngInfo(Sent):
    """The body of png-info."""

    image: str = ""


_AUTOMATIC = ("", "Automatic", "automatic", "None")
STANDARD: dict[str, tuple[Any, ...]] = {
    "sampler_name": _AUTOMATIC,
    "sampler_index": _AUTOMATIC,
    "scheduler": _AUTOMATIC,
    "styles": ([],),
    "subseed": (-1,),
    "subseed_strength": (0,),
    "seed_resize_from_h": (-1, 0),
    "seed_resize_from_w": (-1, 0),
    "restore_faces": (False,),
    "tiling": (False,),
    "do_not_save_samples": (False,),
    "do_not_save_grid": (False, True),  # the studio makes none
    "save_images": (False, True),  # it keeps every picture
    "eta": (0, 1),
    "s_min_uncond": (0,),
    "s_churn": (0,),
    "s_tmax": (0,),
    "s_tmin": (0,),
    "s_noise": (1,),
    "script_name": ("", "None"),
    "script_args": ([],),
    "alwayson_scripts": ({},),
    "comments": ({},),
    "infotext": ("",),
    "refiner_checkpoint": ("", "None"),
    "refiner_switch_at": (0,),
    "disable_extra_networks": (False,),
    "force_task_id": ("",),
    "clip_skip": (0, 1),
    "firstphase_width": (0,),
    "firstphase_height": (0,),
    "mask_blur": (4,),
    "mask_blur_x": (4,),
    "mask_blur_y": (4,),
    "mask_round": (True,),
    "inpainting_fill": (0,),
    "inpaint_full_res": (True,),
    "inpaint_full_res_padding": (0,),
    "initial_noise_multiplier": (0, 1),
    "image_cfg_scale": (1.5,),
    "latent_mask": (),
    # of extra-single-image
    "show_extras_results": (False, True),
    "gfpgan_visibility": (0,),
    "codeformer_visibility": (0,),
    "codeformer_weight": (0,),
    "upscaling_resize_w": (512,),
    "upscaling_resize_h": (512,),
    "upscaling_crop": (False, True),
    "upscaler_2": ("", "None"),
    "extras_upscaler_2_visibility": (0,),
    "upscale_first": (False,),
}
"""Fields of that API that do nothing here, with the values with which they do nothing there either."""
HIGH_RESOLUTION: dict[str, tuple[Any, ...]] = {
    "denoising_strength": (),
    "hr_second_pass_steps": (0,),
    "hr_additional_steps": (0,),
    "hr_resize_x": (0,),
    "hr_resize_y": (0,),
    "hr_checkpoint_name": ("", "Use same checkpoint"),
    "hr_sampler_name": ("", "Use same sampler"),
    "hr_scheduler": ("", "Use same scheduler"),
    "hr_prompt": ("",),
    "hr_negative_prompt": ("",),
}
"""As STANDARD, of txt2img with `enable_hr`; without it they do nothing there, whatever they say."""
OPTIONS: dict[str, tuple[Any, ...]] = {
    "CLIP_stop_at_last_layers": (0, 1),
    "sd_vae": _AUTOMATIC,
    "eta_noise_seed_delta": (0,),
}
"""As STANDARD, of options and `override_settings`."""
