"""Everything the studio says no with.

    LikenessError
    ├── RequestError          the request cannot be carried out as written (HTTP 422)
    ├── NotFound              no such picture, job or model (HTTP 404)
    ├── Conflict              the thing is not in a state that allows this (HTTP 409)
    ├── PictureRefused        a file that cannot be taken in as a picture (HTTP 422)
    ├── ModelUnavailable      the weights are not on this machine or do not load (HTTP 409)
    ├── OutOfMemory           the accelerator has too little memory for this request (HTTP 507)
    ├── GenerationFailed      the model ran but what came out is not a picture (HTTP 500)
    ├── StorageFailure        the data folder is full, read-only or damaged (HTTP 507)
    ├── WorkerLost            the worker process died or did not answer (HTTP 503)
    └── Cancelled             the artist cancelled the job; never shown as a failure

Every `detail` is one or two sentences an artist can act on. One boundary (the REST layer for
scripts, the page's event wrapper for people, the worker's loop for jobs) turns these into words.
"""

from __future__ import annotations


class LikenessError(Exception):
    """Base of all errors that are shown to the artist."""

    code = "error"
    status = 400

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class RequestError(LikenessError):
    """The request cannot be carried out as written; `field` names the setting to change."""

    code = "invalid_request"
    status = 422


class NotFound(LikenessError):
    """No such picture, job or model."""

    code = "not_found"
    status = 404


class Conflict(LikenessError):
    """The thing exists but is not in a state that allows this."""

    code = "conflict"
    status = 409


class PictureRefused(LikenessError):
    """The file cannot be taken in as a picture."""

    code = "picture_refused"
    status = 422


class ModelUnavailable(LikenessError):
    """The model's weights are missing or do not load."""

    code = "model_unavailable"
    status = 409


class OutOfMemory(LikenessError):
    """The accelerator has too little memory for this request."""

    code = "out_of_memory"
    status = 507


class GenerationFailed(LikenessError):
    """The model ran but what came out is not a picture."""

    code = "generation_failed"
    status = 500


class StorageFailure(LikenessError):
    """The data folder cannot be written or is damaged."""

    code = "storage_failure"
    status = 507


class WorkerLost(LikenessError):
    """The worker process died or stopped answering."""

    code = "worker_lost"
    status = 503


class Cancelled(LikenessError):
    """The artist cancelled the job."""

    code = "cancelled"
    status = 409

    def __init__(self, detail: str = "Cancelled.") -> None:
        super().__init__(detail)


def named(code: str, detail: str) -> LikenessError:
    """The error with this code, as another process told of it."""
    known = {kind.code: kind for kind in LikenessError.__subclasses__()}
    return known.get(code, LikenessError)(detail)


class CatalogError(Exception):
    """models.yaml cannot be used; the message names file, entry and key. Ends the program with code 2."""
