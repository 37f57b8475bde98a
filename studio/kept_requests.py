"""Requests as rows and files keep them, also those of a version that knew other settings."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from pipelines.request import CompleteRequest, GenerationRequest
from studio.json_values import is_object


def known_fields(kept: object) -> object:
    """Without the settings of later versions; anything else stays as it is."""
    if not is_object(kept):
        return kept
    return {name: value for name, value in kept.items() if name in GenerationRequest.model_fields}


def is_whole(kept: object) -> bool:
    """Whether this version knows every setting of it: what it would make is what was asked for."""
    try:
        GenerationRequest.model_validate(kept)
    except ValidationError:
        return False
    return True


def read(kept: object) -> GenerationRequest:
    """The request, complete as it was kept, or as far as this version knows its settings; raises nothing."""
    with suppress(ValidationError):
        return CompleteRequest.model_validate(kept)
    try:
        return GenerationRequest.model_validate(kept)
    except ValidationError as error:
        return _known_part(kept, {str(each["loc"][0]) for each in error.errors() if each["loc"]})


def _known_part(kept: object, unknown: set[str]) -> GenerationRequest:
    fields = kept if is_object(kept) else dict[str, Any]()
    known = {name: value for name, value in fields.items() if name not in unknown}
    prompt = known.get("prompt")
    try:
        return GenerationRequest.model_validate(known)
    except ValidationError:  # settings that do not go together, or no settings at all
        return GenerationRequest(prompt=prompt if isinstance(prompt, str) else "")
