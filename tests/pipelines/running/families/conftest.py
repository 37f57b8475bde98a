"""A catalogue with one tiny model for each family and checkpoint, made as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.modular_pipelines.flux3.image_processor import Flux3ImageProcessor
from diffusers.pipelines.joyimage import image_processor as joyimage
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus
from PIL import Image

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.events import WorkOrder
from pipelines.planning.complete import Completion, complete
from pipelines.planning.plan import plan
from pipelines.request import GenerationRequest
from pipelines.running.contract import LoadedModel, LoadSettings, RoleImage
from pipelines.running.families import flux1, flux2, load, z_image
from pipelines.running.runner import PipelineRunner
from studio import collector
from tests import (
    tiny_models_flow,
    tiny_models_flux,
    tiny_models_flux3,
    tiny_models_joyimage,
    tiny_models_qwen,
    tiny_models_sdxl,
)
from tests.pipelines.conftest import SMALLEST, Outcome, Pictures

MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "tiny-sdxl": (tiny_models_sdxl.ENTRY, tiny_models_sdxl.make),
    "tiny-klein": (tiny_models_flux.KLEIN, tiny_models_flux.make_klein),
    "tiny-klein-base": (tiny_models_flux.KLEIN_BASE, tiny_models_flux.make_klein_base),
    "tiny-klein-kv": (tiny_models_flux.KLEIN_KV, tiny_models_flux.make_klein_kv),
    "tiny-dev": (tiny_models_flux.DEV, tiny_models_flux.make_dev),
    "tiny-flux3": (tiny_models_flux3.ENTRY, tiny_models_flux3.make),
    "tiny-z-image": (tiny_models_flow.Z_IMAGE, tiny_models_flow.make_z_image),
    "tiny-z-turbo": (tiny_models_flow.Z_TURBO, tiny_models_flow.make_z_image),
    "tiny-flux1": (tiny_models_flow.FLUX1, tiny_models_flow.make_flux1),
    "tiny-kontext": (tiny_models_flow.KONTEXT, tiny_models_flow.make_kontext),
    "tiny-fill": (tiny_models_flow.FILL, tiny_models_flow.make_fill),
    "tiny-qwen-edit": (tiny_models_qwen.EDIT, tiny_models_qwen.make_edit),
    "tiny-qwen-image": (tiny_models_qwen.IMAGE, tiny_models_qwen.make_image),
    "tiny-qwen-whole": (tiny_models_qwen.WHOLE, tiny_models_qwen.make_whole),
    "tiny-joyimage": (tiny_models_joyimage.ENTRY, tiny_models_joyimage.make),
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
        self.add_ons = folder / "add-ons"
        self.catalog: Catalog = load_catalog(path, self.add_ons)
        self._loaded: dict[str, LoadedModel] = {}
        self.runner = PipelineRunner(self.catalog, "cpu")

    def folder_of(self, model: str) -> Path:
        """The model's folder, made if it is not there."""
        folder = self.folder / model
        if not folder.exists():
            MAKERS[model][1](folder)
        return folder

    def ask(self, model: str, mode: str, **changes: Any) -> GenerationRequest:
        """A complete request, small and quick."""
        return self.complete(model, mode, **changes).request

    def complete(self, model: str, mode: str, **changes: Any) -> Completion:
        """The same, with what the artist is told."""
        self.folder_of(model)
        values = {"model": model, "prompt": "a face", "seed": 11, "num_inference_steps": 2, **SMALLEST[mode]}
        request = GenerationRequest.model_validate({"mode": mode, **values, **changes})
        return complete(request, self.catalog, self.pictures.sizes, lambda: 0)

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
        order = WorkOrder("job", request, dict(self.pictures.files))
        self.runner.run(order, outcome.events.append, lambda: cancelled(outcome))
        return outcome

    def load(self, model: str) -> LoadedModel:
        """The model itself, loaded once, outside the runner."""
        if model not in self._loaded:
            spec = self.catalog.get(model)
            settings = LoadSettings(self.folder_of(model), frozenset(spec.modes), "cpu", torch.float32)
            self._loaded = {model: load(spec, settings)}
        return self._loaded[model]

    def prepare(self, loaded: LoadedModel, model: str, mode: str, **changes: Any) -> Any:
        """The call of a request, ready to run."""
        request = self.ask(model, mode, **changes)
        planned = plan(request, self.catalog.route(model, request.mode))
        images = [
            RoleImage(Image.open(self.pictures.files[name]).convert("RGB"), role, weight, number)
            for number, (role, name, weight) in enumerate(planned.references, start=1)
        ]
        return loaded.prepare(planned, images, lambda event: None)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, pictures: Pictures) -> Iterator[Tiny]:
    torch.set_num_threads(1)
    collector.settle()
    monkeypatch = pytest.MonkeyPatch()
    for family in (flux1, flux2, z_image):  # each text is filled up to 512 tokens otherwise
        monkeypatch.setattr(family, "PROMPT_TOKENS", 128)
    # references become a million pixels otherwise
    for name in ("VAE_IMAGE_SIZE", "CONDITION_IMAGE_SIZE"):
        monkeypatch.setattr(pipeline_qwenimage_edit_plus, name, 64 * 64)
    # a reference becomes at least 64 px a side otherwise, and with it the picture where no size is said
    canvas = Flux3ImageProcessor._get_canvas_height_width
    monkeypatch.setattr(canvas, "__defaults__", (4096, 16))
    monkeypatch.setitem(joyimage.BUCKETS, 1024, [(64, 64), (64, 128), (128, 64)])
    yield Tiny(tmp_path_factory.mktemp("families"), pictures)
    monkeypatch.undo()
