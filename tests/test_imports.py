"""What is imported is asked for in pyproject.toml: nothing comes along by chance."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from studio.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OURS = frozenset({"app", "benchmarks", "pipelines", "studio", "tests", "training"})
OPTIONAL = frozenset({"torchao", "spandrel", "pydantic_core"})
"""Used where somebody has installed it, and the words that miss it say how; a part of pydantic."""


def imported(*places: str) -> Iterator[tuple[str, Path]]:
    """Top-level name of each import of other people's packages, and the file it is in."""
    for place in places:
        root = ROOT / place
        for file in [root] if root.is_file() else root.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                for module in modules(node):
                    name = module.partition(".")[0]
                    if name not in sys.stdlib_module_names and name not in OURS | OPTIONAL:
                        yield name, file.relative_to(ROOT)


def modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def names(requirements: Sequence[str]) -> set[str]:
    found = (re.match(r"[\w.-]+", each) for each in requirements)
    return {canonical(each[0]) for each in found if each}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("places", "extras"),
    [
        (("app.py", "scripts/check", "studio", "pipelines"), ("mcp", "ray", "gguf")),
        (("tests", "benchmarks"), ("test",)),
        (("training",), ("training",)),
    ],
    ids=["product", "tests", "training"],
)
def test_every_import_is_declared(places: tuple[str, ...], extras: tuple[str, ...]) -> None:
    declared = names(PROJECT["dependencies"] + [each for extra in extras for each in EXTRAS[extra]])
    distributions = packages_distributions()
    missing = {
        f"{file} imports {name}"
        for name, file in imported(*places)
        if canonical(distributions.get(name, [name])[0]) not in declared
        and name.replace("_", "-") not in declared
    }
    assert not missing
