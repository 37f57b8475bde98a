"""Fixing the small faces of a picture: by a press, or after every picture of a job that asks for it.

Says what is drawn anew, with which words and whose likeness; queue and worker do the rest. What comes of it
is a proposal: it waits in the trash until it is kept (`restore`). Knows no HTTP and no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pipelines.catalog.catalog import Catalog
from pipelines.errors import LikenessError, RequestError
from pipelines.events import Box
from pipelines.planning import face_fixing, faces
from pipelines.planning.complete import Completion
from pipelines.request import (
    MAX_SEED,
    RANDOM_SEED,
    CompleteRequest,
    FixFace,
    GenerationRequest,
    Mode,
    Reference,
    Role,
)
from studio.collection import reproductions
from studio.collection.collection import Collection
from studio.dispatcher import Afterwards
from studio.records import ImageRecord, JobRecord

_FURTHEST = 12
"""Pictures gone back to find words that describe one."""
_DESCRIBES = (
    Mode.TEXT_TO_IMAGE,
    Mode.IMG2IMG,
    Mode.CHARACTER_REFERENCE,
    Mode.STYLE_REFERENCE,
    Mode.CONTROLNET,
)
"""Modes whose prompts say what is to be seen; others say what to change."""
_PLAIN = "a portrait"
_NONE_FIXED = "Its faces were not fixed: {why}"


class FixWish(BaseModel):
    """How the faces of one picture are fixed; what is left out follows from how the picture was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    under: int | None = Field(default=None, ge=16, le=4096, description="As `fix_face.under` of a request.")
    strength: float | None = Field(
        default=None,
        gt=0.0,
        le=1.0,
        description="How far they may change. None: as little as suits the model, most often 0.4.",
    )
    prompt: str | None = Field(default=None, max_length=10_000, description="What the picture shows.")
    model: str | None = Field(default=None, max_length=128)
    seed: int = Field(default=RANDOM_SEED, ge=-1, le=MAX_SEED)


class FaceFixing:
    """`heads_of`: where heads are in a file, in px; `portrait_of`: a character's portrait, or None."""

    def __init__(
        self,
        collection: Collection,
        catalog: Catalog,
        complete: Callable[[GenerationRequest], Completion],
        heads_of: Callable[[Path], tuple[Box, ...]],
        portrait_of: Callable[[str], str | None],
    ) -> None:
        self._collection = collection
        self._catalog = catalog
        self._complete = complete
        self.heads_of = heads_of
        self._portrait_of = portrait_of

    def request(self, image_id: str, wish: FixWish) -> Completion:
        """The complete request that fixes a picture's faces.

        Raises NotFound, RequestError (no head, or none so small; no model that can).
        """
        made = self._collection.get(image_id)
        completed = self._complete(self._asked(made, wish))
        faces.chosen(self.heads_of(self._collection.working_file(image_id)), completed.request.fix_face)
        return completed

    def after(self, job: JobRecord) -> Afterwards:
        """What follows a job that is done: the fixing of its pictures' faces, where it asks for that."""
        wish = job.request.fix_face
        if job.request.mode is Mode.FIX_FACE or wish is None or self._reproduces(job.id):
            return Afterwards()
        found: list[tuple[CompleteRequest, tuple[str, ...]]] = []
        notices: dict[str, None] = {}
        for image_id in job.images:
            seed = self._collection.get(image_id).seed
            own = FixWish(under=wish.under, seed=RANDOM_SEED if seed is None else seed)
            try:
                completed = self.request(image_id, own)
            except LikenessError as error:
                notices[_NONE_FIXED.format(why=error.detail)] = None
            else:
                found.append((completed.request, completed.notices))
        return Afterwards(tuple(found), tuple(notices))

    def _reproduces(self, job_id: str) -> bool:
        """A picture that is made once more was fixed, or not, when it was made first."""
        with self._collection.database.reading() as session:
            return reproductions.original_of(session, job_id) is not None

    def _asked(self, made: ImageRecord, wish: FixWish) -> GenerationRequest:
        request = made.request
        model = wish.model or face_fixing.fixing_model(self._catalog, request.model if request else None)
        if model is None:
            raise RequestError(
                "No model on this machine can fix faces. Add one on the Models page.", field="model"
            )
        described = request if request and request.mode in _DESCRIBES else self._earlier(made)
        own = request is not None and request.model == model
        asked = GenerationRequest(
            mode=Mode.FIX_FACE,
            model=model,
            prompt=(described.prompt if described else _PLAIN) if wish.prompt is None else wish.prompt,
            negative_prompt=described.negative_prompt if described else "",
            seed=wish.seed,
            character=request.character if request else None,
            references=(Reference(image_id=made.id, role=Role.SOURCE), *self._persons(made, model)),
            loras=request.loras if request and own else (),
            vae=request.vae if request and own else None,
            fix_face=FixFace(under=wish.under),
        )
        left_open = wish.strength is None  # then the model says
        return asked if left_open else asked.model_copy(update={"strength": wish.strength})

    def _earlier(self, made: ImageRecord) -> GenerationRequest | None:
        """The request of the nearest picture it goes back to that says what is to be seen."""
        now = made
        for _ in range(_FURTHEST):
            request = now.request
            if request is None or request.mode in _DESCRIBES:
                return request
            sources = request.with_role(Role.SOURCE)
            if not sources:
                return None
            try:
                now = self._collection.get(sources[0].image_id)
            except LikenessError:  # it is gone
                return None
        return None

    def _persons(self, made: ImageRecord, model: str) -> tuple[Reference, ...]:
        """Who it is, for a model that looks at pictures: the character's, else what it was made from."""
        request = made.request
        if request is None or Role.CHARACTER not in self._catalog.route(model, Mode.FIX_FACE).roles:
            return ()
        portrait = self._portrait_of(request.character) if request.character else None
        found = [portrait] if portrait else [r.image_id for r in request.with_role(Role.CHARACTER)]
        if not found:
            found = [reference.image_id for reference in request.with_role(Role.SOURCE)[:1]]
        return tuple(
            Reference(image_id=each, role=Role.CHARACTER)
            for each in found
            if each != made.id and self._is_here(each)
        )

    def _is_here(self, image_id: str) -> bool:
        try:
            return self._collection.get(image_id).trashed_at is None
        except LikenessError:
            return False
