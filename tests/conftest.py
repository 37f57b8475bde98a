"""Fixtures of the whole project: the tiny models and a catalogue of them; how tests share the machine.

Tests run in as many processes as the machine has cores, file by file. All browser tests stay in one
process and come first: two browsers on two cores take longer than one after the other, and they are the
longest piece of work. The kill tests follow.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from studio import collector, quick_gradio
from tests import tiny_models

collector.pause()  # what is loaded for six thousand tests stays until all have run
quick_gradio.skip_stubs()  # before any test imports the page

SYSTEMS = {"posix": sys.platform != "win32", "linux": sys.platform == "linux"}
"""Markers of tests that need a system, and whether this is one."""
FIRST = ("tests/e2e/", "tests/kill/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--late-answers", type=int, metavar="SEED",
        help="let the browser tests' pages send and answer each call late, in another order",
    )  # fmt: skip


class BrowserAndFiles(LoadScopeScheduling):
    """One unit of work for all browser tests, one for each other file."""

    def _split_scope(self, nodeid: str) -> str:
        return FIRST[0] if nodeid.startswith(FIRST[0]) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)  # without the plugin, as with a debugger, there is nothing to schedule
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BrowserAndFiles:
    return BrowserAndFiles(config, log)  # type: ignore[arg-type]


def pytest_collection_finish() -> None:
    collector.settle()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        return next((turn for turn, folder in enumerate(FIRST) if item.nodeid.startswith(folder)), len(FIRST))

    items.sort(key=turn)
    for item in items:
        for marker, is_here in SYSTEMS.items():
            if not is_here and (needs := item.get_closest_marker(marker)):
                item.add_marker(pytest.mark.skip(reason=needs.args[0]))


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model that can do all six modes."""
    import torch

    torch.set_num_threads(1)
    made = tiny_models.make_tiny_portrait_model(tmp_path_factory.mktemp("models") / "tiny-portrait")
    collector.settle()  # before a model comes: it goes through a million objects of theirs otherwise
    return made


@pytest.fixture(scope="session")
def tiny_plain_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model in the common layout: text to image and img2img."""
    return tiny_models.make_tiny_plain_model(tmp_path_factory.mktemp("models") / "tiny-plain")


@pytest.fixture(scope="session")
def tiny_models_yaml(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path, tiny_plain_dir: Path
) -> Path:
    """A models.yaml with `tiny` (all modes), `tiny-plain` and `not-here` (folder missing)."""
    path = tmp_path_factory.mktemp("catalogue") / "models.yaml"
    return tiny_models.write_models_yaml(path, tiny_model_dir, tiny_plain_dir)
