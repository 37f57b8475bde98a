"""Errors as `application/problem+json` (RFC 9457), in words for the artist.

The one boundary of REST: domain errors, refused fields, unknown addresses and bugs all leave here,
each with `detail` and, where one is to blame, `field`. Knows nothing of the calls themselves.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipelines.errors import LikenessError
from pipelines.families.setting import bounds
from pipelines.families.settings import heading
from pipelines.request import MAX_REFERENCES, Control, GenerationRequest, Keep, Reference, ResultSize

_log = logging.getLogger(__name__)
_PARTS: dict[str, type[BaseModel]] = {
    "references": Reference,
    "control": Control,
    "keep": Keep,
    "result_size": ResultSize,
}
_TRIED = ("function-wrap", ResultSize.__name__)
_LABELS = {"image_id": "The reference's image_id"}


class FieldProblem(BaseModel):
    """One field that cannot be used as sent."""

    field: str | None = None
    detail: str


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str = Field(description="Written for the artist: what to do.")
    field: str | None = Field(default=None, description="The setting to change, where one is known.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="All fields, where several are wrong."
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of `app`'s own routes leave as a problem."""
    app.add_exception_handler(LikenessError, _domain_error)
    app.add_exception_handler(RequestValidationError, _refused_fields)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)


def _answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    said = json.dumps(problem.model_dump(exclude_none=True), ensure_ascii=False)
    body = said.encode("utf-8", "replace")  # what was asked for stands in it, and need not be text
    kept = {"Cache-Control": "no-store", **(headers or {})}  # what failed now may be right the next time
    return Response(body, problem.status, headers=kept, media_type="application/problem+json")


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


async def _domain_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, LikenessError)
    return _answer(
        Problem(
            title=_title(error.status),
            status=error.status,
            code=error.code,
            detail=error.detail,
            field=error.field,
            errors=_parts(error),
        )
    )


def _parts(error: LikenessError) -> list[FieldProblem] | None:
    """What errors about several fields say of each."""
    listed: Sequence[tuple[str, str]] = getattr(error, "errors", ())
    return [FieldProblem(field=field, detail=detail) for field, detail in listed] or None


async def _refused_fields(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [describe(each) for each in error.errors()]
    first = problems[0]
    return _answer(
        Problem(
            title=_title(422),
            status=422,
            code="invalid_request",
            detail=first.detail,
            field=first.field,
            errors=problems if len(problems) > 1 else None,
        )
    )


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if detail == "There was an error parsing the body":
        detail = "The body could not be read. Send it as JSON."
    code = _title(error.status_code).lower().replace(" ", "_")
    problem = Problem(title=_title(error.status_code), status=error.status_code, code=code, detail=detail)
    return _answer(problem, error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "Something went wrong inside the studio. Try again; the terminal it runs in says more."
    return _answer(Problem(title=_title(500), status=500, code="internal_error", detail=detail))


def describe(error: Mapping[str, Any]) -> FieldProblem:
    """One of pydantic's errors as a field name and a sentence with the allowed values."""
    where = [part for part in error["loc"][1:] if not isinstance(part, str) or _names(part)]
    name = str(where[-1]) if where else ""
    kind = str(error["type"])
    if kind == "json_invalid":
        return FieldProblem(detail="The body is not JSON.")
    if not where:
        return FieldProblem(detail="The body must be a JSON object, sent as application/json.")
    field = ".".join(str(part) for part in where)
    return FieldProblem(field=field, detail=_sentence(kind, name, where, error))


def _names(part: str) -> bool:
    """Whether it is a field's name, and not which of several types a value was tried as."""
    return part not in _TRIED and not part.startswith("literal[")


def _sentence(kind: str, name: str, where: Sequence[str | int], error: Mapping[str, Any]) -> str:
    label = _LABELS.get(name) or heading(name)
    context = error.get("ctx", {})
    match kind:
        case "missing":
            return f"{label} is missing."
        case "extra_forbidden":
            return f"There is no setting called “{name[:64]}”."
        case "enum" | "literal_error":
            allowed = str(context["expected"]).replace("'", "")
            return f"{label} must be {allowed}."
        case "too_long" if name == "references":
            return f"At most {MAX_REFERENCES} references can be used at once. Remove some."
        case "string_too_long" | "too_long":
            return f"{label} is too long: at most {context['max_length']:,} are allowed."
        case "string_too_short":
            return f"{label} is empty."
        case "bool_parsing" | "bool_type":
            return f"{label} must be true or false."
        case "string_type" | "string_unicode":
            return f"{label} must be text."
        case "value_error":
            return str(context["error"])
        case _:
            pass
    return _number_sentence(kind, label, name, where, context) or f"{label} cannot be used: {error['msg']}."


def _number_sentence(
    kind: str, label: str, name: str, where: Sequence[str | int], context: Mapping[str, Any]
) -> str | None:
    if not kind.startswith(("int_", "float_", "finite_", "greater_", "less_")):
        return None
    model = _PARTS.get(str(where[0]), GenerationRequest)
    known = model.model_fields.get(name)
    low, high = bounds(model, name) if known else (context.get("ge"), context.get("le"))
    whole = "whole " if kind.startswith("int_") or (known and "int" in str(known.annotation)) else ""
    return f"{label} must be a {whole}number{_bounds(low, high)}."


def _bounds(low: Any, high: Any) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}" if isinstance(high, float) else f" from {low} to {high}"
    if low is not None:
        return f" of {low} or more"
    return f" of {high} or less" if high is not None else ""
