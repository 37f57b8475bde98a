"""The package as somebody installs it: a wheel in an environment of its own, far from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.settings import ROOT

SOURCES = (
    "studio",
    "pipelines",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "models.yaml",
    "presets.yaml",
)
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
START_SECONDS = 120


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout."""
    copy, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
        else:
            shutil.copy(place, copy)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(target), str(copy)]
    subprocess.run([*PIP, *build], check=True, timeout=170)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, which finds everything else where these tests find it."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    install = ["--python", str(home), "install", "--ignore-installed", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*PIP, *install], cwd=home, env=clean(), check=True, timeout=170)
    inside = sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)})
    beside = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (Path(inside) / "beside.pth").write_text("\n".join(beside), encoding="utf-8")
    return home


def likeness(home: Path, *arguments: str) -> list[str]:
    program = home / ("Scripts/likeness.exe" if os.name == "nt" else "bin/likeness")
    return [str(program), *arguments]


def shipped() -> set[str]:
    """Every file of the packages: code, the page, the bundled models, configurations."""
    files = (path for name in ("studio", "pipelines") for path in (ROOT / name).rglob("*") if path.is_file())
    kept = (path for path in files if path.suffix != ".pyi" and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in kept}


def test_the_wheel_has_every_file_of_the_packages_the_catalogue_the_presets_and_nothing_else(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name for name in names if ".dist-info/" not in name} == shipped() | {
        "studio/models.yaml",
        "studio/presets.yaml",
    }


@pytest.fixture
def served(home: Path, tmp_path: Path) -> Iterator[str]:
    """Address of the installed studio, started somewhere else."""
    with (tmp_path / "said").open("w+") as said:
        command = likeness(home, "--port", "0", "--data-dir", str(tmp_path / "data"), "--device", "cpu")
        studio = subprocess.Popen(command, cwd=tmp_path, stdout=said, stderr=subprocess.STDOUT, env=clean())
        try:
            yield wait_for_url(studio, tmp_path / "said")
        finally:
            studio.terminate()
            studio.wait(30)


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "HF_HUB_OFFLINE": "1"
    }


def wait_for_url(studio: subprocess.Popen[bytes], said: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and studio.poll() is None:
        if found := re.search(r"Likeness is ready at (\S+)", said.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(said.read_text())


def test_the_installed_studio_shows_its_page_and_has_its_model_and_presets(served: str) -> None:
    with urllib.request.urlopen(served, timeout=30) as page:
        assert b"Likeness" in page.read()
    with urllib.request.urlopen(f"{served}/api/v1/models", timeout=30) as models:
        assert b'"available":"ready"' in models.read()
    with urllib.request.urlopen(f"{served}/api/v1/presets", timeout=30) as answer:
        presets = json.load(answer)
    assert presets["faults"] == []
    assert any(item["says"] for item in presets["items"])


def test_its_words_name_the_installed_command(home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        likeness(home, "--help"), cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: likeness ")
