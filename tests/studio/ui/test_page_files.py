from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api.page import PageLinks, add_page_files
from studio.characters.records import FieldName
from studio.ui.page_files import LATER_STYLES, MAIN, PAGE_FILES, STATIC, STYLES, PageFiles
from studio.ui.page_rules import RULES, rules_script
from studio.ui.words import BLUEPRINT_WORDS
from tests.page.schemas import TYPES, schemas_script

SCRIPTS = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    add_page_files(app, PAGE_FILES)
    app.add_route("/", lambda request: _page())
    app.add_middleware(PageLinks, links=PAGE_FILES.links())
    return TestClient(app)


def _page() -> object:
    from starlette.responses import HTMLResponse

    return HTMLResponse(PAGE_FILES.head())


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("path", [MAIN, "core/bus.js", "styles/likeness.css"])
def test_a_file_is_sent_whole_and_kept_for_ever(client: TestClient, path: str, encoding: str) -> None:
    answer = client.get(f"/{PAGE_FILES.address(path)}", headers={"Accept-Encoding": encoding})
    assert answer.content == PAGE_FILES.files[path].body
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith(
        "text/css" if path.endswith("css") else "text/javascript"
    )
    assert answer.headers.get("content-encoding") == (encoding if encoding == "gzip" else None)


def test_what_is_compressed_is_the_same(client: TestClient) -> None:
    file = PAGE_FILES.files[MAIN]
    assert gzip.decompress(file.compressed()) == file.body
    assert len(file.compressed()) < len(file.body)


@pytest.mark.parametrize("path", ["../app.py", "nothing.js", "core", "core/events.d.ts"])
def test_nothing_else_is_sent(client: TestClient, path: str) -> None:
    assert client.get(f"/page/{PAGE_FILES.digest}/{path}").status_code == 404


def test_another_version_is_never_answered_with_this_one(client: TestClient) -> None:
    answer = client.get("/page/0123456789abcdef/main.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


def test_any_change_is_another_address(tmp_path: Path) -> None:
    shutil.copytree(STATIC, tmp_path / "static")
    assert PageFiles(tmp_path / "static").digest == PAGE_FILES.digest
    (tmp_path / "static/core/bus.js").open("a").write("export {};\n")
    assert PageFiles(tmp_path / "static").digest != PAGE_FILES.digest


def test_the_page_names_what_it_opens_with(client: TestClient) -> None:
    links = client.get("/").headers["link"]
    assert f"<{PAGE_FILES.address(MAIN)}>; rel=modulepreload" in links
    assert f"<{PAGE_FILES.address('styles/likeness.css')}>; rel=preload; as=style" in links
    assert client.get(f"/{PAGE_FILES.address(MAIN)}").headers.get("link") is None


def test_the_opening_holds_no_dialog_and_no_other_section() -> None:
    opening = set(PAGE_FILES.opening)
    assert {"studio/stage.js", "studio/changes.js", "core/rules.js"} <= opening
    assert not opening & {
        "collection/collection.js",
        "collection/details.js",
        "characters/characters.js",
        "models/models.js",
    }


def test_the_page_opens_with_few_bytes() -> None:
    styles = [f"styles/{name}.css" for name in STYLES]
    opening = sum(len(PAGE_FILES.files[path].body) for path in (*PAGE_FILES.opening, *styles))
    assert opening < 245_000  # with some 70 kB of HTML and what it shows first below 350 kB, uncompressed


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_sent_is_the_source_without_comments_and_indentation(name: str) -> None:
    source = [line.lstrip(" ") for line in (STATIC / name).read_text(encoding="utf-8").split("\n")]
    sent = PAGE_FILES.files[name].body.decode().split("\n")
    assert len(sent) == len(source)
    gone = [at for at, (was, now) in enumerate(zip(source, sent, strict=True)) if was != now]
    for at in gone:
        assert not sent[at]
        assert source[at].startswith(("//", "/*", "*")), source[at]
        assert "\n".join(source[:at]).count("`") % 2 == 0, f"{source[at]} may be text"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_is_there(name: str) -> None:
    source = (STATIC / name).read_text(encoding="utf-8")
    static = re.findall(r'^(?:import|export)\b[^"]*?"(\.[^"]+)";', source, re.MULTILINE)
    for other in [*static, *re.findall(r'await import\("(\.[^"]+)"\)', source)]:
        assert (STATIC / name).parent.joinpath(other).is_file(), other


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_set_text_only_as_text(name: str) -> None:
    source = (STATIC / name).read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", source)
    assert source.count("\n") <= 400


def test_every_stylesheet_is_on_the_page() -> None:
    assert {path.stem for path in (STATIC / "styles").glob("*.css")} == {*STYLES, *LATER_STYLES}


def test_the_rules_are_those_of_python() -> None:
    stale = "Run `python -m studio.ui.page_rules`: the page's rules are not those of Python any more."
    assert RULES.read_text(encoding="utf-8") == rules_script(), stale


def test_the_types_are_those_of_rest() -> None:
    stale = "Run `python -m tests.page.schemas`: the page's types are not those of REST any more."
    assert TYPES.read_text(encoding="utf-8") == schemas_script(), stale


def test_the_editor_has_every_field_of_a_blueprint_in_order() -> None:
    assert list(BLUEPRINT_WORDS) == list(FieldName)
