"""Small live texts as Gradio components: the header, notices before Generate, queue words, the last seed.

What they show comes from the queue's snapshot in the browser, the notices from Python.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class Header(PageComponent):
    """Name, sections, the worker's state, light and dark. `scene`: {sections: [id, words] of each}."""

    part = "header"
    root = "lk-header"


class Notices(PageComponent):
    """A list of quiet sentences; triggers `settled` with {previous_image} when they are to be said anew.

    `scene`: {request: what Generate would ask for, or null where the settings cannot be read; loras: those
    that the prompt calls up, each {tag, name or null, weight}; advice: what the coach says of the request}.
    """

    part = "notices"
    root = "lk-notices-root"
    tells = ("settled",)


class PromptTools(PageComponent):
    """The button of the presets, and a chip for each LoRA that the prompt calls up."""

    part = "promptTools"
    root = "lk-prompt-tools"


class GenerateStatus(PageComponent):
    """How many jobs run and wait, below the Generate button."""

    part = "generateStatus"
    root = "lk-generate-root"


class SweepButton(PageComponent):
    """Opens the dialog in which one or two settings take several values."""

    part = "sweepButton"
    root = "lk-sweep-root"


class SeedMemory(PageComponent):
    """The seed this tab used last; triggers `used` when the artist wants it back."""

    part = "seedMemory"
    root = "lk-seed-root"
    tells = ("used",)


class Disclosure(PageComponent):
    """A button that opens and closes a part of the page. `scene`: {target: its id, words}."""

    part = "disclosure"
    root = "lk-disclosure-root"
