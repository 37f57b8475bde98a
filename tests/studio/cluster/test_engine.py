"""The engine over a Ray process that a test plays: who may make what, and what is said where nobody can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue

import pytest

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import ModelUnavailable, WorkerLost
from pipelines.events import Completed, Failed, Phase, PhaseChanged, ReadOrder, Region, WorkOrder
from pipelines.memory.plan import Hardware
from pipelines.request import CompleteRequest
from studio.cluster.engine import RayEngine
from studio.cluster.messages import (
    Connected,
    ForWorker,
    FromCluster,
    Held,
    KillWorker,
    Leave,
    MachineNote,
    NotConnected,
    Setup,
    StartWorker,
    ToCluster,
    Wanted,
    WorkerEnded,
    WorkerHolds,
    WorkerJoined,
    WorkerLeft,
    WorkerSaid,
)
from studio.engine import NotBegun
from studio.engine.messages import JobEvent, ReadAnswer, Ready, StartFailed
from tests.studio.cluster.clusters import real_setup

YAML = """\
models:
  - {id: tiny, label: Tiny, family: stable-diffusion, source: tiny, modes: [text_to_image], licence: MIT}
  - {id: large, label: Large, family: stable-diffusion, source: large, modes: [text_to_image], licence: MIT}
"""
SMALL, BIG = (
    Hardware(kind="cuda", name=str(size), total=size, free=size, ram_total=1, ram_free=1) for size in (8, 24)
)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


class Played:
    """A Ray process whose workers are ready at once, and make every order at once unless they are `deaf`."""

    pid = 1

    def __init__(self) -> None:
        self.said: SimpleQueue[FromCluster | None] = SimpleQueue()
        self.heard: list[ToCluster] = []
        self.hardware: dict[str, Hardware] = {}
        self.deaf: set[str] = set()
        self.broken: set[str] = set()

    def join(self, name: str, holds: Mapping[str, Held], hardware: Hardware = BIG) -> None:
        self.hardware[name] = hardware
        self.said.put(WorkerJoined(name, name))
        self.said.put(WorkerHolds(name, holds))

    def send(self, message: ToCluster) -> None:
        self.heard.append(message)
        match message:
            case StartWorker(name) if name in self.broken:
                self.said.put(WorkerSaid(name, StartFailed("PyTorch is broken here.")))
                self.said.put(WorkerEnded(name, "It ended."))
            case StartWorker(name):
                self.said.put(WorkerSaid(name, Ready("cuda", "ready", self.hardware.get(name, BIG))))
            case ForWorker(name, WorkOrder(job_id)) if name not in self.deaf:
                self.said.put(WorkerSaid(name, JobEvent(job_id, Completed())))
            case ForWorker(name, WorkOrder(job_id)):
                self.said.put(WorkerSaid(name, JobEvent(job_id, PhaseChanged(Phase.LOADING))))
            case ForWorker(name, ReadOrder(order_id)):
                self.said.put(WorkerSaid(name, ReadAnswer(order_id, (name,))))
            case KillWorker(name):
                self.said.put(WorkerEnded(name, "It was killed."))
            case Leave():
                self.said.put(None)
            case _:
                pass

    def messages(self) -> Iterator[FromCluster]:
        yield Connected("head:6379")
        while (said := self.said.get()) is not None:
            yield said

    def kill(self) -> None:
        self.said.put(None)

    def wait_and_close(self) -> str:
        return "The image worker ended."


class Cluster:
    """An engine over played Ray processes; `now` is the one that runs."""

    def __init__(self, folder: Path, *, fetch: bool = False) -> None:
        for name in ("tiny", "large"):
            (folder / name).mkdir()
            (folder / name / "model_index.json").write_text(f'{{"name": "{name}"}}')
        (folder / "models.yaml").write_text(YAML)
        self.played: list[Played] = []
        catalog = load_catalog(folder / "models.yaml")
        setup = real_setup("auto", fetch=fetch)
        fits = lambda model, hardware: model == "tiny" or hardware is not SMALL  # noqa: E731
        self.engine = RayEngine(setup, catalog, fits, cancel_grace=0.2, launch=self._launch)
        until(lambda: bool(self.played))

    def _launch(self, setup: Setup) -> Played:
        self.played.append(Played())
        return self.played[-1]

    @property
    def now(self) -> Played:
        return self.played[-1]

    def who(self, model: str) -> list[str]:
        """Who would be given a job of this model; "" is nobody, with words."""
        return [place.worker for place in self.engine.places() if place.free and place.takes(model)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.engine.stop()


def order(model: str = "tiny", job_id: str = "job") -> WorkOrder:
    fields = {"model": model, "seed": 1, "width": 64, "height": 64, "num_inference_steps": 1}
    return WorkOrder(job_id, CompleteRequest.model_validate(fields), {})


def test_workers_take_what_their_machine_has_and_has_room_for(cluster: Cluster) -> None:
    cluster.now.join("a", {"tiny": "here", "large": "here"}, SMALL)
    cluster.now.join("b", {"tiny": "other", "large": "here"}, BIG)
    until(lambda: cluster.who("tiny") == ["a"])
    cluster.engine._look_now.set()
    until(lambda: cluster.who("large") == ["b"])
    assert isinstance(list(cluster.engine.run(order("large"), "b"))[-1], Completed)
    assert {place.worker: place.model for place in cluster.engine.places()} == {
        "a": None,
        "b": "large",
        "": None,
    }
    assert [each.name for each in cluster.engine.state.workers] == ["a", "b"]


def test_what_nobody_can_make_fails_with_what_each_machine_lacks(cluster: Cluster) -> None:
    cluster.now.join("a", {"tiny": "here", "large": "absent"})
    cluster.now.join("b", {"tiny": "here", "large": "other"})
    until(lambda: cluster.who("large") == [""])
    (failed,) = cluster.engine.run(order("large"), "")
    assert isinstance(failed, Failed)
    assert failed.code == "model_unavailable"
    assert failed.detail.startswith("No worker can use Large: a has not got it; b has another")


def test_nobody_is_refused_before_all_have_said_what_they_have(cluster: Cluster) -> None:
    cluster.now.join("a", {"tiny": "here", "large": "absent"})
    cluster.now.said.put(WorkerJoined("b", "b"))
    until(lambda: cluster.who("tiny") == ["a"])
    assert cluster.who("large") == []
    cluster.now.said.put(WorkerHolds("b", {"tiny": "here", "large": "here"}))
    until(lambda: cluster.who("large") == ["b"])


def test_a_model_that_the_studio_itself_has_not_is_refused_after_a_look(cluster: Cluster) -> None:
    cluster.now.join("a", {"tiny": "here"})
    until(lambda: cluster.who("tiny") == ["a"])
    until(lambda: cluster.who("gone") == [""])
    (failed,) = cluster.engine.run(order("gone"), "")
    assert isinstance(failed, Failed)
    assert "is not on this machine" in failed.detail


def test_workers_that_may_download_take_models_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "models--a--b" / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (tmp_path / "hub" / "models--a--b" / "refs").mkdir()
    (tmp_path / "hub" / "models--a--b" / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr(f"{__name__}.YAML", YAML.replace("source: large", "source: a/b"))
    cluster = Cluster(tmp_path, fetch=True)
    try:
        cluster.now.join("a", {"tiny": "absent", "large": "absent"})
        until(lambda: cluster.who("large") == ["a"])
        until(lambda: cluster.who("tiny") == [""])
    finally:
        cluster.engine.stop()


def test_a_worker_that_leaves_loses_its_order_and_nobody_is_given_one(cluster: Cluster) -> None:
    cluster.now.deaf.add("a")
    cluster.now.join("a", {"tiny": "here"})
    until(lambda: cluster.who("tiny") == ["a"])
    events = cluster.engine.run(order(), "a")
    assert next(events) == PhaseChanged(Phase.LOADING)
    cluster.now.said.put(WorkerLeft("a", "a was lost."))
    with pytest.raises(WorkerLost, match="a was lost"):
        next(events)
    assert cluster.engine.places() == ()
    with pytest.raises(NotBegun):
        next(cluster.engine.run(order(), "a"))


def test_a_cancel_that_is_not_heard_ends_the_order_and_the_worker(cluster: Cluster) -> None:
    cluster.now.deaf.add("a")
    cluster.now.join("a", {"tiny": "here"})
    until(lambda: cluster.who("tiny") == ["a"])
    events = cluster.engine.run(order(), "a")
    next(events)
    cluster.engine.cancel("job")
    (failed,) = events
    assert isinstance(failed, Failed)
    assert failed.code == "cancelled"
    until(lambda: KillWorker("a") in cluster.now.heard)


def test_a_worker_that_cannot_be_started_is_no_place_and_says_why(cluster: Cluster) -> None:
    cluster.now.broken.add("a")
    cluster.now.join("a", {"tiny": "here"})
    cluster.now.join("b", {"tiny": "here"})
    until(lambda: [each.state for each in cluster.engine.state.workers] == ["down", "ready"])
    assert [place.worker for place in cluster.engine.places()] == ["b", ""]
    assert cluster.engine.state.workers[0].detail == "PyTorch is broken here."
    assert cluster.who("tiny") == ["b"]


def test_a_cluster_that_is_gone_is_found_again(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.cluster.engine.AGAIN_SECONDS", 0.01)
    cluster.now.join("a", {"tiny": "here"})
    until(lambda: cluster.who("tiny") == ["a"])
    first = cluster.now
    first.said.put(NotConnected("The head is gone."))
    until(lambda: first.said.empty())
    first.kill()
    until(lambda: len(cluster.played) == 2)
    assert cluster.engine.places() == ()
    until(lambda: any(isinstance(each, Wanted) for each in cluster.now.heard))
    cluster.now.join("a", {"tiny": "here"})
    until(lambda: cluster.who("tiny") == ["a"])


def test_notes_of_machines_are_told_and_questions_go_to_who_has_the_model(cluster: Cluster) -> None:
    cluster.now.said.put(MachineNote("c", "c is not used: it has Likeness 1 instead of 2."))
    until(lambda: "c is not used" in cluster.engine.state.detail)
    cluster.now.join("a", {"words": "absent"})
    cluster.now.join("b", {"words": "here"})
    until(lambda: [each.state for each in cluster.engine.state.workers] == ["ready", "ready"])
    assert cluster.engine.read(ReadOrder("r", "words", (Region("/p"),))) == ("b",)
    cluster.now.said.put(WorkerHolds("b", {"words": "other"}))
    until(lambda: cluster.engine._slots["b"].holds["words"] == "other")
    with pytest.raises(ModelUnavailable, match="b has another version"):
        cluster.engine.read(ReadOrder("r", "words", (Region("/p"),)))
    cluster.now.said.put(MachineNote("c", None))
    until(lambda: cluster.engine.state.detail == "2 workers on 2 machines.")


def test_the_setup_names_a_catalogue_only_where_it_is_another_than_the_studios_own(tmp_path: Path) -> None:
    from studio.cluster.process import setup_of
    from studio.settings import Settings

    own = setup_of(Settings(data_dir=tmp_path, engine="ray", ray_address="auto", ray_cpus=2))
    assert (own.catalogue, own.cpus, own.address) == (None, 2, "auto")
    assert own.catalogue_hash == real_setup("auto").catalogue_hash
    other = tmp_path / "models.yaml"
    other.write_text(YAML)
    assert setup_of(Settings(data_dir=tmp_path, models=other)).catalogue == str(other)
