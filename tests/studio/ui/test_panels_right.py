from __future__ import annotations

from typing import Any, cast

import gradio as gr
import pytest

from studio.service import StudioService
from studio.ui.panels.collection import CollectionPanel, create_collection
from studio.ui.panels.output import OutputPanel, create_output
from studio.ui.panels.queue import QueuePanel, create_queue

NO_SERVICE = cast(StudioService, None)
"""The panels ask nothing of it: everything shown comes through REST."""


@pytest.fixture(scope="module")
def page() -> tuple[OutputPanel, CollectionPanel, QueuePanel, dict[str, Any]]:
    with gr.Blocks() as blocks:
        panels = create_output(NO_SERVICE), create_collection(NO_SERVICE), create_queue(NO_SERVICE)
    return *panels, blocks.get_config_file()


def _components(config: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {each["id"]: each["props"] for each in config["components"]}


def test_the_page_has_the_ids_that_scripts_rely_on(page: tuple[Any, ...]) -> None:
    ids = {props.get("elem_id") for props in _components(page[3]).values()}
    assert {"preview", "queue", "gallery", "collection", "queue-page"} <= ids


def test_no_picture_travels_through_gradio(page: tuple[Any, ...]) -> None:
    assert all(props.get("value") is None for props in _components(page[3]).values() if "value" in props)
