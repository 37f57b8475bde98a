"""Add-ons on the settings side: what is offered, what a request says, what comes back from a picture."""

from __future__ import annotations

import pytest

from pipelines.request import GenerationRequest, Lora, Mode
from studio.records import AddOnInfo
from studio.ui.knobs import knobs_of
from studio.ui.loras import NO_ADD_ONS, AddOns, add_ons_scene
from studio.ui.state import StudioState
from tests.studio.ui.models_for_tests import limits, model

INK = AddOnInfo(id="ink", name="Ink", kind="lora", weight=0.8, triggers=("inkwork",), certain=True)
TAKES = model("takes", "Takes", {Mode.TEXT_TO_IMAGE: limits("loras")}, add_ons=(INK,))
REFUSES = model("refuses", "Refuses", {Mode.TEXT_TO_IMAGE: limits()})
WORN = AddOns(loras=(Lora(id="ink", weight=0.5),))


def fields(one: object) -> frozenset[str]:
    return knobs_of(one, Mode.TEXT_TO_IMAGE).fields  # pyright: ignore[reportArgumentType]


def test_a_model_without_add_ons_shows_nothing() -> None:
    assert add_ons_scene(NO_ADD_ONS, REFUSES, fields(REFUSES)) == {}
    assert add_ons_scene(NO_ADD_ONS, None, frozenset()) == {}
    scene = add_ons_scene(NO_ADD_ONS, TAKES, fields(TAKES))
    assert scene["loras"] == [
        {"id": "ink", "name": "Ink", "weight": 0.8, "triggers": ["inkwork"], "certain": True}
    ]


def test_other_parts_of_a_model_are_choices_where_its_mode_uses_them() -> None:
    soft = AddOnInfo(id="soft", name="Soft", kind="vae", certain=True)
    sketch = AddOnInfo(id="sketch", name="Sketch", kind="controlnet", certain=True)
    takes = model("m", "M", {Mode.TEXT_TO_IMAGE: limits("vae")}, add_ons=(soft, sketch))
    scene = add_ons_scene(NO_ADD_ONS, takes, fields(takes))
    assert [(c["name"], c["known"]) for c in scene["choices"]] == [("vae", [{"id": "soft", "name": "Soft"}])]
    chosen = AddOns(vae="soft", control_network="sketch")
    request = StudioState(prompt="x", add_ons=chosen).to_request(knobs_of(takes, Mode.TEXT_TO_IMAGE))
    assert (request.vae, request.control) == ("soft", None)
    steered = model("s", "S", {Mode.CONTROLNET: limits("control")})
    state = StudioState(mode=Mode.CONTROLNET, prompt="x", add_ons=chosen)
    asked = state.to_request(knobs_of(steered, Mode.CONTROLNET))
    assert asked.control is not None
    assert (asked.control.network, asked.vae) == ("sketch", None)
    assert AddOns.of(asked).control_network == "sketch"


def test_what_was_chosen_for_another_model_can_still_be_seen() -> None:
    assert add_ons_scene(WORN, REFUSES, fields(REFUSES))["loras"] == []


def test_a_request_says_them_and_the_prompt_stays_the_artists() -> None:
    state = StudioState(prompt="a face", model="takes", add_ons=WORN)
    request = state.to_request(knobs_of(TAKES, Mode.TEXT_TO_IMAGE))
    assert (request.loras, request.prompt) == (WORN.loras, "a face")
    assert AddOns.of(request) == WORN
    assert state.to_request(knobs_of(REFUSES, Mode.TEXT_TO_IMAGE)).loras == ()


def test_another_tools_loras_replace_those_chosen_and_nothing_said_keeps_them() -> None:
    taken = WORN.taken({"loras": [{"id": "oil", "weight": 1.5}]})
    assert taken.loras == (Lora(id="oil", weight=1.5),)
    assert WORN.taken({"prompt": "x"}) == WORN


@pytest.mark.parametrize("broken", [{"loras": [{"id": "x", "weight": 9}]}, "x", {"loras": 3}])
def test_a_browsers_nonsense_chooses_nothing(broken: object) -> None:
    state = StudioState.read({"prompt": "kept", "add_ons": broken})
    assert (state.add_ons, state.prompt) == (NO_ADD_ONS, "kept")


def test_the_state_goes_to_the_page_and_back() -> None:
    state = StudioState(add_ons=WORN)
    assert StudioState.read(state.values()) == state
    assert GenerationRequest(loras=WORN.loras).loras == WORN.loras
