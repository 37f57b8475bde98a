"""`python3 app.py` on a machine that has nothing yet. .ci/run makes a whole environment with it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import pytest

import app
from studio import bootstrap
from studio.graphics import GraphicsCard

ROOT = bootstrap.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TESTS = PROJECT["optional-dependencies"]["test"]


class Machine:
    """Where nothing is installed: records what is run. `fails`: commands with this word end with code 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, venv: Path, *, inside: bool) -> None:
        self.commands: list[list[str]] = []
        self.became: list[str] = []
        self.lacks: set[str] = {"torch"}
        self.fails = ""
        self.arrives = True
        self._venv = venv
        monkeypatch.setattr(bootstrap, "VENV", venv)
        monkeypatch.setattr(bootstrap, "missing", lambda names: sorted(self.lacks & set(names)))
        monkeypatch.setattr(bootstrap, "_become", self._become)
        monkeypatch.setattr("studio.main.main", lambda arguments: 42)
        monkeypatch.setattr(subprocess, "run", self._run)
        prefix = str(venv) if inside else sys.base_prefix
        monkeypatch.setattr(sys, "prefix", prefix)

    def _become(self, command: list[str]) -> int:
        self.became = command
        return 7

    def _run(self, command: Sequence[str], **_: object) -> SimpleNamespace:
        self.commands.append(list(command))
        if self.fails and self.fails in command:
            return SimpleNamespace(returncode=1)
        if "venv" in command:
            python = self._venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
            python.parent.mkdir(parents=True)
            python.touch()
        elif self.arrives:
            self.lacks.clear()
        return SimpleNamespace(returncode=0)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path / ".venv", inside=False)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    (tmp_path / ".venv").mkdir()
    return Machine(monkeypatch, tmp_path / ".venv", inside=True)


def test_any_python_3_can_read_app_py() -> None:
    ast.parse((ROOT / "app.py").read_text(encoding="utf-8"), feature_version=(3, 4))


def test_a_python_that_is_too_old_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))
    assert app.main() == 2
    assert "needs Python 3.11 or newer; this is 3.9." in capsys.readouterr().err
    assert PROJECT["requires-python"] == ">=" + ".".join(map(str, app.NEEDED))


@pytest.mark.parametrize("extra", ["", "test"])
def test_what_is_looked_for_is_what_pyproject_asks_for(extra: str) -> None:
    known = packages_distributions()
    found = {known[name][0].lower().replace("_", "-") for name in bootstrap.imports(extra)}
    asked = PROJECT["dependencies"] + (TESTS if extra else [])
    assert found == {re.split(r"[\[<>=]", each)[0].lower() for each in asked}
    assert not bootstrap.missing(bootstrap.imports(extra))


def test_with_everything_there_nothing_is_made(outside: Machine) -> None:
    outside.lacks.clear()
    assert bootstrap.start(["doctor"]) == 42
    assert not outside.commands
    assert not bootstrap.VENV.exists()


def test_the_first_start_makes_an_environment_and_goes_on_in_it(outside: Machine) -> None:
    assert bootstrap.start(["--port", "0"]) == 7
    assert [command[1:3] for command in outside.commands] == [["-m", "venv"]]
    assert Path(outside.became[0]).is_relative_to(bootstrap.VENV)
    assert outside.became[1:] == [str(ROOT / "app.py"), "--port", "0"]
    outside.commands.clear()
    assert bootstrap.start(["--port", "0"]) == 7  # the next start goes there at once
    assert not outside.commands


def test_inside_it_the_packages_are_installed_once(
    inside: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.start([]) == 42
    assert [command[1:] for command in inside.commands] == [["-m", "pip", "install", "-e", "."]]
    told = capsys.readouterr()
    assert "installs its packages" in told.err
    assert told.out == ""
    assert bootstrap.start([]) == 42
    assert len(inside.commands) == 1


def test_the_tests_bring_their_own_packages_and_get_the_arguments(inside: Machine) -> None:
    inside.lacks = {"pytest"}
    assert bootstrap.start(["test", "-k", "door"]) == 7
    assert inside.commands[0][-2:] == ["-e", ".[test]"]
    assert inside.became == [sys.executable, "-m", "pytest", "-k", "door"]


def test_another_pyproject_is_installed_anew_and_what_it_says_elsewhere_is_not(inside: Machine) -> None:
    bootstrap.start([])
    stamp = bootstrap.VENV / "likeness-run.toml"
    stamp.write_text(stamp.read_text().replace("line-length = 110", "line-length = 99"))
    inside.commands.clear()
    assert bootstrap.start([]) == 42
    assert not inside.commands
    stamp.write_text(stamp.read_text().replace('"uvicorn', '"uvicorn2'))
    assert bootstrap.start([]) == 42
    assert len(inside.commands) == 1


def test_an_environment_the_person_filled_is_left_alone(inside: Machine) -> None:
    inside.lacks.clear()
    assert bootstrap.start([]) == 42
    assert not inside.commands


def test_an_installation_that_breaks_off_is_said_and_tried_again(
    inside: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    inside.fails = "install"
    assert bootstrap.start([]) == 2
    assert "could not be installed" in capsys.readouterr().err
    inside.fails = ""
    assert bootstrap.start([]) == 42


def test_without_a_network_newer_packages_are_no_reason_not_to_start(
    inside: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.start([])
    (bootstrap.VENV / "likeness-run.toml").write_text("[project]\ndependencies=[]\noptional-dependencies={}")
    inside.fails = "install"
    assert bootstrap.start([]) == 42
    assert "could not be brought up to date" in capsys.readouterr().err


def test_ctrl_c_while_it_installs(
    inside: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", stop)
    assert bootstrap.start([]) == 130
    assert "goes on with the installation" in capsys.readouterr().err


def test_an_environment_of_the_person_that_lacks_something_is_not_changed(
    outside: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "prefix", "/home/artist/env")
    assert bootstrap.start(["test"]) == 2
    words = capsys.readouterr().err
    assert "lacks torch" in words
    assert 'python -m pip install -e ".[test]"' in words
    assert not outside.commands


def test_where_debian_split_venv_off_its_package_is_named(
    outside: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.lacks.add("ensurepip")
    assert bootstrap.start([]) == 2
    version = ".".join(map(str, sys.version_info[:2]))
    assert f"sudo apt install python{version}-venv" in capsys.readouterr().err
    assert not bootstrap.VENV.exists()


def test_an_environment_that_cannot_be_made_is_named(
    outside: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.fails = "venv"
    assert bootstrap.start([]) == 2
    assert str(bootstrap.VENV) in capsys.readouterr().err


def test_windows_gets_the_pytorch_of_its_card() -> None:
    with_card = list(bootstrap.fill_commands("test", "win32", GraphicsCard("NVIDIA")))
    assert with_card[0][1:] == ["-m", "pip", "install", "uv"]
    assert with_card[1][-3:] == ["--torch-backend=auto", "-e", ".[test]"]
    for system, card in (
        ("win32", None),
        ("linux", GraphicsCard("NVIDIA")),
        ("darwin", GraphicsCard("Apple")),
    ):
        (only,) = bootstrap.fill_commands("", system, card)
        assert only[1:] == ["-m", "pip", "install", "-e", "."]
