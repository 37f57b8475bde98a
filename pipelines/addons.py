"""Which files of the models folder go with which model, and in which words one is refused.

Looks at what their headers say (`pipelines.single_file`) and at families' tables; imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines import registry
from pipelines.errors import NotFound, RequestError
from pipelines.single_file import BASE_LABEL, Kind

if TYPE_CHECKING:
    from pipelines.catalog import Catalog, ModelSpec
    from pipelines.dropped import AddOn
    from pipelines.request import GenerationRequest
    from pipelines.route import Route

KIND_LABEL: dict[Kind, str] = {
    "lora": "LoRA",
    "controlnet": "ControlNet",
    "ip_adapter": "IP-Adapter",
    "vae": "VAE",
}


def base(spec: ModelSpec) -> str | None:
    """What add-ons of `spec` must be made for, as `single_file` names it; None: there are none for it."""
    return registry.FAMILIES[spec.family].base if spec.add_ons else None


def offered(catalog: Catalog, spec: ModelSpec) -> tuple[AddOn, ...]:
    """The add-ons the model can use: made for it, or not saying for which."""
    wanted = base(spec)
    if wanted is None:
        return ()
    kinds = {kind for mode in spec.modes for kind in _kinds(catalog.route(spec.id, mode))}
    found = (each for each in catalog.dropped.add_ons if each.identified.kind in kinds)
    return tuple(each for each in found if each.identified.base in (None, wanted))


def described(catalog: Catalog, spec: ModelSpec) -> list[dict[str, Any]]:
    """`offered` as plain JSON: id, name, kind, weight, triggers, and whether the file says it fits."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "kind": each.identified.kind,
            "weight": each.identified.weight,
            "triggers": each.identified.triggers,
            "certain": each.identified.base is not None,
        }
        for each in offered(catalog, spec)
    ]


def find(catalog: Catalog, spec: ModelSpec, add_on_id: str, kind: Kind, field: str) -> AddOn:
    """The add-on, fit for the model as far as its header says. Raises RequestError (`field`)."""
    what = KIND_LABEL[kind]
    try:
        found = catalog.add_on(add_on_id)
    except NotFound as error:
        raise RequestError(
            f"The {what} '{add_on_id}' is not in the models folder. Put it there again, or leave it out.",
            field=field,
        ) from error
    if found.identified.kind != kind:
        other = KIND_LABEL[found.identified.kind]
        article = "an" if other[0] in "AEIO" else "a"
        raise RequestError(
            f"{found.name} is {article} {other}, not a {what}. Choose another one.", field=field
        )
    wanted, made_for = base(spec), found.identified.base
    if wanted is None:
        raise RequestError(f"{spec.label} takes no {what}s. Leave it out.", field=field)
    if made_for not in (None, wanted):
        raise RequestError(
            f"The {what} {found.name} was made for {found.identified.base_label}, and {spec.label} is a "
            f"{BASE_LABEL[wanted]} model. Leave it out, or choose another model.",
            field=field,
        )
    return found


def named(request: GenerationRequest) -> list[tuple[str, Kind, str]]:
    """(id, kind, field) of every file of the models folder that a request names."""
    network = request.control.network if request.control else None
    single: list[tuple[str | None, Kind, str]] = [
        (request.vae, "vae", "vae"),
        (request.ip_adapter, "ip_adapter", "ip_adapter"),
        (network, "controlnet", "control"),
    ]
    loras: list[tuple[str, Kind, str]] = [(lora.id, "lora", "loras") for lora in request.loras]
    return [*loras, *((each, kind, field) for each, kind, field in single if each is not None)]


def check(catalog: Catalog, spec: ModelSpec, request: GenerationRequest) -> list[str]:
    """What to tell of a request's add-ons. Raises RequestError for one that cannot be used."""
    if len({lora.id for lora in request.loras}) < len(request.loras):
        raise RequestError("The same LoRA is there twice. Keep one, and give it the weight.", field="loras")
    found = [find(catalog, spec, each, kind, field) for each, kind, field in named(request)]
    return [notice for each in found if (notice := doubt(each))]


def doubt(found: AddOn) -> str | None:
    """What to tell of a file that does not say what it was made for."""
    if found.identified.base is not None:
        return None
    return f"{found.name} does not say which model it was made for; it is tried."


def _kinds(route: Route) -> set[Kind]:
    """What a route can use of the models folder."""
    used: dict[Kind, bool] = {
        "lora": route.loras,
        "vae": route.vae,
        "ip_adapter": route.ip_adapter,
        "controlnet": route.control_networks,
    }
    return {kind for kind, can in used.items() if can}
