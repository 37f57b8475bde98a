"""Whether the references of a request can act as it says: how many, in which roles, of which shape."""

from __future__ import annotations

import math
from collections import Counter

from pipelines.errors import RequestError
from pipelines.planning.draft import Draft
from pipelines.request import Reference, Role

_MASK_SHAPE = 0.02
"""How far the shapes of mask and source may lie apart: sizes are rounded to the model's steps."""


def settle_references(draft: Draft) -> None:
    """Check the references and give each its role. Raises RequestError."""
    request, route = draft.request, draft.route
    beside = len(request.with_role(Role.MASK)) if route.refines else 0
    if len(request.references) - beside > route.max_references:
        raise RequestError(_too_many(draft), field="references")
    roles = Counter(request.role_of(r) for r in request.references)
    for number, reference in enumerate(request.references, start=1):
        _check_reference(draft, number, reference)
    if len(request.references) - beside < route.min_references:
        raise RequestError(_too_few(draft), field="references")
    for role in route.required_roles:
        if not roles[role]:
            raise RequestError(_missing_role(draft, role), field="references")
    _check_mask(draft)
    for role, count in roles.items():
        limit = route.role_limit(role)
        if count > limit:
            raise RequestError(
                f"{draft.label} takes {limit} {role} reference, not {count}. "
                "Remove some, or give them other roles.",
                field="references",
            )
    draft.changes["references"] = _closed_references(draft)


def _closed_references(draft: Draft) -> tuple[Reference, ...]:
    """Each with its role; weights where the route has no use for them become neutral, with words."""
    given = draft.request.references
    weights = [r.weight if draft.route.reference_weights else 1.0 for r in given]
    if weights != [r.weight for r in given]:
        draft.notices.append(f"A reference's weight does nothing in {draft.label}; it is left out.")
    return tuple(
        r.model_copy(update={"role": draft.request.role_of(r), "weight": weight})
        for r, weight in zip(given, weights, strict=True)
    )


def _too_many(draft: Draft) -> str:
    limit, given = draft.route.max_references, len(draft.request.references)
    if limit == 0:
        return f"{draft.label} takes no references. Remove them, or choose a mode that uses them."
    few = "1 reference" if limit == 1 else f"{limit} references"
    who = f"{draft.label} with {draft.spec.label}"
    return f"{who} takes at most {few}, not {given}. Remove some, or choose another mode."


def _too_few(draft: Draft) -> str:
    if not draft.request.references:
        return f"{draft.label} needs a reference: add a portrait to the References panel."
    return f"{draft.label} needs {draft.route.min_references} references."


def _missing_role(draft: Draft, role: Role) -> str:
    if role is Role.MASK:
        return f"{draft.label} needs a mask: a picture that is white where the source may change."
    return f"{draft.label} needs a {role} reference: give one of the references the role {role}."


def _check_mask(draft: Draft) -> None:
    """A mask of another shape would lie crookedly over its source."""
    masks = draft.request.with_role(Role.MASK)
    sources = draft.request.with_role(Role.SOURCE)
    if not (masks and sources):
        return
    shapes = [width / height for width, height in (draft.sizes[r.image_id] for r in (masks[0], sources[0]))]
    if abs(math.log(shapes[0] / shapes[1])) > _MASK_SHAPE:
        raise RequestError(
            "The mask has another shape than its source. Paint it on the source itself.", field="references"
        )


def _check_reference(draft: Draft, number: int, reference: Reference) -> None:
    role = draft.request.role_of(reference)
    if role not in draft.route.known_roles:
        known = " or ".join(r.value for r in draft.route.known_roles)
        raise RequestError(
            f"{draft.label} with {draft.spec.label} can't use reference {number} as {role}. "
            f"Set its role to {known}, or remove it.",
            field="references",
        )
    width, height = draft.sizes[reference.image_id]
    if min(width, height) < draft.route.min_reference_px:
        least = draft.route.min_reference_px
        raise RequestError(
            f"Reference {number} is only {width}×{height} px. Use one of at least {least} px a side.",
            field="references",
        )
