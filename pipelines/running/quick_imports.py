"""Makes `import diffusers` and `import transformers` cheap: call `prepare` before the first import of either.

Profiled (`python -X importtime`), a third of what a worker does until it can make its first picture was
importing what it does not use: torch's compiler, because diffusers marks some blocks for it; scipy's
statistics, integration and optimisation, for three schedulers and one family of losses. Each is loaded when
it is first used, and what was marked before is marked then.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pipelines.late_modules import LateModule, import_when_used, load

_COMPILER = "torch._dynamo"
_TUNERS = "peft.tuners.tuners_utils"
_TRACED = f"{_COMPILER}._trace_wrapped_higher_order_op"


def prepare() -> None:
    """Put off the compiler and parts of scipy. Safe to call twice; imports torch."""
    compiler = _Compiler()
    import_when_used(_COMPILER, compiler.stand_ins(), compiler.take_over)
    import_when_used(_TRACED, {"TransformGetItemToIndex": _transform_get_item_to_index})
    import torch.distributed

    torch.distributed.is_available = _one_process_only
    import_when_used("peft", _late_class("peft", "PeftModel"))
    import_when_used("peft.tuners")
    import_when_used("peft.helpers", {"disable_input_dtype_casting": _disable_input_dtype_casting})
    import_when_used(_TUNERS, _late_class(_TUNERS, "BaseTunerLayer"))
    import_when_used("scipy.stats")
    import_when_used("scipy.integrate")
    import_when_used("scipy.optimize", {"linear_sum_assignment": _linear_sum_assignment})


def _linear_sum_assignment(*arguments: Any, **settings: Any) -> Any:
    load(sys.modules["scipy.optimize"])
    return sys.modules["scipy.optimize"].linear_sum_assignment(*arguments, **settings)


def _transform_get_item_to_index() -> Any:
    load(sys.modules[_COMPILER])
    return importlib.import_module(_TRACED).TransformGetItemToIndex()


def _one_process_only() -> bool:
    """As PyTorch says it where it is built without this part, which is a tenth of all imports."""
    return False


def _disable_input_dtype_casting(*arguments: Any, **settings: Any) -> Any:
    load(sys.modules["peft"])
    return importlib.import_module("peft.helpers").disable_input_dtype_casting(*arguments, **settings)


class _LateClass(type):
    """A class in name only: nothing is an instance of it before its module is there."""

    module: str

    def __instancecheck__(cls, thing: object) -> bool:
        loaded = sys.modules.get(cls.module)
        known = loaded is not None and type(loaded) is not LateModule
        return known and isinstance(thing, getattr(loaded, cls.__name__))


def _late_class(module: str, name: str) -> dict[str, type]:
    return {name: _LateClass(name, (), {"module": module})}


class _Compiler:
    """What is said to torch's compiler before it is there, and passed on when it comes."""

    def __init__(self) -> None:
        self._marked: list[tuple[str, Any]] = []
        self._disabled: list[Callable[[ModuleType], None]] = []

    def stand_ins(self) -> dict[str, object]:
        """Names of `torch._dynamo` that ask for nothing to be compiled."""
        marks = ("allow_in_graph", "assume_constant_result")
        return {
            **{name: functools.partial(self._mark, name) for name in marks},
            "disable": self._disable,
            "eval_frame": _EvalFrame(),
        }

    def take_over(self, compiler: ModuleType) -> None:
        """The compiler is there: it learns what was marked before."""
        for name, marked in self._marked:
            getattr(compiler, name)(marked)
        for pass_on in self._disabled:
            pass_on(compiler)

    def _mark(self, name: str, marked: Any) -> Any:
        self._marked.append((name, marked))
        return marked

    def _disable(self, function: Any = None, *arguments: Any, **settings: Any) -> Any:
        """While nothing can be compiled, a function that must not be is itself."""
        if function is None:
            return functools.partial(self._disable, **settings)
        run = function

        def pass_on(compiler: ModuleType) -> None:
            nonlocal run
            run = compiler.disable(function, *arguments, **settings)

        @functools.wraps(function)
        def disabled(*given: Any, **named: Any) -> Any:
            return run(*given, **named)

        self._disabled.append(pass_on)
        return disabled


class _EvalFrame:
    """`torch._dynamo.eval_frame`, asked whether something is compiled: not while there is no compiler."""

    class OptimizedModule:
        """Nothing is one of these."""

    def __getattr__(self, name: str) -> Any:
        load(sys.modules[_COMPILER])
        return getattr(importlib.import_module(f"{_COMPILER}.eval_frame"), name)
