"""Whether faces are fixed, and by which model. Pure."""

from __future__ import annotations

from pipelines.catalog.catalog import Catalog
from pipelines.families.route import Route
from pipelines.planning import faces
from pipelines.request import FixFace, GenerationRequest, Mode
from pipelines.spec import ModelSpec

_NOTHING_DRAWN = "Faces are not fixed after enlarging alone: it draws nothing."
_NOBODY = "No model on this machine can fix faces, so none is fixed afterwards."


def wished(
    catalog: Catalog, spec: ModelSpec, route: Route, request: GenerationRequest, *, again: bool
) -> tuple[FixFace | None, str | None]:
    """What a complete request says of faces, and what the artist is told where that is less than was asked.

    `again`: it was complete once, and what is here now does not matter.
    """
    wish = request.fix_face
    if route.patches:
        return FixFace(under=(wish and wish.under) or faces.under(spec.resolution)), None
    if wish is None or not wish.enabled:
        return None, None
    if "fix_face" not in route.fields:
        return None, _NOTHING_DRAWN
    if not again and fixing_model(catalog, spec.id) is None:
        return None, _NOBODY
    return wish, None


def caution(catalog: Catalog, spec: ModelSpec, route: Route, wish: FixFace | None) -> str | None:
    """What is told of the faces that are to be fixed after a picture, where the model does that badly."""
    fixes = None if wish is None or route.patches else fixing_model(catalog, spec.id)
    return None if fixes is None else catalog.get(fixes).cautions.get(Mode.FIX_FACE)


def fixing_model(catalog: Catalog, model_id: str | None) -> str | None:
    """The model that fixes the faces another one has drawn: itself where it can; None where none can."""
    if model_id is not None and catalog.unavailable_reason(model_id, Mode.FIX_FACE) is None:
        return model_id
    usable = (spec.id for spec in catalog.specs if not catalog.unavailable_reason(spec.id, Mode.FIX_FACE))
    return next(usable, None)
