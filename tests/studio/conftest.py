"""One studio process for all REST tests: `python app.py` with the tiny models, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import StudioProcess, running_studio


@pytest.fixture(scope="session")
def rest(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    """A real studio whose worker is ready. Tests share its collection."""
    with running_studio(tmp_path_factory.mktemp("rest") / "data", tiny_models_yaml) as studio:
        studio.wait_for_worker()
        yield studio
