"""A catalogue with one tiny model for each family and checkpoint, made as they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines.catalog import Catalog, load_catalog
from pipelines.events import WorkOrder
from pipelines.planning import complete
from pipelines.request import GenerationRequest
from pipelines.runner import PipelineRunner
from tests import tiny_models_sdxl
from tests.pipelines.conftest import SMALLEST, Outcome, Pictures

MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "tiny-sdxl": (tiny_models_sdxl.ENTRY, tiny_models_sdxl.make),
}
"""Per model: its entry in the catalogue and what makes its folder."""


class Tiny:
    """Makes pictures with the tiny models of all families; one runner, folders made on first use."""

    def __init__(self, folder: Path, pictures: Pictures) -> None:
        self.pictures = pictures
        self.folder = folder
        path = folder / "models.yaml"
        entries = [entry.format(folder=folder / name) for name, (entry, _) in MAKERS.items()]
        path.write_text("models:\n" + "".join(entries), encoding="utf-8")
        self.catalog: Catalog = load_catalog(path)
        self.runner = PipelineRunner(self.catalog, "cpu", max_models=2)

    def folder_of(self, model: str) -> Path:
        """The model's folder, made if it is not there."""
        folder = self.folder / model
        if not folder.exists():
            MAKERS[model][1](folder)
        return folder

    def ask(self, model: str, mode: str, **changes: Any) -> GenerationRequest:
        """A complete request, small and quick."""
        self.folder_of(model)
        values = {"model": model, "prompt": "a face", "seed": 11, "num_inference_steps": 2, **SMALLEST[mode]}
        request = GenerationRequest.model_validate({"mode": mode, **values, **changes})
        return complete(request, self.catalog, self.pictures.sizes, lambda: 0).request

    def make(
        self,
        model: str,
        mode: str,
        *,
        cancelled: Callable[[Outcome], bool] = lambda outcome: False,
        outcome: Outcome | None = None,
        **changes: Any,
    ) -> Outcome:
        """Ask and run."""
        request = self.ask(model, mode, **changes)
        outcome = outcome or Outcome(request)
        order = WorkOrder("job", request.model_dump(mode="json"), dict(self.pictures.files))
        self.runner.run(order, outcome.events.append, lambda: cancelled(outcome))
        return outcome


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, pictures: Pictures) -> Tiny:
    torch.set_num_threads(1)
    return Tiny(tmp_path_factory.mktemp("families"), pictures)
