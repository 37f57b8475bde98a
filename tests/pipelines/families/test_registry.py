from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping

import pytest
from diffusers.loaders.lora_base import LoraBaseMixin

from pipelines.catalog.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.families.limits import Limits
from pipelines.families.registry import FAMILIES, resolve
from pipelines.families.route import STUDIO_DEFAULTS, Route
from pipelines.request import Mode, Role
from pipelines.running.families.modular import pipeline_class


def _checkpoints(family: str) -> list[Mapping[Mode, Route]]:
    """All tables of a family: one, or one for each checkpoint it knows."""
    module = importlib.import_module(f"pipelines.families.{family.replace('-', '_')}")
    return list(getattr(module, "CHECKPOINTS", {"only": FAMILIES[family].routes}).values())


ROUTES = [
    pytest.param(route, id=f"{family}-{number}-{mode.value}")
    for family in FAMILIES
    for number, table in enumerate(_checkpoints(family))
    for mode, route in table.items()
]
"""Also of enlargers, which run no class of diffusers."""
DRAWN = [each for each in ROUTES if each.values[0].draws]


@pytest.mark.parametrize("route", DRAWN)
def test_every_argument_of_a_route_exists_in_the_installed_class(route: Route) -> None:
    for name in route.pipelines:
        known = set(inspect.signature(pipeline_class(name).__call__).parameters)
        assert {"num_inference_steps", "generator", "output_type", "prompt_embeds"} <= known
        assert route.loras == issubclass(pipeline_class(name), LoraBaseMixin)
        assert route.guidance_arg is None or route.guidance_arg in known
        assert route.mask_arg is None or route.mask_arg in known
        assert not route.negative_prompt or "negative_prompt_embeds" in known
        assert not route.step_callback or "callback_on_step_end" in known
        assert not route.control_kinds or route.mask_arg or "controlnet_conditioning_scale" in known
        assert not (route.control_kinds and route.control_timing and not route.mask_arg) or (
            {"control_guidance_start", "control_guidance_end"} <= known
        )
    last = set(inspect.signature(pipeline_class(route.pipelines[-1]).__call__).parameters)
    assert route.reference_arg is None or route.reference_arg in last
    assert not route.strength or "strength" in last


@pytest.mark.parametrize("route", DRAWN)
def test_a_class_that_takes_what_a_route_hides_would_be_a_knob_lost(route: Route) -> None:
    known = set(inspect.signature(pipeline_class(route.pipeline).__call__).parameters)
    if "strength" in known:
        assert route.strength or route.extends  # what is added is wholly new
    if "mask_image" in known:
        assert route.mask_arg or route.pipeline == "Flux2KleinInpaintPipeline"
    if route.step_callback is False:
        assert "callback_on_step_end" not in known


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_is_consistent(route: Route) -> None:
    assert route.min_references <= route.max_references <= 10
    assert bool(route.roles) == bool(route.max_references)
    assert not route.strength or route.strength_role in route.roles
    assert bool(route.strength) == bool(route.strength_rounding)
    assert (Role.MASK in route.roles) == bool(route.mask_arg and not route.extends)
    assert route.wording is None or not route.reference_weights
    low, high = route.guidance_range
    assert low <= float({**STUDIO_DEFAULTS, **route.default}["guidance_scale"]) <= high
    low, high = route.steps_range
    assert low <= {**STUDIO_DEFAULTS, **route.default}["num_inference_steps"] <= high
    assert Limits.model_validate_json(route.limits.model_dump_json()) == route.limits


def test_a_mode_the_entry_lacks_is_refused_with_what_it_can(catalog: Catalog) -> None:
    with pytest.raises(RequestError, match="Text to Image, Img2Img"):
        resolve(catalog.get("tiny-plain"), Mode.CONTROLNET)


def test_knobs_start_with_the_models_own_values() -> None:
    route = Route(
        pipeline="StableDiffusionPipeline", guidance_arg=None, defaults=(("num_inference_steps", 8),)
    )
    assert route.knobs == {"num_inference_steps": 8, "finish": 1}


def test_every_family_has_what_runs_it() -> None:
    from pipelines.running.families import MODULES
    from pipelines.running.families import __name__ as package

    assert MODULES.keys() == FAMILIES.keys()
    for module in MODULES.values():
        assert callable(importlib.import_module(f"{package}.{module}").load)
