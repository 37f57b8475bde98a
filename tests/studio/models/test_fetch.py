"""The download process against a hub on loopback: the real process, the real client, real files."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from studio.models import fetch, places
from studio.models.messages import (
    Fetched,
    FetchFailed,
    FetchOrder,
    FilesListed,
    FromFetch,
    Progressed,
    Verifying,
    Wanted,
)
from tests import tiny_models_flux3
from tests.hub import TOKEN, Hub, Repo, running_hub

REPO = "someone/model"
BIG = random.Random(0).randbytes(3 * 2**20)
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
}
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def model(**options: object) -> Repo:
    names = {
        "model_index.json": json.dumps(INDEX).encode(),
        "README.md": b"# words",
        "unet/config.json": b'{"in_channels": 4}',
        WEIGHTS: BIG,
        "unet/diffusion_pytorch_model.bin": b"pickle",
        "scheduler/scheduler_config.json": b"{}",
        "safety_checker/model.safetensors": b"never loaded",
    }
    return Repo(names, **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_cache(hub_home: Path) -> None:
    """Every test here has its own."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub(someone__model=model()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


class Process:
    """A download process and what it said."""

    def __init__(self, *wanted: Wanted) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        order = FetchOrder("The Model", wanted or (Wanted(REPO, "pipeline"),))
        self.process = context.Process(target=fetch.main, args=(theirs, order), daemon=True)
        self.process.start()
        theirs.close()

    def said(self) -> Iterator[FromFetch]:
        try:
            while True:
                yield self.pipe.recv()
        except EOFError:
            self.process.join()


def fetched(*wanted: Wanted) -> list[FromFetch]:
    return list(Process(*wanted).said())


def failure(*wanted: Wanted) -> FetchFailed:
    last = fetched(*wanted)[-1]
    assert isinstance(last, FetchFailed), last
    return last


def snapshot(home: Path, commit: str = "a" * 40) -> Path:
    return home / "hub" / "models--someone--model" / "snapshots" / commit


def partial(home: Path) -> Path:
    return home / "hub/models--someone--model/blobs" / f"{hashlib.sha256(BIG).hexdigest()}.incomplete"


def test_what_is_loaded_is_fetched_and_nothing_else(hub: Hub, hub_home: Path) -> None:
    said = fetched()
    assert isinstance(said[-1], Fetched)
    folder = snapshot(hub_home)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {"model_index.json", "unet/config.json", WEIGHTS, "scheduler/scheduler_config.json"}
    assert (folder / WEIGHTS).read_bytes() == BIG
    assert not list(hub_home.rglob("*.incomplete"))
    plan = next(each for each in said if isinstance(each, FilesListed))
    sizes = {file.name: file.size for file in plan.files}
    assert sizes[WEIGHTS] == len(BIG)
    assert set(sizes) == there
    index = [file.name for file in plan.files].index(WEIGHTS)
    progress = [each.done for each in said if isinstance(each, Progressed) and each.index == index]
    assert progress == sorted(progress)
    assert progress[-1] == len(BIG)
    assert any(isinstance(each, Verifying) and each.index == index for each in said)


def test_a_second_time_nothing_is_sent_again(hub: Hub) -> None:
    fetched()
    hub.asked.clear()
    assert isinstance(fetched()[-1], Fetched)
    assert not hub.bytes_sent_for(WEIGHTS)


def test_without_symbolic_links_a_model_lies_on_the_disk_once(
    hub: Hub, hub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")  # as Windows, for most people
    assert isinstance(fetched()[-1], Fetched)
    file = snapshot(hub_home) / WEIGHTS
    assert not file.is_symlink()
    assert file.read_bytes() == BIG
    large = {
        path.stat().st_ino for path in hub_home.rglob("*") if path.is_file() and path.stat().st_size > 2**20
    }
    assert len(large) == 1
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_home / "hub"))
    assert len(BIG) <= places.stored(REPO) < len(BIG) + 1000
    hub.asked.clear()
    assert isinstance(fetched()[-1], Fetched)
    assert not hub.bytes_sent_for(WEIGHTS)


def test_the_clients_offline_switch_does_not_stop_what_the_artist_asked_for(
    hub: Hub, hub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    assert isinstance(fetched()[-1], Fetched)


def test_a_cut_connection_is_taken_up_where_it_ended(hub: Hub, hub_home: Path) -> None:
    hub.repos[REPO].cut[WEIGHTS] = 2 * 2**20
    assert isinstance(fetched()[-1], Fetched)
    first, second = hub.bytes_sent_for(WEIGHTS)
    assert first is None
    assert second is not None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 2 * 2**20
    assert (snapshot(hub_home) / WEIGHTS).read_bytes() == BIG


def test_a_killed_process_leaves_a_part_that_the_next_one_goes_on_with(hub: Hub, hub_home: Path) -> None:
    released = threading.Event()
    hub.repos[REPO].stall[WEIGHTS] = released
    process = Process()
    for message in process.said():
        if isinstance(message, Progressed) and message.done > 2**20:
            process.process.kill()
    assert not (snapshot(hub_home) / WEIGHTS).exists()
    kept = partial(hub_home).stat().st_size
    assert 0 < kept < len(BIG)
    released.set()
    hub.repos[REPO].stall.clear()
    hub.asked.clear()
    said = fetched()
    assert isinstance(said[-1], Fetched)
    assert hub.bytes_sent_for(WEIGHTS) == [f"bytes={kept}-"]
    plan = next(each for each in said if isinstance(each, FilesListed))
    assert next(file.done for file in plan.files if file.name == WEIGHTS) == kept
    assert (snapshot(hub_home) / WEIGHTS).read_bytes() == BIG


def test_a_moved_branch_does_not_change_a_download_that_was_begun(hub: Hub, hub_home: Path) -> None:
    hub.repos[REPO].cut = {WEIGHTS: 1}
    fetched()
    assert (hub_home / "hub/models--someone--model/refs/main").read_text() == "a" * 40


def test_wrong_bytes_are_noticed_thrown_away_and_fetched_again(hub: Hub, hub_home: Path) -> None:
    hub.repos[REPO].swap[WEIGHTS] = BIG[:-1] + bytes([BIG[-1] ^ 1])
    failed = failure()
    assert failed.code == "damaged"
    assert WEIGHTS in failed.detail
    assert not (snapshot(hub_home) / WEIGHTS).exists()
    assert not partial(hub_home).exists()
    hub.repos[REPO].swap.clear()
    assert isinstance(fetched()[-1], Fetched)


def test_wrong_bytes_in_a_small_file_are_noticed_too(hub: Hub, hub_home: Path) -> None:
    hub.repos[REPO].swap["unet/config.json"] = b'{"in_channels": 5}'
    assert failure().code == "damaged"
    assert not (snapshot(hub_home) / "unet/config.json").exists()


def test_what_does_not_fit_on_the_disk_is_refused_before_anything_is_sent(hub: Hub) -> None:
    hub.repos[REPO].claim[WEIGHTS] = 10**16
    failed = failure()
    assert failed.code == "disk_full"
    assert "10000000.0 GB" in failed.detail
    assert not hub.bytes_sent_for(WEIGHTS)


@pytest.mark.linux("needs /dev/full")
def test_a_disk_that_runs_full_meanwhile_is_told_in_words(hub: Hub, hub_home: Path) -> None:
    place = partial(hub_home)
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/full")
    failed = failure()
    assert failed.code == "disk_full"
    assert "goes on where it stopped" in failed.detail


def test_a_gated_model_says_where_to_agree_and_how_to_log_in(hub: Hub) -> None:
    hub.repos[REPO].gated = True
    failed = failure()
    assert failed.code == "gated"
    assert failed.link == f"{hub.url}/{REPO}"
    assert "hf auth login" in failed.detail


def test_a_token_whose_owner_has_not_agreed_is_told_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos[REPO].gated = True
    hub.repos[REPO].agreed = False
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    failed = failure()
    assert failed.code == "gated"
    assert "this account" in failed.detail


def test_the_token_is_read_from_its_usual_file_and_sent_only_where_the_hub_insists(
    hub: Hub, hub_home: Path
) -> None:
    hub_home.mkdir()
    (hub_home / "token").write_text(TOKEN)
    assert isinstance(fetched()[-1], Fetched)
    assert all(each.token is None for each in hub.asked)
    hub.repos["someone/gated"] = model(gated=True)
    hub.asked.clear()
    assert isinstance(fetched(Wanted("someone/gated", "pipeline"))[-1], Fetched)
    with_token = [each for each in hub.asked if each.token]
    assert with_token
    assert all(each.token == TOKEN and each.host == "127.0.0.1" for each in with_token)
    assert any(each.host == "localhost" and each.path.endswith(WEIGHTS) for each in hub.asked)


def test_what_the_hub_does_not_have_is_named(hub: Hub) -> None:
    assert failure(Wanted("someone/nothing", "pipeline")).code == "not_found"
    old = failure(Wanted(REPO, "pipeline", revision="b" * 40))
    assert old.code == "not_found"
    assert "version" in old.detail
    assert failure(Wanted("no such name", "pipeline")).code == "not_found"


def test_a_repository_without_a_model_is_refused(hub: Hub) -> None:
    del hub.repos[REPO].files["model_index.json"]
    assert failure().code == "not_a_model"


def made_of_blocks(**repositories: str) -> Repo:
    """A model that diffusers has as blocks alone; `repositories`: where parts of it are instead."""
    parts = ("text_encoder", "transformer", "vae")
    files = {f"{part}/config.json": b"{}" for part in parts if part not in repositories}
    files |= {f"{part}/model.safetensors": part.encode() for part in parts if part not in repositories}
    index = json.dumps(tiny_models_flux3.index(**repositories)).encode()
    beside = {"tokenizer/tokenizer.json": b"{}", "flux-3.safetensors": BIG, "README.md": b"# words"}
    return Repo({"modular_model_index.json": index, **files, **beside})


def test_of_a_model_made_of_blocks_every_part_is_fetched_but_the_upsampler(hub: Hub, hub_home: Path) -> None:
    hub.repos[REPO] = made_of_blocks()
    assert isinstance(fetched()[-1], Fetched)
    folder = snapshot(hub_home)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == set(hub.repos[REPO].files) - {"flux-3.safetensors", "README.md"}
    assert not any("-pup" in each.path for each in hub.asked)


def test_a_model_made_of_blocks_with_a_part_elsewhere_is_refused(hub: Hub) -> None:
    hub.repos[REPO] = made_of_blocks(text_encoder="someone/encoder")
    failed = failure()
    assert failed.code == "model_unavailable"
    assert "someone/model: its text_encoder is not in it" in failed.detail
    assert "someone/encoder" in failed.detail


def test_a_model_of_pickles_is_refused(hub: Hub) -> None:
    del hub.repos[REPO].files[WEIGHTS]
    failed = failure()
    assert failed.code == "model_unavailable"
    assert "pickle" in failed.detail


def test_parts_of_other_repositories_come_along(hub: Hub, hub_home: Path) -> None:
    parts = {
        "models/image_encoder/config.json": b"{}",
        "models/image_encoder/model.safetensors": b"weights",
        "models/adapter.safetensors": b"adapter",
        "models/adapter.bin": b"pickle",
    }
    hub.repos["h/parts"] = Repo(parts, commit="c" * 40)
    wanted = (
        Wanted("h/parts", "folder", "models/image_encoder"),
        Wanted("h/parts", "file", "models/adapter.safetensors"),
    )
    assert isinstance(fetched(*wanted)[-1], Fetched)
    folder = hub_home / "hub/models--h--parts/snapshots" / ("c" * 40)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == set(parts) - {"models/adapter.bin"}


def test_without_a_network_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    failed = failure()
    assert failed.code == "offline"
    assert "network" in failed.detail


def test_the_process_ends_with_the_studio(hub: Hub) -> None:
    released = threading.Event()
    hub.repos[REPO].stall[WEIGHTS] = released
    process = Process()
    next(process.said())
    process.pipe.close()
    process.process.join(20)
    assert process.process.exitcode == 0
    released.set()
