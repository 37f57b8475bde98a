"""Each mode of the bundled weights does what it is asked, on a handful of fixed cases: first seeds, 12 steps.

The network is small and what it gets wrong is in its model card; asked here is what it must never lose.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.catalog.catalog import load_catalog
from pipelines.events import Event, ImageReady, WorkOrder
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest
from pipelines.running.runner import PipelineRunner
from training.evaluate import EDIT, TEXT, edge_f1
from training.pipes import Pipes, to_pictures, to_tensor
from training.train_controlnet import edges

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "pipelines" / "bundled" / "portrait-mini"
DRAWINGS = ROOT / "tests" / "studio" / "characters" / "drawings"
STEPS = 12
SKY, HAIR, FACE, SHIRT = (0, 0, 18, 40), (50, 24, 76, 42), (50, 60, 76, 90), (46, 112, 80, 128)
"""Where these are in every drawing used here: (left, top, right, bottom) in px."""


@pytest.fixture(scope="module")
def pipes() -> Pipes:
    return Pipes(FOLDER)


@pytest.fixture(scope="module")
def mara() -> Image.Image:
    """Blue hair, a white coat, before plain yellow."""
    return Image.open(DRAWINGS / "blue-3.webp").convert("RGB")


def colour(image: Image.Image, where: tuple[int, int, int, int]) -> np.ndarray:
    """Mean red, green and blue (0..255) of a part of the picture."""
    return np.asarray(image.crop(where), dtype=float).reshape(-1, 3).mean(axis=0)


def apart(one: Image.Image, other: Image.Image, where: tuple[int, int, int, int] = (0, 0, 128, 128)) -> float:
    """Mean absolute difference (0..255) of a part of two pictures."""
    both = [np.asarray(each.crop(where), dtype=float) for each in (one, other)]
    return float(np.abs(both[0] - both[1]).mean())


def test_text_to_image_draws_the_colours_that_are_named(pipes: Pipes) -> None:
    prompts = (
        "portrait of a woman with long red hair, a blue t-shirt, on a white background",
        "portrait of a man with short black hair, a yellow t-shirt, on a white background",
        "portrait of a woman with long red hair, a yellow t-shirt, in a forest",
    )
    blue, yellow, forest = pipes.draw(pipes.text, prompts, 0, num_inference_steps=STEPS, **TEXT)
    assert colour(blue, SKY).min() > 190
    assert colour(blue, SHIRT)[2] > colour(blue, SHIRT)[0] + 40
    for image in (yellow, forest):
        assert colour(image, SHIRT)[0] > colour(image, SHIRT)[2] + 60
    assert colour(yellow, HAIR).max() < 110
    assert colour(blue, HAIR)[0] > colour(blue, HAIR)[2] + 60
    assert colour(forest, SKY).argmax() == 1


def test_an_edit_changes_what_it_names_and_little_else(pipes: Pipes, mara: Image.Image) -> None:
    asked = ("change the background to a plain red background", "give her red hair", "add glasses")
    red_ground, red_hair, glasses = pipes.edited(
        asked, [mara] * len(asked), 0, num_inference_steps=STEPS, **EDIT
    )
    assert colour(red_ground, SKY)[0] > colour(red_ground, SKY)[1] + 60
    assert apart(red_ground, mara, FACE) < apart(red_ground, mara, SKY) / 2
    assert colour(red_hair, HAIR)[0] > colour(red_hair, HAIR)[2] + 40
    assert apart(red_hair, mara, SHIRT) < apart(red_hair, mara, HAIR) / 2
    assert apart(glasses, mara, SKY) < 25


def test_more_influence_keeps_more_of_the_source(pipes: Pipes, mara: Image.Image) -> None:
    likeness = []
    for strength in (0.05, 0.2, 0.5, 0.9):
        (image,) = pipes.draw(
            pipes.image, ["portrait of a man with black hair, in a forest"], 0,
            image=[mara], strength=strength, num_inference_steps=20, **TEXT,
        )  # fmt: skip
        likeness.append(apart(image, mara))
    assert likeness == sorted(likeness)
    assert likeness[0] < 10
    assert likeness[1] < likeness[-1] / 2


def in_the_studio(pictures: dict[str, Image.Image], folder: Path, **asked: Any) -> ImageReady:
    """What the catalogue's own entry makes of a request."""
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png")
    catalog = load_catalog(ROOT / "models.yaml")
    request = GenerationRequest.model_validate({"model": "portrait-mini", "seed": 3, **asked})
    sizes = {name: picture.size for name, picture in pictures.items()}
    events: list[Event] = []
    order = WorkOrder(
        "job",
        complete(request, catalog, sizes, lambda: 0).request,
        {name: str(folder / f"{name}.png") for name in pictures},
    )
    PipelineRunner(catalog, "cpu").run(order, events.append, lambda: False)
    (ready,) = [event for event in events if isinstance(event, ImageReady)]
    return ready


@pytest.mark.parametrize("shape", ["2:3", "16:9"])
def test_what_is_added_around_a_portrait_goes_on_with_it(
    mara: Image.Image, tmp_path: Path, shape: str
) -> None:
    """Plain yellow stays plain yellow: no second head, no other place."""
    ready = in_the_studio(
        {"mara": mara}, tmp_path, mode="outpaint", aspect_ratio=shape, references=[{"image_id": "mara"}]
    )
    drawn = np.frombuffer(ready.rgb, np.uint8).reshape(ready.height, ready.width, 3).astype(float)
    added = (ready.height - mara.height) // 2, (ready.width - mara.width) // 2
    ground = drawn[: added[0]] if shape == "2:3" else drawn[:60, : added[1]]
    assert np.abs(ground - colour(mara, SKY)).mean() < 12


def test_a_painted_mouth_is_drawn_into_the_whole_portrait(mara: Image.Image, tmp_path: Path) -> None:
    """Not into a picture of a mouth, of which it would make a face."""
    large = mara.resize((512, 512), Image.Resampling.LANCZOS)
    mask = Image.new("L", large.size)
    mask.paste(255, (170, 280, 330, 370))
    references = [{"image_id": "mara"}, {"image_id": "mask", "role": "mask"}]
    ready = in_the_studio(
        {"mara": large, "mask": mask}, tmp_path, mode="inpaint", prompt="laughing", references=references
    )
    assert ready.refined is not None
    assert tuple(ready.refined.box) == (0, 0, *large.size)


def test_a_control_image_moves_the_edges(pipes: Pipes) -> None:
    drawings = [Image.open(DRAWINGS / f"{name}.webp").convert("RGB") for name in ("blue-3", "curls-2")]
    wanted = edges(to_tensor(drawings))
    hints = to_pictures(wanted.float().unsqueeze(1).expand(-1, 3, -1, -1) * 2 - 1)
    prompts = ["portrait of a person on a white background"] * len(drawings)
    options = {"num_inference_steps": STEPS, **TEXT}
    scores = []
    for images in (
        pipes.draw(pipes.control, prompts, 0, image=hints, **options),
        pipes.draw(pipes.text, prompts, 0, **options),
    ):
        found = edges(to_tensor(images)).numpy() > 0
        scores.append(np.mean([edge_f1(a, b.numpy() > 0) for a, b in zip(found, wanted, strict=True)]))
    assert scores[0] > scores[1] + 0.05


@pytest.mark.parametrize("role", ["character", "style"])
def test_a_reference_acts_and_leaves_the_scene_to_the_words(
    pipes: Pipes, mara: Image.Image, role: str
) -> None:
    given = {"character": None, "style": None, role: [mara]}
    drawn = [
        pipes.adapted_batch(
            ["portrait of a person in a forest"], 0, given["character"], given["style"], (scale, scale),
            num_inference_steps=STEPS, **TEXT,
        )[0]
        for scale in (0.0, 0.8)
    ]  # fmt: skip
    assert apart(*drawn) > 3
    assert all(colour(image, SKY).argmax() == 1 for image in drawn)


def test_each_picture_of_a_batch_has_its_own_reference(pipes: Pipes, mara: Image.Image) -> None:
    words = ["portrait of a person in a forest"] * 2
    both = [mara, Image.open(DRAWINGS / "curls-2.webp").convert("RGB")]
    options = {"num_inference_steps": 2, **TEXT}
    for at, drawn in enumerate(pipes.adapted_batch(words, 0, both, None, (1.0, 1.0), **options)):
        (alone,) = pipes.adapted_batch(words[:1], at, both[at : at + 1], None, (1.0, 1.0), **options)
        assert apart(drawn, alone) < 1
