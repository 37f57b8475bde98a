"""`doctor`: what works on this machine, line by line, and what would stop the studio.

Looks and never changes anything but a data folder that does not exist yet. torch is asked in a
process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import psutil

from pipelines.catalog.catalog import load_catalog
from pipelines.catalog.ids import readable
from pipelines.errors import CatalogError, StorageFailure
from studio import __version__, graphics
from studio.collection.maintenance import verify
from studio.door.keys import KeyFile
from studio.door.opening import is_given, reaches_others
from studio.durable import open_to_others
from studio.models.roots import held
from studio.settings import PROGRAM, REINSTALL, ROOT, Settings
from studio.startup import (
    StartError,
    bind,
    check_engine,
    has_room_for_names,
    is_writable,
    long_path_words,
)

_GIB = 2**30
_LOW_DISK_BYTES = 2 * _GIB
_PROBE_SECONDS = 120
_LIBRARIES = ("torch", "diffusers", "transformers", "gradio", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `fail`: the studio could not run."""

    level: Literal["ok", "note", "fail"]
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.level:<5} {self.subject:<12} {self.words}"


Examination = Callable[[Settings], Iterable[Finding]]


def examine(settings: Settings) -> tuple[Finding, ...]:
    """All findings, in the order in which a start would meet them."""
    parts: tuple[Examination, ...] = (
        _software,
        _device,
        _engine,
        _memory,
        _data_folder,
        _collection,
        _port,
        _door,
        _models,
    )
    return tuple(finding for part in parts for finding in part(settings))


def can_run(findings: Iterable[Finding]) -> bool:
    """Whether nothing found would stop the studio."""
    return all(finding.level != "fail" for finding in findings)


def _software(_: Settings) -> Iterable[Finding]:
    yield Finding("ok", "Likeness", f"{__version__}, Python {sys.version.split()[0]}")
    for library in _LIBRARIES:
        try:
            build = f", built for {torch_build()}" if library == "torch" else ""
            yield Finding("ok", library, version(library) + build)
        except PackageNotFoundError:
            yield Finding("fail", library, f"is not installed. Run: {REINSTALL}")


def _device(settings: Settings) -> Iterable[Finding]:
    command = [sys.executable, "-m", "pipelines.memory.probe", settings.device, settings.precision]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True, cwd=ROOT
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        yield Finding("fail", "device", f"PyTorch cannot be loaded: {_last_line(error)}")
        return
    if "problem" in found:
        yield Finding("fail", "device", f"{found['device']} cannot be used: {found['problem']}")
        return
    memory = f", {found['memory_mb'] / 1024:.1f} GiB of memory" if found["memory_mb"] else ""
    yield Finding("ok", "device", f"{found['device']} ({found['name']}{memory}), {found['dtype']}")
    if found["device"] == "cpu" and settings.device == "auto":
        yield Finding("note", "device", unused_card_words(graphics.find(), torch_build(), sys.platform))


def torch_build() -> str:
    """What the installed PyTorch computes on: 'CUDA 13.0', 'ROCm 7.1' or 'the processor'; loads no torch."""
    place = importlib.util.find_spec("torch")
    if place is None or place.origin is None:
        return "the processor"
    text = Path(place.origin).with_name("version.py").read_text(encoding="utf-8")
    for kind, name in (("cuda", "CUDA"), ("hip", "ROCm")):
        if found := re.search(rf"^{kind}\b[^=]*= '([\d.]+)", text, re.MULTILINE):
            return f"{name} {found[1]}"
    return "the processor and Apple graphics" if sys.platform == "darwin" else "the processor"


def unused_card_words(card: graphics.GraphicsCard | None, build: str, system: str) -> str:
    """Why pictures are made on the processor, and what to do where there is a card for it."""
    if card is None:
        return "No graphics card found; only small models are quick enough."
    here = f"This computer has a graphics card ({card}), but"
    if card.maker == "Apple":
        return f"{here} PyTorch cannot use it. macOS 14 or newer is needed."
    if build != "the processor":
        return f"{here} PyTorch ({build}) cannot reach it. Install or update the driver of the card."
    if card.maker == "AMD" and system == "win32":
        return f"{here} this PyTorch is built for the processor only, and there is none for it on Windows."
    return f"{here} this PyTorch is built for the processor only. Run: {_right_torch()}"


def _right_torch() -> str:
    python = sys.executable
    uv = f"{python} -m uv pip install --python {python} --torch-backend=auto --reinstall-package torch"
    return f"{python} -m pip install uv && {uv} torch=={version('torch').partition('+')[0]}"


def _last_line(error: Exception) -> str:
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _engine(settings: Settings) -> Iterable[Finding]:
    """Said only where it is not the usual one."""
    if settings.engine != "ray":
        return
    try:
        check_engine(settings)
    except StartError as error:
        yield Finding("fail", "engine", str(error))
        return
    yield Finding("ok", "engine", f"Ray {version('ray')}, cluster: {settings.ray_address}")


def _memory(_: Settings) -> Iterable[Finding]:
    total = psutil.virtual_memory().total / _GIB
    yield Finding("ok", "memory", f"{total:.1f} GiB, {os.cpu_count()} processor cores")


def _data_folder(settings: Settings) -> Iterable[Finding]:
    folder = settings.data_dir
    if not is_writable(folder):
        yield Finding("fail", "data folder", f"{folder} cannot be written. Choose another with --data-dir.")
        return
    if folder.exists() and not has_room_for_names(folder):
        yield Finding("fail", "data folder", long_path_words(folder))
        return
    existing = folder
    while not existing.exists():
        existing = existing.absolute().parent
    free = shutil.disk_usage(existing).free
    level = "ok" if free > _LOW_DISK_BYTES else "note"
    state = "" if folder.exists() else " (made at the first start)"
    yield Finding(level, "data folder", f"{folder}{state}, {free / _GIB:.1f} GiB free")
    if open_to_others(folder):
        words = f"{folder} can be read by everybody who uses this machine. To close it: chmod 700 {folder}"
        yield Finding("note", "data folder", words)


def _collection(settings: Settings) -> Iterable[Finding]:
    try:
        report = verify(settings)
    except StorageFailure as error:
        yield Finding("fail", "collection", error.detail)
        return
    level = "ok" if report.healthy else "note"
    for line in report.lines():
        yield Finding(level, "collection", line)


def _port(settings: Settings) -> Iterable[Finding]:
    try:
        bind(settings).close()
    except StartError as error:
        yield Finding("note", "port", str(error))
        return
    yield Finding("ok", "port", f"{settings.port} on {settings.host} is free")


def _door(settings: Settings) -> Iterable[Finding]:
    if settings.open_to_everyone or not (reaches_others(settings) or is_given(settings)):
        words = (
            "open to everyone who reaches it"
            if settings.open_to_everyone
            else "this computer alone, no password"
        )
        yield Finding("note" if settings.open_to_everyone else "ok", "door", words)
        return
    try:
        keys = KeyFile(settings.door).keys()
    except StartError as error:
        yield Finding("fail", "door", str(error))
        return
    known = keys.password is not None or is_given(settings)
    asked = "" if known else f" is chosen at the first start, or with: {PROGRAM} password"
    yield Finding("ok", "door", f"a password{asked}; {len(keys.tokens)} tokens for scripts")


def _models(settings: Settings) -> Iterable[Finding]:
    try:
        catalog = load_catalog(settings.models, settings.models_dir, settings.root_paths, remembers=False)
    except CatalogError as error:
        yield Finding("fail", "models", str(error))
        return
    specs = [spec for spec in catalog.specs if catalog.root_of(spec) is None]
    states = {spec.label: catalog.availability(spec) for spec in specs}
    for label, state in states.items():
        yield Finding("ok" if state == "ready" else "note", "model", f"{label}: {state}")
    for refused in catalog.dropped.unusable:
        yield Finding("note", "models folder", f"{readable(refused.path.name)}: {refused.reason}")
    for root in catalog.roots:
        words = root.words or f"{root.path}{f' ({root.tool})' if root.tool else ''}: {held(root.found)}"
        yield Finding("ok" if root.state == "ready" else "note", "model root", words)
    if not {"ready", "downloadable"} & set(states.values()):
        yield Finding("fail", "models", f"None of the models in {settings.models} is on this machine.")
