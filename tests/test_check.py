"""scripts/check: what it runs, and that nothing that fails goes unnoticed."""

from __future__ import annotations

import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from studio.settings import ROOT


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in an environment that is restored afterwards."""
    loader = SourceFileLoader("check", str(ROOT / "scripts" / "check"))
    spec = spec_from_loader("check", loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.chdir(Path.cwd())
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr(sys, "argv", ["check", "--no-tests"])
    monkeypatch.setattr(module, "FETCH", ())
    return module


def ends_with(code: int) -> str:
    return f"{sys.executable} -c print('said');exit({code})"


@pytest.mark.parametrize(("codes", "passed"), [((0, 0), True), ((0, 3), False), ((1, 0), False)])
def test_every_step_is_run_and_each_counts(
    script: ModuleType,
    codes: tuple[int, ...],
    passed: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script, "STEPS", tuple(map(ends_with, codes)))
    assert script.check() == (0 if passed else 1)
    said = capfd.readouterr().out
    assert said.count("said\n") == 2
    assert said.count("FAILED") == sum(code != 0 for code in codes)


@pytest.mark.parametrize(("outcome", "code"), [("pass", 0), ("assert False", 1)])
def test_the_tests_come_last_and_count(
    script: ModuleType, tmp_path: Path, outcome: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_one.py").write_text(f"def test_one():\n    {outcome}\n")
    arguments = ["-n", "0", "--rootdir", str(tmp_path), str(tmp_path / "test_one.py")]
    monkeypatch.setattr(sys, "argv", ["check", *arguments])
    monkeypatch.setattr(script, "STEPS", ())
    assert script.check() == code


def test_the_checks_are_those_of_all_three_systems(script: ModuleType) -> None:
    assert {"pyright", "pyright --pythonplatform Windows", "pyright --pythonplatform Darwin"} < set(
        script.STEPS
    )
    assert "scripts/check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "scripts/check" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_without_node_on_the_machine_that_of_pyright_is_used(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), str(script.bundled_node().parent)]))
    assert script.run("npm --version")[0] == 0
