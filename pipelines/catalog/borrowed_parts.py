"""What a model of the models folder works with: ControlNets, IP-Adapters and image encoders beside it.

A checkpoint brings none of those. It uses files of the same folder that were made for it, and parts that
an entry of its kind names in models.yaml, which can be downloaded. Looks at headers and the hub's cache;
knows nothing of torch and of requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.catalog import models_folder
from pipelines.catalog.models_folder import AddOnFile
from pipelines.disk.hub_cache import has_cached
from pipelines.families import registry
from pipelines.request import ControlKind, Role
from pipelines.spec import HUB, ModelSpec, hub_revision, split_hub

_KIND_OF_MODEL = ("checkpoint", "edit_unet")
"""Options that make an entry's model another kind of its family."""


def accompanied(
    specs: Sequence[ModelSpec], add_ons: Sequence[AddOnFile], listed: Sequence[ModelSpec]
) -> tuple[ModelSpec, ...]:
    """Models of folders with what they can use of `add_ons`; `listed`: the entries of models.yaml."""
    networks = [each for each in add_ons if each.identified.kind in ("controlnet", "ip_adapter")]
    encoders = [each for each in add_ons if each.identified.kind == "image_encoder"]
    return tuple(_accompanied(spec, networks, encoders, listed) for spec in specs)


def _accompanied(
    spec: ModelSpec,
    networks: Sequence[AddOnFile],
    encoders: Sequence[AddOnFile],
    listed: Sequence[ModelSpec],
) -> ModelSpec:
    base = registry.FAMILIES[spec.family].base
    fitting = [each for each in networks if each.identified.base == base]
    borrowable = _borrowable(spec, listed)
    for options in (_controlnets(fitting, borrowable), _adapters(fitting, encoders, borrowable)):
        spec = _with(spec, options)
    return spec


def _with(spec: ModelSpec, options: Mapping[str, Any]) -> ModelSpec:
    """The entry with further options and the modes these allow; as it is where they allow none."""
    if not options or not options.keys() <= registry.FAMILIES[spec.family].options.model_fields.keys():
        return spec
    draft = spec.model_copy(update={"options": {**spec.options, **options}})
    modes = tuple(mode for mode in registry.FAMILIES[spec.family].routes if models_folder.can(draft, mode))
    if set(modes) <= set(spec.modes):
        return spec
    return draft.model_copy(update={"modes": modes})


def _borrowable(spec: ModelSpec, listed: Sequence[ModelSpec]) -> Mapping[str, Any]:
    """Options of the first entry of the same kind whose parts all come from the hub."""
    for entry in listed:
        same = entry.family == spec.family and entry.add_ons and _kind(entry) == _kind(spec)
        if same and (options := _from_the_hub(entry.options)):
            return options
    return {}


def _kind(spec: ModelSpec) -> list[Any]:
    options = registry.FAMILIES[spec.family].options.model_validate(spec.options)
    return [getattr(options, name, None) for name in _KIND_OF_MODEL]


def _from_the_hub(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those groups of an entry's parts that name no file of its own folder."""
    borrowable: dict[str, Any] = {}
    networks = options.get("controlnets", {})
    if networks and all(at.startswith(HUB) for at in networks.values()):
        borrowable |= {name: options[name] for name in ("controlnets", "control_config") if name in options}
    parts = [options.get("image_encoder", ""), *options.get("ip_adapters", {}).values()]
    if len(parts) > 1 and all(at.startswith(HUB) for at in parts):
        borrowable |= {
            name: options[name] for name in ("image_encoder", "ip_adapters", "ip_scales") if name in options
        }
    return borrowable


def _controlnets(fitting: Sequence[AddOnFile], borrowable: Mapping[str, Any]) -> dict[str, Any]:
    """For each kind of lines a network of the folder, else one of the catalogue."""
    networks: dict[str, str] = {}
    for each in fitting:
        if each.identified.kind == "controlnet":
            for kind in _lines(each.id):
                networks.setdefault(kind.value, str(each.path.resolve()))
    own = bool(networks)
    for kind, at in borrowable.get("controlnets", {}).items():
        if not own or is_here(at):
            networks.setdefault(kind, at)
    if not networks:
        return {}
    shape = {"control_config": borrowable["control_config"]} if "control_config" in borrowable else {}
    return {"controlnets": networks, **shape}


def _lines(word: str) -> tuple[ControlKind, ...]:
    """What a ControlNet reads, as far as its name says; one for several kinds of lines says nothing."""
    if "canny" in word:
        return (ControlKind.CANNY,)
    if any(sign in word for sign in ("soft", "hed", "pidi")):
        return (ControlKind.SOFT_EDGE,)
    return tuple(ControlKind)


def _adapters(
    fitting: Sequence[AddOnFile], encoders: Sequence[AddOnFile], borrowable: Mapping[str, Any]
) -> dict[str, Any]:
    """Those of the catalogue where they are here, else those of the folder, else those to be downloaded."""
    names = ("image_encoder", "ip_adapters", "ip_scales")
    borrowed = {name: borrowable[name] for name in names if name in borrowable}
    places = [borrowed.get("image_encoder", ""), *borrowed.get("ip_adapters", {}).values()]
    if borrowed and all(is_here(at) for at in places):
        return borrowed
    adapters = [each for each in fitting if each.identified.kind == "ip_adapter"]
    for encoder in encoders:
        served = [each for each in adapters if _serves(encoder, each)]
        if served:
            chosen = {role.value: str(_for(role, served).path.resolve()) for role in _ROLES}
            own = {"image_encoder": str(encoder.path.resolve()), "ip_adapters": chosen}
            return {**borrowed, **own}
    return borrowed


_ROLES = (Role.CHARACTER, Role.STYLE)


def _serves(encoder: AddOnFile, adapter: AddOnFile) -> bool:
    wanted, own = adapter.identified.encoder_widths, encoder.identified.encoder_widths
    return wanted is not None and own is not None and own.serves(wanted)


def _for(role: Role, adapters: Sequence[AddOnFile]) -> AddOnFile:
    """Of several adapters one for faces is for the character, another one for style."""
    faces = [each for each in adapters if "face" in each.id]
    others = [each for each in adapters if "face" not in each.id]
    return ([*faces, *others] if role is Role.CHARACTER else [*others, *faces])[0]


def is_here(location: str) -> bool:
    """Whether a part of the hub is on this disk."""
    return has_cached(*split_hub(location), hub_revision(location))
