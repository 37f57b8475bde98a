from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import CatalogError, NotFound, RequestError
from pipelines.request import ControlKind, Mode, Role
from pipelines.spec import hub_revision, split_hub
from tests import tiny_models_flux3

ENTRY = """\
models:
  - id: one
    label: One
    family: stable-diffusion
    source: weights
    licence: none
    modes: [text_to_image, img2img]
"""


def loaded(tmp_path: Path, text: str = ENTRY) -> Catalog:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


def test_the_projects_own_catalogue_is_valid() -> None:
    catalog = load_catalog(Path(__file__).parents[3] / "models.yaml")
    assert catalog.specs[0].id == "portrait-mini"
    assert set(catalog.specs[0].modes) == set(Mode) - {Mode.UPSCALE}


READERS = """\
readers:
  - id: two
    label: Two
    answers: caption
    source: someone/two
    licence: none
"""


def test_the_badge_tells_models_apart_that_edit_from_those_that_only_paint() -> None:
    catalog = load_catalog(Path(__file__).parents[3] / "models.yaml")
    edit = {spec.id: spec.edit for spec in catalog.specs}
    assert edit["portrait-mini"]
    assert edit["flux2-klein-4b"]
    assert edit["instruct-pix2pix"]
    assert edit["flux1-kontext"]
    assert not edit["flux1-fill"]
    assert not edit["z-image-turbo"]
    assert not edit["qwen-image-2512"]


def test_models_that_read_pictures_stand_beside_those_that_make_them(tmp_path: Path) -> None:
    catalog = loaded(tmp_path, ENTRY + READERS)
    assert [spec.id for spec in catalog.specs] == ["one"]
    assert [spec.id for spec in catalog.entries] == ["one", "two"]
    offered = catalog.reader("caption")
    assert offered is not None
    assert catalog.availability(offered) == "downloadable"
    assert catalog.reader("face") is None
    with pytest.raises(NotFound):
        catalog.get("two")
    catalog.pin({"two": {"someone/two": "c0ffee"}})
    assert (catalog.entry("two").revision, catalog.unpinned("two").revision) == ("c0ffee", None)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("answers: caption", "answers: everything"), "entry two, answers"),
        (("    label: Two\n", ""), "entry two, label"),
        (("licence: none", "licence: none\n    modes: [img2img]"), "entry two, modes"),
        (("id: two", "id: one"), "entry one, id: there are two models"),
        (("readers:", "reader:"), "no others"),
        ((READERS, "readers: 7\n"), "readers: must be a list"),
    ],
)
def test_a_mistake_in_a_reader_is_named_too(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    with pytest.raises(CatalogError) as error:
        loaded(tmp_path, ENTRY + READERS.replace(*change))
    assert str(tmp_path / "models.yaml") in str(error.value)
    assert key in str(error.value)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("licence: none", "licence: none\n    colour: red"), "colour: there is no such key"),
        (("    label: One\n", ""), "label"),
        (("id: one", "id: One Model"), "id"),
        (("stable-diffusion", "unstable-diffusion"), "family: 'unstable-diffusion' is unknown"),
        (("[text_to_image, img2img]", "[teleport]"), "modes.0"),
        (("[text_to_image, img2img]", "[]"), "modes"),
        (("[text_to_image, img2img]", "[smart_edit]"), "'smart_edit' needs options.edit_unet"),
        (("[text_to_image, img2img]", "[controlnet]"), "'controlnet' needs options.controlnets"),
        (("[text_to_image, img2img]", "[character_reference]"), "needs options.image_encoder"),
        (("licence: none", "licence: none\n    options: {edit_net: true}"), "options.edit_net"),
        (
            ("licence: none", "licence: none\n    options: {controlnets: {lidar: x}}"),
            "options.controlnets.lidar",
        ),
        (("licence: none", "licence: none\n    resolution: huge"), "resolution"),
        (("licence: none", "licence: none\n    defaults: {img2img: {steps: 3}}"), "defaults.img2img, steps"),
        (
            ("licence: none", "licence: none\n    defaults: {img2img: {strength: 3}}"),
            "defaults.img2img, strength",
        ),
        (("licence: none", "licence: none\n    defaults: {controlnet: {}}"), "defaults.controlnet"),
    ],
)
def test_a_mistake_is_named_by_file_entry_and_key(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    with pytest.raises(CatalogError) as error:
        loaded(tmp_path, ENTRY.replace(*change))
    message = str(error.value)
    assert str(tmp_path / "models.yaml") in message
    assert "entry " in message
    assert key in message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: []",
        "models: {}",
        "- id: one",
        "models: [\n",
        "models:\n  - 7\n",
        "more: 1\nmodels: []",
        "models: 2001-99-99",
        'models: !!int ""',
        'models: !!bool ""',
        "models: !!timestamp x",
        "models: " + "[" * 5000,
        "models:\n  - id: [one]\n    label: One\n",
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogError, match=r"models\.yaml"):
        loaded(tmp_path, text)


def test_a_missing_file_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        load_catalog(tmp_path / "nothing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00models")
    with pytest.raises(CatalogError):
        load_catalog(tmp_path / "binary.yaml")


def test_two_entries_with_one_id_are_refused(tmp_path: Path) -> None:
    twice = ENTRY + ENTRY.removeprefix("models:\n")
    with pytest.raises(CatalogError, match="two models"):
        loaded(tmp_path, twice)


def test_a_folder_is_ready_when_it_has_a_model(tmp_path: Path) -> None:
    catalog = loaded(tmp_path)
    spec = catalog.get("one")
    assert catalog.availability(spec) == "missing"
    (tmp_path / "weights").mkdir()
    assert catalog.availability(spec) == "missing"
    (tmp_path / "weights" / "model_index.json").write_text("{}")
    assert catalog.availability(spec) == "ready"


def test_a_hub_model_is_downloadable_until_it_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    catalog = loaded(tmp_path, ENTRY.replace("source: weights", "source: someone/something"))
    spec = catalog.get("one")
    assert catalog.availability(spec) == "downloadable"
    assert "Models page" in (catalog.unavailable_reason("one", Mode.IMG2IMG) or "")
    repo = tmp_path / "hub" / "models--someone--something"
    snapshot = repo / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text("{}")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc123")
    assert catalog.availability(spec) == "ready"
    assert catalog.unavailable_reason("one", Mode.IMG2IMG) is None


def test_a_model_made_of_blocks_is_found_in_the_cache_by_its_own_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    catalog = load_catalog(Path(__file__).parents[3] / "models.yaml")
    spec = catalog.get("flux3-image-klein")
    assert spec.licence.commercial == "no"  # asked about before it is used
    assert catalog.availability(spec) == "downloadable"
    repo = tmp_path / "hub" / "models--black-forest-labs--flux-3-image-klein"
    snapshot = tiny_models_flux3.make(repo / "snapshots" / "abc123")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc123")
    assert catalog.availability(spec) == "ready"
    assert catalog.place(spec) == snapshot
    (snapshot / "vae" / "config.json").unlink()
    assert catalog.availability(spec) == "downloadable"


def test_the_default_is_the_first_ready_model_that_can_do_the_mode(catalog: Catalog, tmp_path: Path) -> None:
    assert catalog.default_model(Mode.SMART_EDIT).id == "tiny"
    assert catalog.default_model(Mode.TEXT_TO_IMAGE).id == "tiny"
    with pytest.raises(RequestError, match="No model on this machine"):
        loaded(tmp_path).default_model(Mode.TEXT_TO_IMAGE)


def test_reasons_are_given_per_mode(catalog: Catalog) -> None:
    reason = catalog.unavailable_reason
    assert reason("tiny", Mode.SMART_EDIT, 1) is None
    assert reason("tiny", Mode.SMART_EDIT, 0) == "Smart Image Editing needs a reference."
    assert "at most 1 of the 3" in (reason("tiny", Mode.SMART_EDIT, 3) or "")
    assert "takes no references" in (reason("tiny", Mode.TEXT_TO_IMAGE, 1) or "")
    assert "can't do" in (reason("tiny-plain", Mode.SMART_EDIT) or "")
    assert "no model in it" in (reason("not-here", Mode.IMG2IMG) or "")
    with pytest.raises(NotFound):
        reason("nothing", Mode.IMG2IMG)


def test_a_mode_whose_files_are_missing_is_unavailable_and_the_others_work(
    tmp_path: Path, tiny_model_dir: Path, tiny_models_yaml: Path
) -> None:
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    shutil.rmtree(folder / "controlnet")
    path = tmp_path / "models.yaml"
    path.write_text(tiny_models_yaml.read_text().replace(str(tiny_model_dir), str(folder)))
    catalog = load_catalog(path)
    assert "controlnet" in (catalog.unavailable_reason("tiny", Mode.CONTROLNET) or "")
    assert catalog.unavailable_reason("tiny", Mode.STYLE_REFERENCE) is None


def test_routes_are_narrowed_to_the_entrys_files(tmp_path: Path) -> None:
    text = ENTRY.replace("[text_to_image, img2img]", "[style_reference, controlnet]") + (
        "    options: {controlnets: {soft_edge: a}, image_encoder: b, ip_adapters: {style: c.safetensors}}\n"
    )
    catalog = loaded(tmp_path, text)
    assert catalog.route("one", Mode.CONTROLNET).control_kinds == (ControlKind.SOFT_EDGE,)
    assert catalog.route("one", Mode.STYLE_REFERENCE).roles == (Role.STYLE,)


def test_a_hub_location_names_repository_and_path() -> None:
    assert split_hub("hub://h94/IP-Adapter/models/image_encoder") == (
        "h94/IP-Adapter",
        "models/image_encoder",
    )
    assert split_hub("hub://owner/name") == ("owner/name", "")


def test_a_hub_location_may_name_a_commit() -> None:
    assert split_hub("hub://h94/IP-Adapter@abc/models/image_encoder") == (
        "h94/IP-Adapter",
        "models/image_encoder",
    )
    assert hub_revision("hub://h94/IP-Adapter@abc/models/image_encoder") == "abc"
    assert hub_revision("hub://owner/name") is None
    assert hub_revision("controlnet/a@b") is None


PARTS = """\
    options:
      loras: {"hub://o/lora/a.safetensors": 1.0}
      image_encoder: hub://o/fixed@9/encoder
      controlnets: {canny: "hub://o/control", soft_edge: local}
"""


def test_a_pinned_model_and_its_parts_are_read_at_their_commits(tmp_path: Path) -> None:
    text = ENTRY.replace("[text_to_image, img2img]", "[text_to_image, controlnet]")
    catalog = loaded(tmp_path, text.replace("source: weights", "source: o/base") + PARTS)
    catalog.pin({"one": {"o/base": "1", "o/lora": "2", "o/control": "3", "o/fixed": "4"}})
    spec = catalog.get("one")
    assert spec.revision == "1"
    assert catalog.needed_files(spec) == ("hub://o/lora@2/a.safetensors", "hub://o/control@3", "local")
    assert spec.options["image_encoder"] == "hub://o/fixed@9/encoder"
    catalog.pin({"one": {}})
    assert catalog.get("one") == spec


def test_what_models_yaml_pins_stays(tmp_path: Path) -> None:
    catalog = loaded(tmp_path, ENTRY.replace("source: weights", "source: o/base") + "    revision: own\n")
    catalog.pin({"one": {"o/base": "1"}})
    assert catalog.get("one").revision == "own"
