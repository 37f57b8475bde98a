"""Refinements after they are made: what changed in them, and putting them together again.

Each correction is a picture of its own, with the picture it corrects and that one's references as parents.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import uuid4

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import Conflict, NotFound, RequestError
from pipelines.events import Box, ImageReady, Refined
from pipelines.planning import fitting
from pipelines.request import Role
from studio.collection.collection import Collection
from studio.collection.model_pictures import ModelPicture
from studio.records import ImageRecord, ParentLink

_UNKNOWN = "What changed in this picture is not known: it refines no picture, or the model's own is gone."
_OTHER_SIZE = (
    "This picture has another size than its source, so it can't be put together again. "
    "Make it once more with the result size “as the reference”."
)
_ENLARGED = (
    "This picture was enlarged after it was refined, so it can't be put together again. "
    "Make it once more without “Finish”, correct it, and enlarge it then."
)
_AGAIN = "Put together again from what the model had made."


class Correction(BaseModel):
    """What of the model's picture is a change; sizes in px of the picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask: str | None = Field(
        default=None,
        max_length=64,
        description="Id of a picture. Without transparency it is the change: white changed, black kept. With "
        "it, white strokes add to what was found and black ones take away.",
    )
    scope: Literal["found", "mask", "everything"] = Field(
        default="found",
        description="What was found; only where the mask is white; or everything.",
    )
    grow: int = Field(default=0, ge=-64, le=64, description="Negative: shrink.")
    feather: int = Field(default=0, ge=0, le=64)
    tolerance: float | None = Field(
        default=None, ge=0.0, le=1.0, description="Find the change again; how small a difference is none."
    )


class Refinements:
    """What changed, and corrections of it. One is put together at a time, so that memory is bounded."""

    def __init__(
        self, collection: Collection, heads_of: Callable[[Path], tuple[Box, ...]] = lambda path: ()
    ) -> None:
        """`heads_of` says where heads are in a file, in px: a crop kept them."""
        self._collection = collection
        self._heads_of = heads_of
        self._one = threading.Lock()

    def change(self, image_id: str) -> bytes:
        """PNG (L), of the picture's size: white is changed. Raises NotFound."""
        self._collection.get(image_id)
        found = self._collection.model_pictures.change(image_id)
        if found is None:
            raise NotFound(_UNKNOWN)
        return found

    def known(self, image_id: str) -> bytes | None:
        """The same, or None where it is not known."""
        return self._collection.model_pictures.change(image_id)

    def put_together(self, image_id: str, correction: Correction) -> ImageRecord:
        """The picture with another change, as a picture of its own.

        Raises NotFound, RequestError, Conflict (its source has another size), StorageFailure.
        """
        if correction.scope == "mask" and correction.mask is None:
            raise RequestError("Paint where the change is to be, then choose “only here”.", field="mask")
        made = self._collection.get(image_id)
        kept = self._collection.model_pictures.of(image_id)
        if kept is None or made.request is None:
            raise NotFound(_UNKNOWN)
        with self._one:
            picture, levels = self._composed(made, kept, correction)
        return self._saved(made, kept, picture, levels)

    def _composed(
        self, made: ImageRecord, kept: ModelPicture, wanted: Correction
    ) -> tuple[Image.Image, np.ndarray]:
        from pipelines.returning.stored import as_stored
        from studio.collection import correcting

        files = self._collection
        shown = _opened(files.working_file(made.id)).convert("RGB")
        source, own = self._refined(made, kept)
        if source.size != shown.size or kept.change.shape != (shown.height, shown.width):
            raise Conflict(_ENLARGED if made.request and made.request.finish else _OTHER_SIZE)
        correction = correcting.MaskedCorrection(
            scope=wanted.scope,
            mask=_opened(files.mask_file(wanted.mask)) if wanted.mask else None,
            grow=wanted.grow,
            feather=wanted.feather,
            tolerance=wanted.tolerance,
        )
        pixels, levels = correcting.corrected(source, shown, kept, correction)
        if own is None:
            return Image.fromarray(pixels), levels
        return as_stored(own, np.asarray(source), pixels, levels), levels

    def _refined(self, made: ImageRecord, kept: ModelPicture) -> tuple[Image.Image, Image.Image | None]:
        """What was refined, RGB; and its source as its file stores it, where that is no plain sRGB."""
        files, source_id = self._collection, kept.about.source
        if kept.source is not None:
            return Image.fromarray(kept.source), None
        source = _opened(files.working_file(source_id)).convert("RGB")
        if made.request is not None and made.request.fit == "crop":  # kept before what was refined was
            size = made.request.width or source.width, made.request.height or source.height
            heads = self._heads_of(files.working_file(source_id))
            return source.crop(fitting.crop(source.size, size, heads)), None
        own = files.own_file(source_id)
        return source, None if own is None else _opened(own)

    def _saved(
        self, made: ImageRecord, kept: ModelPicture, picture: Image.Image, levels: np.ndarray
    ) -> ImageRecord:
        height, width = levels.shape
        changed = {**kept.about.measures, "changed": float(np.count_nonzero(levels)) / levels.size}
        change, seen, drawn = (_png(each) for each in (levels, kept.seen, kept.drawn))
        large = b"" if kept.large is None else _png(kept.large)
        source = b"" if kept.source is None else _png(kept.source)
        frame = kept.about.frame or (0.0, 0.0, 0.0, 0.0)
        about = kept.about
        refined = Refined(change, seen, drawn, about.box, about.redrawn, changed, large, frame, source)
        ready = ImageReady(
            index=0,
            seed=made.seed or 0,
            width=width,
            height=height,
            rgb=picture.convert("RGB").tobytes(),
            refined=refined,
            alpha=picture.getchannel("A").tobytes() if picture.mode == "RGBA" else b"",
            profile=picture.info.get("icc_profile") or b"",
        )
        parents = _parents(made)
        return self._collection.save_corrected(made, ready, parents, _AGAIN, f"return-{uuid4().hex}")


def _parents(made: ImageRecord) -> tuple[ParentLink, ...]:
    """The corrected picture first, then what that was made from."""
    first = ParentLink(image_id=made.id, pixel_sha256=made.pixel_sha256, role=Role.SOURCE, order=0)
    others = tuple(
        link.model_copy(update={"order": order}) for order, link in enumerate(made.parents, start=1)
    )
    return (first, *others)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
