"""What runs on each machine, without Ray around it: the real worker process behind it, scripted pictures."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from pipelines.events import Completed, Failed, ImageReady, Notice, ReadOrder, Region, WorkOrder
from pipelines.request import CompleteRequest
from studio.cluster import holdings, host, references
from studio.cluster.host import WorkerHost
from studio.cluster.messages import Holding, Setup
from studio.engine.messages import Alive, CancelOrder, FromWorker, JobEvent, ReadAnswer, Ready
from studio.settings import CATALOGUE
from tests.hub import Hub, running_hub
from tests.studio import scripted_worker
from tests.studio.cluster.clusters import real_setup
from tests.studio.models.conftest import hub_home
from tests.studio.models.test_fetch import BIG, REPO, WEIGHTS, model
from tests.studio.scripted_worker import SIDE, pixels

__all__ = ["hub_home"]
COMMIT = "a" * 40


class Served:
    """A host whose worker serves; what it says is heard as the Ray process hears it."""

    def __init__(self, setup: Setup) -> None:
        self.host = WorkerHost(setup, 1)
        self._said: SimpleQueue[FromWorker | str] = SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()
        self.until(lambda said: isinstance(said, Ready))

    def _serve(self) -> None:
        for said in self.host.serve():
            self._said.put(said)

    def until(self, true: Callable[[FromWorker | str], bool]) -> list[FromWorker | str]:
        heard: list[FromWorker | str] = []
        while not heard or not true(heard[-1]):
            said = self._said.get(timeout=60)
            heard += [] if isinstance(said, Alive) else [said]
        return heard

    def events(self, order: WorkOrder, keys: dict[str, str] | None = None) -> list[object]:
        self.host.give(order, keys or {})
        heard = self.until(
            lambda said: isinstance(said, JobEvent) and isinstance(said.event, Completed | Failed)
        )
        return [said.event for said in heard if isinstance(said, JobEvent)]


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(host, "default_folder", lambda: tmp_path / "kept")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Setup], Served]]:
    served: list[Served] = []

    def serve(setup: Setup) -> Served:
        served.append(Served(replace(setup, main=scripted_worker.main, args=(str(tmp_path),))))
        return served[-1]

    yield serve
    for each in served:
        each.host.kill()
        each.until(lambda said: isinstance(said, str))


def order(model_id: str = "portrait-mini", prompt: str = "") -> WorkOrder:
    request = CompleteRequest(
        model=model_id, prompt=prompt, seed=5, width=SIDE, height=SIDE, num_inference_steps=2, num_images=1
    )
    return WorkOrder("job", request, {})


def test_orders_questions_and_cancels_are_passed_on(serve: Callable[[Setup], Served], tmp_path: Path) -> None:
    served = serve(real_setup("auto"))
    events = served.events(order())
    assert [event.rgb for event in events if isinstance(event, ImageReady)] == [pixels(5)]
    picture = tmp_path / "p.png"
    picture.write_bytes(b"picture")
    key = references.key_of(picture)
    assert served.host.lacking([key]) == [key]
    served.host.keep(key, picture.read_bytes())
    served.host.give(ReadOrder("read", "words", (Region(str(picture)),)), {str(picture): key})
    (answer,) = (
        each
        for each in served.until(lambda said: isinstance(said, ReadAnswer))
        if isinstance(each, ReadAnswer)
    )
    assert isinstance(answer.outcome, tuple)
    assert Path(str(answer.outcome[0])).is_relative_to(tmp_path / "kept")
    served.host.give(order(prompt="hang-denoising"), {})
    served.host.give(CancelOrder("job"), {})
    last = served.until(lambda said: isinstance(said, JobEvent) and isinstance(said.event, Failed))[-1]
    assert isinstance(last, JobEvent)
    assert isinstance(last.event, Failed)
    assert last.event.code == "cancelled"


def test_a_killed_worker_says_how_it_ended_and_serves_again(serve: Callable[[Setup], Served]) -> None:
    served = serve(real_setup("auto"))
    served.host.kill()
    ended = served.until(lambda said: isinstance(said, str))[-1]
    assert "The image worker" in str(ended)
    threading.Thread(target=served._serve, daemon=True).start()
    served.until(lambda said: isinstance(said, Ready))
    assert isinstance(served.events(order())[-1], Completed)


def test_another_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="another than the studio's"):
        WorkerHost(replace(real_setup("auto"), catalogue_hash="0"), 1)
    with pytest.raises(ValueError, match="is not at"):
        WorkerHost(replace(real_setup("auto"), catalogue=str(tmp_path / "none.yaml")), 1)
    own = tmp_path / "models.yaml"
    own.write_bytes(CATALOGUE.read_bytes())
    digest = hashlib.sha256(own.read_bytes()).hexdigest()
    WorkerHost(replace(real_setup("auto"), catalogue=str(own), catalogue_hash=digest), 1)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, hub_home: Path) -> Iterator[Hub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_home / "hub"))
    with running_hub(someone__model=model()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def hub_setup(folder: Path, *, fetch: bool) -> Setup:
    entry = f"id: big, label: Big, family: stable-diffusion, source: {REPO}, licence: MIT"
    yaml = f"models:\n  - {{{entry}, modes: [text_to_image]}}\n"
    path = folder / "models.yaml"
    path.write_text(yaml)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(real_setup("auto"), catalogue=str(path), catalogue_hash=digest, fetch=fetch)


def test_where_it_is_allowed_a_model_is_fetched_at_the_studios_commit(
    serve: Callable[[Setup], Served], hub: Hub, hub_home: Path, tmp_path: Path
) -> None:
    wanted = {"big": Holding({REPO: COMMIT})}
    hub.repos[REPO].publish("b" * 40, README="newer")
    served = serve(hub_setup(tmp_path, fetch=True))
    assert served.host.holds(wanted) == {"big": "absent"}
    events = served.events(order("big"))
    assert any(isinstance(event, Notice) and "had to be downloaded" in event.text for event in events)
    assert isinstance(events[-1], Completed)
    folder = hub_home / "hub" / "models--someone--model" / "snapshots"
    assert [each.name for each in folder.iterdir()] == [COMMIT]
    assert (folder / COMMIT / WEIGHTS).read_bytes() == BIG
    assert served.host.holds(wanted) == {"big": "here"}
    hub.asked.clear()
    assert isinstance(served.events(order("big"))[-1], Completed)
    assert not hub.bytes_sent_for(WEIGHTS)


def test_a_download_that_fails_says_so_and_one_can_be_cancelled(
    serve: Callable[[Setup], Served], hub: Hub, tmp_path: Path
) -> None:
    served = serve(hub_setup(tmp_path, fetch=True))
    served.host.holds({"big": Holding({REPO: "c" * 40})})
    failed = served.events(order("big"))[-1]
    assert isinstance(failed, Failed)
    assert "Big could not be downloaded." in failed.detail
    served.host.holds({"big": Holding({REPO: COMMIT})})
    stalled = hub.repos[REPO].stall[WEIGHTS] = threading.Event()
    served.host.give(order("big"), {})
    served.until(lambda said: isinstance(said, JobEvent) and isinstance(said.event, Notice))
    served.host.give(CancelOrder("job"), {})
    last = served.until(lambda said: isinstance(said, JobEvent) and isinstance(said.event, Failed))[-1]
    stalled.set()
    assert isinstance(last, JobEvent)
    assert isinstance(last.event, Failed)
    assert last.event.code == "cancelled"


def test_where_it_is_not_allowed_nothing_is_fetched(
    serve: Callable[[Setup], Served], hub: Hub, tmp_path: Path
) -> None:
    served = serve(hub_setup(tmp_path, fetch=False))
    assert served.host.holds({"big": Holding({REPO: COMMIT})}) == {"big": "absent"}
    served.events(order("big"))
    assert not hub.asked
    assert not holdings.all_of(served.host._catalog)
