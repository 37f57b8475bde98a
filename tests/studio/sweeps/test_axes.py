from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import RequestError
from studio.sweeps.axes import FIELDS, MOST_CELLS, Axis, Value, applied, called, check_cells, values


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2..8 step 2", (2, 4, 6, 8)),
        ("2..8 step 3", (2, 5, 8)),
        ("8..2 step -2", (8, 6, 4, 2)),
        ("3..1", (3, 2, 1)),
        ("1..2 step 0.25", (1, 1.25, 1.5, 1.75, 2)),
        ("0.1..0.3 step 0.1", (0.1, 0.2, 0.3)),
        ("5..5", (5,)),
        ("red | blue|  🌊 green ", ("red", "blue", "🌊 green")),
        ("a | a | b", ("a", "b")),
        ("one", ("one",)),
        ("..", ("..",)),
    ],
)
def test_values_as_text(text: str, found: tuple[Value, ...]) -> None:
    assert values(Axis(field="prompt", values=text), "x") == found


@pytest.mark.parametrize(
    "text", ["", " | ", "1..10000", "1..5 step 0", "1..5 step -1", "5..1 step 1", "0..1 step 0.0001"]
)
def test_ranges_that_never_end_and_axes_of_nothing_are_refused(text: str) -> None:
    with pytest.raises(RequestError) as error:
        values(Axis(field="seed", values=text), "y")
    assert error.value.field == "y"


def test_ten_thousand_cells_are_refused() -> None:
    check_cells(20, MOST_CELLS // 20)
    with pytest.raises(RequestError, match="10,000 pictures"):
        check_cells(100, 100)
    with pytest.raises(RequestError, match="401 values"):
        values(Axis(field="seed", values=tuple(range(401))), "x")


SETTINGS = {
    "prompt": "red hair, red hat",
    "references": [{"image_id": "a"}, {"image_id": "b", "weight": 0.5}],
    "loras": [{"id": "ink", "weight": 1.0}],
    "control": {"kind": "canny"},
}


@pytest.mark.parametrize(
    ("field", "value", "changed"),
    [
        ("guidance_scale", "4.5", {"guidance_scale": 4.5}),
        ("num_inference_steps", 8.0, {"num_inference_steps": 8}),
        ("seed", "7", {"seed": 7}),
        ("model", "m", {"model": "m"}),
        ("influence", 25, {"strength": 0.75}),
        ("prompt_part", "blue", {"prompt": "blue hair, blue hat"}),
        ("control.weight", 0.4, {"control": {"kind": "canny", "weight": 0.4}}),
        ("reference.1", "c", {"references": [{"image_id": "a"}, {"image_id": "c", "weight": 0.5}]}),
        (
            "reference_weight.0",
            "0.3",
            {"references": [{"image_id": "a", "weight": 0.3}, {"image_id": "b", "weight": 0.5}]},
        ),
        ("lora.0", "pencil", {"loras": [{"id": "pencil", "weight": 1.0}]}),
        ("lora_weight.0", 0.2, {"loras": [{"id": "ink", "weight": 0.2}]}),
    ],
)
def test_a_value_takes_its_place_and_nothing_else_changes(
    field: str, value: Value, changed: dict[str, object]
) -> None:
    before = repr(SETTINGS)
    assert applied(SETTINGS, field, value, "red", "x") == SETTINGS | changed
    assert repr(SETTINGS) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nothing", 1),
        ("guidance_scale", "much"),
        ("guidance_scale", "nan"),
        ("guidance_scale", "1e999"),
        ("num_inference_steps", 2.5),
        ("reference.2", "c"),
        ("reference_weight.9", 1),
        ("lora.1", "pencil"),
        ("references", "c"),
        ("__class__", "c"),
    ],
)
def test_what_no_request_has_is_refused(field: str, value: Value) -> None:
    with pytest.raises(RequestError) as error:
        applied(SETTINGS, field, value, "red", "x")
    assert error.value.field == "x"


def test_a_list_with_commas_is_told_how_several_are_written() -> None:
    with pytest.raises(RequestError, match=r"“2,5” is no number\. Several are written as 2 \| 5"):
        applied(SETTINGS, "guidance_scale", "2,5", "red", "x")


def test_an_axis_has_the_name_that_the_page_gives_it() -> None:
    names = [called(field) for field in ("guidance_scale", "reference_weight.1", "lora.0", "control.weight")]
    assert names == ["Guidance", "Weight of reference 2", "LoRA 1", "Hold of the traced lines"]


def test_a_part_must_be_in_the_prompt() -> None:
    with pytest.raises(RequestError, match="“green” is not in the prompt"):
        applied(SETTINGS, "prompt_part", "blue", "green", "x")


@given(st.sampled_from(FIELDS), st.text(max_size=30))
def test_any_text_gives_settings_or_words(field: str, value: str) -> None:
    with contextlib.suppress(RequestError):
        assert applied(SETTINGS, field, value, "red", "x").keys() >= SETTINGS.keys()
