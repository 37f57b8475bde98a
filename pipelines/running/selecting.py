"""What is meant by a click or by words in a picture, as a mask: SAM 2 and CLIPSeg, in transformers' classes.

Knows no catalogue and no memory.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from pipelines.disk.json_files import read_object
from pipelines.errors import RequestError

if TYPE_CHECKING:
    import torch

MEANT = 0.4
"""Probability from which on a pixel is of what the words mean; below it nothing in the picture is."""
_CONFIG = "preprocessor_config.json"
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class SamPreprocessing:
    """How SAM 2 looks at pictures: stretched to a square of `side` px, with these means and spreads."""

    side: int = 1024
    mean: tuple[float, ...] = _MEAN
    spread: tuple[float, ...] = _SPREAD

    @classmethod
    def read(cls, folder: Path) -> SamPreprocessing:
        """As the model's folder says. Raises OSError, ValueError."""
        said: dict[str, Any] = read_object(folder / _CONFIG)
        side = int((said.get("size") or {}).get("height", cls.side))
        mean, spread = said.get("image_mean") or _MEAN, said.get("image_std") or _SPREAD
        return cls(side, tuple(map(float, mean)), tuple(map(float, spread)))

    def pixels(self, picture: Image.Image) -> torch.Tensor:
        """(1, 3, side, side)."""
        import numpy as np
        import torch

        small = picture.resize((self.side, self.side), Image.Resampling.BILINEAR)
        values = np.asarray(small, np.float32) / 255
        scaled = (values - np.asarray(self.mean, np.float32)) / np.asarray(self.spread, np.float32)
        return torch.from_numpy(scaled).permute(2, 0, 1)[None]


def masked_by_points(
    network: Any,
    preprocessing: SamPreprocessing,
    picture: Image.Image,
    points: Sequence[tuple[float, float, bool]],
) -> bytes:
    """PNG (L) of the picture's size: what lies under the points, by the network's own choice of its masks.

    `points`: x and y in px, and whether what is meant is there.
    """
    import torch

    width, height = picture.size
    places = [[[[x * preprocessing.side / width, y * preprocessing.side / height] for x, y, _ in points]]]
    labels = [[[int(there) for _, _, there in points]]]
    with torch.inference_mode():
        found = network(
            pixel_values=preprocessing.pixels(picture).to(network.device),
            input_points=torch.tensor(places, dtype=torch.float32, device=network.device),
            input_labels=torch.tensor(labels, dtype=torch.int32, device=network.device),
            multimask_output=len(points) == 1,
        )
        best = int(found.iou_scores[0, 0].argmax())
        return _png(_sized(found.pred_masks[0, 0, best], picture) > 0)


def masked_by_words(network: Any, processor: Any, picture: Image.Image, words: str) -> bytes:
    """PNG (L) of the picture's size: what the words mean.

    Raises RequestError where nothing in the picture is that.
    """
    import torch

    inputs = processor(text=[words], images=[picture], return_tensors="pt", truncation=True)
    with torch.inference_mode():
        logits = network(**inputs.to(network.device)).logits
        share = _sized(logits.reshape(logits.shape[-2:]), picture).sigmoid()
    if float(share.max()) < MEANT:
        raise RequestError(
            f"Nothing in this picture looks like “{words}”. Say it in other words, or paint it.",
            field="words",
        )
    return _png(share >= MEANT)


def _sized(plane: torch.Tensor, picture: Image.Image) -> torch.Tensor:
    """(h, w) at the picture's size."""
    import torch

    size = picture.height, picture.width
    return torch.nn.functional.interpolate(
        plane[None, None].float(), size, mode="bilinear", align_corners=False
    )[0, 0]


def _png(mask: torch.Tensor) -> bytes:
    body = io.BytesIO()
    Image.fromarray(mask.cpu().numpy().astype("uint8") * 255).save(body, "PNG", compress_level=1)
    return body.getvalue()
