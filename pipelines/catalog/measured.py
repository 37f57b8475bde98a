"""How large a model of the catalogue is, with the parts that some of its modes need beside it."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.catalog.catalog import Catalog
from pipelines.disk import model_size
from pipelines.families import registry
from pipelines.memory.plan import ModelSize
from pipelines.request import Mode
from pipelines.spec import ModelSpec


def measure(catalog: Catalog, spec: ModelSpec, modes: Iterable[Mode]) -> ModelSize | None:
    """A model on this disk with what `modes` need beside it; None where it is not here or damaged."""
    place = catalog.place(spec)
    try:
        if place is None:
            return None
        locations = {part for mode in modes for part in registry.needed_files(spec, mode)}
        extra = {
            model_size.part_name(location): model_size.located(place, location)
            for location in sorted(locations)
        }
        extra |= {name: extra.pop(model_size.part_name(at)) for name, at in spec.parts.items()}
        if place.is_file():
            return model_size.of_file(place, spec.resolution, extra)
        return model_size.of_folder(place, spec.resolution, extra)
    except (OSError, ValueError, KeyError):
        return None
