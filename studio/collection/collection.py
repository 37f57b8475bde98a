"""The collection's verbs: take in, save, show, mark. File first, row last.

Brings files (`store`) and rows (`rows`, `queries`) together; `gallery` lists pictures and changes many at
once, `bin` is the trash as a whole. Knows nothing of the queue but the id of a picture's job.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound, StorageFailure
from pipelines.events import ControlImage, ImageReady
from pipelines.modes import PROPOSALS
from pipelines.request import CompleteRequest, Role
from studio import __version__, images
from studio.collection import marks, numbering, queries, recovery, reproductions, rows
from studio.collection.character_journal import CharacterJournal
from studio.collection.control import ROLE as CONTROL
from studio.collection.control import NewControlImage
from studio.collection.gallery import Gallery
from studio.collection.journal import Journal
from studio.collection.metadata import png, reading
from studio.collection.metadata.likeness import Likeness, ModelMark
from studio.collection.model_pictures import ModelPictures
from studio.collection.models import ImageRow
from studio.collection.opening import gone, gone_if_unreadable, opened
from studio.collection.placing import Placing
from studio.collection.recovery import Reconciled
from studio.collection.rows import StoredFile
from studio.collection.store import ImageStore
from studio.collection.trash import Trash
from studio.database import Database
from studio.records import Category, Cost, ImageRecord, ParentLink, Rights
from studio.settings import Settings

SOFTWARE = f"Likeness {__version__}"
_log = logging.getLogger(__name__)


class Collection:
    """All pictures of one data folder. Thread-safe; every method may raise StorageFailure."""

    def __init__(self, settings: Settings, database: Database, catalog: Catalog) -> None:
        self.store = ImageStore(settings)
        self.database = database
        self.placing = Placing(self.store, database)
        self.gallery = Gallery(database)
        self.bin = Trash(database, self.store)
        self.journal = Journal(settings.journal)
        self.journal.follow(database)
        self.character_journal = CharacterJournal(settings.character_journal)
        self.character_journal.follow(database)
        self.model_pictures = ModelPictures(settings.model_pictures_dir)
        self._settings = settings
        self._catalog = catalog

    def reconcile(self) -> Reconciled:
        """Put right what a crash left behind, and let go of what was in the trash for long enough.

        Once at start, before the queue is made.
        """
        found = recovery.reconcile(self.store, self.database, self.journal, self.character_journal)
        self.bin.expire()
        return found

    # --- taking in --------------------------------------------------------------------------

    def add_upload(
        self, source: BinaryIO | Path, filename: str, category: Category = Category.UPLOAD
    ) -> tuple[ImageRecord, bool]:
        """Take a picture in: (record, created). Bytes that are here already: the record there is.

        A picture that was in the trash comes out of it. `category`: what it is where it is new; one that is
        only a means (CONTROL), a mask for instance, is not listed. Raises PictureRefused.
        """
        with (
            opened(source) as file,
            self.store.receive(file, self._settings.max_upload_bytes) as (temp, sha256),
        ):
            known = self._keep_again(temp, sha256, category)
            if known:
                return known, False
            return self._take_in(temp, sha256, images.display_name(filename), category)

    def save_generated(
        self,
        *,
        job_id: str,
        request: CompleteRequest,
        image: ImageReady,
        notices: tuple[str, ...],
        provenance: dict[str, Any],
        control: ControlImage | None = None,
    ) -> ImageRecord:
        """Save one picture of a job, durably. A picture of this job and index that is here already is kept.

        A picture made once more with the same pixels is not kept twice: the record is the original's.
        `provenance` as in `events.Started`. `control`: the control image that guided it, kept as its parent.
        """
        with self.database.reading() as session:
            existing = rows.of_job(session, job_id, image.index)
            if existing is not None:
                return queries.record(session, existing)
            parents = rows.parents_of(session, request)
            original = reproductions.original_of(session, job_id)
        pixel_sha256 = images.pixel_sha256(image.width, image.height, image.rgb, image.alpha)
        if original is not None and original.pixel_sha256 == pixel_sha256:
            return self._made_again(original, job_id)
        drawn = None if control is None else NewControlImage.of(control, request, parents)
        likeness = Likeness(
            software=SOFTWARE,
            created_at=datetime.now(UTC),
            category=Category.EDITED if request.references else Category.GENERATED,
            pixel_sha256=pixel_sha256,
            job_id=job_id,
            batch_index=image.index,
            seed=image.seed,
            model=self._model_mark(request.model, provenance),
            request=request,
            parents=parents if drawn is None else (*parents, drawn.link),
            notes=notices,
            provenance=provenance | ({"returned": image.refined.measures} if image.refined else {}),
        )
        return self._save(image, likeness, drawn, proposed=request.mode in PROPOSALS)

    def save_corrected(
        self, made: ImageRecord, image: ImageReady, parents: tuple[ParentLink, ...], note: str, job_id: str
    ) -> ImageRecord:
        """Save a refinement that was put together again. `made`: the one that is corrected."""
        assert made.request is not None
        likeness = Likeness(
            software=SOFTWARE,
            created_at=datetime.now(UTC),
            category=Category.EDITED,
            pixel_sha256=images.pixel_sha256(image.width, image.height, image.rgb, image.alpha),
            job_id=job_id,
            batch_index=image.index,
            seed=image.seed,
            model=ModelMark.model_validate(made.provenance["model"]),
            request=made.request,
            parents=parents,
            notes=(note,),
            provenance={
                **{key: value for key, value in made.provenance.items() if key != "model"},
                "returned": image.refined.measures if image.refined else None,
            },
        )
        return self._save(image, likeness, None)

    def try_disk(self, size: int) -> None:
        """Write `size` bytes and a row, and undo it. Raises StorageFailure where that cannot be done."""
        self.store.drop_aside([self.store.put_aside(bytes(size))])
        with self.database.transaction() as session:
            numbering.caught_up(session, numbering.last_committed(session))

    # --- showing ----------------------------------------------------------------------------

    def get(self, image_id: str) -> ImageRecord:
        """Raises NotFound."""
        with self.database.reading() as session:
            return queries.record(session, queries.row(session, image_id))

    def parents(self, image_id: str) -> tuple[ImageRecord, ...]:
        """The references a picture was made with, in order, as far as they are here. Raises NotFound."""
        with self.database.reading() as session:
            links = queries.row(session, image_id).parents
            wanted = [link.parent_id for link in links if link.parent_id and link.role != CONTROL]
            return queries.records(session, [queries.row(session, parent) for parent in wanted])

    def file(self, image_id: str) -> tuple[Path, ImageRecord]:
        """The stored file and its record. Raises NotFound, also where the file was taken away or changed."""
        record = self.get(image_id)
        return self._whole(self._row(image_id)), record

    def thumbnail(self, image_id: str, side: int = images.THUMBNAIL_SIDE) -> Path:
        """A WebP file, `side` px at its longest. Raises NotFound."""
        row = self._row(image_id)
        with gone_if_unreadable():
            return self.store.thumbnail(row.sha256, row.extension, side)

    def working_file(self, image_id: str) -> Path:
        """An upright 8-bit RGB PNG to work on; also of pictures in the trash. Raises NotFound."""
        row = self._row(image_id)
        with gone_if_unreadable():
            if row.plain:
                return self._whole(row)
            return self.store.working_file(row.sha256, row.extension, plain=False)

    def mask_file(self, image_id: str) -> Path:
        """As `working_file`, with the picture's transparency: RGBA, or RGB where it is plain."""
        row = self._row(image_id)
        with gone_if_unreadable():
            return self._whole(row) if row.plain else self.store.mask_file(row.sha256, row.extension)

    def original_file(self, image_id: str) -> Path:
        """An upright 8-bit file of the picture with its transparency and its own colours.

        RGB or RGBA, with the ICC profile of the values. Raises NotFound.
        """
        row = self._row(image_id)
        with gone_if_unreadable():
            return self._whole(row) if row.plain else self.store.original_file(row.sha256, row.extension)

    def own_file(self, image_id: str) -> Path | None:
        """As `original_file`; None where the working file has all there is. Raises NotFound."""
        row = self._row(image_id)
        with gone_if_unreadable():
            if row.plain or not images.may_have_more(self._whole(row)):
                return None
            return self.store.original_file(row.sha256, row.extension)

    def pixel_hashes(self, image_ids: Sequence[str]) -> dict[str, str]:
        """The hash of each picture's pixels, in the given order; unknown ids are left out."""
        with self.database.reading() as session:
            return queries.pixel_hashes(session, image_ids)

    def sizes(self, image_ids: Iterable[str], *, trashed: bool = False) -> dict[str, tuple[int, int]]:
        """(width, height) px of pictures that are to be references. Raises NotFound, RequestError.

        `trashed`: those in the trash will do, too.
        """
        with self.database.reading() as session:
            return {
                image_id: queries.size_of_reference(session, number, image_id, trashed=trashed)
                for number, image_id in enumerate(image_ids, start=1)
            }

    def costs(self) -> dict[str, Cost]:
        """What each model cost in its last jobs on this machine."""
        with self.database.reading() as session:
            return queries.costs(session)

    # --- marking ----------------------------------------------------------------------------

    def update(
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
        """Change what is given; an empty name, and rights without words, are taken away.

        Raises NotFound, RequestError.
        """
        change = marks.MarkChange.of(
            starred=starred, name=name, tags=tags, category=category, rights=rights, anchor=anchor
        )
        with self.database.transaction() as session:
            row = queries.row(session, image_id)
            marks.apply(session, row, change)
            return queries.record(session, row)

    def trash(self, image_id: str) -> ImageRecord:
        """Into the trash; a picture that is there already stays as it is. Raises NotFound."""
        with self.database.transaction() as session:
            row = queries.row(session, image_id)
            row.trashed_at = row.trashed_at or datetime.now(UTC)
            rows.marked(session, [image_id], words=False)
            return queries.record(session, row)

    def restore(self, image_id: str) -> ImageRecord:
        """Out of the trash. Raises NotFound."""
        with self.database.transaction() as session:
            row = queries.row(session, image_id)
            rows.restore(session, row)
            return queries.record(session, row)

    # --- inside -----------------------------------------------------------------------------

    def _keep_again(self, temp: Path, sha256: str, category: Category) -> ImageRecord | None:
        """Make a known picture's file whole and take it out of the trash; None for an unknown one.

        In one transaction, so that the trash cannot be emptied between file and row.
        """
        with self.database.transaction() as session:
            row = rows.by_hash(session, sha256)
            if row is None:
                return None
            self.store.keep(temp, sha256, row.extension)
            rows.come_again(session, row, category)
            return queries.record(session, row)

    def _take_in(self, temp: Path, sha256: str, label: str, category: Category) -> tuple[ImageRecord, bool]:
        data = temp.read_bytes()
        with images.ingesting(data, self._settings.max_pixels) as taken:
            said = reading.read(data, None, taken.pixels).summary
        file = StoredFile.of(taken.facts, sha256, len(data))
        with self.placing.of([file.name]):
            record, created = self._place(temp, file, label, taken.facts.notes, said, category)
        if created:
            self._keep_thumbnails(file, taken.thumbnails)
        return record, created

    def _place(
        self,
        temp: Path,
        file: StoredFile,
        label: str,
        notes: tuple[str, ...],
        said: Mapping[str, str],
        category: Category,
    ) -> tuple[ImageRecord, bool]:
        self.store.keep(temp, file.sha256, file.extension)
        with self.database.transaction() as session:
            twin = rows.by_hash(session, file.sha256)  # loaded by somebody else meanwhile
            if twin is not None:
                return queries.record(session, twin), False
            row = rows.loaded(file, label, notes, datetime.now(UTC), said=said, category=category)
            rows.add_loaded(session, row)
            return queries.record(session, row), True

    def _made_again(self, original: ImageRow, job_id: str) -> ImageRecord:
        with self.database.transaction() as session:
            reproductions.settle(session, job_id, reproductions.ReproductionResult("identical"), None)
            return queries.record(session, queries.row(session, original.id))

    def _save(
        self, image: ImageReady, likeness: Likeness, drawn: NewControlImage | None, *, proposed: bool = False
    ) -> ImageRecord:
        """`proposed`: it waits in the trash until the artist keeps it."""
        size = image.width, image.height
        data = png.encode(image.rgb, *size, likeness, image.alpha, image.profile)
        file = StoredFile(
            sha256=images.sha256(data),
            size_bytes=len(data),
            extension="png",
            mime="image/png",
            width=image.width,
            height=image.height,
            pixel_sha256=likeness.pixel_sha256,
            plain=not (image.alpha or image.profile),
        )
        names = [file.name] if drawn is None else [file.name, drawn.file.name]
        with self.placing.of(names):
            record = self._place_made(data, file, likeness, drawn, proposed=proposed)
        source = next(iter(likeness.request.with_role(Role.SOURCE)), None)
        if image.refined is not None and source is not None:
            self.model_pictures.keep(record.id, image.refined, source.image_id)
        return record

    def _place_made(
        self,
        data: bytes,
        file: StoredFile,
        likeness: Likeness,
        drawn: NewControlImage | None,
        *,
        proposed: bool,
    ) -> ImageRecord:
        self.store.put(data, file.extension)
        with self.database.transaction() as session:
            if drawn is not None:
                drawn.keep(session, self.store)
            existing = rows.of_job(session, likeness.job_id, likeness.batch_index)
            row = existing if existing is not None else rows.add_generated(session, file, likeness)
            if proposed and existing is None:
                session.flush()  # the journal writes down what is said of a picture, not that it came
                row.trashed_at = likeness.created_at
                rows.marked(session, [row.id], words=False)
            # Its thumbnail is made when first asked for: here it would hold up the next picture.
            return queries.record(session, row)

    def _model_mark(self, model_id: str, provenance: dict[str, Any]) -> ModelMark:
        revision = provenance.get("revision")
        try:
            spec = self._catalog.get(model_id)
        except NotFound:  # taken out of the catalogue while the job waited
            return ModelMark(id=model_id, label=model_id, revision=revision)
        return ModelMark(id=spec.id, label=spec.label, revision=revision or spec.revision)

    def _row(self, image_id: str) -> ImageRow:
        with self.database.reading() as session:
            return queries.row(session, image_id)

    def _whole(self, row: ImageRow) -> Path:
        """Its file, where it holds what it did: one that was cut or changed is that picture no more."""
        if not self.store.has(row.sha256, row.extension, row.size_bytes):
            raise gone()
        return self.store.path(row.sha256, row.extension)

    def _keep_thumbnails(self, file: StoredFile, made: Mapping[int, bytes]) -> None:
        """Early, so that the gallery need not wait; those that fail here are made on demand."""
        try:
            self.store.keep_thumbnails(file.sha256, made)
        except StorageFailure as error:
            _log.warning("No thumbnail yet of %s: %s", file.sha256, error)
