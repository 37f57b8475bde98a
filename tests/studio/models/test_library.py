"""The library with the real download process and a hub on loopback."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import Conflict, NotFound, RequestError
from pipelines.memory.plan import GIB, Hardware
from pipelines.request import Mode
from studio.models.library import ModelLibrary
from tests.hub import Hub
from tests.pipelines.catalog.test_add_ons import PARTS
from tests.pipelines.disk.test_identify import SDXL, write
from tests.studio.models.library_for_tests import YAML, ended, until
from tests.studio.models.test_fetch import REPO, WEIGHTS


def test_a_model_is_fetched_shown_and_removed(library: ModelLibrary, hub: Hub) -> None:
    before = library.card("big")
    assert (before.available, before.size_bytes, before.removable) == ("downloadable", 0, False)
    assert before.download_bytes == 4_000_000_000
    assert before.shared_with == ("Big Too",)
    version = library.all().version
    library.download("big")
    with pytest.raises(Conflict):
        library.download("big")
    card = until(library, ended)
    assert card.download is not None
    assert card.download.status == "done"
    assert card.download.done_bytes == card.download.total_bytes == sum(f.size for f in card.download.files)
    assert card.available == "ready"
    assert card.removable
    assert card.size_bytes >= 3 * 2**20
    assert library.all().version > version
    gone = library.remove("big")
    assert (gone.available, gone.size_bytes, gone.download) == ("downloadable", 0, None)


def test_what_another_program_fetched_from_the_hub_is_not_removed(
    library: ModelLibrary, hub: Hub, catalog: Catalog, tmp_path: Path
) -> None:
    library.download("big")
    assert until(library, ended).removable
    other = ModelLibrary(catalog, tmp_path / "another studio")
    assert not other.card("big").removable
    with pytest.raises(Conflict, match="not brought here by the studio"):
        other.remove("big")
    assert other.card("big").available == "ready"


def test_looking_asks_nobody(library: ModelLibrary, hub: Hub) -> None:
    library.all()
    assert hub.asked == []


def test_a_cancelled_download_is_kept_and_offered_again_even_after_a_restart(
    library: ModelLibrary, hub: Hub, catalog: Catalog, tmp_path: Path
) -> None:
    hub.repos[REPO].stall[WEIGHTS] = threading.Event()
    library.download("big")
    until(library, lambda card: bool(card.download and card.download.done_bytes > 2**20))
    with pytest.raises(Conflict, match="Cancel"):
        library.remove("big")
    library.cancel("big")
    card = until(library, ended)
    assert card.download is not None
    assert card.download.status == "cancelled"
    assert card.available == "downloadable"
    with pytest.raises(NotFound):
        library.cancel("big")
    hub.repos[REPO].stall.pop(WEIGHTS).set()
    after = ModelLibrary(catalog, tmp_path / "data")
    left = after.card("big").download
    assert left is not None
    assert left.status == "interrupted"
    assert 2**20 < left.done_bytes < left.total_bytes
    after.download("big")
    assert until(after, ended).available == "ready"
    assert ModelLibrary(catalog, tmp_path / "data").card("big").download is None


def test_a_failed_download_says_why(library: ModelLibrary, hub: Hub) -> None:
    library.download("nowhere")
    card = until(library, ended, "nowhere")
    assert card.download is not None
    assert card.download.status == "failed"
    assert card.download.error is not None
    assert card.download.error.code == "not_found"


def test_one_download_at_a_time_and_a_waiting_one_can_be_cancelled(library: ModelLibrary, hub: Hub) -> None:
    hub.repos[REPO].stall[WEIGHTS] = threading.Event()
    library.download("big")
    until(library, lambda card: bool(card.download and card.download.status == "downloading"))
    assert library.download("nowhere").status == "queued"
    assert library.cancel("nowhere").status == "cancelled"
    hub.repos[REPO].stall[WEIGHTS].set()
    assert until(library, ended).available == "ready"
    assert not any("nothing" in each.path for each in hub.asked)


def test_only_what_came_from_the_hub_is_downloaded_or_removed(library: ModelLibrary) -> None:
    with pytest.raises(Conflict):
        library.download("here")
    with pytest.raises(Conflict):
        library.remove("here")
    with pytest.raises(NotFound):
        library.download("nothing")


def test_a_licence_is_agreed_to_once_for_all_models_under_it(
    library: ModelLibrary, catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=r"Big may not be used commercially \(Ink Licence\)") as refusal:
        library.require_consent("big")
    assert refusal.value.field == "model"
    library.require_consent("here")
    consent = library.agree("big").consent
    assert consent is not None
    assert (consent.licence, consent.version) == ("Ink Licence", "1.1")
    assert library.agree("big").consent == consent
    again = ModelLibrary(catalog, tmp_path / "data")
    again.require_consent("big-too")
    with pytest.raises(RequestError, match="Other Licence"):
        again.require_consent("nowhere")
    assert again.withdraw("big").consent is None
    with pytest.raises(RequestError):
        again.require_consent("big-too")


def test_a_changed_licence_is_asked_about_again(library: ModelLibrary, tmp_path: Path) -> None:
    library.agree("big")
    (tmp_path / "models.yaml").write_text(YAML.replace('"1.1"', '"2.0"'))
    changed = ModelLibrary(load_catalog(tmp_path / "models.yaml"), tmp_path / "data")
    assert changed.card("big").consent is None
    with pytest.raises(RequestError):
        changed.require_consent("big")


def test_a_default_is_kept_and_used_while_the_model_is_there(
    library: ModelLibrary, catalog: Catalog, tmp_path: Path
) -> None:
    assert catalog.default_model(Mode.TEXT_TO_IMAGE).id == "here"
    library.set_default(Mode.TEXT_TO_IMAGE, "nowhere")
    assert catalog.default_model(Mode.TEXT_TO_IMAGE).id == "here"
    (tmp_path / "models.yaml").write_text(YAML.replace("source: someone/nothing", "source: ./here"))
    moved = load_catalog(tmp_path / "models.yaml")
    again = ModelLibrary(moved, tmp_path / "data")
    assert moved.default_model(Mode.TEXT_TO_IMAGE).id == "nowhere"
    assert again.card("nowhere").default_for == ("text_to_image",)
    assert again.set_default(Mode.TEXT_TO_IMAGE, None).defaults == {}
    assert moved.default_model(Mode.TEXT_TO_IMAGE).id == "here"
    with pytest.raises(RequestError, match="can't do"):
        again.set_default(Mode.IMG2IMG, "here")
    with pytest.raises(NotFound):
        again.set_default(Mode.IMG2IMG, "nothing")


def test_what_fits_is_told_once_the_machine_is_known(library: ModelLibrary) -> None:
    assert library.card("big").fit is None
    small = {"kind": "cuda", "name": "Card", "total": 8 * GIB, "ram_total": 64 * GIB, "ram_free": 60 * GIB}
    library.set_hardware(Hardware(**small, free=8 * GIB))  # type: ignore[arg-type]
    roomy = library.card("big").fit
    assert roomy is not None
    assert roomy.verdict == "full"
    library.set_hardware(Hardware(**small, free=2 * GIB))  # type: ignore[arg-type]
    tight = library.card("big").fit
    assert tight is not None
    assert tight.verdict != "full"
    assert tight.reason
    assert library.card("nowhere").fit is None
    assert library.all().device == "Card"


def test_a_card_says_what_is_missing_and_leaves_what_to_do_to_its_button(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(PARTS, "utf-8")
    write(tmp_path / "models" / "Big.safetensors", SDXL)
    card = ModelLibrary(load_catalog(tmp_path / "models.yaml", tmp_path / "models"), None).card("file-big")
    assert card.available == "ready"
    assert set(card.absent) == {"controlnet", "character_reference", "style_reference"}
    assert card.absent["controlnet"] == "ControlNet needs nobody/union, which is not on this machine yet."
