"""Questions about pictures, put to models of the catalogue that read them: words for one, likeness of faces.

The worker answers between two jobs; what it said is remembered. Without such a model nothing is asked, and
it is said which one is missing. Knows no HTTP and no torch. Unlike the rest of the service, these calls wait.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, get_args

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from pipelines.catalog.absence import absence
from pipelines.catalog.catalog import Availability, Catalog
from pipelines.errors import Conflict, LikenessError, ModelUnavailable, RequestError, WorkerLost
from pipelines.events import Box, Reading, ReadOrder, Region
from pipelines.spec import Question, ReaderSpec
from studio import durable
from studio.characters import crops, faces, heads, wording
from studio.characters.records import Blueprint
from studio.collection.collection import Collection
from studio.collection.drift import NO_FACE_MODEL, Faces
from studio.models.library import ModelLibrary
from studio.readings import Readings

HEAD = 1
"""Rises when heads are found or framed otherwise: what was remembered is then of another part."""
PORTION = 16
"""Heads read by one order: a long history would else last longer than an answer may, and be lost whole."""
_PATIENCE, _SHORT_PATIENCE = 5.0, 0.5
"""Seconds to wait for a job to end: where somebody asked for the answer, and where it comes along."""
TURN_SECONDS = 30.0
"""The same for another question: one that meets a hung worker is answered only when that is replaced."""
_ASKED_ELSEWHERE = "Another picture is being read, which takes long. Try again in a moment."
_NO_HEAD = "No head was found in the anchor, so faces are not compared."


class Ask(Protocol):
    """`Engine.read`."""

    def __call__(self, order: ReadOrder, patience: float = ...) -> tuple[Reading, ...]:
        """One reading per region."""
        ...


class ReaderState(BaseModel):
    """A model that reads pictures, as far as others need to know."""

    model_config = ConfigDict(frozen=True)

    question: Question
    id: str
    label: str
    available: Availability


class Point(BaseModel):
    """A place in parts of the picture; `outside`: what is meant is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: float = Field(ge=0.0, le=1.0)
    y: float = Field(ge=0.0, le=1.0)
    outside: bool = False


class Selection(BaseModel):
    """What is meant in a picture: by points or by words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[Point, ...] = Field(default=(), max_length=64)
    words: str = Field(default="", max_length=200)


class Described(BaseModel):
    """An image prompt made of what is known of a character."""

    model_config = ConfigDict(frozen=True)

    prompt: str
    caption: str | None = Field(default=None, description="What the model saw, word for word.")
    reader: str | None = Field(default=None, description="The model that read the picture.")
    reason: str | None = Field(
        default=None, description="Why no picture was read, where one could have been."
    )


class Readers:
    """All questions about pictures. Thread-safe; one question is at the worker at a time."""

    def __init__(
        self,
        catalog: Catalog,
        library: ModelLibrary,
        collection: Collection,
        ask: Ask | None = None,
        folder: Path | None = None,
    ) -> None:
        self._catalog = catalog
        self._library = library
        self._collection = collection
        self._ask = ask or _nobody
        self._kept = Readings(folder)
        self._turn = threading.Lock()

    def states(self) -> tuple[ReaderState, ...]:
        """For each question the model that answers it, or would."""
        found = [self._catalog.reader(question) for question in get_args(Question)]
        return tuple(
            ReaderState(
                question=spec.answers,
                id=spec.id,
                label=spec.label,
                available=self._catalog.availability(spec),
            )
            for spec in found
            if spec is not None
        )

    def describe(self, blueprint: Blueprint, image_id: str | None) -> Described:
        """A prompt for the character: blueprint and script, then what this picture adds. Raises NotFound."""
        spec = self._catalog.reader("caption")
        if image_id is None or spec is None:
            return Described(prompt=wording.description(blueprint))
        self._collection.get(image_id)
        try:
            caption = self._caption(spec, image_id)
        except LikenessError as error:  # the prompt is worth having without it
            return Described(prompt=wording.description(blueprint), reason=error.detail)
        prompt = wording.description(blueprint, caption)
        return Described(prompt=prompt, caption=caption, reader=spec.label)

    def faces(self, image_ids: Sequence[str], anchor_id: str, *, ask: bool) -> Faces:
        """How alike the heads in these pictures are to the anchor's; `ask`: not only from memory."""
        spec = self._catalog.reader("face")
        if spec is None:
            return Faces({}, NO_FACE_MODEL)
        if self._catalog.availability(spec) != "ready":
            return Faces({}, f"{NO_FACE_MODEL} {spec.label} on the Models page measures it.")
        reason = None
        try:
            found = self._directions(spec, [anchor_id, *image_ids], ask=ask)
        except LikenessError as error:  # structure and colour are worth having without it
            reason = f"The likeness of the face was not measured. {error.detail}"
            found = self._directions(spec, [anchor_id, *image_ids], ask=False)
        anchor = found.get(anchor_id)
        if not anchor:
            return Faces({}, reason or _NO_HEAD)
        values = {image: _cosine(anchor, found[image]) for image in image_ids if found.get(image)}
        return Faces(values, reason)

    def select(self, image_id: str, wish: Selection) -> bytes:
        """What a click or words mean in a picture: PNG (L) of its size, white.

        Raises NotFound, RequestError (neither or both; nothing is that), ModelUnavailable, Conflict (busy).
        """
        width, height = self._collection.sizes([image_id], trashed=True)[image_id]
        points = tuple((each.x * width, each.y * height, not each.outside) for each in wish.points)
        if bool(points) == bool(wish.words.strip()):
            raise RequestError("Say points or words, one of them.", field="points")
        spec = self._catalog.reader("points" if points else "words")
        if spec is None:
            raise ModelUnavailable("The catalogue lists no model that selects. Paint the mask.")
        if (state := self._catalog.availability(spec)) != "ready":
            raise ModelUnavailable(absence(spec, state, self._catalog.folder(spec)))
        file = str(self._collection.working_file(image_id))
        region = Region(file, points=points, words=wish.words.strip())
        (mask,) = self._asked(spec, [region], _PATIENCE)
        assert isinstance(mask, bytes)
        return mask

    def heads(self, path: Path) -> tuple[Box, ...]:
        """Where heads are in a file, in px: by a model that finds them where one is here, else by `heads`."""
        spec = self._catalog.reader("heads")
        if spec is None or self._catalog.availability(spec) != "ready":
            return heads.boxes(path)
        try:
            (found,) = self._asked(spec, [Region(str(path))], _SHORT_PATIENCE)
        except LikenessError:  # it is busy, or there is no room for it; the plain finder knows most heads
            return heads.boxes(path)
        assert isinstance(found, tuple)
        edges = [round(edge) for edge in found]
        return tuple(
            (left, top, right, bottom)
            for left, top, right, bottom in zip(
                edges[::4], edges[1::4], edges[2::4], edges[3::4], strict=True
            )
        )

    # --- inside -------------------------------------------------------------------------------

    def _caption(self, spec: ReaderSpec, image_id: str) -> str:
        if (state := self._catalog.availability(spec)) != "ready":
            raise ModelUnavailable(absence(spec, state, self._catalog.folder(spec)))
        pixels = self._collection.pixel_hashes([image_id])[image_id]
        reader = self._stamp(spec)
        if kept := self._kept.get(reader, pixels):
            return str(kept[0])
        region = Region(str(self._collection.working_file(image_id)))
        (caption,) = self._asked(spec, [region], _PATIENCE)
        self._kept.keep(reader, pixels, caption)
        return str(caption)

    def _directions(
        self, spec: ReaderSpec, image_ids: Sequence[str], *, ask: bool
    ) -> dict[str, tuple[float, ...]]:
        """What the model makes of each head; empty where there is none, nothing where it is not known."""
        pixels = self._collection.pixel_hashes(image_ids)
        reader = f"{self._stamp(spec)}-{HEAD}"
        kept = {image: self._kept.get(reader, pixels[image]) for image in pixels}
        found = {image: each[0] for image, each in kept.items() if each}
        if ask:
            missing = [image for image in pixels if image not in found]
            for start in range(0, len(missing), PORTION):
                fresh = self._look(spec, missing[start : start + PORTION])
                for image, reading in fresh.items():
                    self._kept.keep(reader, pixels[image], reading)
                found |= fresh
        return {image: each if isinstance(each, tuple) else () for image, each in found.items()}

    def _look(self, spec: ReaderSpec, image_ids: Sequence[str]) -> dict[str, Reading | None]:
        """Read the heads of these pictures; None for one without."""
        files = {image: self._collection.working_file(image) for image in image_ids}
        heads = {image: _head(file) for image, file in files.items()}
        regions = {image: head for image, head in heads.items() if head}
        readings = self._asked(spec, list(regions.values()), _SHORT_PATIENCE) if regions else ()
        return {**dict.fromkeys(image_ids), **dict(zip(regions, readings, strict=True))}

    def _asked(self, spec: ReaderSpec, regions: Sequence[Region], patience: float) -> tuple[Reading, ...]:
        revision = self._library.loading_of(spec.id).revisions.get(spec.source)
        order = ReadOrder(uuid.uuid4().hex, spec.id, tuple(regions), revision)
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise Conflict(_ASKED_ELSEWHERE)
        try:
            return self._ask(order, patience)
        finally:
            self._turn.release()

    def _stamp(self, spec: ReaderSpec) -> str:
        """Names the very model: its id, and its commit or the state of its files."""
        place = self._catalog.place(spec)
        if place is None:
            return spec.id
        if self._catalog.folder(spec) is None:
            return f"{spec.id}-{place.name[:12]}"
        states = [(file.name, durable.status(file)) for file in sorted(place.iterdir()) if file.is_file()]
        said = "".join(f"{name}:{state.st_size}:{state.st_mtime_ns}\n" for name, state in states if state)
        return f"{spec.id}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def _head(file: Path) -> Region | None:
    """The square that the crop tool would begin with; None where no head is found."""
    head = faces.find(file)
    if head is None:
        return None
    with Image.open(file) as picture:
        crop = crops.around(head, *picture.size, aspect="1:1")
    return Region(str(file), (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two directions."""
    return round(min(1.0, max(-1.0, sum(a * b for a, b in zip(one, other, strict=True)))), 4)


def _nobody(order: ReadOrder, patience: float = 0.0) -> tuple[Reading, ...]:
    raise WorkerLost("There is no image worker here.")
