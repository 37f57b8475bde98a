"""Models that read pictures on the Models page: the same cards, downloads and removal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import NotFound
from studio.models import places
from studio.models.library import ModelLibrary
from studio.models.messages import Wanted
from studio.models.records import MemorySetting
from tests import tiny_readers
from tests.hub import Hub, Repo
from tests.studio.models.library_for_tests import YAML, ended, until

READERS = """\
readers:
  - id: seer
    label: Seer
    answers: caption
    source: someone/seer
    licence: {name: MIT, commercial: yes}
    download_gb: 1.5
"""


@pytest.fixture
def catalog(catalog: Catalog, tmp_path: Path) -> Catalog:
    (tmp_path / "models.yaml").write_text(YAML + READERS, encoding="utf-8")
    return load_catalog(tmp_path / "models.yaml")


def test_a_reader_is_offered_beside_the_models_and_is_none_of_them(
    library: ModelLibrary, catalog: Catalog
) -> None:
    everything = library.all()
    assert "seer" not in [card.id for card in everything.models]
    (card,) = everything.readers
    assert (card.available, card.answers, card.modes) == ("downloadable", "caption", ())
    assert (card.licence.commercial, card.download_bytes, card.removable) == ("yes", 1_500_000_000, False)
    assert places.order(catalog.entry("seer"), catalog).wanted == (Wanted("someone/seer", "folder"),)
    with pytest.raises(NotFound):
        library.set_memory("seer", MemorySetting())


def test_a_reader_is_fetched_held_and_removed_like_any_model(
    library: ModelLibrary, hub: Hub, tmp_path: Path
) -> None:
    made = tiny_readers.face(tmp_path / "made")
    (made / "pytorch_model.bin").write_bytes(b"pickle")
    hub.repos["someone/seer"] = Repo.of_folder(made)
    library.download("seer")
    card = until(library, ended, "seer")
    assert card.download is not None
    assert card.download.status == "done"
    assert "pytorch_model.bin" not in {file.name for file in card.download.files}
    assert (card.available, card.removable) == ("ready", True)
    assert card.version is not None
    assert card.version.held == "studio"
    assert library.loading_of("seer").revisions == {"someone/seer": "a" * 40}
    assert library.remove("seer").available == "downloadable"
