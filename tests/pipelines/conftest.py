"""Fixtures of the inference library: a catalogue of tiny models, one runner, a shorthand to run requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.events import Event, ImageReady, Notice, WorkOrder
from pipelines.memory import processor
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest, Mode
from pipelines.running.runner import PipelineRunner

AS_DRAWN: dict[str, Any] = {"result_size": "model", "keep": {"enabled": False}}
"""The model's own picture, nothing of the source kept."""
SMALLEST: dict[str, dict[str, Any]] = {
    "text_to_image": {},
    "smart_edit": {"references": [{"image_id": "face"}], **AS_DRAWN},
    "img2img": {"references": [{"image_id": "face"}], **AS_DRAWN},
    "character_reference": {"references": [{"image_id": "face"}]},
    "style_reference": {"references": [{"image_id": "face"}]},
    "controlnet": {"references": [{"image_id": "face"}]},
    "upscale": {"references": [{"image_id": "face"}]},
    "outpaint": {"references": [{"image_id": "face"}], "aspect_ratio": "2:3"},
    "fix_face": {"references": [{"image_id": "face"}]},
    "inpaint": {
        "references": [{"image_id": "face"}, {"image_id": "mask", "role": "mask"}],
        "result_size": "model",
    },
}
"""The least a request of each mode needs; a new mode fails here until it has a line."""
DRAWN = [mode for mode in Mode if mode not in (Mode.UPSCALE, Mode.OUTPAINT, Mode.FIX_FACE)]
"""Modes in which `tiny` draws a picture; the others have tests of their own."""


@pytest.fixture(scope="session", autouse=True)
def _full_precision() -> Iterator[None]:
    """Pictures are held against those of diffusers, in numbers that every processor has."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(processor, "prefers_bfloat16", lambda: False)
        yield


@dataclass
class Pictures:
    """Reference files by id."""

    files: dict[str, str]
    sizes: dict[str, tuple[int, int]]


@dataclass
class Outcome:
    """What a run told."""

    request: GenerationRequest
    events: list[Event] = field(default_factory=list)

    @property
    def images(self) -> dict[int, ImageReady]:
        return {e.index: e for e in self.events if isinstance(e, ImageReady)}

    @property
    def notices(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, Notice)]

    def of(self, kind: type) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]


@pytest.fixture(scope="session")
def catalog(tiny_models_yaml: Path) -> Catalog:
    return load_catalog(tiny_models_yaml)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """`face` and `other`: different, square, with edges; `tall`: of another shape; `tiny`: 8 px; `mask`."""
    folder = tmp_path_factory.mktemp("references")
    made = {
        "face": _blocks(1, (64, 64)),
        "other": _blocks(2, (64, 64)),
        "tall": _blocks(3, (64, 128)),
        "tiny": _blocks(4, (8, 8)),
        "mask": _right_half((64, 64)),
    }
    for name, picture in made.items():
        picture.save(folder / f"{name}.png")
    files = {name: str(folder / f"{name}.png") for name in made}
    return Pictures(files, {name: picture.size for name, picture in made.items()})


def _right_half(size: tuple[int, int]) -> Image.Image:
    """A mask that lets the right half change."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (size[0] // 2, 0, *size))
    return mask


def _blocks(seed: int, size: tuple[int, int]) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)


@pytest.fixture(scope="session")
def runner(catalog: Catalog) -> PipelineRunner:
    return PipelineRunner(catalog, "cpu", versions={"studio": "test"})


Ask = Callable[..., GenerationRequest]
Make = Callable[..., Outcome]


@pytest.fixture(scope="session")
def ask(catalog: Catalog, pictures: Pictures) -> Ask:
    """A complete request of a mode, small and quick unless told otherwise."""

    def asked(mode: str = "text_to_image", *, again: bool = False, **changes: Any) -> GenerationRequest:
        values = {"model": "tiny", "prompt": "a face", "seed": 11, "num_inference_steps": 2}
        request = GenerationRequest(**{"mode": mode, **values, **SMALLEST[mode], **changes})
        return complete(request, catalog, pictures.sizes, lambda: 0, again=again).request

    return asked


@pytest.fixture(scope="session")
def make(runner: PipelineRunner, ask: Ask, pictures: Pictures) -> Make:
    """Ask for and run a request; `files` replaces the references' files."""

    def made(
        mode: str = "text_to_image",
        *,
        cancelled: Callable[[Outcome], bool] = lambda outcome: False,
        skip: frozenset[int] = frozenset(),
        files: Mapping[str, str] | None = None,
        outcome: Outcome | None = None,
        **changes: Any,
    ) -> Outcome:
        request = ask(mode, **changes)
        outcome = outcome or Outcome(request)
        order = WorkOrder("job", request, dict(files or pictures.files), skip)
        runner.run(order, outcome.events.append, lambda: cancelled(outcome))
        return outcome

    return made
