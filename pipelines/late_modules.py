"""Modules that are imported in name only, until something in them is used. Imports nothing else.

Large packages import at their beginning what one program in a hundred uses. Where such a module is
announced here first (`import_when_used`), their `import` finds it, and its code runs when the first of
its names is asked for.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

Then = Callable[[ModuleType], object]
_LOADING = threading.RLock()
"""Held while the code of one of them runs."""


def import_when_used(
    name: str, stand_ins: Mapping[str, object] | None = None, then: Then | None = None
) -> None:
    """Put off the code of the module `name`; nothing happens where it is imported already, or not installed.

    `stand_ins`: names that may be asked for without that counting as use; the module's own take their
    place. `then` is called with the module once its code has run.
    """
    spec = None if name in sys.modules else _found(name)
    if spec is None or spec.loader is None:
        return
    module = LateModule(name, dict(stand_ins or {}), then)
    vars(module).update(__spec__=spec, __loader__=spec.loader, __file__=spec.origin, __package__=spec.parent)
    if spec.submodule_search_locations is not None:
        vars(module)["__path__"] = _LatePath(module)
    sys.modules[name] = module


def _found(name: str) -> ModuleSpec | None:
    """Where the module is, without using what it lies in."""
    parent = sys.modules.get(name.rpartition(".")[0])
    if type(parent) is not LateModule:
        return importlib.util.find_spec(name)
    assert parent.__spec__ is not None
    return PathFinder.find_spec(name, parent.__spec__.submodule_search_locations)


class LateModule(ModuleType):
    """A module whose code runs when the first of its names is asked for.

    `importlib.util.LazyLoader` does not help here: before Python 3.13 a plain `import` of the name
    already counts as use.
    """

    def __init__(self, name: str, stand_ins: dict[str, object], then: Then | None) -> None:
        super().__init__(name)
        vars(self).update(stand_ins, _stand_ins=tuple(stand_ins), _then=then)

    def __getattr__(self, name: str) -> object:
        if not name.startswith("__"):
            load(self)
        return ModuleType.__getattribute__(self, name)


class _LatePath(list[str]):
    """Where the submodules are, for `import`: looking for one of them counts as use."""

    def __init__(self, module: LateModule) -> None:
        super().__init__()
        self._module = module

    def __iter__(self) -> Iterator[str]:
        load(self._module)
        return iter(self._module.__path__)


def load(module: ModuleType) -> None:
    """Run its code now, unless that has been done or another thread has begun to."""
    with _LOADING:
        spec = module.__spec__
        if "_then" not in vars(module) or spec is None or spec.loader is None:
            return
        then: Then | None = vars(module).pop("_then")
        for inside in [key for key in sys.modules if key.startswith(f"{module.__name__}.")]:
            if type(sys.modules[inside]) is LateModule:  # its code wants the modules themselves
                del sys.modules[inside]
        for name in vars(module).pop("_stand_ins"):
            del vars(module)[name]
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        spec.loader.exec_module(module)
        module.__class__ = ModuleType
        if then is not None:
            then(module)
