"""REST about the collection as a whole and about a picture's past, without page, worker and network."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api import add_api
from studio.api.events import QueueBroadcast
from studio.jobs import JobQueue
from studio.service import StudioService
from tests.studio.fixtures import Durable, open_durable, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


@pytest.fixture
def rest(durable: Durable) -> TestClient:
    service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
    app = FastAPI()
    add_api(app, service, durable.settings, QueueBroadcast(service))
    return TestClient(app, base_url="http://test/api/v1")


def get(rest: TestClient, path: str, **query: Any) -> Any:
    answer = rest.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(rest: TestClient, **query: Any) -> list[str]:
    return [item["id"] for item in get(rest, "images", **query)["items"]]


def test_every_filter_and_order(rest: TestClient, durable: Durable) -> None:
    a = upload(durable, filename="beta.png")
    b = save(durable, a, job_id="b")
    c = save(durable, job_id="c", model="plain", prompt="oil")
    durable.collection.update(a.id, tags=("Hero",), starred=True)
    durable.collection.update(c.id, name="Alpha")
    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [c.id, b.id, a.id]),
        ({"sort": "oldest"}, [a.id, b.id, c.id]),
        ({"sort": "name"}, [c.id, a.id, b.id]),
        ({"mode": "img2img"}, [b.id]),
        ({"tag": "hero"}, [a.id]),
        ({"tag": "nobody"}, []),
        ({"has_references": True}, [b.id]),
        ({"has_references": False, "category": "generated"}, [c.id]),
        ({"after": b.created_at.isoformat()}, [c.id, b.id]),
        ({"before": b.created_at.isoformat()}, [a.id]),
        ({"after": "2020-01-01", "before": "2020-01-02"}, []),
        ({"q": "oil", "model": "plain", "starred": ""}, [c.id]),
        ({"category": "avatar"}, []),
    ]
    for query, expected in asked:
        assert ids(rest, **query) == expected, query
        assert get(rest, "images/ids", **query) == {"ids": expected, "total": len(expected)}, query
    sizes = [durable.collection.get(i).size_bytes for i in ids(rest, sort="size")]
    assert sizes == sorted(sizes, reverse=True)
    assert rest.get("images", params={"character": "anybody"}).status_code == 404
    assert rest.get("images", params={"mode": "magic"}).json()["field"] == "mode"
    assert rest.get("images", params={"sort": "random"}).json()["field"] == "sort"


@pytest.mark.parametrize("sort", ["newest", "oldest", "name", "size"])
@pytest.mark.parametrize("query", [{}, {"q": "portrait"}, {"category": "upload"}])
def test_a_grid_can_jump_to_any_page(
    rest: TestClient, durable: Durable, sort: str, query: dict[str, Any]
) -> None:
    for seed in range(7):
        upload(durable, seed, filename=f"Portrait {seed % 3}.png")
    everything = get(rest, "images/ids", sort=sort, **query)["ids"]
    assert len(everything) == 7
    stops = get(rest, "images/stops", sort=sort, every=3, **query)
    assert (stops["total"], stops["every"], len(stops["cursors"])) == (7, 3, 3)
    for place, cursor in reversed(list(enumerate(stops["cursors"]))):
        page = ids(rest, sort=sort, limit=3, cursor=cursor or "", **query)
        assert page == everything[place * 3 : place * 3 + 3]
    other = "name" if sort != "name" else "size"
    assert rest.get("images", params={"sort": other, "cursor": stops["cursors"][1]}).status_code == 422


def test_an_even_number_of_pages_has_no_empty_one(rest: TestClient, durable: Durable) -> None:
    assert get(rest, "images/stops", every=3) == {"total": 0, "every": 3, "cursors": [None]}
    for seed in range(6):
        upload(durable, seed)
    assert len(get(rest, "images/stops", every=3)["cursors"]) == 2


def test_facets_count_what_is_not_in_the_trash(rest: TestClient, durable: Durable) -> None:
    a = upload(durable)
    save(durable, a, job_id="b")
    save(durable, job_id="c", model="plain")
    gone = upload(durable, 1)
    durable.collection.update(a.id, starred=True)
    durable.collection.update(gone.id, tags=("x",))
    durable.collection.trash(gone.id)
    assert get(rest, "images/facets") == {
        "total": 3,
        "trashed": 1,
        "starred": 1,
        "category": {"edited": 1, "generated": 1, "upload": 1},
        "model": {"plain": 1, "tiny": 1},
        "mode": {"img2img": 1, "text_to_image": 1},
        "tag": {},
    }


def test_bulk_and_emptying(rest: TestClient, durable: Durable) -> None:
    both = [upload(durable, seed).id for seed in range(2)]
    assert rest.post("images/bulk", json={"ids": both, "action": "trash"}).json()["changed"] == 2
    assert rest.post("images/bulk", json={"ids": both, "action": "explode"}).json()["field"] == "action"
    assert rest.post("images/bulk", json={"ids": both, "action": "tag"}).json()["field"] == "tag"
    refused = rest.post("trash/empty", json={"expected_count": 3})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert rest.post("trash/empty", json={"expected_count": 2}).json() == {"deleted": 2, "kept": 0}
    assert ids(rest, trashed=True) == []


def test_rights_and_anchor_are_changed_like_the_rest(rest: TestClient, durable: Durable) -> None:
    image = upload(durable).id
    patch = {"rights": {"licence": "licensed", "consent": "release signed"}, "anchor": True}
    changed = rest.patch(f"images/{image}", json=patch).json()
    assert changed["rights"] == {"source": None, "licence": "licensed", "consent": "release signed"}
    assert changed["anchor"] is True
    assert rest.patch(f"images/{image}", json={"rights": {}}).json()["rights"] is None
    assert rest.patch(f"images/{image}", json={"rights": {"licence": "x" * 501}}).status_code == 422


def test_a_pictures_past(rest: TestClient, durable: Durable) -> None:
    parent = upload(durable)
    child = save(durable, parent)
    path = f"images/{child.id}"
    family = get(rest, f"{path}/family")
    assert family["root_ids"] == [parent.id]
    assert [node["image"]["id"] for node in family["nodes"]] == [parent.id, child.id]
    assert family["edges"][0]["parent_pixel_sha256"] == parent.pixel_sha256
    assert get(rest, f"{path}/changes")[0]["words"] == "+ 'a woman with red hair'"
    assert get(rest, f"{path}/changes", against=child.id) == []
    report = get(rest, f"{path}/drift")
    assert (report["anchor_id"], report["depth"], report["drift"]["face"]) == (parent.id, 1, None)
    assert get(rest, f"{path}/drift", anchor=child.id)["drift"]["structure"] == 1.0
    assert get(rest, f"{path}/details")["references"][0]["id"] == parent.id
    job = rest.post(f"{path}/reproduce")
    assert (job.status_code, job.headers["location"]) == (202, f"/api/v1/jobs/{job.json()['id']}")
    (waiting,) = get(rest, f"{path}/reproductions")
    assert (waiting["status"], waiting["verdict"]) == ("queued", None)
    for call in ("family", "changes", "drift", "details", "reproductions"):
        assert rest.get(f"images/nobody/{call}").status_code == 404
    assert rest.post(f"images/{parent.id}/reproduce").status_code == 422


def test_batches_and_winners(rest: TestClient, durable: Durable) -> None:
    pictures = [save(durable, job_id="a", index=index).id for index in range(3)]
    (batch,) = get(rest, "batches")["items"]
    assert [picture["id"] for picture in batch["images"]] == pictures
    answer = rest.post("batches/a/winners", json={"ids": pictures[:1]}).json()
    assert answer == {"kept": pictures[:1], "trashed": pictures[1:]}
    assert rest.post("batches/a/winners", json={"ids": []}).status_code == 422
    assert rest.post("batches/b/winners", json={"ids": pictures}).status_code == 404
    assert rest.get("batches", params={"cursor": "x"}).json()["field"] == "cursor"
    assert get(rest, "batches", q="nothing of the kind")["items"] == []
    assert [one["job_id"] for one in get(rest, "batches", starred="", trashed="true")["items"]] == ["a"]


def test_every_page_of_a_grid_stays_the_same_while_a_picture_comes_in(
    rest: TestClient, durable: Durable
) -> None:
    for seed in range(5):
        upload(durable, seed)
    cursors = get(rest, "images/stops", every=2)["cursors"]
    before = [ids(rest, limit=2, cursor=cursor) for cursor in cursors]
    save(durable, job_id="just finished")
    assert [ids(rest, limit=2, cursor=cursor) for cursor in cursors] == before
    assert len(before[0]) == 2
