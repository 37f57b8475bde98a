"""Makes Gradio cheap: call `prepare` before the first import of it, and `calm` with the page.

Measured, two thirds of that import is work a running studio has no use for: Gradio writes type
stubs (.pyi) for every component class anew, loads pandas for data frames, and, where it is installed, the
SDK of MCP for a server of its own. The stubs are part of its wheel already; pandas is loaded when something
first touches it; the studio speaks MCP by itself (`studio/assistants`). Nothing Gradio does at run time
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
_OWN_SERVER = "gradio.mcp"
_SDK = "mcp"
_LOOK_SECONDS = 0.02
"""How often Gradio looks whether the page has called: nobody notices so short a wait."""


def prepare() -> None:
    """Skip the stubs and Gradio's own server, and put off pandas. Safe to call twice."""
    skip_stubs()
    _change(_OWN_SERVER, _ServerlessLoader)
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
    _change(_STUB_WRITER, _StublessLoader)


def _change(module: str, loader: type[SourceFileLoader]) -> None:
    """Let a module that is not there yet be loaded by another loader."""
    known = any(isinstance(each, _Finder) and each.module == module for each in sys.meta_path)
    if module not in sys.modules and not known:
        sys.meta_path.insert(0, _Finder(module, loader))


class _Finder(MetaPathFinder):
    """Finds one module only."""

    def __init__(self, module: str, loader: type[SourceFileLoader]) -> None:
        self.module = module
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = self._loader(fullname, spec.loader.path)
        return spec


class _ServerlessLoader(SourceFileLoader):
    """Lets Gradio find no SDK of MCP while it looks for one."""

    def exec_module(self, module: ModuleType) -> None:
        missing = _SDK not in sys.modules
        if missing:
            sys.modules[_SDK] = None  # type: ignore[assignment]  # Python's way to say that it is not there
        try:
            super().exec_module(module)
        finally:
            if missing:
                del sys.modules[_SDK]


class _StublessLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if hasattr(module, "create_or_modify_pyi"):
            module.create_or_modify_pyi = _write_no_stub  # pyright: ignore[reportAttributeAccessIssue]


def _write_no_stub(component_class: type, class_name: str, events: list[object]) -> None:
    """Stands in for Gradio's stub writer."""
