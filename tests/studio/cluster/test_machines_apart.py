"""What has to be the same on all machines: models and versions; and what is said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.memory.plan import Hardware
from studio.cluster import holdings, telling, versions
from studio.cluster.messages import Holding
from studio.records import WorkerInfo, WorkState

YAML = """\
models:
  - {id: here, label: Here, family: stable-diffusion, source: here, modes: [text_to_image], licence: MIT}
  - {id: away, label: Away, family: stable-diffusion, source: away, modes: [text_to_image], licence: MIT}
"""


def machine(folder: Path, weights: bytes = b"weights") -> Catalog:
    (folder / "here" / "unet").mkdir(parents=True)
    (folder / "here" / "model_index.json").write_text("{}")
    (folder / "here" / "unet" / "weights.safetensors").write_bytes(weights)
    (folder / "models.yaml").write_text(YAML)
    return load_catalog(folder / "models.yaml")


def test_a_machine_has_the_same_model_another_or_none(tmp_path: Path) -> None:
    studio = holdings.all_of(machine(tmp_path / "studio"))
    assert studio.keys() == {"here"}
    wanted = studio | {"away": studio["here"], "unknown": studio["here"]}
    same = holdings.compared(machine(tmp_path / "same"), wanted)
    assert same == {"here": "here", "away": "absent", "unknown": "absent"}
    other = machine(tmp_path / "other", b"WEIGHTS")
    assert holdings.compared(other, studio) == {"here": "other"}


def test_a_model_that_is_changed_in_place_is_another(tmp_path: Path) -> None:
    catalog = machine(tmp_path)
    before = holdings.all_of(catalog)
    (tmp_path / "here" / "unet" / "weights.safetensors").write_bytes(b"others, longer")
    assert holdings.compared(catalog, before) == {"here": "other"}


def test_one_commit_on_all_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    entry = "id: hub, label: Hub, family: stable-diffusion, source: a/b, licence: MIT"
    yaml = f"models:\n  - {{{entry}, modes: [text_to_image]}}\n"
    (tmp_path / "models.yaml").write_text(yaml)
    for commit in ("a" * 40, "b" * 40):
        folder = tmp_path / "hub" / "models--a--b" / "snapshots" / commit
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text("{}")
    refs = tmp_path / "hub" / "models--a--b" / "refs"
    refs.mkdir()
    (refs / "main").write_text("b" * 40)  # this machine's own newest
    catalog = load_catalog(tmp_path / "models.yaml")
    assert holdings.compared(catalog, {"hub": Holding({"a/b": "a" * 40})}) == {"hub": "here"}
    assert holdings.compared(catalog, {"hub": Holding({"a/b": "c" * 40})}) == {"hub": "absent"}


def test_versions_are_refused_with_both_named() -> None:
    ours = {"Likeness": "0.2.0", "torch": "2.13.0", "diffusers": "0.42.1", "transformers": "5.23.0"}
    assert versions.refusal("gpu-2", ours, ours) is None
    older = ours | {"Likeness": "0.1.0", "torch": ""}
    words = versions.refusal("gpu-2", older, ours) or ""
    assert "Likeness 0.1.0 instead of 0.2.0" in words
    assert "torch (none) instead of 2.13.0" in words
    none = versions.refusal("gpu-2", {"Likeness": ""}, ours) or ""
    assert "has no Likeness" in none
    assert "0.2.0" in none


def test_this_machine_agrees_with_itself() -> None:
    here = versions.of_this_machine()
    assert all(here.values())
    assert versions.refusal("here", here, here) is None


def info(name: str, machine: str, state: WorkState) -> WorkerInfo:
    return WorkerInfo(name=name, machine=machine, state=state, device="cuda" if state != "starting" else None)


def card(total: int) -> Hardware:
    return Hardware(kind="cuda", name="card", total=total, free=total, ram_total=1, ram_free=1)


def test_many_workers_as_one_state() -> None:
    told = [info("a 1", "a", "ready"), info("a 2", "a", "busy"), info("b", "b", "starting")]
    state = telling.state(told, "", {"c": "c is not used."}, [card(8), None, card(24)])
    assert (state.state, state.device) == ("busy", "cuda")
    assert state.detail == "3 workers on 2 machines. c is not used."
    assert state.hardware == card(24)
    assert len(state.workers) == 3
    assert telling.state(told[2:], "", {}).state == "starting"
    nobody = telling.state((), "No cluster.", {}, down=True)
    assert (nobody.state, nobody.detail) == ("down", "No cluster.")


def test_why_no_worker_can_is_said_of_each_machine() -> None:
    words = telling.refusal("SDXL", [("a", "absent"), ("b", "absent"), ("c", "other"), ("d", "here")])
    assert "a and b have not got it" in words
    assert "c has another version of it" in words
    assert "d has too little memory for it" in words
    assert "--ray-fetch" in words
