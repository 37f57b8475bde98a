"""Makes Gradio cheap: call `prepare` before the first import of it, and `calm` with the page.

Measured, two thirds of that import is work a running studio has no use for: Gradio writes type
stubs (.pyi) for every component class anew, and loads pandas for data frames. The stubs are part of
its wheel already; pandas is loaded when something first touches it. Nothing Gradio does at run time
changes, and where Gradio's insides have moved on, this does nothing. Does not import gradio itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from pipelines.late_modules import import_when_used

_STUB_WRITER = "gradio.component_meta"
_LOOK_SECONDS = 0.02
"""How often Gradio looks whether the page has called: nobody notices so short a wait."""


def prepare() -> None:
    """Skip the stubs, and put off pandas. Safe to call twice."""
    skip_stubs()
    import_when_used("pandas")


def calm(page: Any) -> None:
    """Let the page's queue look for calls fifty times a second, not a thousand.

    Looking each millisecond costs a studio with nothing to do one twentieth of a core.
    """
    with suppress(AttributeError):
        queue = page._queue
        queue.sleep_when_free = max(queue.sleep_when_free, _LOOK_SECONDS)


def skip_stubs() -> None:
    """Let Gradio write no type stubs: type checkers would read those in place of our own components."""
    if _STUB_WRITER not in sys.modules and not any(isinstance(f, _StublessFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, _StublessFinder())


class _StublessFinder(MetaPathFinder):
    """Finds one module only, and lets it load without its stub writer."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _STUB_WRITER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _StublessLoader(fullname, spec.loader.path)
        return spec


class _StublessLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if hasattr(module, "create_or_modify_pyi"):
            module.create_or_modify_pyi = _write_no_stub  # pyright: ignore[reportAttributeAccessIssue]


def _write_no_stub(component_class: type, class_name: str, events: list[object]) -> None:
    """Stands in for Gradio's stub writer."""
