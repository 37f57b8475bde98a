"""Folders of other tools: told right, looked at in place, and survived whatever is wrong with them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from pipelines.catalog import foreign_folders
from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.catalog.foreign_folders import Root, look
from pipelines.catalog.root_paths import RootPaths
from pipelines.disk.known_files import KnownFiles
from pipelines.errors import NotFound
from pipelines.families import upscaler
from tests.pipelines.catalog.tool_trees import TREES, File, plant, put
from tests.pipelines.disk.test_identify import LORA_XL, SDXL, write

posix = pytest.mark.skipif(os.name == "nt", reason="links need rights that Windows gives to few")
SHARE = 0.95
YAML = (
    "models:\n  - {id: here, label: Here, family: sdxl, source: here, modes: [text_to_image], licence: MIT}\n"
)


def found_at(root: Root) -> dict[str, tuple[str, str | None]]:
    """Path → kind and what it was made for."""
    found = root.found
    kinds = {
        found.places[spec.id]: ("enlarger", None) if spec.family == upscaler.NAME else ("model", spec.family)
        for spec in found.specs
    }
    kinds |= {each.path: ("model", each.identified.base) for each in found.networks}
    kinds |= {each.path: (each.identified.kind, each.identified.base) for each in found.add_ons}
    return {path.as_posix(): said for path, said in kinds.items()}


def right(file: File, root: Path, found: dict[str, tuple[str, str | None]]) -> bool:
    return found.get((root / file.path).as_posix(), ("none", None)) == (file.kind, file.base)


def names(root: Root) -> list[str]:
    return [each.name for each in root.found.add_ons]


def catalogue(tmp_path: Path, *roots: Path, own: Path | None = None) -> Catalog:
    (tmp_path / "models.yaml").write_text(YAML, "utf-8")
    return load_catalog(tmp_path / "models.yaml", own, RootPaths(roots))


def test_every_tool_is_known_and_nearly_all_of_its_files_are_told_right(tmp_path: Path) -> None:
    told: list[bool] = []
    mistaken: list[str] = []
    for tool in TREES:
        files = plant(tmp_path / tool, tool)
        root = look(tmp_path / tool, KnownFiles())
        assert (root.state, root.tool) == ("ready", tool)
        found = found_at(root)
        told += [right(file, tmp_path / tool, found) for file in files]
        offered = [file for file in files if (tmp_path / tool / file.path).as_posix() in found]
        mistaken += [file.path for file in offered if not right(file, tmp_path / tool, found)]
    assert mistaken == []
    assert len(told) >= 60
    assert sum(told) / len(told) >= SHARE


@pytest.mark.parametrize("tool", TREES)
def test_nothing_is_written_into_a_tools_folder(tmp_path: Path, tool: str) -> None:
    plant(tmp_path / "t", tool)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "t").rglob("*")}
    catalog = catalogue(tmp_path, tmp_path / "t")
    assert catalog.dropped.places
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "t").rglob("*")} == before


@pytest.mark.parametrize("tool", ["ComfyUI", "AUTOMATIC1111", "SwarmUI"])
def test_the_folder_of_models_alone_is_known_too(tmp_path: Path, tool: str) -> None:
    files = plant(tmp_path / tool, tool)
    inside = "Models" if tool == "SwarmUI" else "models"
    root = look(tmp_path / tool / inside, KnownFiles())
    assert root.tool == tool
    found = found_at(root)
    assert all(right(file, tmp_path / tool, found) for file in files if file.path.startswith(inside))


def test_a_portable_package_with_the_program_inside_is_known(tmp_path: Path) -> None:
    plant(tmp_path / "ComfyUI_windows_portable" / "ComfyUI", "ComfyUI")
    root = look(tmp_path / "ComfyUI_windows_portable", KnownFiles())
    assert root.tool == "ComfyUI"
    assert "ink" in names(root)


def test_extra_model_paths_lead_to_other_folders(tmp_path: Path) -> None:
    plant(tmp_path / "a1111", "AUTOMATIC1111")
    write(tmp_path / "more" / "x" / "third.safetensors", LORA_XL)
    put(tmp_path / "more" / "enlarge" / "4x.pth", "pickle")
    (tmp_path / "comfy" / "models" / "checkpoints").mkdir(parents=True)
    paths = tmp_path / "comfy" / "extra_model_paths.yaml"
    paths.write_text(
        "a111:\n  base_path: ../a1111\n  checkpoints: models/Stable-diffusion\n"
        "  loras: |\n    models/Lora\n    models/LyCORIS\n    ../more/x\n  custom_nodes: nowhere\n"
        f"other:\n  base_path: {(tmp_path / 'more').as_posix()}/\n"
        "  upscale_models: enlarge\n  is_default: true\n",
        "utf-8",
    )
    for root in (look(tmp_path / "comfy", KnownFiles()), look(paths, KnownFiles())):
        assert root.tool == "ComfyUI"
        assert sorted(names(root)) == ["ink", "third", "two"]
        assert {spec.label for spec in root.found.specs} == {"sd15", "pony", "4x"}


@pytest.mark.parametrize(
    "text", ["a: [", "- 1", "&a [*a, *a]", "x: &x [*x]", "\x00", "a: {base_path: 5, loras: []}"]
)
def test_paths_that_cannot_be_understood_are_told_of(tmp_path: Path, text: str) -> None:
    file = tmp_path / "extra_model_paths.yaml"
    file.write_text(text, "utf-8")
    root = look(file, KnownFiles())
    assert root.state == "ready" or "extra_model_paths.yaml" in root.words
    assert not root.found.specs


def test_fooocus_and_swarm_say_where_else_their_models_are(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "ink.safetensors", LORA_XL)
    (tmp_path / "fooocus" / "models").mkdir(parents=True)
    said = {"path_loras": [str(tmp_path / "elsewhere")], "path_checkpoints": 5, "default_model": "x"}
    (tmp_path / "fooocus" / "config.txt").write_text(json.dumps(said), "utf-8")
    assert names(look(tmp_path / "fooocus", KnownFiles())) == ["ink"]
    (tmp_path / "swarm" / "Data").mkdir(parents=True)
    place = (tmp_path / "elsewhere").as_posix()
    (tmp_path / "swarm" / "Data" / "Settings.fds").write_text(
        f"Paths:\n\tModelRoot: Models;{place}\n", "utf-8"
    )
    assert names(look(tmp_path / "swarm", KnownFiles())) == ["ink"]


@posix
def test_links_are_followed_and_loops_and_dangling_ones_survived(tmp_path: Path) -> None:
    root = tmp_path / "comfy"
    write(tmp_path / "big" / "linked.safetensors", LORA_XL)
    write(root / "models" / "loras" / "own.safetensors", LORA_XL)
    (root / "models" / "checkpoints").mkdir()
    (root / "models" / "loras" / "big").symlink_to(tmp_path / "big")
    (root / "models" / "loras" / "up").symlink_to(root)
    (root / "models" / "loras" / "round").symlink_to(root / "models" / "loras" / "round")
    (root / "models" / "loras" / "gone.safetensors").symlink_to(tmp_path / "nothing.safetensors")
    found = look(root, KnownFiles())
    assert sorted(names(found)) == ["linked", "own"]
    assert any("not there" in each.reason for each in found.found.unusable)


def test_one_file_of_two_roots_is_there_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one / "loras" / "ink.safetensors", LORA_XL)
    (two / "loras").mkdir(parents=True)
    os.link(one / "loras" / "ink.safetensors", two / "loras" / "again.safetensors")
    write(two / "loras" / "ink.safetensors", LORA_XL)
    catalog = catalogue(tmp_path, one, two)
    assert [each.name for each in catalog.dropped.add_ons] == ["ink", "ink"]
    assert len({each.id for each in catalog.dropped.add_ons}) == 2
    assert [root.found.again for root in catalog.roots] == [0, 1]


def test_a_drive_that_went_is_told_of_and_its_models_come_back_with_it(tmp_path: Path) -> None:
    root, away = tmp_path / "drive", tmp_path / "unplugged"
    write(root / "loras" / "ink.safetensors", LORA_XL)
    write(root / "checkpoints" / "xl.safetensors", SDXL)
    catalog = catalogue(tmp_path, root)
    (spec,), (ink,) = catalog.roots[0].found.specs, catalog.dropped.add_ons
    root.rename(away)
    catalog._rechecked = 0.0
    catalog.recheck_roots()
    assert catalog.roots[0].state == "away"
    assert not catalog.dropped.add_ons
    with pytest.raises(NotFound, match="Is its drive connected"):
        catalog.get(spec.id)
    with pytest.raises(NotFound, match="Is its drive connected"):
        catalog.add_on(ink.id)
    away.rename(root)
    assert catalog.get(spec.id) == spec
    assert catalog.add_on(ink.id) == ink


def test_a_drive_that_never_answers_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    root = tmp_path / "drive"
    write(root / "loras" / "ink.safetensors", LORA_XL)
    understand = foreign_folders.tools.understand

    def slowly(path: Path) -> foreign_folders.tools.Layout:
        answers.wait(60)
        return understand(path)

    monkeypatch.setattr(foreign_folders.tools, "understand", slowly)
    monkeypatch.setattr(foreign_folders, "_PATIENCE", 0.05)
    monkeypatch.setattr(foreign_folders, "_SILENCE", 0.1)
    catalog = catalogue(tmp_path, root)
    assert catalog.roots[0].state in ("looking", "away")
    catalog.look_through()
    catalog.look_through()
    assert catalog.roots[0].state == "away"
    assert "does not answer" in catalog.roots[0].words
    answers.set()
    catalog.look_through()
    for look_ in threading.enumerate():
        if look_.name == "model-root":
            look_.join(30)
    assert [each.name for each in catalog.dropped.add_ons] == ["ink"]


def test_a_root_that_is_no_tools_is_looked_through_by_what_is_in_it(tmp_path: Path) -> None:
    write(tmp_path / "AI" / "things" / "xl.safetensors", SDXL)
    write(tmp_path / "AI" / "Lora" / "ink.safetensors", LORA_XL)
    root = look(tmp_path / "AI", KnownFiles())
    assert (root.tool, [spec.label for spec in root.found.specs], names(root)) == ("", ["xl"], ["ink"])


def test_what_is_known_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lora = write(tmp_path / "r" / "ink.safetensors", LORA_XL, {"ss_tag_frequency": '{"a": {"ink": 3}}'})
    first = KnownFiles(tmp_path / "known.json")
    told = first.identify(lora)
    first.save()
    opened: list[Path] = []
    monkeypatch.setattr("pipelines.disk.known_files.identify", lambda path: opened.append(path) or told)
    again = KnownFiles(tmp_path / "known.json")
    assert again.identify(lora) == told
    assert told.triggers == ("ink",)
    assert opened == []
    lora.with_suffix(".json").write_text("{}", "utf-8")
    again.identify(lora)
    write(lora, SDXL)
    again.identify(lora)
    assert opened == [lora, lora]


@pytest.mark.parametrize("text", ["", "[]", '{"made_by": 1, "files": 3}', "[" * 9999])
def test_a_damaged_memory_of_files_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "known.json").write_text(text, "utf-8")
    lora = write(tmp_path / "ink.safetensors", LORA_XL)
    assert KnownFiles(tmp_path / "known.json").identify(lora).kind == "lora"
