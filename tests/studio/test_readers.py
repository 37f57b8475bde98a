"""Describing and comparing with the real worker, real (tiny) readers and a real collection."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import Conflict, ModelUnavailable, WorkerLost
from pipelines.events import ImageReady, Reading, ReadOrder
from studio.api import add_api
from studio.api.events import QueueBroadcast
from studio.characters import heads
from studio.engine.local import LocalEngine
from studio.jobs import JobQueue
from studio.models.library import ModelLibrary
from studio.readers import Ask, Described, Point, Readers, Selection
from studio.records import ImageRecord
from studio.service import StudioService
from tests import tiny_readers
from tests.studio.fixtures import Durable, open_durable, request, upload

DRAWINGS = Path(__file__).parent / "characters" / "drawings"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_readers.catalogue(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def engine(models: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(models, "cpu")
    yield engine
    engine.stop()


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    with open_durable(tmp_path) as durable:
        yield durable


class Asked:
    """Hands questions on to the engine, patiently, and remembers them."""

    def __init__(self, engine: LocalEngine) -> None:
        self.orders: list[ReadOrder] = []
        self._engine = engine

    def __call__(self, order: ReadOrder, patience: float = 0) -> tuple[Reading, ...]:
        self.orders.append(order)
        return self._engine.read(order, 120)


def readers(durable: Durable, catalog: Catalog, ask: Ask | None) -> Readers:
    folder = durable.settings.readings_dir
    return Readers(catalog, ModelLibrary(catalog, None), durable.collection, ask, folder)


def studio(durable: Durable, models: Path, ask: Ask | None) -> StudioService:
    catalog = load_catalog(models)
    queue = JobQueue(durable.database)
    reading = readers(durable, catalog, ask)
    return StudioService(durable.catalog, durable.collection, queue, None, reading)


def drawn(durable: Durable, name: str) -> ImageRecord:
    return durable.collection.add_upload(DRAWINGS / f"{name}.webp", f"{name}.webp")[0]


def child(durable: Durable, parent: ImageRecord, name: str) -> ImageRecord:
    """A drawing kept as if it was made from `parent`."""
    with Image.open(DRAWINGS / f"{name}.webp") as file:
        picture = file.convert("RGB")
    return durable.collection.save_generated(
        job_id=f"job-{name}",
        request=request(parent),
        image=ImageReady(0, 1, picture.width, picture.height, picture.tobytes()),
        notices=(),
        provenance={},
    )


def test_a_portrait_is_described_from_blueprint_and_picture_and_looked_at_once(
    durable: Durable, models: Path, engine: LocalEngine
) -> None:
    asked = Asked(engine)
    service = studio(durable, models, asked)
    one = service.characters.create("Mara")
    image = drawn(durable, "blue-1")
    service.characters.versions.add_picture(one.id, image.id)
    app = FastAPI()
    add_api(app, service, durable.settings, QueueBroadcast(service))
    rest = TestClient(app)
    told = rest.post(f"/api/v1/characters/{one.id}/describe").json()
    assert told["reader"] == "Tiny Captioner"
    assert set(told["caption"].split()) <= set(tiny_readers.WORDS)
    assert told["prompt"].startswith("portrait of a")
    again = rest.post(f"/api/v1/characters/{one.id}/describe", json={"image_id": image.id}).json()
    assert again == told
    assert len(asked.orders) == 1
    states = rest.get("/api/v1/readers").json()
    assert [(each["question"], each["available"]) for each in states] == [
        ("caption", "ready"),
        ("face", "ready"),
    ]
    assert rest.post("/api/v1/characters/nobody/describe").status_code == 404
    missing = rest.post(f"/api/v1/characters/{one.id}/describe", json={"image_id": "nobody"})
    assert missing.status_code == 404


def test_drift_says_how_alike_the_faces_are_and_reads_each_picture_once(
    durable: Durable, models: Path, engine: LocalEngine
) -> None:
    asked = Asked(engine)
    service = studio(durable, models, asked)
    first = drawn(durable, "curls-1")
    second = child(durable, first, "curls-2")
    third = child(durable, second, "spiky-1")
    report = service.history.drift(third.id)
    assert report.face_reason is None
    assert [step.image_id for step in report.branch] == [first.id, second.id, third.id]
    assert report.branch[0].drift.face == 1.0
    assert report.drift.face is not None
    assert -1 <= report.drift.face < 1
    assert [len(order.regions) for order in asked.orders] == [3]
    assert all(region.box for region in asked.orders[0].regions)
    assert service.history.drift(third.id) == report
    known = {node.image.id: node.drift for node in service.history.family(first.id).nodes}
    assert known[third.id] == report.drift
    assert len(asked.orders) == 1


def test_what_a_long_history_was_read_of_stays_known_where_the_worker_is_lost_amid_it(
    durable: Durable, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def lost_the_second_time(order: ReadOrder, patience: float = 0) -> tuple[Reading, ...]:
        asked.append(len(order.regions))
        if len(asked) == 2:
            raise WorkerLost("The image worker took too long to read a picture and is being replaced.")
        return tuple((1.0, 0.0) for _ in order.regions)

    monkeypatch.setattr("studio.readers.PORTION", 2)
    service = studio(durable, models, lost_the_second_time)
    first = drawn(durable, "curls-1")
    second = child(durable, first, "curls-2")
    third = child(durable, second, "spiky-1")
    lost = service.history.drift(third.id)
    assert (lost.drift.face, lost.branch[1].drift.face) == (1.0, None)
    assert service.history.drift(third.id).branch[1].drift.face == 1.0
    assert asked == [2, 1, 1]


def test_a_question_behind_one_that_hangs_is_answered_in_words_before_that_ends(
    durable: Durable, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answered = threading.Event(), threading.Event()

    def hangs(order: ReadOrder, patience: float = 0) -> tuple[Reading, ...]:
        begun.set()
        assert answered.wait(30)
        return ("a woman",)

    monkeypatch.setattr("studio.readers.TURN_SECONDS", 0.05)
    service = studio(durable, models, hangs)
    image = drawn(durable, "blue-1")
    blueprint = service.characters.create("Mara").blueprint
    told: list[Described] = []
    first = threading.Thread(target=lambda: told.append(service.readers.describe(blueprint, image.id)))
    first.start()
    assert begun.wait(30)
    behind = threading.Thread(target=lambda: told.append(service.readers.describe(blueprint, image.id)))
    behind.start()
    behind.join(10)
    assert [str(each.reason).split(",")[0] for each in told] == ["Another picture is being read"]
    answered.set()
    first.join(30)
    behind.join(30)
    assert told[1].caption == "a woman"


def test_what_has_no_head_is_not_compared(durable: Durable, models: Path, engine: LocalEngine) -> None:
    service = studio(durable, models, Asked(engine))
    face, noise = drawn(durable, "tall-left"), upload(durable, seed=3)
    report = service.history.drift(noise.id, face.id)
    assert report.drift.face is None
    assert report.face_reason == "No head was found in this picture, so its face is not compared."
    report = service.history.drift(face.id, noise.id)
    assert report.drift.face is None
    assert report.face_reason is not None
    assert "in the anchor" in report.face_reason


def test_without_a_model_or_a_free_worker_the_rest_is_told_and_what_is_missing(
    durable: Durable, models: Path, tmp_path: Path
) -> None:
    def occupied(order: ReadOrder, patience: float = 0) -> tuple[Reading, ...]:
        raise Conflict("A picture is being made.")

    service = studio(durable, models, occupied)
    first = drawn(durable, "blue-1")
    second = child(durable, first, "blue-2")
    blueprint = service.characters.create("Mara", description="").blueprint
    told = service.readers.describe(blueprint, first.id)
    assert (told.caption, told.prompt, told.reason) == (None, "", "A picture is being made.")
    report = service.history.drift(second.id)
    assert (report.drift.face, report.drift.structure < 1) == (None, True)
    assert report.face_reason == "The likeness of the face was not measured. A picture is being made."

    (tmp_path / "away.yaml").write_text(
        tiny_readers.MAKER + tiny_readers.ENTRIES.replace("source: ", "source: some/")
    )
    away = studio(durable, tmp_path / "away.yaml", None)
    assert "Download it on the Models page" in str(away.readers.describe(blueprint, first.id).reason)
    assert "Tiny Face on the Models page" in str(away.history.drift(second.id).face_reason)
    (tmp_path / "none.yaml").write_text(tiny_readers.MAKER)
    without = studio(durable, tmp_path / "none.yaml", None)
    assert without.readers.states() == ()
    assert without.readers.describe(blueprint, first.id).reason is None
    assert without.history.drift(second.id).drift.face is None


@pytest.fixture(scope="module")
def selecting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_readers.selecting(tmp_path_factory.mktemp("selecting"))


@pytest.fixture(scope="module")
def selector(selecting: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(selecting, "cpu")
    yield engine
    engine.stop()


def masked(answer: Any) -> NDArray[np.uint8]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.mode == "L"
        return np.asarray(picture)


def test_a_click_and_words_give_masks_of_the_pictures_size(
    durable: Durable, selecting: Path, selector: LocalEngine
) -> None:
    asked = Asked(selector)
    service = studio(durable, selecting, asked)
    image = drawn(durable, "tall-left")
    app = FastAPI()
    add_api(app, service, durable.settings, QueueBroadcast(service))
    rest = TestClient(app)
    call = f"/api/v1/images/{image.id}/selection"
    clicked = masked(rest.post(call, json={"points": [{"x": 0.5, "y": 0.25}]}))
    assert clicked.shape == (image.height, image.width)
    assert set(np.unique(clicked)) <= {0, 255}
    region = asked.orders[0].regions[0]
    assert region.points == ((0.5 * image.width, 0.25 * image.height, True),)
    several = [{"x": 0.5, "y": 0.25}, {"x": 0.9, "y": 0.9, "outside": True}]
    assert masked(rest.post(call, json={"points": several})).shape == clicked.shape
    named = masked(rest.post(call, json={"words": "red hat"}))
    assert named.shape == clicked.shape
    assert (named != masked(rest.post(call, json={"words": "a nose"}))).any()
    for wish in (
        {},
        {"words": " "},
        {"words": "hat", "points": [{"x": 0, "y": 0}]},
        {"points": [{"x": 2, "y": 0}]},
    ):
        assert rest.post(call, json=wish).status_code == 422, wish
    assert rest.post("/api/v1/images/nobody/selection", json={"words": "hat"}).status_code == 404


def test_what_is_not_here_is_said_with_how_to_get_it(durable: Durable, tmp_path: Path) -> None:
    entry = "  - {id: away, label: Away Selector, answers: words, source: some/where, licence: none}\n"
    path = tmp_path / "models.yaml"
    path.write_text(tiny_readers.MAKER + "readers:\n" + entry, encoding="utf-8")
    service = studio(durable, path, None)
    image = drawn(durable, "blue-1")
    with pytest.raises(ModelUnavailable, match="Away Selector"):
        service.readers.select(image.id, Selection(words="hat"))
    with pytest.raises(ModelUnavailable, match="no model that selects"):
        service.readers.select(image.id, Selection(points=(Point(x=0.5, y=0.5),)))


def test_a_model_that_finds_heads_is_asked_and_the_plain_finder_where_it_cannot_be(
    durable: Durable, selecting: Path, selector: LocalEngine
) -> None:
    file = durable.collection.working_file(drawn(durable, "spiky-2").id)
    asked = Asked(selector)
    with Image.open(file) as picture:
        width, height = picture.size
    found = studio(durable, selecting, asked).readers.heads(file)
    assert [order.reader for order in asked.orders] == ["tiny-heads"]
    assert all(0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height for box in found)

    def busy(order: ReadOrder, patience: float = 0) -> tuple[Reading, ...]:
        raise Conflict("A picture is being made.")

    assert studio(durable, selecting, busy).readers.heads(file) == heads.boxes(file)
