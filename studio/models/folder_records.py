"""Files of the models folder as the Models page shows them."""

from __future__ import annotations

from pathlib import Path

from pipelines.catalog.ids import readable
from pipelines.catalog.models_folder import AddOnFile, Unusable
from studio import durable
from studio.models.records import AddOn, Refused


def add_on(found: AddOnFile, folder: Path | None) -> AddOn:
    """A file that goes with a model; `folder`: the models folder."""
    kind = found.identified.kind
    assert kind in ("lora", "controlnet", "ip_adapter", "vae", "image_encoder", "text_encoder")
    return AddOn(
        id=found.id,
        name=found.name,
        kind=kind,
        base=found.identified.base,
        base_label=None if kind == "image_encoder" else found.identified.base_label,
        file=_inside(found.path, found.root or folder),
        root=readable(str(found.root)) if found.root else None,
        size_bytes=status.st_size if (status := durable.status(found.path)) else 0,
        weight=found.identified.weight,
        triggers=found.identified.triggers,
    )


def refused(found: Unusable, folder: Path | None) -> Refused:
    """A file that cannot be used, and why."""
    return Refused(file=_inside(found.path, folder), reason=found.reason)


def _inside(path: Path, folder: Path | None) -> str:
    if folder is None or folder not in path.parents:
        return readable(path.name)
    return readable(path.relative_to(folder).as_posix())
