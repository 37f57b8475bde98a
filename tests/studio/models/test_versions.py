"""At which commits models are held: from the first download or use on, until a newer one is asked for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog
from pipelines.errors import Conflict
from studio.models.library import ModelLibrary
from studio.models.records import ModelVersion
from tests.hub import Hub, Repo
from tests.studio.models.library_for_tests import ended, until
from tests.studio.models.test_fetch import REPO, WEIGHTS

FIRST, NEWER = "a" * 40, "b" * 40
NEW_WEIGHTS = b"newer weights " * 2**14
CHANGED = {WEIGHTS.replace("/", "__"): NEW_WEIGHTS}


def version_of(library: ModelLibrary, model: str = "big") -> ModelVersion:
    version = library.card(model).version
    assert version is not None
    return version


def repository(hub_home: Path, name: str = "someone--model") -> Path:
    return hub_home / "hub" / f"models--{name}"


def in_the_cache(folder: Path, commit: str) -> None:
    """A model without any parts, as another program has fetched it."""
    (folder / "snapshots" / commit).mkdir(parents=True)
    (folder / "snapshots" / commit / "model_index.json").write_text("{}")
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)


def test_a_download_is_held_at_its_commit_until_a_newer_one_is_asked_for_and_here(
    library: ModelLibrary, hub: Hub, hub_home: Path, catalog: Catalog, tmp_path: Path
) -> None:
    assert library.card("big").version is None
    library.download("big")
    until(library, ended)
    version = version_of(library)
    assert (version.commit, version.held) == (FIRST, "studio")
    assert version.since is not None

    in_the_cache(repository(hub_home), NEWER)
    hub.repos[REPO].publish(NEWER, **CHANGED)
    assert library.loading_of("big").revisions == {REPO: FIRST}
    assert version_of(ModelLibrary(catalog, tmp_path / "data")) == version
    library.remove("big")
    library.download("big")
    assert until(library, ended).available == "ready"
    assert version_of(library) == version

    hub.repos[REPO].stall[WEIGHTS] = threading.Event()
    assert library.update("big").newest
    until(library, lambda card: bool(card.download and card.download.status == "downloading"))
    library.cancel("big")
    assert until(library, ended).available == "ready"
    assert library.loading_of("big").revisions == {REPO: FIRST}

    hub.repos[REPO].stall.pop(WEIGHTS).set()
    library.update("big")
    assert until(library, ended).available == "ready"
    assert version_of(library).commit == NEWER
    assert library.loading_of("big").revisions == {REPO: NEWER}
    assert (repository(hub_home) / "snapshots" / NEWER / WEIGHTS).read_bytes() == NEW_WEIGHTS


def test_a_model_that_was_here_already_is_held_from_its_first_use(
    library: ModelLibrary, hub_home: Path, catalog: Catalog, tmp_path: Path
) -> None:
    in_the_cache(repository(hub_home), FIRST)
    assert version_of(library).held == "no"
    assert library.loading_of("big").revisions == {REPO: FIRST}
    in_the_cache(repository(hub_home), NEWER)
    version = version_of(ModelLibrary(catalog, tmp_path / "data"))
    assert (version.commit, version.held) == (FIRST, "studio")
    assert version_of(library, "big-too").commit == NEWER


def test_what_models_yaml_holds_is_not_updated(library: ModelLibrary, hub: Hub) -> None:
    assert not library.card("fixed").updatable
    with pytest.raises(Conflict, match=r"models\.yaml"):
        library.update("fixed")
    hub.repos["someone/fixed"] = Repo(dict(hub.repos[REPO].files), commit=FIRST)
    hub.repos["someone/fixed"].publish(NEWER, **CHANGED)
    library.download("fixed")
    assert until(library, ended, "fixed").available == "ready"
    version = version_of(library, "fixed")
    assert (version.commit, version.held) == (FIRST, "catalogue")


def test_only_models_of_the_hub_have_a_version(library: ModelLibrary) -> None:
    card = library.card("here")
    assert (card.version, card.updatable) == (None, False)
    assert library.loading_of("here").revisions == {}
    with pytest.raises(Conflict):
        library.update("here")
