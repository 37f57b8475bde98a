"""The table of settings against everything that is made from it: a row is all that a new setting needs.

REST, page, file, "Reuse settings" and "what changed" are walked over row by row. A number needs nothing here;
a setting of another kind needs an example.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import BaseModel

from pipelines.families.limits import ALWAYS, Limits
from pipelines.families.route import Route
from pipelines.families.setting import Choices, Compared, Setting, SettingControl, Slider, bounds
from pipelines.families.settings import BY_FIELD, CONTROLS, FIELD_OF, SETTINGS, heading
from pipelines.families.step_cache import StepCache
from pipelines.request import Control as ControlSettings
from pipelines.request import (
    ControlKind,
    Extend,
    Finish,
    FixFace,
    GenerationRequest,
    Keep,
    Lora,
    Mode,
    PicturePrompt,
    Reference,
    Role,
)
from studio.api import add_api
from studio.coach.facts import EXPERIMENT
from studio.collection.changes import compare
from studio.collection.metadata.likeness import Likeness, ModelMark
from studio.collection.metadata.png import encode, read_likeness
from studio.jobs import JobQueue
from studio.records import Category, ImageRecord
from studio.service import StudioService
from studio.ui.app import build_page
from studio.ui.controls import _options
from studio.ui.knobs import SettingRanges
from studio.ui.reuse import apply_record, apply_settings
from studio.ui.state import StudioState
from tests.studio.fixtures import noise, open_durable

REFERENCE = Reference(image_id="a", role=Role.SOURCE)
PLAIN: dict[str, Any] = {
    "mode": Mode.IMG2IMG, "model": "m", "prompt": "a knight", "seed": 5, "width": 64, "height": 64,
    "references": (REFERENCE,), "strength": 0.75, "control": ControlSettings(),
    "result_size": "source", "keep": Keep(), "finish": Finish(), "extend": Extend(right=16),
    "fix_face": FixFace(),
}  # fmt: skip
"""A complete request in which every setting is in use."""
EXAMPLES: dict[str, Any] = {
    "mode": Mode.STYLE_REFERENCE,
    "model": "other",
    "character": "ana",
    "references": (Reference(image_id="b", role=Role.SOURCE, weight=0.5),),
    "prompt": "a queen",
    "negative_prompt": "blurry",
    "seed": 2**60,
    "aspect_ratio": "5:4",
    "width": 640,
    "height": 512,
    "control": ControlSettings(kind=ControlKind.SOFT_EDGE, weight=0.7, start=0.1, end=0.8, network="n"),
    "loras": (Lora(id="oil", weight=0.5),),
    "finish": Finish(scale=2, upscaler="sharp"),
    "extend": Extend(left=64, bottom=32),
    "fit": "extend",
    "scale": 2,
    "upscaler": "sharp",
    "vae": "v",
    "ip_adapter": "i",
    "result_size": "model",
    "keep": Keep(enabled=False, tolerance=0.25),
    "fix_face": FixFace(under=96),
    "quick_draft": True,
    "drawn": (PicturePrompt(prompt="a drawn knight"),),
}
"""Another value for each setting that is no number."""
ALL_IN_USE = SettingRanges(limits=Limits(fields=tuple(BY_FIELD), control_kinds=tuple(ControlKind)))

each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.field)
each_control = pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda control: control.name)


def example(setting: Setting) -> Any:
    """A value that is neither in PLAIN nor a default."""
    if setting.field in EXAMPLES:
        return EXAMPLES[setting.field]
    low, high = bounds(GenerationRequest, setting.field)
    assert low is not None, f"{setting.field} is no number: give it an example"
    assert high is not None
    middle = low + (high - low) / 4
    default = GenerationRequest.model_fields[setting.field].default
    return round(middle) if isinstance(default, int) else middle


def request(setting: Setting) -> GenerationRequest:
    beside = {"scale": 4} if setting.field == "upscaler" else {}
    return GenerationRequest.model_validate(PLAIN | beside | {setting.field: example(setting)})


def test_every_field_of_a_request_has_its_row_and_every_row_its_field() -> None:
    assert sorted(setting.field for setting in SETTINGS) == sorted(GenerationRequest.model_fields)
    assert len(CONTROLS) == sum(len(setting.controls) for setting in SETTINGS)
    assert all(bool(setting.controls) != bool(setting.place) for setting in SETTINGS)


@each_setting
def test_the_examples_are_others(setting: Setting) -> None:
    assert request(setting) != GenerationRequest(**PLAIN)


# --- REST ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def api() -> FastAPI:
    app = FastAPI()
    add_api(app, MagicMock(), MagicMock(), MagicMock())
    return app


@each_setting
def test_rest_takes_it_and_says_what_is_wrong_under_its_name(setting: Setting, api: FastAPI) -> None:
    schemas = api.openapi()["components"]["schemas"]
    assert setting.field in schemas["GenerationRequest"]["properties"]
    part = isinstance(GenerationRequest(**PLAIN).model_dump()[setting.field], dict)
    wrong = "no such value" if part else {"no": "such value"}
    answer = TestClient(api).post("/api/v1/jobs", json={setting.field: wrong})
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["field"].split(".")[0] == setting.field
    assert problem["detail"].startswith(heading(setting.field)), problem["detail"]
    assert not re.search("[a-z][A-Z][a-z]", problem["detail"]), "a name of the code"


@each_control
def test_a_slider_offers_nothing_that_rest_would_refuse(control: SettingControl[Any]) -> None:
    if not isinstance(control.kind, Slider):
        return
    for value in control.kind.range(Limits()):
        GenerationRequest.model_validate(dict(control.ask(control.read(value))))


# --- the page -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    with open_durable(tmp_path_factory.mktemp("page")) as durable:
        service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
        config = build_page(service, durable.settings).get_config_file()
        yield {str(each["props"].get("elem_id")): each for each in config["components"]}


@each_setting
def test_the_page_has_a_place_for_it(setting: Setting, components: dict[str, dict[str, Any]]) -> None:
    for control in setting.controls:
        shown = components[control.elem_id]["props"]
        assert (shown["label"], shown["info"]) == (control.label, control.help)
        assert shown["value"] == control.plain(control.start)
        assert control.help.endswith(".")
    assert set(filter(None, (setting.place, setting.group))) <= set(components)


@each_control
def test_the_page_offers_what_the_model_allows(control: SettingControl[Any]) -> None:
    offered = _options(StudioState(), ALL_IN_USE).get(control.name, {})
    if isinstance(control.kind, Slider):
        assert (offered["minimum"], offered["maximum"]) == control.kind.range(ALL_IN_USE.limits)
    if isinstance(control.kind, Choices):
        assert set(control.kind.options(ALL_IN_USE.limits)) <= set(offered["choices"])


@each_control
def test_it_is_seen_and_asked_for_only_where_it_does_something(control: SettingControl[Any]) -> None:
    field = FIELD_OF[control.name]
    state = StudioState(mode=Mode.IMG2IMG, references=(REFERENCE,))
    without = SettingRanges(limits=Limits(fields=tuple(set(BY_FIELD) - {field})))
    assert not set(control.ask(control.start)) & state.to_request(without).model_fields_set
    if field not in ALWAYS and not BY_FIELD[field].group:
        assert _options(state, without)[control.name]["visible"] is False
        assert _options(state, ALL_IN_USE)[control.name]["visible"] is True


@each_control
def test_a_tab_remembers_it_and_forgets_nonsense(control: SettingControl[Any]) -> None:
    said = request(BY_FIELD[FIELD_OF[control.name]]).model_dump()
    state = StudioState().with_settings({control.name: control.standard(said)})
    assert state != StudioState()
    assert StudioState.read(state.values()) == state
    assert StudioState.read({control.name: {"no": "such value"}}) == StudioState()


# --- files, reuse, comparison -------------------------------------------------------------------


@each_setting
def test_the_file_keeps_it(setting: Setting, tmp_path: Path) -> None:
    made = request(setting)
    said = Likeness(
        software="Likeness", created_at=datetime(2026, 1, 1, tzinfo=UTC), category=Category.EDITED,
        pixel_sha256="p", job_id="j", batch_index=0, seed=made.seed,
        model=ModelMark(id="m", label="M"), request=made,
    )  # fmt: skip
    path = tmp_path / "a.png"
    path.write_bytes(encode(noise().tobytes(), 24, 16, said))
    again = read_likeness(path)
    assert again is not None
    assert getattr(again.request, setting.field) == example(setting)
    if setting.parameter:
        with Image.open(path) as image:
            assert f"{setting.parameter}: {example(setting)}" in image.info["parameters"]


def record(made: GenerationRequest) -> ImageRecord:
    return ImageRecord(
        id="made", sha256="0" * 64, pixel_sha256="0" * 64, width=64, height=64, size_bytes=1,
        category=Category.EDITED, label="M", created_at=datetime.now(UTC), request=made,
    )  # fmt: skip


@each_setting
def test_reuse_settings_asks_for_it_again(setting: Setting) -> None:
    made = request(setting)
    state = apply_record(StudioState(), record(made), {"a", "b"})
    again = state.to_request(ALL_IN_USE)
    if setting.field in ("width", "height"):
        assert (again.width, again.height) == (made.width, made.height)
        return
    if setting.derived:
        assert _plain(again, setting.field) == _plain(GenerationRequest(), setting.field)
        return
    assert _plain(again, setting.field) == _plain(made, setting.field)


def _plain(made: GenerationRequest, field: str) -> Any:
    """References by their picture, weight and acting role: a role that is the mode's own follows the mode."""
    if field != "references":
        return getattr(made, field)
    return [(each.image_id, each.weight, made.role_of(each)) for each in made.references]


@each_setting
def test_a_single_setting_is_taken_over_alone(setting: Setting) -> None:
    if not setting.controls:
        return
    value = example(setting)
    plain = value.model_dump() if isinstance(value, BaseModel) else value
    state = apply_settings(StudioState(), {setting.field: plain})
    names = {control.name for control in setting.controls}
    assert {n for n in CONTROLS if state.settings[n] != StudioState().settings[n]} == names


@each_setting
def test_what_changed_names_it(setting: Setting) -> None:
    made = request(setting)
    before = GenerationRequest(**PLAIN | {"scale": made.scale if setting.field == "upscaler" else None})
    found = compare(before, made)
    if setting.compared is Compared.NOT_AT_ALL:
        assert not found
    elif setting.compared is Compared.BY_VALUE:
        (change,) = found
        assert change.field == setting.field
        assert change.words.startswith(f"{setting.called} ")
    else:
        assert found or setting.field == "aspect_ratio"  # the size it comes to is compared


def test_the_coach_watches_what_artists_vary() -> None:
    assert set(EXPERIMENT) == {setting.field for setting in SETTINGS if setting.varied}


@each_setting
def test_a_route_says_whether_it_uses_it(setting: Setting) -> None:
    switches = {each.name: True for each in dataclasses.fields(Route) if each.type == "bool"}
    sourced: dict[str, Any] = {
        "max_references": 1,
        "roles": (Role.SOURCE,),
        "control_kinds": ("canny",),
        "step_cache": StepCache(),
    }
    everything = Route(
        pipeline="P", **sourced, **switches | {"enlarges": False, "extends": False, "patches": False}
    )
    extending = Route(pipeline="P", extends=True, **sourced)
    enlarging = Route(pipeline="P", enlarges=True)
    known = (
        everything.fields
        | enlarging.fields
        | extending.fields
        | {"mode", "model", "character", "width", "height"}
    )
    assert setting.field in known or setting.derived
