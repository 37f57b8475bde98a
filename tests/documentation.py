"""What the documents say and what the program knows, as sets of names; `python -m tests.documentation` writes
docs/rest.md anew.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from studio.settings import ROOT, Settings

REST = ROOT / "docs" / "rest.md"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "training" / "README.md"]
_CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (?:/api/v1)?(/[\w/{}.-]*)")
_HEAD = """# REST

Every call, under `http://127.0.0.1:7860/api/v1`. What each takes and gives stands in `/api/v1/openapi.json`;
errors are `application/problem+json`, with `detail` written for the artist. The table is made from the
program: `python -m tests.documentation`.

| call | does |
|---|---|
"""


def texts() -> Iterator[tuple[Path, str]]:
    """Every document, and its text."""
    for path in DOCUMENTS:
        yield path, path.read_text(encoding="utf-8")


@cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """REST as the program has it: (method, path without the prefix) → OpenAPI's words."""
    from fastapi import FastAPI

    from studio.api.routes import PREFIX, add_api

    app = FastAPI()
    add_api(app, MagicMock(), Settings(), MagicMock())
    paths = app.openapi()["paths"]
    return {
        (method.upper(), path.removeprefix(PREFIX)): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def rest_page() -> str:
    """docs/rest.md as it should be."""
    lines = [
        f"| `{method} {path}` | {_said(operation)} |" for (method, path), operation in operations().items()
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _said(operation: dict[str, Any]) -> str:
    words = operation.get("description") or operation["summary"]
    return " ".join(words.partition("\n\n")[0].split()).replace("|", "\\|")


def calls(text: str) -> set[tuple[str, str]]:
    """REST calls that a text names; parts in braces may be called otherwise there."""
    return {(method, shape(path)) for method, path in _CALL.findall(text)}


def shape(path: str) -> str:
    """The path, whatever its parts in braces are called."""
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip("/."))


def parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command, as it is typed, with its parser; the whole program under ''."""
    yield "", parser
    for action in parser._actions:  # argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from ((f"{name} {below}".strip(), each) for below, each in parsers(sub))


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The long options of one parser, without --help."""
    return {
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }


if __name__ == "__main__":
    REST.write_text(rest_page(), encoding="utf-8")
