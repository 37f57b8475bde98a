"""The documents and the program name the same: options, variables, commands, REST calls, keys, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.families.registry import FAMILIES
from pipelines.spec import ModelSpec, ReaderSpec
from studio import cli
from studio.settings import ROOT
from tests import documentation
from tests.documentation import DOCUMENTS, REST

PARSERS = dict(documentation.parsers(cli.make_parser()))
OPTIONS = documentation.options(PARSERS[""])
ALL_OPTIONS = set().union(*map(documentation.options, PARSERS.values()))
README = (ROOT / "README.md").read_text(encoding="utf-8")
OF_THE_STUDIO = [path for path in DOCUMENTS if path.parent.name != "training"]
OF_OTHERS = {"--no-tests", "--torch-backend", "--reinstall-package", "--no-deps", "--python"}
OF_OTHERS |= {
    "--num-cpus",
    "--disable-usage-stats",
    "--kills",
    "--num-gpus",
    "--small",
    "--size",
    "--pictures",
    "--rounds",
    "--only",
    "--second-try",
    "--preset",
    "--rehearse",
}
"""Of scripts/check, uv, pip and Ray; of the benchmarks, the kill tests and the training."""
SECRETS = {"PASSWORD", "TOKEN"}
"""Variables that are no options: everybody on a machine sees those."""


def test_every_option_stands_in_the_readme() -> None:
    rows = re.findall(r"^\| (`--.*?) \|", README, re.MULTILINE)
    assert set(re.findall(r"--[\w-]+", " ".join(rows))) == OPTIONS


@pytest.mark.parametrize("document", OF_THE_STUDIO, ids=lambda path: path.name)
def test_every_option_that_is_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    ours = re.findall(r"`(--[a-z][\w-]*)", text)
    for line in re.findall(r"app\.py .*|likeness .*", text):
        ours += re.findall(r"(?<![\w-])--[a-z][\w-]*", line)
    assert set(ours) - OF_OTHERS <= ALL_OPTIONS


def test_every_variable_that_is_named_is_an_option() -> None:
    named = {
        each for _, text in documentation.texts() for each in re.findall(r"LIKENESS_([A-Z_]+[A-Z])", text)
    }
    known = {option[2:].upper().replace("-", "_") for option in OPTIONS} | SECRETS
    assert named
    assert named <= known


def test_every_command_stands_in_the_readme_and_every_one_there_exists() -> None:
    ends = {
        name
        for name, parser in PARSERS.items()
        if name and not any(n.startswith(f"{name} ") for n in PARSERS)
    }
    said = {each for each in ends if re.search(rf"app\.py {each}\b", README)}
    assert said == ends
    for words in re.findall(r"app\.py ((?:[a-z]+ ?)+)", README):
        first = words.split()[0]
        assert first == "test" or first in PARSERS, words


def test_what_is_said_names_the_command_as_this_system_calls_it() -> None:
    """`studio.settings.PROGRAM`, for many systems have no `python`."""
    sources = (*(ROOT / "studio").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py"))
    assert not [path.name for path in sources if "python app.py" in path.read_text(encoding="utf-8")]


def test_every_rest_call_is_in_the_table() -> None:
    assert REST.read_text(encoding="utf-8") == documentation.rest_page(), "run: python -m tests.documentation"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_rest_call_that_is_named_exists(document: Path) -> None:
    known = {(method, documentation.shape(path)) for method, path in documentation.operations()}
    assert documentation.calls(document.read_text(encoding="utf-8")) <= known


def test_every_key_of_the_catalogue_is_described() -> None:
    text = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")
    keys = set(ModelSpec.model_fields) | set(ReaderSpec.model_fields)
    keys |= {name for family in FAMILIES.values() for name in family.options.model_fields}
    words = set(re.findall(r"\w+", text))
    assert keys - {"add_ons"} <= words | {"options"}


def test_every_option_of_a_family_that_is_described_exists() -> None:
    text = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")
    table = text.partition("| family | option | for |")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[1] for line in table.splitlines()[2:]]
    said = {each for cell in cells for each in re.findall(r"`([a-z_]+)(?=[:`])", cell)}
    known = {name for family in FAMILIES.values() for name in family.options.model_fields}
    values = {"base", "dev", "fill", "image", "kontext", "sdxl"}
    assert said - values <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", text)
    assert not [each for each in targets if not (document.parent / each).exists()]
    anchors = re.findall(r"\]\(#([^)]+)\)", text)
    heads = {
        re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in re.findall(r"^#+ (.+)", text, re.M)
    }
    assert set(anchors) <= heads


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path) -> None:
    if document.name in ("CHANGELOG.md", "decisions.md"):
        return  # they tell of what was
    named = re.findall(
        r"`((?:studio|pipelines|tests|benchmarks|training|docs|scripts)/[\w./-]*)`",
        document.read_text("utf-8"),
    )
    assert not [each for each in named if not (ROOT / each).exists()]
