"""What was sent → a request of this studio, and a sentence for each thing sent that is not used. Pure.

Sizes are (width, height) in px. Errors are RequestError with the field as it was sent.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.errors import PictureRefused, RequestError
from pipelines.families import upscaler as upscaler_family
from pipelines.planning import sizes
from pipelines.planning.enlarging import MOST_SIDE
from pipelines.request import (
    MAX_IMAGES,
    RANDOM_SEED,
    Finish,
    GenerationRequest,
    Mode,
    Reference,
    ResultSize,
    Role,
)
from studio.records import ModelInfo
from studio.sdapi.fields import (
    DEFAULT_SIDE,
    HIGH_RESOLUTION,
    OPTIONS,
    STANDARD,
    Drawing,
    ExtraSingleImage,
    ImageToImage,
    Sent,
    TextToImage,
)

Size = tuple[int, int]
Scale = Literal[1, 2, 4]
_SCALES: tuple[Scale, ...] = (1, 2, 4)
CHECKPOINT = "sd_model_checkpoint"
_NEAR = 1.5
"""How many times larger or smaller than usual, in area, a model still draws well."""
_SAME_SHAPE = 0.02
_MOST_TOLD = 64
_WHY = {
    "sampler_name": "each model has its own sampler",
    "sampler_index": "each model has its own sampler",
    "scheduler": "each model has its own schedule",
    "mask_blur": "a mask acts as it is painted",
    "do_not_save_samples": "every picture is kept in the collection",
    "restore_faces": "fix small faces on the studio's page",
}


@dataclass(frozen=True, slots=True)
class Usual:
    """How the model draws where nothing is said: at which size, in which steps, enlarged how many times."""

    size: Size
    multiple: int = 8
    finish: int = 1


@dataclass(frozen=True, slots=True)
class Translated:
    """The request, and what to tell of what was sent."""

    request: GenerationRequest
    notes: tuple[str, ...]


def text_to_image(sent: TextToImage, model: str | None, usual: Usual, upscaler: str | None) -> Translated:
    """`model` and `upscaler`: ids, None for the studio's own choice."""
    size, notes = _drawn_size(sent, usual, upscaler)
    request = GenerationRequest.model_validate(_common(sent, model) | size)
    unused = STANDARD | HIGH_RESOLUTION if sent.enable_hr else STANDARD
    silent = () if sent.enable_hr else tuple(HIGH_RESOLUTION)
    if sent.enable_hr and upscaler is None and sent.hr_upscaler:
        notes = (*notes, f"hr_upscaler “{_short(sent.hr_upscaler)}” is not here: the studio's own enlarges.")
    return Translated(request, (*notes, *_unused(sent, unused, silent)))


def image_to_image(
    sent: ImageToImage,
    model: str | None,
    usual: Usual,
    source: tuple[str, Size],
    mask: tuple[str, Size] | None,
) -> Translated:
    """`source` and `mask`: id and size of pictures of the collection."""
    size, notes = _refined_size(sent, usual, source[1])
    asked = _common(sent, model) | references(source[0], mask[0] if mask else None) | size
    if sent.denoising_strength is not None:
        asked["strength"] = sent.denoising_strength
    told = [*notes, *_pictures_told(sent, source[1], mask[1] if mask else None)]
    return Translated(GenerationRequest.model_validate(asked), (*told, *_unused(sent, STANDARD)))


def enlarging(sent: ExtraSingleImage, source: str, upscaler: str | None) -> Translated:
    """A picture two or four times as large."""
    scale, notes = _scale(sent.upscaling_resize, "upscaling_resize")
    if scale == 1:
        raise RequestError("upscaling_resize 1 changes nothing. Ask for 2 or 4.", field="upscaling_resize")
    request = GenerationRequest(
        mode=Mode.UPSCALE, model=upscaler, scale=scale, references=(Reference(image_id=source),)
    )
    if upscaler is None and sent.upscaler_1 not in ("", "None"):
        notes = (*notes, f"upscaler_1 “{_short(sent.upscaler_1)}” is not here: the studio's own enlarges.")
    return Translated(request, (*notes, *_unused(sent, STANDARD | {"resize_mode": (0,)})))


def references(source: str, mask: str | None) -> dict[str, Any]:
    """Mode and references of a request that refines `source`."""
    acting = [Reference(image_id=source, role=Role.SOURCE)]
    if mask is not None:
        acting.append(Reference(image_id=mask, role=Role.MASK))
    return {"mode": Mode.INPAINT if mask else Mode.IMG2IMG, "references": tuple(acting)}


# --- pictures and models ---------------------------------------------------------------------------


def picture_bytes(text: str, field: str) -> bytes:
    """The file that base64 `text` holds, with or without `data:` before it. Raises PictureRefused."""
    body = text.partition(",")[2] if text.startswith("data:") else text
    if body.lstrip()[:8].lower().startswith(("http://", "https://")):
        raise PictureRefused("This is a web address, and the studio fetches no pictures.", field=field)
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureRefused("This is not base64, so there is no picture to read.", field=field) from error
    if not data:
        raise PictureRefused("There is no picture in it: it is empty.", field=field)
    return data


def usable(models: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
    """The models that are here and draw."""
    return tuple(
        each
        for each in models
        if each.available == "ready" and each.modes and each.family != upscaler_family.NAME
    )


def enlargers(models: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
    """The enlargers that are here."""
    return tuple(each for each in models if each.available == "ready" and each.family == upscaler_family.NAME)


def title(model: ModelInfo, models: Sequence[ModelInfo]) -> str:
    """What a client calls the model by: its label, with the id where two have the same."""
    twins = sum(each.label == model.label for each in models)
    return f"{model.label} ({model.id})" if twins > 1 else model.label


def named_model(wanted: object, models: Sequence[ModelInfo]) -> str | None:
    """The id of the model with this title, label or id; None for an empty name. Raises RequestError."""
    if wanted in (None, ""):
        return None
    here = usable(models)
    found = find(wanted, here)
    if found is None:
        known = ", ".join(title(each, here) for each in here) or "none"
        raise RequestError(f"There is no model “{_short(wanted)}”. Here are: {known}.", field=CHECKPOINT)
    return found


def find(wanted: object, models: Sequence[ModelInfo]) -> str | None:
    """The id of the one with this title, label or id, however it is capitalised."""
    name = wanted.strip().casefold() if isinstance(wanted, str) else ""
    names = ((each.id, (each.id, title(each, models), each.label)) for each in models)
    return next((own for own, called in names if name in map(str.casefold, called)), None)


def unused_options(options: Mapping[str, Any]) -> tuple[str, ...]:
    """What to tell of options that do nothing here."""
    return tuple(_told({name: each for name, each in options.items() if name != CHECKPOINT}, OPTIONS))


# --- the request -----------------------------------------------------------------------------------


def _common(sent: Drawing, model: str | None) -> dict[str, Any]:
    """The fields that mean the same; what was not sent is left open for the model's own."""
    count = sent.batch_size * sent.n_iter
    if count > MAX_IMAGES:
        raise RequestError(
            f"batch_size × n_iter is {count}, and {MAX_IMAGES} pictures are the most of one request.",
            field="batch_size",
        )
    asked: dict[str, Any] = {
        "model": model,
        "prompt": sent.prompt,
        "negative_prompt": sent.negative_prompt,
        "seed": max(sent.seed, RANDOM_SEED),
        "num_images": count,
    }
    numbers = {"num_inference_steps": sent.steps, "guidance_scale": sent.cfg_scale}
    return asked | {name: value for name, value in numbers.items() if value is not None}


def _asked_size(sent: Drawing) -> Size | None:
    if sent.width is None and sent.height is None:
        return None
    return sent.width or DEFAULT_SIDE, sent.height or DEFAULT_SIDE


def _drawn_size(
    sent: TextToImage, usual: Usual, upscaler: str | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The size to draw at and how it is enlarged, so that the finished picture has the size asked for."""
    more, notes = _scale(sent.hr_scale, "hr_scale") if sent.enable_hr else (1, ())
    asked = _asked_size(sent) or ((DEFAULT_SIDE, DEFAULT_SIDE) if more > 1 else None)
    if asked is None:
        return {}, notes
    whole = asked[0] * more, asked[1] * more
    if max(whole) > MOST_SIDE:
        said = f"{whole[0]}×{whole[1]} px are asked for: {MOST_SIDE} px a side is the most the studio makes."
        raise RequestError(said, field="width")
    scale = more if usual.finish == 1 else _best_scale(whole, usual)
    size = {"width": whole[0] // scale, "height": whole[1] // scale}
    if usual.finish > 1 and scale > 1:
        made, said = _dividing(whole, scale, usual)
        size, notes = {"width": made[0], "height": made[1]}, (*notes, *said)
    if (usual.finish, scale) != (1, 1):
        return size | {"finish": Finish(scale=scale, upscaler=upscaler if sent.enable_hr else None)}, notes
    return size, notes


def _best_scale(whole: Size, usual: Usual) -> Scale:
    """With which the model works nearest to its usual size."""
    wanted = math.log(_area(whole) / _area(usual.size)) / 2
    return min(_SCALES, key=lambda scale: abs(wanted - math.log(scale)))


def _dividing(whole: Size, scale: int, usual: Usual) -> tuple[Size, tuple[str, ...]]:
    """The size before enlarging, and what to say where the finished one is another. Raises RequestError."""
    width, height = (sizes.snapped(round(side / scale), usual.multiple) for side in whole)
    most = sizes.MOST_AREA * _area(usual.size)
    if width * height > most:
        side = scale * math.isqrt(most)
        said = f"The model can't make {whole[0]}×{whole[1]} px. Ask for about {side}×{side} px at most."
        raise RequestError(said, field="width")
    if (made := (width * scale, height * scale)) == whole:
        return (width, height), ()
    said = (
        f"{whole[0]}×{whole[1]} px became {made[0]}×{made[1]}: sides go in steps of {scale * usual.multiple}."
    )
    return (width, height), (said,)


def _refined_size(sent: ImageToImage, usual: Usual, source: Size) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Where another size than the source's is asked for: that, worked at near the model's usual one."""
    asked = _asked_size(sent)
    if asked is None or asked == source:
        return {"result_size": "source"}, ()
    times = _area(asked) / _area(usual.size)
    width, height = asked
    if not 1 / _NEAR <= times <= _NEAR:
        width, height = sizes.of_area(width / height, math.isqrt(_area(usual.size)), usual.multiple)
    size = {"width": width, "height": height, "result_size": ResultSize(width=asked[0], height=asked[1])}
    if abs(math.log(asked[0] / asked[1] * source[1] / source[0])) <= _SAME_SHAPE:
        return size, ()
    if sent.resize_mode == 2:
        return size | {"fit": "extend"}, ()
    said = () if sent.resize_mode == 1 else ("The source has another shape; it was cropped, not stretched.",)
    return size | {"fit": "crop"}, said


def _scale(asked: float, field: str) -> tuple[Scale, tuple[str, ...]]:
    """1, 2 or 4, and what to say where another number was asked for."""
    scale = min(_SCALES, key=lambda each: abs(math.log(each / asked)))
    return scale, () if scale == asked else (f"{field} {asked:g} became {scale}: 2 and 4 are possible.",)


def _area(size: Size) -> int:
    return size[0] * size[1]


# --- what is told ----------------------------------------------------------------------------------


def _pictures_told(sent: ImageToImage, source: Size, mask: Size | None) -> Iterator[str]:
    if len(sent.init_images) > 1:
        yield f"Only the first of {len(sent.init_images)} init_images is used."
    if mask is not None and mask != source:
        yield f"The mask has {mask[0]}×{mask[1]} px and was made as large as its picture."
    if sent.resize_mode == 3:
        yield "resize_mode 3 is not used: nothing is resized in latents."
    if mask is None and sent.inpainting_mask_invert:
        yield "inpainting_mask_invert does nothing without a mask."


def _unused(sent: Sent, standard: Mapping[str, tuple[Any, ...]], silent: Sequence[str] = ()) -> Iterator[str]:
    extra = {name: value for name, value in (sent.model_extra or {}).items() if name not in silent}
    if extra.get("sampler_index") == extra.get("sampler_name"):
        extra.pop("sampler_index", None)  # its name of long ago; clients send both
    yield from _told(extra, standard)
    if isinstance(sent, Drawing):
        for words in unused_options(sent.override_settings):
            yield f"override_settings: {words}"


def _told(sent: Mapping[str, Any], standard: Mapping[str, tuple[Any, ...]]) -> Iterator[str]:
    for number, (name, value) in enumerate(sent.items()):
        if number == _MOST_TOLD:
            yield f"{len(sent) - number} more fields were sent that are not looked at."
            return
        if name not in standard:
            yield f"{_short(name)}{_shown(value)} is not known here."
        elif value not in standard[name]:
            why = f": {_WHY[name]}" if name in _WHY else ""
            yield f"{name}{_shown(value)} is not used{why}."


def _shown(value: object) -> str:
    """A value as it is repeated; long ones and structures are not."""
    if isinstance(value, dict):
        return f" ({', '.join(_short(name) for name in list(value)[:8])})"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, str):
        return f" “{_short(value)}”"
    return f" {value!r}" if isinstance(value, (bool, float)) else _number(value)


def _number(value: object) -> str:
    return f" {value}" if isinstance(value, int) and abs(value) < 2**64 else ""


def _short(text: object, most: int = 64) -> str:
    said = " ".join(str(text).split())
    return said if len(said) <= most else f"{said[:most]}…"
