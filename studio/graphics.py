"""Which graphics card this machine has, told from its files: asks no driver, loads no torch.

Only cards that PyTorch computes on count: NVIDIA, AMD and Apple silicon. Standard library only, for the
bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Maker = Literal["NVIDIA", "AMD", "Apple"]
_VENDORS: dict[str, Maker] = {"0x10de": "NVIDIA", "0x1002": "AMD"}
_DISPLAY = "0x03"
"""PCI class of a graphics card, its first byte."""
_WINDOWS_DRIVERS: tuple[tuple[str, Maker], ...] = (("nvcuda.dll", "NVIDIA"), ("amdhip64*.dll", "AMD"))


@dataclass(frozen=True, slots=True)
class GraphicsCard:
    """A graphics card; `name` is what its driver calls it, None where it does not say."""

    maker: Maker
    name: str | None = None

    def __str__(self) -> str:
        return self.name or f"{self.maker} graphics card"


def find(system: str = sys.platform, root: Path = Path("/")) -> GraphicsCard | None:
    """The card of this machine, an NVIDIA one before others; None where there is none of use."""
    if system == "win32":
        return _on_windows(os.environ)
    if system == "darwin":
        return GraphicsCard("Apple", "Apple graphics processor") if platform.machine() == "arm64" else None
    return _of_driver(root / "proc/driver/nvidia/gpus") or _of_bus(root / "sys/bus/pci/devices")


def _on_windows(environment: Mapping[str, str]) -> GraphicsCard | None:
    """By the driver's libraries: the registry and the management service are slower to ask."""
    folder = Path(environment.get("SystemRoot", r"C:\Windows")) / "System32"
    found = (GraphicsCard(maker) for pattern, maker in _WINDOWS_DRIVERS if any(folder.glob(pattern)))
    return next(found, None)


def _of_driver(folder: Path) -> GraphicsCard | None:
    for information in folder.glob("*/information"):
        named = re.search(r"^Model:\s*(.+?)\s*$", _text(information), re.MULTILINE)
        return GraphicsCard("NVIDIA", named[1] if named else None)
    return None


def _of_bus(folder: Path) -> GraphicsCard | None:
    makers = set(_makers(folder.glob("*")))
    return next((GraphicsCard(maker) for maker in _VENDORS.values() if maker in makers), None)


def _makers(devices: Iterable[Path]) -> Iterable[Maker]:
    for device in devices:
        maker = _VENDORS.get(_text(device / "vendor").strip())
        if maker and _text(device / "class").startswith(_DISPLAY):
            yield maker


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
