from __future__ import annotations

import inspect
import json

import diffusers
import pytest

from pipelines.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.registry import FAMILIES, resolve
from pipelines.request import Mode, Role
from pipelines.route import Route

ROUTES = [(family, mode) for family, table in FAMILIES.items() for mode in table.routes]


@pytest.mark.parametrize(("family", "mode"), ROUTES)
def test_every_argument_of_a_route_exists_in_the_installed_class(family: str, mode: Mode) -> None:
    route = FAMILIES[family].routes[mode]
    for name in route.pipelines:
        known = inspect.signature(getattr(diffusers, name).__call__).parameters
        assert {"num_inference_steps", "generator", "output_type", "prompt_embeds"} <= set(known)
        assert route.guidance_arg in known
        assert route.reference_arg is None or route.reference_arg in known
        assert not route.negative_prompt or "negative_prompt_embeds" in known
        assert not route.step_callback or "callback_on_step_end" in known
    last = inspect.signature(getattr(diffusers, route.pipelines[-1]).__call__).parameters
    assert not route.strength or "strength" in last
    assert not route.control_kinds or {"control_guidance_start", "controlnet_conditioning_scale"} <= set(last)


@pytest.mark.parametrize(("family", "mode"), ROUTES)
def test_a_route_is_consistent(family: str, mode: Mode) -> None:
    route = FAMILIES[family].routes[mode]
    assert route.min_references <= route.max_references <= 10
    assert bool(route.roles) == bool(route.max_references)
    assert not route.strength or route.strength_role in route.roles
    assert json.loads(json.dumps(route.limits)) == route.limits


def test_a_mode_the_entry_lacks_is_refused_with_what_it_can(catalog: Catalog) -> None:
    with pytest.raises(RequestError, match="Text to Image, Img2Img"):
        resolve(catalog.get("tiny-plain"), Mode.CONTROLNET)


def test_strength_shows_only_beside_a_picture_to_start_from() -> None:
    route = FAMILIES["stable-diffusion"].routes[Mode.CONTROLNET]
    assert "strength" in route.fields_for({Role.STRUCTURE, Role.SOURCE})
    assert "strength" not in route.fields_for({Role.STRUCTURE})
    assert "control" in route.fields_for({Role.STRUCTURE})


def test_knobs_start_with_the_models_own_values() -> None:
    route = Route(
        pipeline="StableDiffusionPipeline", guidance_arg=None, defaults=(("num_inference_steps", 8),)
    )
    assert route.knobs == {"num_inference_steps": 8}
