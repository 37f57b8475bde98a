"""The door in a browser: the login page, the way in, the address for a phone, the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from studio.main import main
from tests.e2e.axe import RULES, RUN, axe_or_skip
from tests.e2e.conftest import FAILED
from tests.e2e.harness import PageWatch, StudioProcess, chromium_or_skip, running_studio
from tests.e2e.output_side.pages import ended
from tests.proxies import proxy_before, proxy_or_skip

PASSWORD = "correct horse battery"
SIZES = {"desktop": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    chromium_or_skip()
    folder = tmp_path_factory.mktemp("door")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    options = ("--host", "0.0.0.0", "--password-file", str(secret))
    with running_studio(folder / "data", tiny_models_yaml, *options) as studio:
        yield studio


@contextmanager
def stranger(browser: Browser, **options: object) -> Iterator[Page]:
    """A browser that has never been here."""
    context = browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def violations(page: Page, inside: str | None = None) -> list[object]:
    """What axe finds in the colours that the page has now; the login page would let no style be added."""
    page.evaluate(axe_or_skip())
    return page.evaluate(RUN, [inside, {"rules": RULES}])


def come_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Password or token").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("body.lk-ready")


def let_in(context: BrowserContext, studio: StudioProcess) -> None:
    """As one who has logged in: by a session that the test makes, for tries are few."""
    from studio.door.keys import KeyFile

    keys = KeyFile(studio.data_dir / "door.json")
    known = keys.keys()
    assert known.password
    _, value = keys.add_session(known.password.id)
    cookie = {"name": f"likeness-{known.id}", "value": value, "url": studio.url, "httpOnly": True}
    context.add_cookies([cookie | {"sameSite": "Strict"}])  # type: ignore[list-item]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_fits_and_can_be_read(
    browser: Browser, closed: StudioProcess, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    look = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    with stranger(browser, **look) as page:
        watch = PageWatch(page, closed.url)
        page.goto(closed.url)
        field = page.get_by_label("Password or token")
        expect(field).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(243, 243, 244)", "dark": "rgb(19, 19, 22)"}[scheme]
        for part in (field, page.get_by_role("button", name="Log in")):
            box = part.bounding_box()
            assert box
            assert box["height"] >= 44
        assert not violations(page)
        watch.check()


def test_without_scripts_and_by_keyboard(browser: Browser, closed: StudioProcess) -> None:
    with stranger(browser, java_script_enabled=False) as page:
        page.goto(closed.url)
        page.keyboard.type("a wrong password")
        page.keyboard.press("Enter")
        alert = page.get_by_role("alert")
        expect(alert).to_have_text("That is neither the password nor a token of this studio.")
        field = page.get_by_label("Password or token")
        expect(field).to_have_value("")
        expect(field).to_have_attribute("aria-invalid", "true")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Log in")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(f"{closed.url}/")


def test_password_managers_know_the_form(browser: Browser, closed: StudioProcess) -> None:
    with stranger(browser) as page:
        page.goto(closed.url)
        fields = page.evaluate("[...document.forms[0].elements].map(e => [e.name, e.type, e.autocomplete])")
        assert ["username", "text", "username"] in fields
        assert ["password", "password", "current-password"] in fields


def test_from_the_login_page_to_a_picture_and_out(browser: Browser, closed: StudioProcess) -> None:
    with stranger(browser, viewport={"width": 1440, "height": 900}) as page:
        watch = PageWatch(page, closed.url)
        come_in(page, closed.url)
        assert page.evaluate("document.cookie") == ""
        page.locator("#prompt textarea").fill("a woman with red hair")
        page.locator("#generate").click()
        expect(page.locator("#gallery [data-picture]").first).to_be_visible()
        page.locator("#house").click()
        dialog = page.locator("#house-dialog")
        expect(dialog.get_by_role("heading", level=2)).to_have_text("On your phone")
        expect(dialog).to_contain_text("asks for the password once")
        expect(dialog).to_contain_text(re.compile(r"Logged in until .*20\d\d"))
        watch.expect("401")
        watch.expect("Unexpected")  # Gradio's client, of a stream that ends
        dialog.get_by_role("button", name="Log out", exact=True).click()
        expect(page.get_by_label("Password or token")).to_be_visible()
        page.go_back()
        expect(page.get_by_label("Password or token")).to_be_visible()
        watch.check()


@pytest.fixture(scope="module", params=["light", "dark"])
def inside(browser: Browser, closed: StudioProcess, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The studio's page of one who has logged in, in this scheme, for tests that leave it as they find it."""
    with stranger(browser, color_scheme=request.param) as page:
        let_in(page.context, closed)
        page.goto(closed.url)
        page.wait_for_selector("body.lk-ready")
        yield page


@pytest.fixture(params=SIZES)
def house(inside: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The same in this size, what tells of the house's addresses and tokens open."""
    width, height = SIZES[request.param]
    inside.set_viewport_size({"width": width, "height": height})
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inside.locator("#house").click()
    expect(inside.locator("#house-dialog")).to_be_visible()
    yield inside
    if request.node.stash.get(FAILED, False):
        inside.reload()
        inside.wait_for_selector("body.lk-ready")
    inside.evaluate("document.querySelectorAll('dialog[open]').forEach((each) => each.close())")


def test_the_address_for_the_phone(house: Page, closed: StudioProcess) -> None:
    code = house.locator("#house-dialog img")
    if code.count():  # a machine without any network has no address
        house.wait_for_function("document.querySelector('#house-dialog img').naturalWidth > 200")
        assert closed.url.rsplit(":", 1)[1] in house.locator(".house-address").inner_text()
    box = house.locator("#house-dialog").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= house.evaluate("innerWidth")
    assert not violations(house, "#house-dialog")


@pytest.mark.parametrize("inside", ["light"], indirect=True)
def test_a_token_is_made_shown_once_and_revoked(house: Page, closed: StudioProcess) -> None:
    tokens = house.locator(".house-tokens")
    expect(tokens).to_contain_text("None so far")
    tokens.get_by_label("For", exact=True).fill("render farm")
    tokens.get_by_label("Good for").select_option(label="30 days")
    tokens.get_by_role("button", name="Make a token").click()
    made = tokens.locator(".house-fresh input")
    expect(made).to_have_attribute("readonly", "")
    expect(tokens.get_by_role("listitem")).to_contain_text("render farm made")
    assert not violations(house, "#house-dialog")
    assert house.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer = httpx.get(
        f"{closed.url}/api/v1/images", headers={"Authorization": f"Bearer {made.input_value()}"}
    )
    assert answer.status_code == 200
    tokens.get_by_role("button", name="Revoke render farm").click()
    house.locator("#token-revoke-yes").click()
    expect(tokens).to_contain_text("None so far")
    expect(made).to_have_count(0)


def test_a_link_from_elsewhere_finds_who_is_logged_in(browser: Browser, closed: StudioProcess) -> None:
    with stranger(browser) as page:
        let_in(page.context, closed)
        page.route("http://elsewhere.example/", lambda route: route.fulfill(
            content_type="text/html", body=f'<a href="{closed.url}/">the studio</a>'))  # fmt: skip
        page.goto("http://elsewhere.example/")
        page.get_by_text("the studio").click()
        page.wait_for_selector("body.lk-ready")


def test_another_page_cannot_use_the_session(browser: Browser, closed: StudioProcess) -> None:
    with stranger(browser) as page:
        let_in(page.context, closed)
        page.route("http://elsewhere.example/", lambda route: route.fulfill(
            content_type="text/html", body="<p>elsewhere</p>"))  # fmt: skip
        page.goto("http://elsewhere.example/")
        tried = """async (home) => {
            const tries = [fetch(`${home}/api/v1/images`, { credentials: "include" }),
                fetch(`${home}/api/v1/tokens`, { method: "POST", credentials: "include", body: "{}" }),
                fetch(`${home}/api/v1/logout`, { method: "POST", credentials: "include", mode: "no-cors" })];
            return (await Promise.allSettled(tries)).map((each) => each.value?.type ?? "refused");
        }"""
        assert page.evaluate(tried, closed.url) == ["refused", "refused", "refused"]
        page.goto(closed.url)
        page.wait_for_selector("body.lk-ready")  # the session has not ended


def test_a_page_whose_session_ended_says_so(browser: Browser, closed: StudioProcess) -> None:
    with stranger(browser) as page:
        let_in(page.context, closed)
        page.goto(closed.url)
        page.wait_for_selector("body.lk-ready")
        page.wait_for_function("window.likeness.snapshot")
        assert main(["password", "--password-file", _other(closed), "--data-dir", str(closed.data_dir)]) == 0
        try:
            expect(page.locator(".lk-toast").first).to_contain_text("not logged in any more. Reload the page")
            expect(page.locator("#worker-state")).to_have_text("Logged out: reload the page")
        finally:
            mine = str(closed.data_dir.parent / "password")
            assert main(["password", "--password-file", mine, "--data-dir", str(closed.data_dir)]) == 0


def _other(closed: StudioProcess) -> str:
    path = closed.data_dir.parent / "other"
    path.write_text("another horse battery")
    return str(path)


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    """A studio that a proxy shows below a path."""
    folder = tmp_path_factory.mktemp("below")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    options = ("--trusted-proxy", "127.0.0.1", "--root-path", "/likeness", "--password-file", str(secret))
    with running_studio(folder / "data", tiny_models_yaml, *options) as studio:
        yield studio


@pytest.fixture(params=["nginx", "caddy"])
def proxied(below: StudioProcess, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Its address behind such a proxy; one of them leaves the path out of what it passes on."""
    kind: str = request.param
    proxy_or_skip(kind)
    with proxy_before(kind, below.url, tmp_path, strips=kind == "caddy") as url:
        yield url


def test_behind_a_proxy_below_a_path_the_whole_loop_works(browser: Browser, proxied: str) -> None:
    look = {"ignore_https_errors": True, "viewport": {"width": 1440, "height": 900}}
    with stranger(browser, **look) as page:
        watch = PageWatch(page, proxied)
        come_in(page, proxied)
        page.locator("#prompt textarea").fill("a woman with red hair")
        page.locator("#generate").click()
        [made] = ended(page, "a woman with red hair")["images"]
        picture = page.locator(f"#gallery [data-picture='{made}'] img")
        expect(picture).to_be_visible()
        assert picture.evaluate("(node) => node.src").startswith(proxied)
        watch.check()
