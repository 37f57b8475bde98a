"""What was typed, as the request that a studio takes. Pure but for reading the files that are named."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from studio.shell.client import USAGE, Client, Json, ShellError

PIPE = "-"
_FIELDS = (
    "model", "negative_prompt", "guidance_scale", "num_inference_steps", "seed", "aspect_ratio", "num_images",
)  # fmt: skip


def from_words(given: Namespace, client: Client) -> Json:
    """The request of `generate`."""
    prompt = sys.stdin.read().strip() if given.prompt == PIPE else given.prompt
    return {"mode": "text_to_image", "prompt": prompt} | _settings(given, client)


def of_edit(given: Namespace, client: Client) -> Json:
    """The request of `edit`, its pictures in the collection."""
    references = [{"image_id": _taken_in(given.picture, client)}]
    references += [{"image_id": _taken_in(name, client)} for name in given.reference]
    if given.mask is not None:
        references.append({"image_id": _taken_in(given.mask, client, "control"), "role": "mask"})
    wish: Json = {"mode": given.mode, "prompt": given.prompt, "references": references}
    if given.influence is not None:
        wish["strength"] = round(1 - given.influence / 100, 6)
    return wish | _settings(given, client)


def of_enlarging(given: Namespace, client: Client) -> Json:
    """The request of `enlarge`."""
    wish: Json = {"mode": "upscale", "scale": given.scale}
    if given.upscaler is not None:
        wish["upscaler"] = given.upscaler
    return wish | {"references": [{"image_id": _taken_in(given.picture, client)}]}


def of_sweep(given: Namespace, client: Client) -> Json:
    """The body of `POST /sweeps`."""
    source = given.picture and _taken_in(given.picture, client)
    mode = given.mode or ("smart_edit" if source else "text_to_image")
    references = [{"image_id": source}] if source else []
    request = {"mode": mode, "prompt": given.prompt, "references": references} | _settings(given, client)
    axes = {name: _axis(text) for name, text in (("x", given.x), ("y", given.y)) if text}
    return {"request": request, **axes}


def _settings(given: Namespace, client: Client) -> Json:
    found: Json = {name: getattr(given, name) for name in _FIELDS if getattr(given, name) is not None}
    if given.size is not None:
        size = re.fullmatch(r"(\d+)[x×](\d+)", given.size)
        if size is None:
            raise ShellError(f"--size is written as 832x1216, not {given.size!r}.", USAGE)
        found |= {"width": int(size[1]), "height": int(size[2])}
    if given.finish is not None:
        found["finish"] = {"scale": given.finish}
    if given.character is not None:
        found["character"] = _character(given.character, client)
    for text in given.more:
        name, value = _named(text, "--set")
        found[name] = _value(value)
    return found


def _axis(text: str) -> Json:
    name, values = _named(text, "An axis")
    return {"field": name, "values": values}


def _named(text: str, what: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ShellError(f"{what} is written as FIELD=VALUE, not {text!r}.", USAGE)
    return name.strip(), value.strip()


def _value(text: str) -> Any:
    """JSON where it is JSON, else the words themselves."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _character(name: str, client: Client) -> str:
    """Id of the character with this id or, upper or lower case, this name."""
    cast = client.items("/characters")
    found = [one["id"] for one in cast if name in (one["id"], one["name"])]
    found = found or [one["id"] for one in cast if one["name"].casefold() == name.casefold()]
    if len(found) != 1:
        which = "several characters" if found else "no character"
        raise ShellError(f"There is {which} of the name {name!r}; `likeness characters` lists the cast.")
    return found[0]


def _taken_in(name: str, client: Client, category: str = "upload") -> str:
    """Id of the picture of this file, which the studio takes in, byte for byte."""
    try:
        content = sys.stdin.buffer.read() if name == PIPE else Path(name).read_bytes()
    except OSError as error:
        raise ShellError(f"{name} cannot be read: {error.strerror}.", USAGE) from error
    return client.upload("picture.png" if name == PIPE else Path(name).name, content, category)["id"]
