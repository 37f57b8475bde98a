"""Which files of the models folder go with which model, and in which words one is refused.

Looks at what their headers say (`pipelines.disk.identify`) and at families' tables; imports no torch.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.disk import model_size
from pipelines.disk.identify import EncoderWidths, Kind, identify
from pipelines.disk.json_files import is_object, read_object
from pipelines.disk.labels import BASE_LABEL
from pipelines.errors import NotFound, RequestError
from pipelines.families import registry
from pipelines.memory.plan import Part
from pipelines.request import MAX_LORAS, Lora

if TYPE_CHECKING:
    from pipelines.catalog.catalog import Catalog
    from pipelines.catalog.models_folder import AddOnFile
    from pipelines.families.route import Route
    from pipelines.request import GenerationRequest
    from pipelines.spec import ModelSpec

IMAGE_ENCODER = "image encoder"
"""The key, in `paths`, of an encoder that the request did not name itself."""

KIND_LABEL: dict[Kind, str] = {
    "lora": "LoRA",
    "controlnet": "ControlNet",
    "ip_adapter": "IP-Adapter",
    "vae": "VAE",
    "image_encoder": "image encoder",
    "text_encoder": "text encoder",
}

_CALLED: dict[Kind, str] = {
    "lora": "lora",
    "controlnet": "controlnet",
    "vae": "vae",
    "image_encoder": "image_encoder",
}
"""Names by which a memory plan knows what a part does."""


def base(spec: ModelSpec) -> str | None:
    """What add-ons of `spec` must be made for, as `single_file` names it; None: there are none for it."""
    return registry.FAMILIES[spec.family].base if spec.add_ons else None


def offered(catalog: Catalog, spec: ModelSpec) -> tuple[AddOnFile, ...]:
    """The add-ons the model can use: made for it, or not saying for which."""
    wanted = base(spec)
    if wanted is None:
        return ()
    kinds = {kind for mode in spec.modes for kind in _kinds(catalog.route(spec.id, mode))}
    found = (each for each in catalog.dropped.add_ons if each.identified.kind in kinds)
    return tuple(each for each in found if _fits(spec, each))


def sharing(catalog: Catalog, spec: ModelSpec) -> tuple[str, bool, frozenset[str]]:
    """What `offered` depends on beside the folders: models with the same are offered the same."""
    kinds = frozenset[str](kind for mode in spec.modes for kind in _kinds(catalog.route(spec.id, mode)))
    return spec.family, spec.add_ons, kinds


def described(catalog: Catalog, spec: ModelSpec) -> list[dict[str, Any]]:
    """`offered` as plain JSON: id, name, kind, weight, triggers, and whether the file says it fits."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "kind": each.identified.kind,
            "weight": each.identified.weight,
            "triggers": each.identified.triggers,
            "certain": doubt(each) is None,
        }
        for each in offered(catalog, spec)
    ]


def find(catalog: Catalog, spec: ModelSpec, add_on_id: str, kind: Kind, field: str) -> AddOnFile:
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
        article = "an" if other[0] in "AEIOi" else "a"
        raise RequestError(
            f"{found.name} is {article} {other}, not a {what}. Choose another one.", field=field
        )
    wanted = base(spec)
    if wanted is None:
        raise RequestError(f"{spec.label} takes no {what}s. Leave it out.", field=field)
    if not _fits(spec, found):
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
    image_encoder(catalog, spec, request)
    return [notice for each in found if (notice := doubt(each))]


@dataclass(frozen=True, slots=True)
class CalledLora:
    """A LoRA that a prompt calls up by a tag."""

    tag: str
    name: str | None
    """Of its file; None where the model has none of that name."""
    weight: float


def called(
    catalog: Catalog, spec: ModelSpec, tags: Sequence[tuple[str, str, float]]
) -> tuple[CalledLora, ...]:
    """What tags (tag, name, weight) of a prompt stand for."""
    names = {
        plain_name(each.name): each.name for each in offered(catalog, spec) if each.identified.kind == "lora"
    }
    return tuple(CalledLora(tag, names.get(plain_name(name)), weight) for tag, name, weight in tags)


def called_up(
    catalog: Catalog, spec: ModelSpec, given: Sequence[Lora], tags: Sequence[tuple[str, float]]
) -> tuple[tuple[Lora, ...], list[str]]:
    """LoRAs of the settings with those that a prompt names by file name, and names that none has.

    One that is among the settings already keeps their weight. Raises RequestError for more than MAX_LORAS.
    """
    known = {
        plain_name(each.name): each.id for each in offered(catalog, spec) if each.identified.kind == "lora"
    }
    found = {lora.id: lora for lora in given}
    unknown = [name for name, _ in tags if plain_name(name) not in known]
    for name, weight in tags:
        if (lora_id := known.get(plain_name(name))) is not None:
            found.setdefault(lora_id, Lora(id=lora_id, weight=weight))
    if len(found) > MAX_LORAS:
        raise RequestError(
            f"A picture takes at most {MAX_LORAS} LoRAs, with those that the prompt names. Take some out.",
            field="loras",
        )
    return tuple(found.values()), unknown


def plain_name(name: str) -> str:
    """A file's name as tools write it in different ways: without folder, ending, signs and case."""
    base = re.split(r"[\\/]", name)[-1]
    stem = re.sub(r"\.(safetensors|ckpt|gguf|pt|sft)$", "", base, flags=re.IGNORECASE)
    return re.sub(r"[\W_]+", "", stem).casefold()


def paths(catalog: Catalog, spec: ModelSpec, request: GenerationRequest) -> dict[str, Path]:
    """Where the files lie that a request names, by id, and an image encoder that goes with one of them.

    Raises NotFound, RequestError.
    """
    files = {each: catalog.add_on(each).path for each, _, _ in named(request)}
    encoder = image_encoder(catalog, spec, request)
    return {**files, IMAGE_ENCODER: encoder.path} if encoder else files


def beside(files: Mapping[str, Path]) -> tuple[Part, ...]:
    """What the files of `paths` take in memory beside the model."""
    found: list[Part] = []
    for each, path in files.items():
        with contextlib.suppress(ValueError, OSError):  # told where the file is read
            called = _CALLED.get(identify(path).kind, "adapter")
            found.append(model_size.part(f"{called} {each}", [path]))
    return tuple(found)


def image_encoder(catalog: Catalog, spec: ModelSpec, request: GenerationRequest) -> AddOnFile | None:
    """The encoder of the models folder through which the request's IP-Adapter looks at pictures.

    None where the model's own serves, or nothing is known of it. Raises RequestError (`ip_adapter`)
    where none serves.
    """
    if request.ip_adapter is None:
        return None
    adapter = catalog.add_on(request.ip_adapter)
    wanted, own = adapter.identified.encoder_widths, _own_widths(catalog, spec)
    if wanted is None or own is None or own.serves(wanted):
        return None
    for again in (False, True):  # it may have come since
        if again:
            catalog.look_through()
        for each in catalog.dropped.add_ons:
            widths = each.identified.encoder_widths
            if each.identified.kind == "image_encoder" and widths and widths.serves(wanted):
                return each
    raise RequestError(
        f"The IP-Adapter {adapter.name} looks at pictures through the image encoder {wanted.label}, which "
        f"{spec.label} does not have. Put that encoder's model.safetensors into the models folder as well, "
        "or choose another IP-Adapter.",
        field="ip_adapter",
    )


def doubt(found: AddOnFile) -> str | None:
    """What to tell of a file that does not say what it was made for."""
    identified = found.identified
    if identified.base not in (None, "sd"):
        return None
    if len(identified.bases) > 1:
        return f"{found.name} may have been made for {identified.base_label}; it is tried."
    return f"{found.name} does not say which model it was made for; it is tried."


def _fits(spec: ModelSpec, add_on: AddOnFile) -> bool:
    """Whether an add-on was made for the model, as far as its header says."""
    family = registry.FAMILIES[spec.family]
    fitting = {None, family.base} | (family.vaes if add_on.identified.kind == "vae" else frozenset[str]())
    return bool(fitting & {*(add_on.identified.bases or (add_on.identified.base,))})


def _own_widths(catalog: Catalog, spec: ModelSpec) -> EncoderWidths | None:
    """What the model's own image encoder tells of pictures; None where it is not known."""
    location = spec.options.get("image_encoder")
    if not isinstance(location, str):
        return None
    place = model_size.located(catalog.place(spec) or Path(), location)
    try:
        if place.is_file():
            return identify(place).encoder_widths
        said = read_object(place / "config.json")
    except (OSError, ValueError):
        return None
    vision = said.get("vision_config", said)
    return EncoderWidths(vision.get("hidden_size") if is_object(vision) else None, said.get("projection_dim"))


def _kinds(route: Route) -> set[Kind]:
    """What a route can use of the models folder."""
    used: dict[Kind, bool] = {
        "lora": route.loras,
        "vae": route.vae,
        "ip_adapter": route.ip_adapter,
        "controlnet": route.control_networks,
    }
    return {kind for kind, can in used.items() if can}
