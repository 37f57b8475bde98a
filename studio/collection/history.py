"""How pictures came to be: family tree, changes, drift, batches, details, making one again.

Each method reads rows in one transaction and measures files outside of it. Knows the jobs' rows, not the
queue. Thread-safe; methods raise NotFound for unknown pictures and may raise StorageFailure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import RequestError
from pipelines.request import GenerationRequest
from studio import kept_requests
from studio.collection import batches, changes, drift, lineage, queries, reproductions
from studio.collection.collection import Collection
from studio.collection.models import DriftRow, ImageRow, JobRow, ParentRow
from studio.collection.queries import Filter
from studio.history_records import (
    BatchPage,
    BranchStep,
    Change,
    Drift,
    DriftReport,
    FamilyEdge,
    FamilyNode,
    FamilyTree,
    ImageDetails,
    Reproduction,
)
from studio.once import once
from studio.records import Category, ImageSummary, Rights, Winners

DEEP = 4
"""Generations from the anchor at which the studio suggests to go back to it."""
MAX_BRANCH = 32
"""Pictures of a branch that are measured, counted from its end."""
_NO_HEAD = "No head was found in this picture, so its face is not compared."
_ITSELF = Drift(structure=1.0, colour=0.0)
_MOSTLY_KEPT = 0.5
"""Share of a picture up to which an edit that changed no more has lost nothing of the rest."""
_SUGGESTION = (
    "This is {depth} edits away from the anchor, and each loses a little. "
    "Go back to the anchor and apply the edits together."
)


class History:
    """The past of the pictures of one collection."""

    def __init__(self, collection: Collection, faces: drift.FaceDistance = drift.no_faces) -> None:
        self._collection = collection
        self._faces = faces
        self._database = collection.database
        self._distance = once(64)(drift.measure)

    def family(self, image_id: str) -> FamilyTree:
        """The tree the picture stands in: what it came from, and all that came from the first of its line."""
        with self._database.reading() as session:
            found = lineage.family(session, queries.row(session, image_id))
            by_id = {row.id: row for row in found.rows}
            drifts = _known_drifts(session, by_id)
        drifts = self._with_known_faces(drifts, by_id)
        edges = tuple(edge for row in found.rows for edge in _edges(row, by_id))
        children = {edge.child_id for edge in edges if edge.parent_id in by_id}
        return FamilyTree(
            root_ids=tuple(image for image in by_id if image not in children),
            nodes=tuple(
                FamilyNode(image=queries.summary(row), generation=row.depth, drift=drifts.get(row.id))
                for row in found.rows
            ),
            edges=edges,
            truncated=found.truncated,
        )

    def changes(self, image_id: str, against: str | None = None) -> tuple[Change, ...]:
        """What was changed against the picture it was made from, or against any other."""
        with self._database.reading() as session:
            row = queries.row(session, image_id)
            if against is not None:
                return changes.compare(_request(queries.row(session, against)), _request(row))
            return _changes(session, row)

    def details(self, image_id: str) -> ImageDetails:
        """Everything there is to say about a picture."""
        with self._database.reading() as session:
            row = queries.row(session, image_id)
            job = session.scalar(select(JobRow).where(JobRow.id == row.job_id))
            parents = [parent.parent_id for parent in row.parents if parent.parent_id is not None]
            return ImageDetails(
                image=queries.record(session, row),
                seconds=job.seconds if job else None,
                memory_mb=job.memory_mb if job else None,
                batch=tuple(map(queries.summary, batches.of_job(session, row.job_id))),
                references=tuple(queries.summary(queries.row(session, parent)) for parent in parents),
                changes=_changes(session, row),
                anchor_id=lineage.anchor_of(lineage.line(session, row)).id,
                reproduces=reproductions.reproduced_by(session, image_id),
                rights_lines=tuple(rights_lines(lineage.ancestors(session, image_id))),
            )

    def prompts_below(self, image_id: str) -> tuple[str, ...]:
        """The prompts of pictures that were made from this one, however far; some hundred at most."""
        with self._database.reading() as session:
            return lineage.prompts_below(session, image_id)

    # --- drift ------------------------------------------------------------------------------

    def drift(self, image_id: str, anchor_id: str | None = None) -> DriftReport:
        """How far the picture, and those between, are from an anchor; None: the anchor of its line.

        Measured when first asked for. Raises NotFound, also where a file is missing.
        """
        with self._database.reading() as session:
            line = lineage.line(session, queries.row(session, image_id))
            anchor = lineage.anchor_of(line) if anchor_id is None else queries.row(session, anchor_id)
        ids = [row.id for row in line]
        depth = ids.index(anchor.id) if anchor.id in ids else 0
        branch = ids[:depth] if anchor.id in ids else ids[:1]
        measured = {**self._measured(branch[:MAX_BRANCH], anchor.id), anchor.id: _ITSELF}
        faces = self._faces(list(measured), anchor.id, ask=True)
        measured = _with_faces(measured, faces)
        steps = [BranchStep(image_id=anchor.id, depth=0, drift=measured[anchor.id])]
        steps += [
            BranchStep(
                image_id=each,
                depth=max(depth - place, 1),
                drift=measured[each],
                changed=_share_changed(line[place]),
            )
            for place, each in reversed(list(enumerate(branch[:MAX_BRANCH])))
        ]
        return DriftReport(
            anchor_id=anchor.id,
            depth=depth,
            drift=measured[image_id],
            face_reason=None if image_id in faces.values else faces.reason or _NO_HEAD,
            branch=tuple(steps),
            suggestion=_suggestion(depth, steps[1:]),
        )

    def drifts(self, image_ids: Sequence[str], anchor_id: str) -> dict[str, Drift]:
        """How far each of these is from a picture, whether or not they are of one line."""
        return self._measured(image_ids, anchor_id)

    def _with_known_faces(
        self, drifts: Mapping[str, Drift], family: Mapping[str, ImageRow]
    ) -> dict[str, Drift]:
        """The same with the faces that were compared before, each picture's with its own anchor's."""
        anchors = {image: _anchor_in(family[image], family) for image in drifts}
        measured = dict(drifts)
        for anchor in set(anchors.values()):
            images = [image for image in drifts if anchors[image] == anchor]
            measured |= _with_faces({i: drifts[i] for i in images}, self._faces(images, anchor, ask=False))
        return measured

    def _measured(self, image_ids: Sequence[str], anchor_id: str) -> dict[str, Drift]:
        with self._database.reading() as session:
            known = _drifts(session, image_ids, [anchor_id])
        found = {image: distance for (image, _), distance in known.items()}
        missing = [image for image in image_ids if image not in found]
        rows = [self._measure(image, anchor_id) for image in missing]
        if rows:
            with self._database.transaction() as session:
                for row in rows:
                    session.merge(row)
        return found | {row.image_id: _drift(row) for row in rows}

    def _measure(self, image_id: str, anchor_id: str) -> DriftRow:
        files = (self._collection.working_file(each) for each in (image_id, anchor_id))
        distance = self._distance(*files)
        return DriftRow(
            image_id=image_id,
            anchor_id=anchor_id,
            method=drift.METHOD,
            structure=distance.structure,
            colour=distance.colour,
        )

    # --- batches ----------------------------------------------------------------------------

    def batches(self, cursor: str | None, limit: int, wanted: Filter = batches.EVERYTHING) -> BatchPage:
        """Newest first, those with a picture that is `wanted`. Raises RequestError for a bad cursor."""
        with self._database.reading() as session:
            return batches.page(session, cursor, limit, wanted)

    def pictures_of_batch(self, batch_id: str) -> tuple[ImageSummary, ...]:
        """Those of a job's batch, or of a sweep, outside the trash and in order."""
        with self._database.reading() as session:
            return tuple(queries.summary(row) for row in batches.of_job(session, batch_id))

    def pick_winners(self, job_id: str, image_ids: Sequence[str]) -> Winners:
        """Keep these of a batch, put the others into the trash. Raises NotFound, RequestError."""
        with self._database.transaction() as session:
            return batches.pick(session, job_id, image_ids)

    # --- making again -----------------------------------------------------------------------

    def request_of(self, image_id: str) -> GenerationRequest:
        """The request that makes this very picture. Raises RequestError for one that was not made here."""
        with self._database.reading() as session:
            row = queries.row(session, image_id)
            request = _request(row)
        if request is None:
            raise RequestError("This picture was not made here, so it cannot be made again.")
        if not kept_requests.is_whole(row.request):
            raise RequestError(
                "Another version of the studio made this picture, with settings that this one does not know. "
                "Update the studio to make it again, or use Reuse settings for those it knows."
            )
        return request

    def begin_reproduction(self, image_id: str, session: Session, jobs: tuple[str, ...]) -> None:
        """Write down, where the job is queued, that it is to make this picture: it may be done in no time."""
        for job_id in jobs:
            reproductions.begin(session, job_id, image_id)

    def reproductions(self, image_id: str) -> tuple[Reproduction, ...]:
        """How often it was made again, and how alike; new results are compared now."""
        with self._database.reading() as session:
            original = queries.row(session, image_id)
            results = reproductions.open_results(session, image_id)
        outcomes = {job_id: (self._compared(original, row), row.id) for job_id, row in results}
        if outcomes:
            with self._database.transaction() as session:
                for job_id, (outcome, result_id) in outcomes.items():
                    reproductions.settle(session, job_id, outcome, result_id)
        with self._database.reading() as session:
            return reproductions.of_picture(session, image_id)

    def _compared(self, original: ImageRow, result: ImageRow) -> reproductions.ReproductionResult:
        if original.pixel_sha256 == result.pixel_sha256:
            return reproductions.ReproductionResult("identical")
        files = self._collection.working_file
        return reproductions.compare(
            files(original.id), files(result.id), original.provenance, result.provenance
        )


def _request(row: ImageRow) -> GenerationRequest | None:
    """The request that makes this picture alone, with its own seed; None for one that was loaded."""
    if row.request is None:
        return None
    return kept_requests.read(row.request).alone(row.seed)


def _changes(session: Session, row: ImageRow) -> tuple[Change, ...]:
    edge = lineage.first_parent(row.parents)
    parent_id = edge.parent_id if edge else None
    parent = None if parent_id is None else queries.row(session, parent_id)
    return changes.compare(_request(parent) if parent else None, _request(row), parent_id=parent_id)


def _edges(row: ImageRow, family: Mapping[str, ImageRow]) -> Iterable[FamilyEdge]:
    first = lineage.first_parent(row.parents)
    for edge in row.parents:
        yield _edge(row, edge, family.get(edge.parent_id or ""), primary=edge is first)


def _edge(row: ImageRow, edge: ParentRow, parent: ImageRow | None, *, primary: bool) -> FamilyEdge:
    before = _request(parent) if parent else None
    found = changes.compare(before, _request(row), parent_id=edge.parent_id) if primary else ()
    return FamilyEdge(
        child_id=row.id,
        parent_id=edge.parent_id,
        parent_pixel_sha256=edge.pixel_sha256,
        role=queries.role_of(edge),
        order=edge.order,
        weight=edge.weight,
        primary=primary,
        changes=found,
    )


def _share_changed(row: ImageRow) -> float | None:
    """What the return step measured when the picture was made."""
    returned: dict[str, Any] = row.provenance.get("returned") or {}
    changed = returned.get("changed")
    return float(changed) if isinstance(changed, int | float) else None


def _suggestion(depth: int, steps: Sequence[BranchStep]) -> str | None:
    """Where so many edits each redrew more than they were asked for, to begin again."""
    redrawn = [step for step in steps if step.changed is None or step.changed > _MOSTLY_KEPT]
    return _SUGGESTION.format(depth=depth) if depth >= DEEP and redrawn else None


def _known_drifts(session: Session, family: Mapping[str, ImageRow]) -> dict[str, Drift]:
    """Of a family's pictures what was measured before, each against its own anchor."""
    anchors = {row.id: _anchor_in(row, family) for row in family.values()}
    known = _drifts(session, list(family), list(set(anchors.values())))
    return {image: known[image, anchor] for image, anchor in anchors.items() if (image, anchor) in known}


def _anchor_in(row: ImageRow, family: Mapping[str, ImageRow]) -> str:
    line = [row]
    while (edge := lineage.first_parent(line[-1].parents)) is not None:
        if edge.parent_id is None or edge.parent_id not in family:
            break
        line.append(family[edge.parent_id])
    return lineage.anchor_of(line).id


def _drifts(session: Session, images: Sequence[str], anchors: Sequence[str]) -> dict[tuple[str, str], Drift]:
    statement = select(DriftRow).where(
        DriftRow.image_id.in_(images), DriftRow.anchor_id.in_(anchors), DriftRow.method == drift.METHOD
    )
    return {(row.image_id, row.anchor_id): _drift(row) for row in session.scalars(statement)}


def _with_faces(drifts: Mapping[str, Drift], faces: drift.Faces) -> dict[str, Drift]:
    found = faces.values
    return {image: each.model_copy(update={"face": found.get(image)}) for image, each in drifts.items()}


def _drift(row: DriftRow) -> Drift:
    return Drift(structure=row.structure, colour=row.colour)


def rights_lines(ancestors: Iterable[ImageRow]) -> Iterable[str]:
    """One line per loaded picture that took part, and per made one that something is said of."""
    for row in ancestors:
        rights = Rights.model_validate(row.rights or {})
        said = [f"{name}: {text}" for name, text in rights.model_dump(exclude_none=True).items()]
        if said or row.category in (Category.UPLOAD, Category.IMPORTED):
            yield f"“{row.name or row.label}” – {'; '.join(said) or 'rights not stated'}"
