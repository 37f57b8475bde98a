"""Add-ons of the models folder on the settings side: what is chosen, what there is to choose, the widget.

Pure but for the component's class. An artist chooses among what goes with the model; what was chosen and
does not is shown, so that it can be taken out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import MAX_LORAS, GenerationRequest, Lora
from studio.records import AddOnInfo, ModelInfo
from studio.ui.widgets.base import PageComponent


class AddOns(BaseModel):
    """What is chosen; ids of files in the models folder."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    loras: tuple[Lora, ...] = Field(default=(), max_length=MAX_LORAS)
    vae: str | None = None
    ip_adapter: str | None = None
    control_network: str | None = None

    @classmethod
    def of(cls, request: GenerationRequest) -> Self:
        """Those a picture was made with."""
        network = request.control.network if request.control else None
        return cls(
            loras=request.loras, vae=request.vae, ip_adapter=request.ip_adapter, control_network=network
        )

    def taken(self, settings: Mapping[str, object]) -> Self:
        """With what another tool's file says, in a request's own fields."""
        given = {name: settings[name] for name in type(self).model_fields if name in settings}
        return self.model_validate({**self.model_dump(), **given})

    def in_use(self, fields: Collection[str]) -> dict[str, object]:
        """What a request says of them."""
        own = {name: getattr(self, name) for name in ("loras", *_OWN) if name in fields}
        return {**own, "control": {"network": self.control_network}} if "control" in fields else own


NO_ADD_ONS = AddOns()
_OWN = ("vae", "ip_adapter")
_CHOICES = {
    "control_network": ("controlnet", "control", "ControlNet"),
    "ip_adapter": ("ip_adapter", "ip_adapter", "IP-Adapter"),
    "vae": ("vae", "vae", "VAE"),
}
"""Field → (kind of file, knob it belongs to, words)."""


def add_ons_scene(chosen: AddOns, model: ModelInfo | None, fields: Collection[str]) -> dict[str, Any]:
    """What the widget draws; empty where there is nothing to choose and nothing chosen."""
    offered = model.add_ons if model else ()
    loras = [_entry(each) for each in offered if each.kind == "lora" and "loras" in fields]
    choices = [_choice(name, getattr(chosen, name), offered, fields) for name in _CHOICES]
    shown = [choice for choice in choices if choice["known"] or choice["chosen"]]
    if not loras and not chosen.loras and not shown:
        return {}
    return {"loras": loras, "most": MAX_LORAS, "choices": shown}


def _choice(
    name: str, chosen: str | None, offered: Sequence[AddOnInfo], fields: Collection[str]
) -> dict[str, Any]:
    kind, knob, words = _CHOICES[name]
    known = [{"id": each.id, "name": each.name} for each in offered if each.kind == kind and knob in fields]
    return {"name": name, "words": words, "known": known, "chosen": chosen}


def _entry(add_on: AddOnInfo) -> dict[str, Any]:
    return {
        "id": add_on.id,
        "name": add_on.name,
        "weight": add_on.weight,
        "triggers": list(add_on.triggers),
        "certain": add_on.certain,
    }


class AddOnsPart(PageComponent):
    """The chosen LoRAs with their weights and words, and the list of others."""

    part = "addOns"
    root = "lk-add-ons"


def create_add_ons() -> AddOnsPart:
    """Make the part; nothing is seen of it until there is something to choose."""
    return AddOnsPart(NO_ADD_ONS.model_dump(mode="json"), elem_id="add-ons")
