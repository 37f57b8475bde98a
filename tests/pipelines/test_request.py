from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.request import (
    DEFAULT_ROLE,
    MODE_LABEL,
    CompleteRequest,
    GenerationRequest,
    Mode,
    Reference,
    Role,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("guidance_scale", float("nan")),
        ("guidance_scale", float("inf")),
        ("guidance_scale", 1e9),
        ("guidance_scale", -1),
        ("num_inference_steps", 0),
        ("num_inference_steps", 10_000),
        ("num_inference_steps", 2.5),
        ("seed", 2**63),
        ("seed", -2),
        ("strength", 1.5),
        ("strength", float("nan")),
        ("num_images", 0),
        ("num_images", 9),
        ("prompt", "x" * 10_001),
        ("mode", "teleport"),
        ("width", 8),
        ("height", 100_000),
        ("references", [{"image_id": "a"}] * 11),
        ("references", [{"image_id": "a", "weight": 3}]),
        ("references", [{"image_id": "a", "role": "muse"}]),
        ("control", {"kind": "lidar"}),
        ("sampler", "euler"),
    ],
)
def test_a_field_out_of_bounds_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        GenerationRequest(**{field: value})
    assert refusal.value.errors()[0]["loc"][0] == field


def test_the_longest_prompt_and_the_largest_seed_are_taken() -> None:
    request = GenerationRequest(prompt="x" * 10_000, seed=2**63 - 1)
    assert len(request.prompt) == 10_000


def test_control_characters_are_left_out_of_words() -> None:
    assert GenerationRequest(prompt="a\0b\x1bc\n\td").prompt == "abc\n\td"


def test_a_request_survives_its_json() -> None:
    request = GenerationRequest(
        mode=Mode.CONTROLNET, prompt="ä 😀", references=(Reference(image_id="a", role=Role.SOURCE),)
    )
    assert GenerationRequest.model_validate_json(request.model_dump_json()) == request


def test_every_mode_has_a_name_and_a_role() -> None:
    assert set(MODE_LABEL) == set(DEFAULT_ROLE) == set(Mode)


@pytest.mark.parametrize(
    ("field", "value"),
    [("model", None), ("seed", -1), ("width", None), ("height", None), ("mode", "teleport")],
)
def test_a_complete_request_has_nothing_open(field: str, value: Any) -> None:
    whole = {"model": "tiny", "seed": 0, "width": 64, "height": 64}
    assert CompleteRequest.model_validate(whole).alone(0).model == "tiny"
    with pytest.raises(ValidationError) as refusal:
        CompleteRequest.model_validate({**whole, field: value})
    assert refusal.value.errors()[0]["loc"] == (field,)
