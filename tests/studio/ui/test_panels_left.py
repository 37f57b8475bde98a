"""The page as it is sent: the ids that scripts rely on, help on every knob, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from studio.jobs import JobQueue
from studio.service import StudioService
from studio.ui.app import PAGE_OPTIONS, SECTIONS, build_page
from tests.studio.fixtures import open_durable

IDS = {
    "references",
    "prompt",
    "assistant",
    "model-select",
    "additional-settings",
    "guidance",
    "steps",
    "seed",
    "influence",
    "negative-prompt",
    "aspect-ratio",
    "num-images",
    "generate",
    "queue",
    "preview",
    "gallery",
}
KNOBS = ("guidance", "steps", "seed", "influence", "negative-prompt", "aspect-ratio", "num-images")


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    with open_durable(tmp_path_factory.mktemp("page")) as durable:
        service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
        page = build_page(service, durable.settings)
        yield {
            str(component["props"].get("elem_id")): component["props"]
            for component in page.get_config_file()["components"]
        }


def test_the_ids_scripts_rely_on_are_there(components: dict[str, dict[str, Any]]) -> None:
    assert set(components) >= IDS
    assert set(components) >= {f"panel-{section}" for section in SECTIONS}


def test_every_knob_has_one_sentence_of_help(components: dict[str, dict[str, Any]]) -> None:
    for knob in KNOBS:
        assert re.fullmatch(r"[^.]+(\.[^.]+)*\.", components[knob]["info"]), knob


def test_the_knobs_start_with_the_studios_defaults(components: dict[str, dict[str, Any]]) -> None:
    values = {knob: components[knob]["value"] for knob in KNOBS if knob != "negative-prompt"}
    assert values == {
        "guidance": 3.5,
        "steps": 20,
        "seed": "-1",
        "influence": 25,
        "aspect-ratio": "1:1",
        "num-images": 1,
    }


def test_the_page_loads_nothing_from_elsewhere() -> None:
    links = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", PAGE_OPTIONS["head"])
    assert set(links) <= {"http://www.w3.org"}
    assert "</script" not in re.sub(r"</script>\n?(?=<|$)", "", PAGE_OPTIONS["head"])
    assert not [font for font in PAGE_OPTIONS["theme"]._stylesheets if "http" in font]
