"""The page: header and sections, put together from panels; `wiring` binds their events.

Knows the panels' order. Nothing is asked of the service until a browser comes.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.service import StudioService
from studio.settings import Settings
from studio.ui.cast import bind_cast
from studio.ui.characters import create_characters
from studio.ui.coach import bind_coach
from studio.ui.controls import Controls
from studio.ui.page_files import PAGE_FILES
from studio.ui.panels.collection import create_collection
from studio.ui.panels.generate import GeneratePanel, create_generate
from studio.ui.panels.header import create_header
from studio.ui.panels.model import create_model
from studio.ui.panels.models import create_models
from studio.ui.panels.output import create_output
from studio.ui.panels.prompt import create_prompt
from studio.ui.panels.queue import create_queue
from studio.ui.panels.references import create_references
from studio.ui.panels.settings import create_settings
from studio.ui.presets import bind_presets
from studio.ui.theme import StudioTheme
from studio.ui.wiring import StudioHandlers, bind_studio

SECTIONS = {
    "studio": "Studio",
    "collection": "Collection",
    "characters": "Characters",
    "models": "Models",
    "queue": "Queue",
}
"""Sections by id: their buttons are `tab-…`, their contents `panel-…`."""


PAGE_OPTIONS: dict[str, Any] = {"theme": StudioTheme(), "head": PAGE_FILES.head()}
"""How the page is to be mounted, beside what the server decides."""


def build_page(service: StudioService, settings: Settings) -> gr.Blocks:
    """The whole page, ready to be mounted."""
    del settings  # everything the page needs to know of them comes through the service
    with gr.Blocks(title="Likeness", analytics_enabled=False, fill_width=True) as page:
        create_header(SECTIONS)
        with gr.Column(elem_id="panel-studio", elem_classes="lk-panel"), gr.Row(elem_id="studio-columns"):
            controls, generate = _settings_side()
            with gr.Column(elem_id="output-column"):
                create_output(service)
        with gr.Column(elem_id="panel-collection", elem_classes=["lk-panel", "lk-hidden"]):
            create_collection(service)
        with gr.Column(elem_id="panel-characters", elem_classes=["lk-panel", "lk-hidden"]):
            create_characters()
        with gr.Column(elem_id="panel-models", elem_classes=["lk-panel", "lk-hidden"]):
            create_models()
        with gr.Column(elem_id="panel-queue", elem_classes=["lk-panel", "lk-hidden"]):
            create_queue(service)
        handlers = StudioHandlers(service, controls)
        bind_studio(page, handlers, generate)
        bind_coach(handlers, generate.notices)
        bind_cast(handlers)
        bind_presets(handlers)
    return page


def _settings_side() -> tuple[Controls, GeneratePanel]:
    with gr.Column(elem_id="settings-column"):
        with gr.Column(elem_id="settings-scroll"):
            controls = Controls(create_references(), create_model(), create_prompt(), create_settings())
        return controls, create_generate()
