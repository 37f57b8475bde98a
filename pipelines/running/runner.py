"""Carries out one order after the other: loads, encodes, denoises, decodes, and tells of every step.

Lives in the worker process, in one thread. Knows no mode and no family by name, no queue, no studio.
"""

from __future__ import annotations

import importlib.metadata
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from pipelines.catalog import add_ons
from pipelines.catalog.catalog import Catalog
from pipelines.errors import Cancelled, OutOfMemory, RequestError
from pipelines.events import (
    Box,
    Completed,
    Event,
    Notice,
    Phase,
    PhaseChanged,
    Reading,
    ReadOrder,
    Started,
    WorkOrder,
)
from pipelines.families.route import Route
from pipelines.memory import devices
from pipelines.memory.plan import Hardware, Part, Precision
from pipelines.planning.plan import Plan, plan
from pipelines.request import Lora, Mode, Role
from pipelines.running import loading, masks, references, shaping, step_caches
from pipelines.running.contract import Call, Enlarger, LoadedModel, OnStep, RoleImage
from pipelines.running.extending import Extending
from pipelines.running.image_ready import image_ready
from pipelines.running.late_previews import LatePreviews
from pipelines.running.loaded_models import LoadedEntry, LoadedModels, MemoryOptions
from pipelines.running.loras import tensors_hash
from pipelines.spec import ModelSpec, ReaderSpec

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

LIBRARIES = ("torch", "diffusers", "transformers")


@dataclass(slots=True)
class _Job:
    """An order on its way: what is asked, what is told, and for how long each phase took."""

    spec: ModelSpec
    plan: Plan
    wish: MemoryOptions
    files: Mapping[str, str]
    masks: Mapping[str, str]
    originals: Mapping[str, str]
    heads: tuple[Box, ...]
    extends: Route | None
    emit: Callable[[Event], None]
    cancelled: Callable[[], bool]
    made: set[int]
    timings: dict[str, float] = field(default_factory=dict[str, float])
    provenance: dict[str, Any] = field(default_factory=dict[str, Any])
    said: set[str] = field(default_factory=set[str])
    shaped: shaping.Shaped | None = None

    def tell(self, event: Event) -> None:
        """Emit an event; a notice that was given before (in a first attempt) only once. Hears a cancel."""
        self.check()
        if isinstance(event, Notice):
            if event.text in self.said:
                return
            self.said.add(event.text)
        self.emit(event)

    def check(self) -> None:
        """Raises Cancelled where the artist wants the job to end."""
        if self.cancelled():
            raise Cancelled

    @contextmanager
    def phase(self, phase: Phase) -> Generator[None]:
        """Tell of a phase, time it, and hear a cancel before and after it."""
        self.check()
        self.emit(PhaseChanged(phase))
        began = time.perf_counter()
        yield
        self.timings[phase.value] = self.timings.get(phase.value, 0.0) + time.perf_counter() - began
        self.check()


class PipelineRunner:
    """Makes pictures with the models of a catalogue; keeps those used last while memory lasts.

    `device`: auto, cpu, cuda, cuda:N or mps. `precision`: where no `dtype` is given. `versions`: further
    versions to write into the provenance. `look`: what the machine has free, asked before every load.
    Raises ModelUnavailable where the machine has no such device.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: str = "auto",
        dtype: torch.dtype | None = None,
        *,
        precision: Precision = Precision.AUTO,
        versions: Mapping[str, str] | None = None,
        look: Callable[[], Hardware] | None = None,
    ) -> None:
        loading.forbid_remote_code()
        self._catalog = catalog
        self.device = devices.choose(device)
        self.dtype = dtype or devices.precision(self.device, precision)
        self.models = LoadedModels(catalog, self.device, self.dtype, look)
        own = {name: importlib.metadata.version(name) for name in LIBRARIES}
        self._versions = {**own, **(versions or {})}

    def describe(self) -> str:
        """What was picked to compute on and in which numbers, in words."""
        return devices.describe(self.device, self.dtype)

    def hardware(self) -> Hardware:
        """The same as numbers to plan with, as if no model were loaded."""
        return self.models.whole_machine()

    def preload(self, model_id: str) -> None:
        """Load a model ahead of the first order. Raises NotFound, ModelUnavailable, OutOfMemory."""
        spec = self._catalog.get(model_id)
        with _memory_words(f"{spec.label} does not fit into memory. Choose a smaller model."):
            self.models.take(spec)

    def read(self, order: ReadOrder) -> tuple[Reading, ...]:
        """What a reader of the catalogue says of each region, in order.

        Raises NotFound, RequestError, ModelUnavailable, OutOfMemory; the runner stays usable after each.
        """
        spec = self._catalog.entry(order.reader)
        if order.revision:
            self._catalog.pin({spec.id: {spec.source: order.revision}})
            spec = self._catalog.entry(order.reader)
        if not isinstance(spec, ReaderSpec):
            raise RequestError(f"{spec.label} makes pictures; it reads none.", field="reader")
        with _memory_words(f"There is too little memory for {spec.label} now."):
            return self.models.take_reader(spec).read(order.regions)

    def run(self, order: WorkOrder, emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
        """Make the pictures of `order` that are not in `order.skip`, one after the other.

        Emits everything that happens, `Completed` last. Raises Cancelled, RequestError,
        ModelUnavailable, OutOfMemory, GenerationFailed; the runner stays usable after each.
        """
        job = self._job(order, emit, cancelled)
        devices.reset_peak(self.device)
        with devices.attention(self.device):
            if not self._fits(job):
                self._retry(job)
        memory = {"memory_mb": devices.peak_mb(self.device)}
        emit(Completed(dict(job.timings), {**job.provenance, **memory}))

    def _job(self, order: WorkOrder, emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> _Job:
        request = order.request
        self._catalog.pin({request.model: order.revisions})
        spec = self._catalog.get(request.model)
        beside = add_ons.paths(self._catalog, spec, request)
        planned = plan(request, self._catalog.route(spec.id, request.mode), beside, order.heads)
        wish = MemoryOptions.read(order.memory, order.warm_up, order.tiling)
        files = order.files, order.masks, order.originals, order.heads
        extends = self._catalog.route(spec.id, Mode.OUTPAINT) if planned.fit == "extend" else None
        return _Job(spec, planned, wish, *files, extends, emit, cancelled, made=set(order.skip))

    def _fits(self, job: _Job) -> bool:
        """Attempt the job; False where memory ran out (and what the failed attempt held is let go)."""
        try:
            self._attempt(job, self.models.take)
        except (RuntimeError, MemoryError, OSError) as error:
            if not devices.is_out_of_memory(error):
                raise
            log.warning("Out of memory in job for %s: %s", job.spec.id, error)
            return False
        return True

    def _attempt(
        self, job: _Job, take: Callable[[ModelSpec, Mode, MemoryOptions, tuple[Part, ...]], LoadedEntry]
    ) -> None:
        """Make what is still to be made. Raises torch's error where memory runs out."""
        todo = [index for index in range(len(job.plan.seeds)) if index not in job.made]
        if not todo:
            return
        with job.phase(Phase.LOADING):
            enlarger = self._enlarger(job)
            kept = take(job.spec, job.plan.mode, job.wish, add_ons.beside(job.plan.files))
        if not kept.plan.fits:
            job.tell(Notice(kept.plan.reason))
        job.plan = step_caches.allowed(job.plan, kept.plan, job.tell, warm_up=kept.wish.warm_up)
        for planned, pictures in groupby(todo, job.plan.for_picture):
            call = _prepared(job, planned, kept.model, enlarger)
            if not job.provenance:
                job.provenance = self._provenance(job, kept, call)
                if enlarger is not None:
                    job.provenance["enlarger"] = {"id": job.plan.enlarger, "revision": enlarger.fingerprint}
                job.emit(Started(dict(job.provenance)))
            for index, latents in _denoised(job, call, list(pictures)):
                self._finish(job, call, index, latents, enlarger)

    def _enlarger(self, job: _Job) -> Enlarger | None:
        """What enlarges before or after the model; it is small, so it stays beside it."""
        if job.plan.enlarger is None:
            return None
        return cast("Enlarger", self.models.take(self._catalog.get(job.plan.enlarger), Mode.UPSCALE).model)

    def _finish(self, job: _Job, call: Call, index: int, latents: Any, enlarger: Enlarger | None) -> None:
        with job.phase(Phase.DECODING):
            kept = call.finish(latents, job.check)
        if kept.words:
            job.tell(Notice(kept.words))
        if enlarger is not None and job.plan.finish is not None:
            with job.phase(Phase.ENLARGING):
                large = enlarger.enlarge(kept.picture, job.plan.finished, job.tell)
            kept = kept._replace(picture=large)
        job.emit(image_ready(index, job.plan.seeds[index], kept, job.shaped))
        job.made.add(index)

    def _retry(self, job: _Job) -> None:
        """Once more with everything else out of memory, and the model kept in the next cheaper way."""
        self.models.clear()
        job.tell(
            Notice("Memory ran out. Trying again with less of the model in memory at a time; this is slower.")
        )
        size = f"{job.plan.width}×{job.plan.height} px"
        advice = (
            f"There is too little memory for {size} with {job.spec.label}. Choose a smaller size or model."
        )
        try:
            with _memory_words(advice):
                self._attempt(job, self.models.take_smaller)
        except OutOfMemory:
            self.models.clear()
            raise

    def _provenance(self, job: _Job, kept: LoadedEntry, call: Call) -> dict[str, Any]:
        return {
            "model": job.spec.id,
            "source": job.spec.source,
            "licence": job.spec.licence.mark,
            "revision": kept.model.fingerprint,
            "parts": loading.part_commits(job.spec, job.plan.mode),
            "pipeline": call.pipeline,
            "scheduler": kept.model.scheduler,
            "composed_prompt": job.plan.composed_prompt,
            "add_ons": {each: tensors_hash(path) for each, path in job.plan.files.items()},
            "loras": [_lora_mark(lora, job.plan.files[lora.id]) for lora in job.plan.loras],
            "device": self.device,
            "device_name": devices.name(self.device),
            "dtype": str(kept.dtype).removeprefix("torch."),
            "memory": kept.plan.label,
            "memory_reason": kept.plan.reason,
            "versions": self._versions,
            **step_caches.record(job.plan),
        }


def _denoised(job: _Job, call: Call, pictures: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """(index, latents) of pictures with the same words: several by one call where that changes none."""
    while pictures:
        most = call.at_once
        now, pictures = pictures[:most], pictures[most:]
        found = None
        if len(now) > 1:
            with _denoising(job, call, now) as on_step:
                found = call.denoise_together([job.plan.seeds[index] for index in now], on_step, job.check)
        if found is not None:
            yield from zip(now, found, strict=True)
            continue
        for index in now:
            with _denoising(job, call, [index]) as on_step:
                latents = call.denoise(job.plan.seeds[index], on_step)
            yield index, latents


@contextmanager
def _denoising(job: _Job, call: Call, pictures: Sequence[int]) -> Generator[OnStep]:
    """The phase in which they are drawn: what is to be told of each step, which hears a cancel."""
    previews = LatePreviews(job.emit, len(job.plan.seeds), pictures[0], at_once=len(pictures))

    def on_step(step: int, of: int, latents: Any) -> None:
        job.check()
        previews.step(step, of, lambda: call.preview(latents))

    with job.phase(call.phase), previews:
        yield on_step


def _read_references(job: _Job) -> list[RoleImage]:
    """The reference files as RGB pictures. Raises RequestError for one that is gone or can't be read."""
    images = []
    for number, (role, image_id, weight) in enumerate(job.plan.references, start=1):
        if image_id not in job.files:
            raise RequestError(
                f"Reference {number} is no longer there. Remove it and generate again.", field="references"
            )
        job.check()
        read = _read_mask if role is Role.MASK else _read_reference
        as_is = job.plan.route.enlarges or (role is Role.SOURCE and image_id in job.originals)
        whole = _read_whole(job, image_id, number) if as_is else None
        images.append(RoleImage(read(job, image_id, number), role, weight, number, whole))
    return images


def _prepared(job: _Job, planned: Plan, model: LoadedModel, enlarger: Enlarger | None) -> Call:
    """The model's call; of one that redraws, for the picture as the enlarger makes it, or for its heads."""
    if planned.heads:
        from pipelines.running.face_fixing import FaceRedrawing

        with job.phase(Phase.ENCODING):
            return FaceRedrawing(model, planned, _read_references(job), job.tell)
    if enlarger is None or planned.upscaler is None:
        with job.phase(Phase.ENCODING):
            images = _read_references(job)
            if planned.mode is Mode.OUTPAINT:
                return Extending(model, planned, images[0], job.tell)
            job.shaped = shaping.shaped(planned, images, job.heads)
            if planned.fit == "crop":
                images = shaping.cropped(planned, images, job.heads)
            if planned.fit == "extend" and job.extends is not None:
                images = shaping.extended(model, planned, job.spec, job.extends, images, job.tell, job.check)
            return model.prepare(planned, images, job.tell)
    from pipelines.running.redrawing import Redrawing

    with job.phase(Phase.ENLARGING):
        source = _read_references(job)[0]
        factor = planned.width / source.image.width
        large = enlarger.enlarge(source.image, (planned.width, planned.height), job.tell)
    heads = [
        (round(left * factor), round(top * factor), round(right * factor), round(bottom * factor))
        for left, top, right, bottom in job.heads
    ]
    return Redrawing(model, planned, replace(source, image=large), job.spec.resolution, heads, job.tell)


def _read_whole(job: _Job, image_id: str, number: int) -> Image.Image:
    return references.read_whole(Path(job.originals.get(image_id, job.files[image_id])), number)


def _read_reference(job: _Job, image_id: str, number: int) -> Image.Image:
    return references.read(Path(job.files[image_id]), number)


def _read_mask(job: _Job, image_id: str, number: int) -> Image.Image:
    mask, notices = masks.read(Path(job.masks.get(image_id, job.files[image_id])), number)
    for notice in notices:
        job.tell(Notice(notice))
    return mask.convert("RGB")


def _lora_mark(lora: Lora, path: Path) -> dict[str, Any]:
    """What other tools know it by: name and hash."""
    return {"id": lora.id, "name": path.stem, "weight": lora.weight, "sha256": tensors_hash(path)}


@contextmanager
def _memory_words(advice: str) -> Generator[None]:
    """Turns running out of memory into OutOfMemory with `advice`."""
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        if not devices.is_out_of_memory(error):
            raise
        raise OutOfMemory(advice) from error
