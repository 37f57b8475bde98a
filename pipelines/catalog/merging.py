"""The models folder and those of other tools as one: what several of them lead to is there once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines.catalog.foreign_folders import Root
from pipelines.catalog.models_folder import FileKey, ModelsFolder


def merged(own: ModelsFolder, roots: Sequence[Root]) -> tuple[tuple[Root, ...], ModelsFolder]:
    """The roots without what an earlier one or the models folder has, and everything together.

    Files that cannot be used stay with their root.
    """
    taken = set(own.keys.values())
    left = tuple(replace(root, found=_new(root.found, taken)) for root in roots)
    folders = [own, *(root.found for root in left)]
    together = ModelsFolder(
        specs=tuple(spec for each in folders for spec in each.specs),
        add_ons=tuple(add_on for each in folders for add_on in each.add_ons),
        networks=tuple(network for each in folders for network in each.networks),
        unusable=own.unusable,
        places={word: place for each in folders for word, place in each.places.items()},
        earlier=own.earlier,
        keys={word: key for each in folders for word, key in each.keys.items()},
    )
    return left, together


def _new(found: ModelsFolder, taken: set[FileKey]) -> ModelsFolder:
    """Without files that are among `taken`, which these join."""
    again: set[str] = set()
    for word, key in found.keys.items():
        if key in taken:
            again.add(word)
        taken.add(key)
    if not again:
        return found
    return replace(
        found,
        specs=tuple(spec for spec in found.specs if spec.id not in again),
        add_ons=tuple(add_on for add_on in found.add_ons if add_on.id not in again),
        networks=tuple(network for network in found.networks if network.id not in again),
        places={word: place for word, place in found.places.items() if word not in again},
        keys={word: key for word, key in found.keys.items() if word not in again},
        again=found.again + len(again),
    )
