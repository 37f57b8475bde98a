"""Finding the graphics card, on file trees as the drivers and the systems lay them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import graphics
from studio.graphics import GraphicsCard


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def device(root: Path, slot: str, vendor: str, kind: str) -> None:
    put(root / "sys/bus/pci/devices" / slot / "vendor", f"{vendor}\n")
    put(root / "sys/bus/pci/devices" / slot / "class", f"{kind}\n")


def test_the_driver_tells_the_name(tmp_path: Path) -> None:
    information = "Model: \t\t NVIDIA GeForce RTX 4070\nIRQ:   \t\t 134\n"
    put(tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information", information)
    assert graphics.find("linux", tmp_path) == GraphicsCard("NVIDIA", "NVIDIA GeForce RTX 4070")


def test_without_a_driver_the_bus_tells_the_maker(tmp_path: Path) -> None:
    device(tmp_path, "0000:00:01.0", "0x1002", "0x030000")
    device(tmp_path, "0000:01:00.0", "0x10de", "0x030200")
    assert graphics.find("linux", tmp_path) == GraphicsCard("NVIDIA")
    assert str(GraphicsCard("NVIDIA")) == "NVIDIA graphics card"


@pytest.mark.parametrize(("vendor", "kind"), [("0x10de", "0x040300"), ("0x1234", "0x030000")])
def test_sound_of_a_maker_and_cards_of_others_are_no_cards(tmp_path: Path, vendor: str, kind: str) -> None:
    device(tmp_path, "0000:01:00.1", vendor, kind)
    assert graphics.find("linux", tmp_path) is None


def test_no_devices_at_all(tmp_path: Path) -> None:
    assert graphics.find("linux", tmp_path) is None


@pytest.mark.parametrize(
    ("library", "card"),
    [("nvcuda.dll", GraphicsCard("NVIDIA")), ("amdhip64_6.dll", GraphicsCard("AMD")), ("opengl32.dll", None)],
)
def test_windows_by_the_libraries_of_the_driver(
    tmp_path: Path, library: str, card: GraphicsCard | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "System32" / library, "")
    monkeypatch.setenv("SystemRoot", str(tmp_path))
    assert graphics.find("win32") == card


@pytest.mark.parametrize(("machine", "is_there"), [("arm64", True), ("x86_64", False)])
def test_apple_silicon_has_one(machine: str, is_there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert (graphics.find("darwin") is not None) == is_there
