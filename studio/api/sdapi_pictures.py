"""What `/sdapi/v1` asks of the service: take pictures in, queue, wait for the end, read what was made.

Blocks until the job has ended, so it runs in threads of its own; see `sdapi`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import ImageChops

from pipelines.errors import Cancelled, GenerationFailed, LikenessError, RequestError
from pipelines.request import CompleteRequest, GenerationRequest, Mode
from studio import images
from studio.collection.metadata import reading
from studio.records import Category, ImageRecord, JobRecord, JobStatus
from studio.sdapi import answers, translating
from studio.sdapi.answers import Json, Made
from studio.sdapi.fields import Drawing, ExtraSingleImage, ImageToImage, PngInfo, TextToImage
from studio.sdapi.translating import CHECKPOINT, Translated, Usual
from studio.service import StudioService

TAB = "sdapi"
"""Jobs that were asked for here, whichever client did."""
_ACTIVE = (JobStatus.RUNNING, JobStatus.QUEUED)
_WATCH_SECONDS = 1.0
_ANY_WORDS = "a portrait"


class Closing(LikenessError):
    """The studio ends while somebody waits."""

    code = "closing"
    status = 503


class SdPictures:
    """The verbs. Thread-safe. `closing` says whether the studio is about to end."""

    def __init__(self, service: StudioService, closing: Callable[[], bool]) -> None:
        self._service = service
        self._closing = closing
        self._chosen: str | None = None

    # --- the model --------------------------------------------------------------------------

    def model_title(self) -> str:
        """Of the model that is used where a request names none; "" where none is here."""
        with contextlib.suppress(LikenessError):
            return self._title(self._chosen or self._usual_request(Mode.TEXT_TO_IMAGE, None, {}).model)
        return ""

    def set_options(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Use another model from now on; what else was sent is told. Raises RequestError."""
        if CHECKPOINT in options:
            self._chosen = translating.named_model(options[CHECKPOINT], self._service.models(add_ons=False))
        return translating.unused_options(options)

    def _model(self, sent: Drawing) -> str | None:
        """Raises RequestError where one is named that is not here."""
        named = translating.named_model(
            sent.override_settings.get(CHECKPOINT), self._service.models(add_ons=False)
        )
        if named and not sent.override_settings_restore_afterwards:
            self._chosen = named
        return named or self._chosen

    def _title(self, model_id: str) -> str:
        models = translating.usable(self._service.models(add_ons=False))
        return next((translating.title(each, models) for each in models if each.id == model_id), model_id)

    def _enlarger(self, name: str) -> str | None:
        return translating.find(name, translating.enlargers(self._service.models(add_ons=False)))

    # --- asking -----------------------------------------------------------------------------

    def text_to_image(self, sent: TextToImage) -> Json:
        """The pictures, once they are made."""
        model = self._model(sent)
        usual = self._usual(Mode.TEXT_TO_IMAGE, model, {})
        return self._drawn(
            sent, translating.text_to_image(sent, model, usual, self._enlarger(sent.hr_upscaler))
        )

    def image_to_image(self, sent: ImageToImage) -> Json:
        """The pictures, once they are made."""
        if not sent.init_images:
            raise RequestError(
                "init_images is empty: there is no picture to start from.", field="init_images"
            )
        model = self._model(sent)
        source = self._taken_in(sent.init_images[0], "init_images", "img2img.png")
        mask = self._mask(sent) if sent.mask else None
        acting = translating.references(source.id, mask.id if mask else None)
        usual = self._usual(acting["mode"], model, acting)
        placed = (mask.id, (mask.width, mask.height)) if mask else None
        sized = source.id, (source.width, source.height)
        return self._drawn(sent, translating.image_to_image(sent, model, usual, sized, placed))

    def enlarge(self, sent: ExtraSingleImage) -> Json:
        """The larger picture, once it is made."""
        source = self._taken_in(sent.image, "image", "extra-single-image.png")
        wanted = translating.enlarging(sent, source.id, self._enlarger(sent.upscaler_1))
        job = self._ended(self._service.submit(wanted.request, tab=TAB))
        return answers.enlarged(job, self._made(job.images[0]), wanted.notes)

    def _drawn(self, sent: Drawing, wanted: Translated) -> Json:
        job = self._ended(self._service.submit(wanted.request, tab=TAB))
        made = [self._made(each) for each in job.images]
        return answers.drawn(sent, job, made, wanted.notes, self._title(job.request.model or ""))

    def _usual(self, mode: Mode, model: str | None, acting: Mapping[str, Any]) -> Usual:
        """How the model draws where nothing is said. Raises as `submit` does."""
        done = self._usual_request(mode, model, acting)
        info = self._service.model(done.model)
        limits = info.limits.get(mode.value) if info else None
        return Usual(
            (done.width, done.height),
            limits.size_multiple if limits else Usual.multiple,
            done.finish.scale if done.finish else 1,
        )

    def _usual_request(self, mode: Mode, model: str | None, acting: Mapping[str, Any]) -> CompleteRequest:
        plain = GenerationRequest.model_validate(
            {"mode": mode, "model": model, "prompt": _ANY_WORDS, **acting}
        )
        return self._service.preview_request(plain)[0]

    # --- pictures in ------------------------------------------------------------------------

    def _taken_in(
        self, text: str, field: str, name: str, category: Category = Category.UPLOAD
    ) -> ImageRecord:
        data = translating.picture_bytes(text, field)
        return self._service.add_upload(io.BytesIO(data), name, category)[0]

    def _mask(self, sent: ImageToImage) -> ImageRecord:
        """White where the picture may change; of a transparent one, where it is painted."""
        record = self._taken_in(sent.mask or "", "mask", "mask.png", Category.CONTROL)
        path, _ = self._service.image_file(record.id)
        with images.own_copy(path) as picture:
            if picture.mode != "RGBA" and not sent.inpainting_mask_invert:
                return record
            grey = picture.getchannel("A") if picture.mode == "RGBA" else picture.convert("L")
            grey = ImageChops.invert(grey) if sent.inpainting_mask_invert else grey
            buffer = io.BytesIO()
            grey.save(buffer, "PNG")
        buffer.seek(0)
        return self._service.add_upload(buffer, "mask.png", Category.CONTROL)[0]

    def png_info(self, sent: PngInfo) -> Json:
        """What a picture's file says of its making; nothing of it is kept."""
        return answers.png_info(reading.read(translating.picture_bytes(sent.image, "image")))

    # --- waiting ----------------------------------------------------------------------------

    def _ended(self, job: JobRecord) -> JobRecord:
        """The job once it is done. Raises Cancelled, GenerationFailed (its own words), Closing."""
        version = -1
        while job.status in _ACTIVE:
            if self._closing():
                raise Closing("The studio was closed. The job goes on when it is started again.")
            version = self._service.watch(version, _WATCH_SECONDS).version
            job = self._service.job(job.id)
        if job.status is JobStatus.CANCELLED:
            raise Cancelled("The job was cancelled.")
        if job.status is JobStatus.FAILED or not job.images:
            raise GenerationFailed(job.error.message if job.error else "The job made no picture.")
        return job

    def _made(self, image_id: str) -> Made:
        path, record = self._service.image_file(image_id)
        stored = path.read_bytes()
        png = stored if record.mime == "image/png" else self._service.working_file(image_id).read_bytes()
        return Made(record, png, answers.text_of(reading.read(stored)))

    # --- while it runs ----------------------------------------------------------------------

    def progress(self, *, with_image: bool) -> Json:
        """How far the running job is that was asked for here."""
        jobs = self._asked_here()
        running = bool(jobs) and jobs[0].status is JobStatus.RUNNING
        preview = self._service.preview(jobs[0].id) if running and with_image else None
        return answers.progress(jobs, preview[0] if preview else None)

    def interrupt(self) -> None:
        """Cancel what runs, or is next, of what was asked for here; the jobs of others go on."""
        if jobs := self._asked_here():
            self._service.cancel(jobs[0].id)

    def _asked_here(self) -> list[JobRecord]:
        """Those that have not ended, the running one first."""
        return [job for job in self._service.snapshot().jobs if job.tab == TAB and job.status in _ACTIVE]
