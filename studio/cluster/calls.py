"""The few calls of Ray that are used. For the Ray process."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def _ray() -> Any:
    """Ray itself, whose types say less than nothing to a checker."""
    return importlib.import_module("ray")


def join(**options: Any) -> str:
    """Become part of a cluster; its address. Raises ConnectionError, RuntimeError, ValueError, OSError."""
    _ray().init(logging_level="warning", log_to_driver=True, **options)
    return str(_ray().get_runtime_context().gcs_address)


def leave() -> None:
    """End all actors of this process, and the cluster where it has started one."""
    _ray().shutdown()


def nodes() -> list[Mapping[str, Any]]:
    """All nodes that the head knows, also those that are gone. May raise whatever Ray raises."""
    return _ray().nodes()


def answer(asked: Any, timeout: float | None = None) -> Any:
    """What was asked for, once it is there. Raises RayError, and what the other side raised."""
    return _ray().get(asked, timeout=timeout)


def is_there(asked: Any, timeout: float) -> bool:
    """Whether there is an answer within so many seconds."""
    ready, _ = _ray().wait([asked], timeout=timeout)
    return bool(ready)


def task(function: Any, options: Mapping[str, Any]) -> Any:
    """What the function will have returned, once it has run where the options say."""
    return _ray().remote(max_retries=0, **options)(function).remote()


def actor(kind: type, options: Mapping[str, Any], *arguments: Any) -> Any:
    """An actor that is being made."""
    return _ray().remote(kind).options(max_restarts=0, **options).remote(*arguments)


def end_actor(handle: Any) -> None:
    """Kill it, where it is still there."""
    from ray.exceptions import RayError

    with contextlib.suppress(RayError, ValueError):
        _ray().kill(handle)


def send_itself(module: ModuleType) -> None:
    """Send what functions of the module are, not their names: the other side may not have it."""
    importlib.import_module("ray.cloudpickle").register_pickle_by_value(module)


def reason(error: Exception) -> str:
    """What an error of Ray comes down to, on one line without its end."""
    from ray.exceptions import ActorDiedError, ActorUnavailableError

    if isinstance(error, ActorUnavailableError):
        return "its machine does not answer any more"
    if isinstance(error, ActorDiedError) and "ValueError: " not in str(error):
        return "what runs there for the studio has ended"
    cause = getattr(error, "cause", None)
    text = str(cause) if isinstance(cause, Exception) else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return last.removeprefix("ValueError: ").rstrip(".")
