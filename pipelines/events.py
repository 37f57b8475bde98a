"""What a running job tells: a typed stream from the runner through the worker process to the studio.

All are plain, picklable dataclasses; pictures travel as bytes, never as tensors or PIL objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipelines.request import CompleteRequest


class Phase(StrEnum):
    """Where a job is. `SAVING` belongs to the studio, the others to the worker."""

    QUEUED = "queued"
    LOADING = "loading"
    ENCODING = "encoding"
    DENOISING = "denoising"
    DECODING = "decoding"
    ENLARGING = "enlarging"
    SAVING = "saving"


@dataclass(frozen=True, slots=True)
class Started:
    """The model is loaded and the first picture is about to be made; comes once, before any `ImageReady`.

    `provenance`: model revision, device, dtype, library versions: what each picture's file says about
    how it was made. Known here so that every picture of a batch is saved as soon as it is ready.
    """

    provenance: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """The job entered `phase`."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One denoising step is done. `step` counts from 1 to `total_steps` over the whole batch."""

    step: int
    total_steps: int
    image_index: int = 0


@dataclass(frozen=True, slots=True)
class TileProgress:
    """`tile` of `tiles`, counted from 1, is done of a picture that is enlarged or redrawn in tiles."""

    tile: int
    tiles: int


@dataclass(frozen=True, slots=True)
class PreviewReady:
    """What the picture looks like so far, a small WebP or JPEG; told of some steps, a moment after each."""

    picture: bytes
    image_index: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the artist should know though the job goes on: cut words, a rounded size, less memory."""

    text: str


@dataclass(frozen=True, slots=True)
class ControlImage:
    """The control image made from a reference, PNG bytes, to be shown beside the preview."""

    png: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Refined:
    """How a picture came from its source, to be put together again: PNGs, and what of the source they show.

    `change`: L, of the picture's size; `seen`, `drawn`: RGB, of the model's; `box`: left, top, right,
    bottom in px of the picture; `redrawn`: nothing of the source shows through; `measures` as in
    `pipelines.returning`. `large`: RGB, `drawn` or the part of it in `frame` (px of it) as it was enlarged,
    if it was. `source`: RGB, what was refined, where that is not the source as its file shows it: cropped,
    extended, or of another size.
    """

    change: bytes
    seen: bytes
    drawn: bytes
    box: tuple[float, float, float, float]
    redrawn: bool
    measures: dict[str, Any]
    large: bytes = b""
    frame: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    source: bytes = b""


@dataclass(frozen=True, slots=True)
class ImageReady:
    """One finished picture: 8-bit RGB pixels, row-major, `len(rgb) == width * height * 3`.

    `alpha`: its transparency, `width * height` bytes, where it has some; `profile`: the ICC profile by which
    its values are meant, where that is not sRGB.
    """

    index: int
    seed: int
    width: int
    height: int
    rgb: bytes
    refined: Refined | None = None
    alpha: bytes = b""
    profile: bytes = b""


@dataclass(frozen=True, slots=True)
class Completed:
    """The job is done, all its pictures sent. `timings`: seconds per phase; `provenance`: as `Started`."""

    timings: dict[str, float] = field(default_factory=dict[str, float])
    provenance: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended without (all of) its pictures. `code` and `detail` as in `pipelines.errors`."""

    code: str
    detail: str


Event = (
    Started
    | PhaseChanged
    | StepProgress
    | TileProgress
    | PreviewReady
    | Notice
    | ControlImage
    | ImageReady
    | Completed
    | Failed
)


Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px."""


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A job as the worker gets it.

    `files` maps each referenced image id to a readable file; `skip` holds batch indices already saved by
    an earlier try. The request was validated where it entered (REST, the page, a row of the database): it
    crosses the pipe as it is and is not validated again, since both ends are one installation of the studio.
    `memory`: a `pipelines.memory.plan.MemoryChoice`; `warm_up`: compile the model for this machine;
    `tiling`: decode in tiles, None where that is left to the plan. `revisions`: the commit of each
    repository of the hub that the model is loaded from. `masks`: of references that are masks, a file that
    has kept its transparency, where `files` has none. `originals`: of pictures to be enlarged, a file
    that has kept its transparency and its own colours. `heads`: where heads are in the picture that is
    enlarged or cropped, in px.
    """

    job_id: str
    request: CompleteRequest
    files: dict[str, str]
    skip: frozenset[int] = frozenset()
    memory: str = "auto"
    warm_up: bool = False
    tiling: bool | None = None
    revisions: dict[str, str] = field(default_factory=dict[str, str])
    masks: dict[str, str] = field(default_factory=dict[str, str])
    originals: dict[str, str] = field(default_factory=dict[str, str])
    heads: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """What is to be looked at: an upright RGB file, and which part of it.

    `box`: None for all of it. `points`: x and y in px, and whether what is meant is there; `words`: what is
    meant. Only models that select read those.
    """

    path: str
    box: Box | None = None
    points: tuple[tuple[float, float, bool], ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """A question to a model that reads pictures. `revision`: the commit of the hub to read it at."""

    order_id: str
    reader: str
    regions: tuple[Region, ...]
    revision: str | None = None


Reading = str | tuple[float, ...] | bytes
"""The answer about one region: words, numbers of length 1 together (a direction), boxes as four numbers each
in px, or a mask of the region's size as PNG (L)."""
