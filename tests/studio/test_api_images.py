from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.harness import StudioProcess


def png(colour: tuple[int, int, int], size: tuple[int, int] = (48, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def add(rest: StudioProcess, data: bytes, name: str = "portrait.png") -> httpx.Response:
    return rest.api("POST", "/images", files={"file": (name, data)})


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"].endswith(".")
    return body


def test_an_upload_becomes_a_record_once(rest: StudioProcess) -> None:
    data = png((1, 2, 3))
    first = add(rest, data)
    assert first.status_code == 201
    record = first.json()
    assert (record["width"], record["height"], record["category"]) == (48, 64, "upload")
    assert record["sha256"] == hashlib.sha256(data).hexdigest()
    assert first.headers["location"] == f"/api/v1/images/{record['id']}"

    again = add(rest, data, "other name.png")
    assert again.status_code == 200
    assert again.json()["id"] == record["id"]


def test_the_stored_bytes_come_back_unchanged_and_harmless(rest: StudioProcess) -> None:
    data = png((4, 5, 6))
    image = add(rest, data, "../<b>“Éva's” cat</b>.png").json()
    answer = rest.api("GET", f"/images/{image['id']}/file")
    assert answer.content == data
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-disposition"].startswith("inline")

    saved = rest.api("GET", f"/images/{image['id']}/file?download=1")
    assert saved.content == data
    disposition = saved.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert not re.search(r"[<>/\\]|\.\.", disposition)
    assert disposition.endswith(('.png"', ".png"))


def test_a_web_address_in_the_place_of_a_file_is_answered_with_what_to_do(rest: StudioProcess) -> None:
    answer = rest.api("POST", "/images", files={"file": (None, "https://example.org/a.png")})
    assert answer.status_code == 422
    assert "web address" in answer.json()["detail"]


@pytest.mark.parametrize("left", [b"", b"\x89PNG\r\n\x1a\nhalf"])
def test_a_file_that_was_cut_is_not_served_and_the_answer_is_not_kept(
    rest: StudioProcess, left: bytes
) -> None:
    image = add(rest, png((len(left), 81, 82)), "cut.png").json()
    stored = rest.data_dir / "images" / image["sha256"][:2] / f"{image['sha256']}.png"
    whole = stored.read_bytes()
    stored.write_bytes(left)
    answer = rest.api("GET", f"/images/{image['id']}/file")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert "damaged" in answer.json()["detail"]
    assert add(rest, whole, "cut.png").status_code == 200  # loading it again makes it whole
    assert rest.api("GET", f"/images/{image['id']}/file").content == whole


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "TIFF"])
def test_a_download_has_the_ending_of_its_format(rest: StudioProcess, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), (90, 90, len(kind))).save(buffer, kind)
    image = add(rest, buffer.getvalue(), f"portrait.{kind}").json()
    saved = rest.api("GET", f"/images/{image['id']}/file?download=1")
    assert re.search(
        rf'filename="portrait-[0-9a-f]{{8}}\.{kind.lower()}"', saved.headers["content-disposition"]
    )


def test_a_thumbnail_is_a_small_webp(rest: StudioProcess) -> None:
    image = add(rest, png((7, 8, 9), (1000, 500))).json()
    answer = rest.api("GET", f"/images/{image['id']}/thumbnail")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    with Image.open(io.BytesIO(answer.content)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (384, 192))


def test_star_name_tags_and_category_can_be_changed(rest: StudioProcess) -> None:
    image = add(rest, png((10, 11, 12))).json()
    patch = {"starred": True, "name": "Éva <3", "tags": ["hero", "draft"], "category": "imported"}
    changed = rest.api("PATCH", f"/images/{image['id']}", json=patch).json()
    assert changed["starred"] is True
    assert changed["name"] == "Éva <3"
    assert sorted(changed["tags"]) == ["draft", "hero"]
    assert changed["category"] == "imported"

    same = rest.api("PATCH", f"/images/{image['id']}", json={"starred": False}).json()
    assert (same["starred"], same["name"]) == (False, "Éva <3")


def test_the_trash_gives_back(rest: StudioProcess) -> None:
    image = add(rest, png((13, 14, 15))).json()
    path = f"/images/{image['id']}"
    assert rest.api("DELETE", path).json()["trashed_at"]
    listed = [item["id"] for item in rest.api("GET", "/images?limit=200").json()["items"]]
    assert image["id"] not in listed
    trashed = [item["id"] for item in rest.api("GET", "/images?trashed=true&limit=200").json()["items"]]
    assert image["id"] in trashed
    assert rest.api("GET", f"{path}/file").status_code == 200
    assert rest.api("POST", f"{path}/restore").json()["trashed_at"] is None


def test_pages_follow_each_other_without_gaps_or_repeats(rest: StudioProcess) -> None:
    added = [add(rest, png((20 + n, 0, 0))).json()["id"] for n in range(5)]
    rest.api("PATCH", f"/images/{added[2]}", json={"starred": True})
    seen: list[str] = []
    cursor = ""
    while True:
        page = rest.api("GET", f"/images?category=upload&limit=2&cursor={cursor}").json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen[:5] == list(reversed(added))
    assert len(seen) == len(set(seen))
    starred = rest.api("GET", "/images?starred=true&limit=200").json()["items"]
    assert added[2] in [item["id"] for item in starred]
    assert all(item["starred"] for item in starred)


def test_pictures_are_found_by_their_name(rest: StudioProcess) -> None:
    image = add(rest, png((30, 0, 0)), "Zanzibar sunset.png").json()
    found = rest.api("GET", "/images", params={"q": "zanzibar"}).json()["items"]
    assert [item["id"] for item in found] == [image["id"]]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.png"),
        (b"this is no picture", "text.png"),
        (png((40, 0, 0))[:60], "truncated.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.svg"),
    ],
)
def test_what_is_no_picture_is_refused_with_words(rest: StudioProcess, data: bytes, name: str) -> None:
    answer = add(rest, data, name)
    assert answer.status_code == 422
    assert problem(answer)["field"] == "file"


def test_an_upload_without_a_file_is_told_what_to_send(rest: StudioProcess) -> None:
    answer = rest.api("POST", "/images", files={"picture": ("a.png", png((0, 0, 1)))})
    assert answer.status_code == 422
    assert "“file”" in problem(answer)["detail"]
    assert rest.api("POST", "/images", json={"file": "a"}).status_code == 422


def test_an_upload_beyond_the_limit_is_refused_while_it_is_sent(rest: StudioProcess, tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    with big.open("wb") as file:
        file.truncate(65 * 2**20)
    with big.open("rb") as file:
        answer = rest.api("POST", "/images", files={"file": ("big.png", file)})
    assert answer.status_code == 413
    assert "too large" in problem(answer)["detail"]


@pytest.mark.parametrize("path", ["", "/file", "/thumbnail"])
@pytest.mark.parametrize("image_id", ["0" * 32, "..%2F..%2Flikeness.db", "%00", "x" * 300])
def test_an_unknown_picture_is_not_found(rest: StudioProcess, path: str, image_id: str) -> None:
    answer = rest.api("GET", f"/images/{image_id}{path}")
    assert answer.status_code == 404
    problem(answer)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=5000", "limit"),
        ("limit=many", "limit"),
        ("category=selfies", "category"),
        ("starred=perhaps", "starred"),
        ("cursor=nonsense", "cursor"),
    ],
)
def test_a_listing_says_what_it_cannot_use(rest: StudioProcess, query: str, field: str) -> None:
    answer = rest.api("GET", f"/images?{query}")
    assert answer.status_code == 422
    assert problem(answer)["field"] == field


def test_a_change_that_does_not_exist_is_refused(rest: StudioProcess) -> None:
    image = add(rest, png((50, 0, 0))).json()
    answer = rest.api("PATCH", f"/images/{image['id']}", json={"sha256": "0" * 64})
    assert answer.status_code == 422
    assert problem(answer)["field"] == "sha256"
