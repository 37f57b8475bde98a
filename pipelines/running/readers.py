"""Models that read pictures: what is to be seen, how alike faces are, where heads are, what is selected.

transformers' own classes, chosen by the folder's configuration; safetensors only, nobody's code. Always in
32 bits: these models are small, and what they say should not depend on the card. Knows no memory and no
order of the studio.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines.catalog.absence import absence
from pipelines.errors import RequestError
from pipelines.events import Reading, Region
from pipelines.running import loading, selecting
from pipelines.spec import Question, ReaderSpec

_MOST_WORDS = 40
"""Tokens of a caption: one sentence."""
_BEAMS = 3
_CLASSES: dict[Question, tuple[str, str]] = {
    "caption": ("AutoProcessor", "AutoModelForImageTextToText"),
    "face": ("AutoImageProcessor", "AutoModel"),
    "points": ("", "Sam2Model"),
    "words": ("CLIPSegProcessor", "CLIPSegForImageSegmentation"),
    "heads": ("AutoProcessor", "AutoModelForZeroShotObjectDetection"),
}
"""transformers' classes for each question: what prepares pictures, and the network. SAM 2's own preparation
needs torchvision, which nothing else here does; `selecting` has it."""
_FACES = "a head. a face."
_SURE = 0.3
"""Probability from which on a box is of a head."""
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model and what prepares pictures for it."""

    spec: ReaderSpec
    network: Any
    processor: Any

    def read(self, regions: Sequence[Region]) -> tuple[Reading, ...]:
        """One answer per region, in order. Raises RequestError for a file that is gone or can't be read."""
        answer = _ANSWERS[self.spec.answers]
        return tuple(answer(self, _look(region), region) for region in regions)


def weight(place: Path) -> int:
    """Bytes of the weights in a folder."""
    return sum(file.stat().st_size for file in place.glob("*.safetensors"))


def load(spec: ReaderSpec, place: Path, device: str) -> Reader:
    """The model of the folder `place` on `device`. Raises ModelUnavailable, torch's error out of memory."""
    import torch
    import transformers

    prepares, answers = _CLASSES[spec.answers]
    networks = getattr(transformers, answers)
    with loading.in_words(absence(spec, "missing", place)):
        processor = (
            getattr(transformers, prepares).from_pretrained(str(place), **_LOCAL)
            if prepares
            else selecting.SamPreprocessing.read(place)
        )
        network = networks.from_pretrained(str(place), dtype=torch.float32, use_safetensors=True, **_LOCAL)
        return Reader(spec, network.to(device).requires_grad_(False).eval(), processor)


def _look(region: Region) -> Image.Image:
    try:
        with Image.open(region.path) as file:
            picture = file.convert("RGB")
    except OSError as error:
        raise RequestError("The picture is no longer there, so it cannot be read.") from error
    return picture.crop(region.box) if region.box else picture


def _caption(reader: Reader, picture: Image.Image, region: Region) -> str:
    del region
    import torch

    inputs = reader.processor(images=picture, return_tensors="pt").to(reader.network.device)
    with torch.inference_mode():
        tokens = reader.network.generate(
            **inputs, max_new_tokens=_MOST_WORDS, num_beams=_BEAMS, do_sample=False
        )
    return " ".join(reader.processor.decode(tokens[0], skip_special_tokens=True).split())


def _direction(reader: Reader, picture: Image.Image, region: Region) -> tuple[float, ...]:
    """What the network makes of the whole picture (its class token), as a vector of length 1."""
    del region
    import torch

    inputs = reader.processor(images=picture, return_tensors="pt").to(reader.network.device)
    with torch.inference_mode():
        found = reader.network(**inputs).last_hidden_state[0, 0].double()
        found /= found.norm().clamp_min(1e-12)
    return tuple(round(value, 6) for value in found.tolist())


def _heads(reader: Reader, picture: Image.Image, region: Region) -> tuple[float, ...]:
    """Left, top, right and bottom of each head, in px."""
    del region
    import torch

    inputs = reader.processor(text=_FACES, images=picture, return_tensors="pt").to(reader.network.device)
    with torch.inference_mode():
        found = reader.network(**inputs)
    (boxes,) = reader.processor.post_process_grounded_object_detection(
        found,
        inputs["input_ids"],
        threshold=_SURE,
        text_threshold=_SURE,
        target_sizes=[(picture.height, picture.width)],
    )
    return tuple(round(float(edge), 2) for box in boxes["boxes"].cpu() for edge in box)


_ANSWERS: dict[Question, Callable[[Reader, Image.Image, Region], Reading]] = {
    "caption": _caption,
    "face": _direction,
    "points": lambda reader, picture, region: selecting.masked_by_points(
        reader.network, reader.processor, picture, region.points
    ),
    "words": lambda reader, picture, region: selecting.masked_by_words(
        reader.network, reader.processor, picture, region.words
    ),
    "heads": _heads,
}
