"""Makes `import gradio` cheap: call `prepare` before the first import of it.

Measured, two thirds of that import is work a running studio has no use for: Gradio writes type
stubs (.pyi) for every component class anew, and loads pandas for data frames. The stubs are part of
its wheel already; pandas is loaded when something first touches it. Nothing Gradio does at run time
changes, and where Gradio's insides have moved on, this does nothing. Does not import gradio itself.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_STUB_WRITER = "gradio.component_meta"


def prepare() -> None:
    """Skip the stubs, and put off pandas. Safe to call twice."""
    skip_stubs()
    _import_when_used("pandas")


def skip_stubs() -> None:
    """Let Gradio write no type stubs: type checkers would read those in place of our own components."""
    if _STUB_WRITER not in sys.modules and not any(isinstance(f, _StublessFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, _StublessFinder())


def _import_when_used(name: str) -> None:
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    vars(module).pop("__path__", None)  # so that importing a submodule counts as use
    module.__class__ = _LateModule
    sys.modules[name] = module


class _LateModule(ModuleType):
    """A module whose code runs when the first of its names is asked for.

    `importlib.util.LazyLoader` does not help here: before Python 3.13 a plain `import` of the name
    already counts as use.
    """

    _loading = threading.RLock()

    def __getattr__(self, name: str) -> object:
        is_probe = name.startswith("__") and name != "__path__"
        if not is_probe:
            with self._loading:
                _LateModule._load(
                    self
                )  # another thread may have done it meanwhile: then `self` is a plain module
        return ModuleType.__getattribute__(self, name)

    def _load(self) -> None:
        spec = self.__spec__
        if "__path__" in vars(self) or spec is None or spec.loader is None:
            return
        self.__path__ = spec.submodule_search_locations or []
        spec.loader.exec_module(self)
        object.__setattr__(self, "__class__", ModuleType)


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
