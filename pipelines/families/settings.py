"""Every setting of a picture, one row each: what it is called, how it is set, how it is told and compared.

The page, messages of REST, "what changed", the coach, the text of a PNG and what is used again are made from
these rows; a test holds them to it. In the order of the page. Each field of the request has its row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pipelines.errors import RequestError
from pipelines.families.enlarging import FINISH, SCALE
from pipelines.families.extents import EXTEND, FIT, extend_in_words
from pipelines.families.face_controls import FACES_UNDER, FIX_FACE, fix_face_in_words
from pipelines.families.limits import Limits
from pipelines.families.setting import (
    Asked,
    Choices,
    Compared,
    Setting,
    SettingControl,
    Slider,
    Switch,
    Text,
    number,
    part,
    spelled,
)
from pipelines.request import (
    ASPECT_RATIOS,
    CONTROL_LABEL,
    DEFAULT_STRENGTH,
    LIKE_REFERENCE,
    MAX_SEED,
    RANDOM_SEED,
    ControlKind,
    GenerationRequest,
    Keep,
    ResultSize,
)
from pipelines.request import Control as ControlSettings

BAD_SEED = f"The seed is a whole number from 0 to {MAX_SEED}, or -1 for a new one each time."

_OPEN = GenerationRequest()
_CONTROL = ControlSettings()


# --- what the page puts otherwise than the request ------------------------------------------------


def influence_of(strength: float) -> float:
    """Percent of the reference that stays."""
    return round(100.0 * (1.0 - strength), 4)


def strength_of(influence: float) -> float:
    """Share of the reference that may change."""
    return round(1.0 - influence / 100.0, 6)


def _influence_said(asked: Asked) -> float | None:
    strength = asked.get("strength")
    return None if strength is None else influence_of(strength)


def _seed_number(text: str) -> int:
    stripped = text.strip()
    digits = stripped.removeprefix("-")
    plain = digits.isascii() and digits.isdecimal() and len(digits) <= len(str(MAX_SEED))
    if not plain or not -1 <= int(stripped) <= MAX_SEED:
        raise RequestError(BAD_SEED, field="seed")
    return int(stripped)


def _seed_said(asked: Asked) -> str | None:
    return str(asked["seed"]) if "seed" in asked else None


def _shape_asked(shape: str) -> dict[str, object]:
    width, times, height = shape.partition("x")
    if times and width.isdecimal() and height.isdecimal():
        return {"width": int(width), "height": int(height)}
    return {"aspect_ratio": shape}


def _shape_said(asked: Asked) -> str | None:
    if asked.get("aspect_ratio") in (*ASPECT_RATIOS, LIKE_REFERENCE):
        return asked["aspect_ratio"]
    if asked.get("width") and asked.get("height"):
        return f"{asked['width']}x{asked['height']}"
    return LIKE_REFERENCE if "aspect_ratio" in asked and asked.get("references") else None


def _ratios(limits: Limits) -> tuple[tuple[str, str], ...]:
    return tuple((ratio, ratio) for ratio in limits.shapes or ASPECT_RATIOS)


def _kinds(limits: Limits) -> tuple[tuple[str, str], ...]:
    return tuple((CONTROL_LABEL[kind], kind.value) for kind in limits.control_kinds or ControlKind)


def _share(least: float, most: float) -> Slider:
    return Slider(range=lambda _: (least, most), step=0.05)


def _percent_left(strength: float) -> str:
    return f"{round((1 - strength) * 100)} %"


def _result_asked(size: str) -> dict[str, object]:
    width, times, height = size.partition("x")
    if times and width.isdecimal() and height.isdecimal():
        return {"result_size": {"width": int(width), "height": int(height)}}
    return {"result_size": size}


def _result_said(asked: Asked) -> str | None:
    size = asked.get("result_size")
    return f"{size['width']}x{size['height']}" if isinstance(size, dict) else size


def _result_in_words(size: Literal["source", "model"] | ResultSize) -> str | None:
    """What is not the usual."""
    if isinstance(size, ResultSize):
        return f"{size.width}×{size.height}"
    return "the model's own" if size == "model" else None


def _kept(keep: Keep) -> str | None:
    """What is not the usual."""
    if not keep.enabled:
        return "off"
    return None if keep.tolerance == Keep().tolerance else f"tolerance {keep.tolerance:g}"


def _drafted(quick: bool) -> str:
    return "on" if quick else "off"


# --- controls ---------------------------------------------------------------------------------------

INFLUENCE = SettingControl(
    name="influence",
    label="Influence, %",
    help=(
        "How much of the reference stays: 100 % hardly changes it, 0 % keeps a hint at most. 50 % changes "
        "about a quarter as much as 0 %, and 25 % about half as much."
    ),
    kind=Slider(range=lambda _: (0, 100), step=1),
    value=float,
    start=influence_of(DEFAULT_STRENGTH),
    ask=lambda influence: {"strength": strength_of(influence)},
    said=_influence_said,
)
CONTROL_KIND = part(
    "control",
    "kind",
    _CONTROL.kind,
    "Traced from the reference",
    "What is traced: crisp edges hold every line, soft edges only the forms.",
    Choices(options=_kinds),
)
CONTROL_WEIGHT = part(
    "control",
    "weight",
    _CONTROL.weight,
    "Hold",
    "How firmly the traced lines are held; 1 is normal.",
    _share(0, 2),
)
CONTROL_START = part(
    "control",
    "start",
    _CONTROL.start,
    "Begins at",
    "At which part of the work the lines begin to guide; later leaves the layout freer.",
    _share(0, 1),
)
CONTROL_END = part(
    "control",
    "end",
    _CONTROL.end,
    "Ends at",
    "At which part of the work the lines let go; earlier leaves the details freer.",
    _share(0, 1),
)
GUIDANCE = number(
    "guidance_scale",
    _OPEN.guidance_scale,
    "Guidance",
    "How strictly the words are followed: 2 to 4 changes gently, 5 to 8 lets the text win.",
    step=0.1,
    limits=lambda limits: limits.guidance_scale,
    element="guidance",
)
STEPS = number(
    "num_inference_steps",
    _OPEN.num_inference_steps,
    "Steps",
    "More steps, finer detail, longer wait: 20 to explore, 25 to 30 for a final.",
    step=1,
    limits=lambda limits: limits.num_inference_steps,
    element="steps",
)
QUICK_DRAFT = SettingControl(
    name="quick_draft",
    label="Quick draft",
    help="Faster, but the picture comes out a little otherwise; make it again without it for the final.",
    kind=Switch(),
    value=bool,
    start=_OPEN.quick_draft,
    ask=lambda on: {"quick_draft": on},
    said=lambda asked: asked.get("quick_draft"),
)
SEED = SettingControl(
    name="seed",
    label="Seed",
    help="The same seed and settings give the same picture; -1 draws a new one each time.",
    kind=Text(),
    value=str,
    start=str(RANDOM_SEED),
    ask=lambda text: {"seed": _seed_number(text)},
    said=_seed_said,
)
"""A text, for JavaScript's numbers cannot hold every seed."""
SHAPE = SettingControl(
    name="aspect_ratio",
    label="Aspect ratio",
    help="The shape of the new picture, width to height.",
    kind=Choices(options=_ratios, closed=False),
    value=str,
    start="1:1",
    ask=_shape_asked,
    said=_shape_said,
)
"""One of ASPECT_RATIOS, LIKE_REFERENCE, or an exact size as '512x640'."""
RESULT_SIZE = SettingControl(
    name="result_size",
    label="Result size",
    help="How large a refinement comes back; the model works at its own size either way.",
    kind=Choices(
        options=lambda _: (("As the reference", "source"), ("The model's own", "model")), closed=False
    ),
    value=str,
    start="source",
    ask=_result_asked,
    said=_result_said,
)
"""“source”, “model”, or an exact size as '1024x1536'."""
KEEP = part(
    "keep",
    "enabled",
    Keep().enabled,
    "Keep what I did not ask for",
    "Where the model changed nothing, the reference's own pixels stay.",
    Switch(),
)
TOLERANCE = part(
    "keep",
    "tolerance",
    Keep().tolerance,
    "Tolerance",
    "How large a difference still counts as unchanged: higher keeps more of the reference.",
    _share(0, 1),
)
IMAGES = number(
    "num_images",
    _OPEN.num_images,
    "Number of images",
    "How many pictures one Generate makes, each with its own seed.",
    step=1,
)
NEGATIVE_PROMPT = SettingControl(
    name="negative_prompt",
    label="Negative prompt",
    help="What you don't want to see, e.g. blurry, extra fingers.",
    kind=Text(lines=2),
    value=str,
    start=_OPEN.negative_prompt,
    ask=lambda text: {"negative_prompt": text},
    said=lambda asked: asked.get("negative_prompt"),
)

# --- the table ----------------------------------------------------------------------------------------

SETTINGS: tuple[Setting, ...] = (
    Setting(field="mode", place="assistant", compared=Compared.IN_ITS_OWN_WAY, varied=True),
    Setting(field="model", place="model-select", varied=True),
    Setting(field="character", place="character-fields", compared=Compared.NOT_AT_ALL),
    Setting(field="references", place="references", compared=Compared.IN_ITS_OWN_WAY),
    Setting(field="prompt", place="prompt", compared=Compared.IN_ITS_OWN_WAY, varied=True),
    Setting(
        field="strength",
        controls=(INFLUENCE,),
        group="influence-group",
        label="Influence",
        number_label="Strength",
        in_words=_percent_left,
        varied=True,
        parameter="Denoising strength",
    ),
    Setting(field="scale", controls=(SCALE,), word="scale"),
    Setting(field="upscaler", place=SCALE.elem_id, label="Enlarger"),
    Setting(
        field="control",
        controls=(CONTROL_KIND, CONTROL_WEIGHT, CONTROL_START, CONTROL_END),
        group="control-group",
        label="Structure",
        word="control",
        number_label="Control",
    ),
    Setting(field="guidance_scale", controls=(GUIDANCE,), varied=True),
    Setting(field="num_inference_steps", controls=(STEPS,), plural=True, varied=True, parameter="Steps"),
    Setting(field="quick_draft", controls=(QUICK_DRAFT,), in_words=_drafted),
    Setting(field="seed", controls=(SEED,), group="seed-group"),
    Setting(field="aspect_ratio", controls=(SHAPE,), compared=Compared.IN_ITS_OWN_WAY),
    Setting(field="width", place=SHAPE.elem_id, compared=Compared.IN_ITS_OWN_WAY),
    Setting(field="height", place=SHAPE.elem_id, compared=Compared.IN_ITS_OWN_WAY),
    Setting(field="fit", controls=(FIT,), group="fit-group", label="Fit", word="fit"),
    Setting(
        field="extend",
        controls=(EXTEND,),
        label="Canvas added",
        word="added canvas",
        in_words=extend_in_words,
    ),
    Setting(field="result_size", controls=(RESULT_SIZE,), in_words=_result_in_words),
    Setting(
        field="keep",
        controls=(KEEP, TOLERANCE),
        group="keep-group",
        label="Keep the rest",
        in_words=_kept,
        varied=True,
    ),
    Setting(field="finish", controls=(FINISH,)),
    Setting(
        field="fix_face",
        controls=(FIX_FACE, FACES_UNDER),
        group="fix-face-group",
        label="Small faces",
        in_words=fix_face_in_words,
    ),
    Setting(field="num_images", controls=(IMAGES,), compared=Compared.NOT_AT_ALL),
    Setting(
        field="negative_prompt",
        controls=(NEGATIVE_PROMPT,),
        compared=Compared.IN_ITS_OWN_WAY,
        varied=True,
    ),
    Setting(field="loras", place="add-ons", label="LoRAs", word="LoRAs", plural=True),
    Setting(field="vae", place="add-ons", label="VAE", word="VAE", parameter="VAE"),
    Setting(field="drawn", place="prompt", label="Drawn words", compared=Compared.NOT_AT_ALL, derived=True),
    Setting(field="ip_adapter", place="add-ons", label="IP-Adapter", word="IP-Adapter"),
)

BY_FIELD = {setting.field: setting for setting in SETTINGS}
CONTROLS: dict[str, SettingControl[Any]] = {
    control.name: control for setting in SETTINGS for control in setting.controls
}
"""The controls of Additional settings, by name."""
FIELD_OF = {control.name: setting.field for setting in SETTINGS for control in setting.controls}
"""Control → field of the request that says whether it is in use."""


def heading(field: str) -> str:
    """What a field's own value is called; for one that is no setting, its name."""
    setting = BY_FIELD.get(field)
    return (setting.number_label or setting.heading) if setting else spelled(field)


def word(field: str) -> str:
    """What a field is called within a sentence."""
    return BY_FIELD[field].called


def asked_by(parts: Iterable[Asked]) -> dict[str, Any]:
    """What several controls ask for, together: objects are put together from their parts."""
    together: dict[str, Any] = {}
    for field, value in (item for each in parts for item in each.items()):
        if isinstance(value, dict):
            together.setdefault(field, {}).update(value)
        else:
            together[field] = value
    return together
