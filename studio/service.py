"""The one door to the studio: REST, page and coach are given this object and nothing below it.

The verbs of the loop (take in, ask, follow, keep) are its methods; each further subject is an attribute with
verbs of its own: `gallery`, `bin`, `history`, `characters`, `designs`, `sweeps`, `exchange`, `library`. All
methods are thread-safe and quick (they never wait for the worker; only `readers`, and the drift of a face
with them, do). They raise errors of `pipelines.errors` whose words are meant for the artist.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from pipelines.catalog import add_ons
from pipelines.catalog.catalog import Catalog
from pipelines.errors import LikenessError, NotFound
from pipelines.modes import MODES
from pipelines.planning import prompt_words
from pipelines.planning.complete import Completion, complete
from pipelines.request import MODE_LABEL, CompleteRequest, GenerationRequest, Mode, Role
from pipelines.spec import ModelSpec
from studio import photographs
from studio.characters import faces
from studio.characters.characters import Characters
from studio.characters.designs import Designs
from studio.characters.tools import Tools
from studio.collection.collection import Collection
from studio.collection.history import History
from studio.collection.queries import Filter
from studio.collection.refinements import Refinements
from studio.exchange.exchange import Exchange
from studio.face_fixing import FaceFixing, FixWish
from studio.images import THUMBNAIL_SIDE
from studio.jobs import SEED_BITS, JobQueue
from studio.models.library import ModelLibrary
from studio.presets.presets import Presets
from studio.readers import Readers
from studio.records import (
    AddOnInfo,
    Category,
    Cost,
    ImagePage,
    ImageRecord,
    JobRecord,
    JobStatus,
    ModelInfo,
    QueueSnapshot,
    Rights,
    Sort,
)
from studio.settings import PRESETS
from studio.steering import Steering
from studio.sweeps.sweeps import Sweeps
from studio.wildcards import Wildcards

EVERYTHING = Filter()
_WATCH_SECONDS = 15.0


class StudioService:
    """What an artist can do, put together from catalogue, collection and queue."""

    def __init__(
        self,
        catalog: Catalog,
        collection: Collection,
        queue: JobQueue,
        library: ModelLibrary | None = None,
        readers: Readers | None = None,
        wildcards: Path | None = None,
        presets: Presets | None = None,
    ) -> None:
        self.presets = presets or Presets(catalog, PRESETS, None)
        self.wildcards = Wildcards(wildcards)
        self.library = library or ModelLibrary(catalog, None)
        self._offered: tuple[object, dict[object, tuple[AddOnInfo, ...]]] = (None, {})
        self._catalog = catalog
        self._collection = collection
        self._queue = queue
        self.gallery = collection.gallery
        self.bin = collection.bin
        self.readers = readers or Readers(catalog, self.library, collection)
        self.refinements = Refinements(collection, faces.boxes)
        self.history = History(collection, self.readers.faces)
        self.exchange = Exchange(collection, catalog)
        tools = Tools(collection, self.history, catalog, queue, self._complete)
        self.designs = Designs(tools)
        self.characters = Characters(tools, self.designs)
        self.sweeps = Sweeps(
            collection, queue, self._complete_anyones, self._axis_value, self.wildcards.lines
        )
        self.face_fixing = FaceFixing(
            collection, catalog, self._complete_anyones, self.readers.heads, self.characters.portrait_of
        )

    # --- models -----------------------------------------------------------------------------

    def models(self, *, add_ons: bool = True) -> tuple[ModelInfo, ...]:
        """All models of the catalogue, with availability and measured cost.

        `add_ons`: with what goes with each; among thousands of LoRAs that is most of what there is to say.
        """
        self._catalog.recheck_roots()
        costs = self._collection.costs()
        return tuple(
            self._model_info(spec, costs.get(spec.id, Cost()), add_ons=add_ons)
            for spec in self._catalog.specs
        )

    def model(self, model_id: str, *, add_ons: bool = True) -> ModelInfo | None:
        """One model, without looking at the others; None where the catalogue has none of that id."""
        try:
            spec = self._catalog.get(model_id)
        except NotFound:
            return None
        cost = self._collection.costs().get(spec.id, Cost())
        return self._model_info(spec, cost, add_ons=add_ons)

    def has_ready_model(self, mode: Mode) -> bool:
        """Whether a model that can do `mode` can be used at once."""
        able = (spec for spec in self._catalog.specs if mode in spec.modes)
        return any(self._catalog.availability(spec) == "ready" for spec in able)

    # --- pictures ---------------------------------------------------------------------------

    def add_upload(
        self, source: BinaryIO | Path, filename: str, category: Category = Category.UPLOAD
    ) -> tuple[ImageRecord, bool]:
        """Take a picture in as an upload: (record, created). The same bytes again: the record there is.

        `category`: CONTROL for one that is only a means, a mask for instance, and not listed.

        Raises PictureRefused, StorageFailure.
        """
        return self._collection.add_upload(source, filename, category)

    def image(self, image_id: str) -> ImageRecord:
        """The record with request, parents and children. Raises NotFound."""
        return self._collection.get(image_id)

    def images(
        self,
        wanted: Filter = EVERYTHING,
        *,
        character: str | None = None,
        sort: Sort = Sort.NEWEST,
        cursor: str | None = None,
        limit: int = 60,
    ) -> ImagePage:
        """Keyset paging. Raises RequestError (bad cursor), NotFound (unknown character)."""
        self.check_character(character)
        return self.gallery.page(replace(wanted, character=character), cursor, limit, sort)

    def check_character(self, character: str | None) -> None:
        """Raises NotFound."""
        if character is not None and not self.characters.exists(character):
            raise NotFound("There is no such character in this studio.", field="character")

    def image_file(self, image_id: str) -> tuple[Path, ImageRecord]:
        """The stored file, unchanged bytes. Raises NotFound."""
        return self._collection.file(image_id)

    def working_file(self, image_id: str) -> Path:
        """An upright 8-bit RGB PNG of it. Raises NotFound."""
        return self._collection.working_file(image_id)

    def thumbnail(self, image_id: str, side: int = THUMBNAIL_SIDE) -> Path:
        """A WebP thumbnail, its longest side `side` px, made on first demand. Raises NotFound."""
        return self._collection.thumbnail(image_id, side)

    def head(self, image_id: str) -> faces.Head:
        """Where the picture's head is. Raises NotFound, also where none is found."""
        if found := faces.find(self._collection.working_file(image_id)):
            return found
        raise NotFound("No head was found in this picture. Paint it with the brush.")

    def subject(self, image_id: str) -> Image.Image:
        """What stands out from the picture's background: L, small. Raises NotFound where nothing does."""
        if found := faces.subject(self._collection.working_file(image_id)):
            return found
        raise NotFound("Nothing stands out from the background of this picture. Paint with the brush.")

    def update_image(
        self,
        image_id: str,
        *,
        starred: bool | None = None,
        name: str | None = None,
        tags: tuple[str, ...] | None = None,
        category: Category | None = None,
        rights: Rights | None = None,
        anchor: bool | None = None,
    ) -> ImageRecord:
        """Star, rename (empty: no name), tag, change category, state rights (empty: not stated), anchor.

        Raises NotFound, RequestError.
        """
        return self._collection.update(
            image_id, starred=starred, name=name, tags=tags, category=category, rights=rights, anchor=anchor
        )

    def trash(self, image_id: str) -> ImageRecord:
        """Put into the trash; the file stays. Raises NotFound."""
        return self._collection.trash(image_id)

    def restore(self, image_id: str) -> ImageRecord:
        """Take out of the trash. Raises NotFound."""
        return self._collection.restore(image_id)

    # --- jobs -------------------------------------------------------------------------------

    def submit(self, request: GenerationRequest, *, tab: str | None = None) -> JobRecord:
        """Complete the request (model, seed, size), freeze it and queue it. Raises RequestError, NotFound."""
        completed = self._complete_anyones(request)
        return self._queue.add(completed.request, completed.notices, tab)

    def fix_face(self, image_id: str, wish: FixWish, *, tab: str | None = None) -> JobRecord:
        """Queue the fixing of a picture's small faces; what comes of it waits in the trash until it is kept.

        Raises NotFound, RequestError.
        """
        completed = self.face_fixing.request(image_id, wish)
        return self._queue.add(completed.request, completed.notices, tab)

    def reproduce(self, image_id: str, *, tab: str | None = None) -> JobRecord:
        """Make a picture once more from its own request; references may be in the trash meanwhile.

        Raises NotFound, RequestError.
        """
        completed = self._complete(self.history.request_of(image_id), again=True)
        wanted = [(completed.request, completed.notices)]
        return self._queue.add_all(wanted, tab, partial(self.history.begin_reproduction, image_id))[0]

    def job(self, job_id: str) -> JobRecord:
        """Raises NotFound."""
        return self._queue.get(job_id)

    def jobs(self, *, status: JobStatus | None = None, limit: int = 100) -> tuple[JobRecord, ...]:
        """Newest first."""
        return self._queue.list(status, limit)

    def cancel(self, job_id: str) -> JobRecord:
        """Ask a queued or running job to end as cancelled. Ended jobs are returned as they are."""
        return self._queue.cancel(job_id)

    @property
    def steering(self) -> Steering:
        """Pause, move, retry, clear, repeat."""
        return self._queue.steering

    def preview(self, job_id: str) -> tuple[bytes, str] | None:
        """Latest preview of a running job: (bytes, mime); None where there is none."""
        return self._queue.preview(job_id)

    def control_image(self, job_id: str) -> bytes | None:
        """PNG of the control image made for the job; None where there is none."""
        return self._queue.control_image(job_id)

    def snapshot(self) -> QueueSnapshot:
        """The queue now."""
        return self._queue.snapshot()

    def watch(self, after: int, timeout: float) -> QueueSnapshot:
        """Block (in a thread) until the version is beyond `after` or `timeout` seconds have passed."""
        return self._queue.watch(after, timeout)

    # --- helpers for the page ---------------------------------------------------------------

    def used_references(self, image_id: str) -> tuple[ImageRecord, ...]:
        """The parents of a picture that are in the collection (also trashed), in order."""
        return self._collection.parents(image_id)

    def preview_request(self, request: GenerationRequest) -> tuple[CompleteRequest, tuple[str, ...]]:
        """What `submit` would make of it, with the notices (rounded size, unused knob). Raises as it does."""
        completed = self._complete(request)
        return completed.request, completed.notices

    def called_loras(self, request: GenerationRequest) -> tuple[add_ons.CalledLora, ...]:
        """The LoRAs that the prompt calls up by tags, each with the name of its file or None."""
        tags = prompt_words.tags(request.prompt)
        if not tags:
            return ()
        try:
            chosen = request.model
            spec = self._catalog.get(chosen) if chosen else self._catalog.default_model(request.mode)
        except LikenessError:  # told elsewhere
            return ()
        return add_ons.called(self._catalog, spec, tags)

    def mode_availability(self, model_id: str, references: int) -> dict[Mode, str | None]:
        """Per mode None where it can be used, else the reason why not, in words. Raises NotFound."""
        return {mode: self._catalog.unavailable_reason(model_id, mode, references) for mode in Mode}

    def events(self) -> Iterator[QueueSnapshot]:
        """Endless: one snapshot per change, for server-sent events."""
        snapshot = self._queue.snapshot()
        yield snapshot
        while True:
            newer = self._queue.watch(snapshot.version, _WATCH_SECONDS)
            if newer.version != snapshot.version:
                yield newer
            snapshot = newer

    # --- inside -----------------------------------------------------------------------------

    def _complete(self, request: GenerationRequest, *, again: bool = False) -> Completion:
        """`again`: as a picture was made, whose references may be in the trash meanwhile."""
        ids = (reference.image_id for reference in request.references)
        sizes = self._collection.sizes(ids, trashed=again)
        done = complete(
            request,
            self._catalog,
            sizes,
            lambda: secrets.randbits(SEED_BITS),
            self.wildcards.lines,
            again=again,
        )
        self.library.require_consent(done.request.model)
        return replace(done, notices=(*done.notices, *self._photographs(done.request)))

    def _photographs(self, request: CompleteRequest) -> tuple[str, ...]:
        """What to say where a model that knows drawings alone is given something else."""
        spec = self._catalog.get(request.model)
        if spec.sources != "drawings":
            return ()
        shown = [
            number
            for number, reference in enumerate(request.references, start=1)
            if request.role_of(reference) is not Role.MASK and self._is_photograph(reference.image_id)
        ]
        return photographs.notice(spec.label, shown)

    def _is_photograph(self, image_id: str) -> bool:
        try:
            return photographs.looks_like_one(self._collection.working_file(image_id))
        except (LikenessError, OSError):  # in the trash for good, or gone: nothing can be said of it
            return False

    def _complete_anyones(self, request: GenerationRequest) -> Completion:
        self.check_character(request.character)
        return self._complete(request)

    def _axis_value(self, field: str, value: str | int | float) -> str:
        """What a value of a sweep's axis is called."""
        named: dict[str, Callable[[str], str]] = {
            "model": lambda model_id: self._catalog.get(model_id).label,
            "mode": lambda mode: MODE_LABEL[Mode(mode)],
            "influence": "{} %".format,
            "reference": self._called,
            "character": lambda character_id: self.characters.get(character_id).name,
            "lora": lambda lora_id: self._catalog.add_on(lora_id).name,
        }
        try:
            return named[field.partition(".")[0]](str(value))
        except (KeyError, ValueError, LikenessError):
            return str(value)

    def _called(self, image_id: str) -> str:
        """A picture by its name, else by its words."""
        record = self._collection.get(image_id)
        prompt = record.request.prompt[:80] if record.request else ""
        return record.name or prompt or record.label

    def _model_info(self, spec: ModelSpec, cost: Cost, *, add_ons: bool = True) -> ModelInfo:
        routes = {mode.value: self._catalog.route(spec.id, mode) for mode in spec.modes}
        return ModelInfo(
            id=spec.id,
            label=spec.label,
            family=spec.family,
            description=spec.description,
            modes=tuple(routes),
            edit=spec.edit,
            available=self._catalog.availability(spec),
            licence=spec.licence.name,
            defaults={mode: route.knobs for mode, route in routes.items()},
            limits={mode: route.limits for mode, route in routes.items()},
            examples={mode.value: spec.examples.get(mode, MODES[mode].examples) for mode in spec.modes},
            sources=spec.sources,
            cost=cost,
            add_ons=self._add_ons_of(spec) if add_ons else (),
            default_for=self.library.default_for(spec.id),
        )

    def _add_ons_of(self, spec: ModelSpec) -> tuple[AddOnInfo, ...]:
        """What goes with a model, made once for all that share it: there may be thousands."""
        found = self._catalog.dropped
        if self._offered[0] is not found:
            self._offered = (found, {})
        key = add_ons.sharing(self._catalog, spec)
        if key not in self._offered[1]:
            said = add_ons.described(self._catalog, spec)
            self._offered[1][key] = tuple(AddOnInfo(**each) for each in said)
        return self._offered[1][key]
