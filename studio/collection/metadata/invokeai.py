"""InvokeAI: `invokeai_metadata` (3 and later), `sd-metadata` (2), `Dream` (1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.foreign import ForeignMetadata
from studio.json_values import is_list, is_object, objects

_TOOL = "InvokeAI"
_OPTION = re.compile(r"\s-{1,2}([A-Za-z_]+)[ =]([^\s]{1,200})")
_DREAM = re.compile(
    r'(?:"((?:[^"]|"(?!\s+-{1,2}[A-Za-z]|\s*$))*)"|((?:(?!\s-{1,2}[A-Za-z]).)*))(.*)', re.DOTALL
)
"""Its words end at the quote before the first option; a quote inside them does not."""
_USED = (
    "positive_prompt", "negative_prompt", "seed", "steps", "cfg_scale", "guidance", "scheduler", "width",
    "height", "model", "strength", "loras", "prompt", "sampler",
)  # fmt: skip


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """The newest of its layouts that the file has."""
    if "invokeai_metadata" in texts:
        return said_by(foreign.json_object(texts["invokeai_metadata"]))
    if "sd-metadata" in texts:
        return _version_2(foreign.json_object(texts["sd-metadata"]))
    if "Dream" in texts:
        return _version_1(texts["Dream"])
    return None


def said_by(said: Mapping[str, Any]) -> ForeignMetadata:
    """From the JSON of `invokeai_metadata`, also as a sidecar."""
    return ForeignMetadata(
        tool=_TOOL,
        prompt=foreign.words(said.get("positive_prompt")),
        negative_prompt=foreign.words(said.get("negative_prompt")),
        seed=foreign.whole(said.get("seed")),
        steps=foreign.whole(said.get("steps")),
        guidance=_guidance(said),
        sampler=foreign.name_of(said.get("scheduler")),
        width=foreign.whole(said.get("width")),
        height=foreign.whole(said.get("height")),
        model=_model_name(said.get("model")),
        strength=foreign.number(said.get("strength")),
        loras=_loras(said.get("loras")),
        unmapped=foreign.rest(said, _USED),
    )


def _guidance(said: Mapping[str, Any]) -> float | None:
    """FLUX has its own; `cfg_scale` is 1 beside it."""
    own = foreign.number(said.get("guidance"))
    return foreign.number(said.get("cfg_scale")) if own is None else own


def _model_name(model: Any) -> str | None:
    if is_object(model):
        return foreign.name_of(model.get("name")) or foreign.name_of(model.get("model_name"))
    return foreign.name_of(model)


def _loras(entries: Any) -> tuple[foreign.ForeignLora, ...]:
    return foreign.loras(
        (_model_name(each.get("model") or each.get("lora")), each.get("weight")) for each in objects(entries)
    )


def _version_2(said: Mapping[str, Any]) -> ForeignMetadata:
    image = foreign.json_object(said.get("image"))
    prompt = image.get("prompt")
    if is_list(prompt):
        prompt = prompt[0].get("prompt") if prompt and is_object(prompt[0]) else ""
    positive, negative = _split(foreign.words(prompt))
    return ForeignMetadata(
        tool=_TOOL,
        prompt=positive,
        negative_prompt=negative,
        seed=foreign.whole(image.get("seed")),
        steps=foreign.whole(image.get("steps")),
        guidance=foreign.number(image.get("cfg_scale")),
        sampler=foreign.name_of(image.get("sampler")),
        width=foreign.whole(image.get("width")),
        height=foreign.whole(image.get("height")),
        model=foreign.name_of(said.get("model_weights")),
        strength=foreign.number(image.get("strength")),
        unmapped=foreign.rest({**said, **image}, (*_USED, "image", "model_weights")),
    )


def _version_1(line: str) -> ForeignMetadata:
    """`"prompt [negative]" -s 50 -S 123 -W 512 …`."""
    dream = _DREAM.match(foreign.words(line))
    quoted, tail = (dream[1] or dream[2], dream[3]) if dream else ("", "")
    options = dict(_OPTION.findall(tail))
    positive, negative = _split(quoted)
    return ForeignMetadata(
        tool=_TOOL,
        prompt=positive,
        negative_prompt=negative,
        seed=foreign.whole(options.get("S")),
        steps=foreign.whole(options.get("s")),
        guidance=foreign.number(options.get("C")),
        sampler=foreign.name_of(options.get("A")),
        width=foreign.whole(options.get("W")),
        height=foreign.whole(options.get("H")),
        strength=foreign.number(options.get("f")),
        unmapped=foreign.rest(options, ("S", "s", "C", "A", "W", "H", "f")),
    )


def _split(prompt: str) -> tuple[str, str]:
    """Words in square brackets were what the picture should not show."""
    negative = " ".join(part.strip() for part in re.findall(r"\[([^\[\]]*)\]", prompt))
    return re.sub(r"\[[^\[\]]*\]", "", prompt).strip(), negative
