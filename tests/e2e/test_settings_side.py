"""The settings side in a real browser: references, models, modes, knobs, Generate, memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.harness import PageWatch, StudioProcess, chromium_or_skip, running_studio
from tests.e2e.settings_pages import (
    DROP,
    PASTE,
    add,
    choose_mode,
    expect_order,
    mode_is,
    order,
    small_png,
    thumbs,
    toast,
)
from tests.e2e.slow import slowed

pytestmark = pytest.mark.shared_page

WORDS_ONLY = """\
  - id: words
    label: Words Only
    family: stable-diffusion
    source: {source}
    licence: none
    resolution: 64
    modes: [text_to_image]
"""


@pytest.fixture(scope="module")
def studio_server(
    tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path, tiny_plain_dir: Path
) -> Iterator[StudioProcess]:
    """A studio whose first model paints from words only, so that editing has to switch."""
    chromium_or_skip()
    folder = tmp_path_factory.mktemp("settings-side")
    text = tiny_models_yaml.read_text(encoding="utf-8")
    models = folder / "models.yaml"
    models.write_text(text.replace("models:\n", "models:\n" + WORDS_ONLY.format(source=tiny_plain_dir), 1))
    with running_studio(folder / "data", models) as studio:
        yield studio


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve pictures of different colours."""
    folder = tmp_path_factory.mktemp("portraits")
    paths = []
    for number in range(12):
        path = folder / f"portrait-{number}.png"
        Image.new("RGB", (64, 80), (20 * number, 255 - 20 * number, 90)).save(path)
        paths.append(path)
    return paths


# --- references -------------------------------------------------------------------------


def test_what_cannot_be_taken_in_is_told_with_its_name_and_the_rest_is_kept(
    page: Page, watch: PageWatch, portraits: list[Path], tmp_path: Path
) -> None:
    watch.expect("422")
    fake, empty, moving = (tmp_path / name for name in ("text.png", "empty.png", "moving.gif"))
    fake.write_text("not a picture")
    empty.touch()
    frames = [Image.new("RGB", (48, 48), colour) for colour in ("orange", "purple")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    add(page, fake, empty, moving, portraits[0], total=2)
    expect(toast(page, "text.png: ")).to_be_visible()
    expect(toast(page, "empty.png: ")).to_be_visible()
    expect(toast(page, "first picture")).to_be_visible()
    add(page, *portraits[1:8], total=9)
    add(page, *portraits[9:12], total=10)
    expect(toast(page, "up to 10 references")).to_be_visible()


def test_references_from_this_device_are_reordered_and_removed_by_keyboard_and_pointer(
    page: Page, portraits: list[Path]
) -> None:
    page.click("#reference-add")
    with page.expect_file_chooser() as chooser:
        page.click("#reference-from-device")
    chooser.value.set_files([str(path) for path in portraits[:3]])
    expect(thumbs(page)).to_have_count(3)
    expect(page.locator("#references .lk-number")).to_have_text(["1", "2", "3"])
    expect(page.locator("#references")).to_contain_text("3 of 10")
    first, second, third = order(page)
    page.locator(".lk-thumb").first.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect_order(page, second, first, third)
    expect(page.locator("#references [aria-live]")).to_have_text("Reference 1 is now number 2 of 3.")
    page.keyboard.press("Alt+ArrowRight")
    expect_order(page, second, third, first)
    thumbs(page).nth(2).drag_to(thumbs(page).nth(0), target_position={"x": 10, "y": 30})
    expect_order(page, first, second, third)
    thumbs(page).nth(0).drag_to(thumbs(page).nth(1), target_position={"x": 70, "y": 30})
    expect_order(page, second, first, third)
    page.locator(".lk-thumb").nth(1).focus()
    page.keyboard.press("Delete")
    expect_order(page, second, third)
    page.get_by_role("button", name="Remove reference 1").click()
    expect_order(page, third)


def test_pictures_are_pasted_and_dropped_and_names_are_only_text(
    page: Page, studio_server: StudioProcess, portraits: list[Path], tmp_path: Path
) -> None:
    page.locator("#prompt textarea").focus()
    page.evaluate(PASTE, {"type": "text/plain", "data": "plain words"})
    expect(thumbs(page)).to_have_count(0)
    page.evaluate(PASTE, {"type": "image/png", "data": small_png()})
    expect(thumbs(page)).to_have_count(1)
    image_id = studio_server.upload(portraits[4])["id"]
    page.evaluate(DROP, {"type": "application/x-likeness-image", "data": image_id})
    expect(thumbs(page)).to_have_count(2)
    expect(thumbs(page).nth(1)).to_have_attribute("data-image-id", image_id)
    page.evaluate(DROP, {"type": "image/png", "data": small_png("navy")})
    expect(thumbs(page)).to_have_count(3)
    evil = tmp_path / "<img src=x onerror=window.hacked=1>.png"
    Image.new("RGB", (40, 40), "teal").save(evil)
    add(page, evil, total=4)
    assert page.evaluate("window.hacked") is None


def test_the_role_follows_the_mode_until_it_is_chosen(page: Page, portraits: list[Path]) -> None:
    add(page, *portraits[:2])
    roles = page.locator("#references select")
    expect(roles.nth(0)).to_have_value("source")
    choose_mode(page, "character_reference")
    expect(roles.nth(0)).to_have_value("character")
    roles.nth(1).select_option("style")
    choose_mode(page, "style_reference")
    expect(roles.nth(0)).to_have_value("style")
    choose_mode(page, "character_reference")
    expect(roles.nth(0)).to_have_value("character")
    expect(roles.nth(1)).to_have_value("style")


# --- model and mode ---------------------------------------------------------------------


def test_a_reference_switches_to_a_model_that_edits_and_back(page: Page, portraits: list[Path]) -> None:
    switch_and_back(page, portraits[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_reference_switches_also_where_everything_is_slow(
    page: Page, portraits: list[Path], seed: int
) -> None:
    with slowed(page, seed):
        switch_and_back(page, portraits[0])


def switch_and_back(page: Page, portrait: Path) -> None:
    selector = page.locator("#model-select")
    expect(selector).to_contain_text("Words Only")
    mode_is(page, "Text to Image")
    add(page, portrait)
    expect(toast(page, "Switched to Tiny Portrait (supports image editing).")).to_be_visible()
    expect(selector).to_contain_text("Tiny Portrait")
    mode_is(page, "Smart Image Editing")
    page.click("#model-select button")
    options = page.locator("#model-select [role=option]")
    expect(options).to_have_count(1)
    expect(options.locator(".lk-edit-badge")).to_have_text("Edit")
    page.keyboard.press("Escape")
    choose_mode(page, "img2img")
    expect(page.locator("#prompt textarea")).to_have_attribute(
        "placeholder", re.compile("Describe the whole")
    )
    page.click("#model-select button")
    expect(options).to_have_count(3)
    expect(page.locator("#model-tiny .lk-edit-badge")).to_have_text("Edit")
    expect(page.locator("#model-tiny-plain .lk-edit-badge")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove reference 1").click()
    expect(selector).to_contain_text("Words Only")
    mode_is(page, "Text to Image")
    page.click("#model-select button")
    expect(options).to_have_count(4)


def test_an_open_list_of_models_follows_what_is_answered_meanwhile(page: Page, portraits: list[Path]) -> None:
    held: list[Route] = []
    answered = threading.Event()
    page.route("**/queue/join*", lambda route: route.continue_() if answered.is_set() else held.append(route))
    add(page, portraits[0])
    page.click("#model-select button")
    options = page.locator("#model-select [role=option]")
    expect(options).to_have_count(4)
    expect(page.locator("#model-words")).to_be_focused()
    answered.set()
    for route in held:
        route.continue_()
    expect(options).to_have_count(1)
    expect(page.locator("#model-tiny")).to_be_focused()


@pytest.mark.own_page
def test_a_model_is_chosen_by_keyboard_and_one_that_is_missing_says_so(page: Page) -> None:
    options = page.locator("#model-select [role=option]")
    page.locator("#model-select button").first.focus()
    page.keyboard.press("Enter")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".lk-model-button")).to_contain_text("Tiny Portrait")
    page.click(".lk-model-button")
    expect(options.first).to_be_visible()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(toast(page, "missing on this machine")).to_be_visible()
    expect(page.locator(".lk-model-button")).to_contain_text("Tiny Portrait")


def test_the_assistant_explains_the_modes_and_why_some_cannot_be_used(
    page: Page, portraits: list[Path]
) -> None:
    prompt = page.locator("#prompt textarea")
    expect(prompt).to_have_attribute("placeholder", re.compile("Describe your character"))
    page.click("#assistant button")
    names = page.locator("#assistant [role=menuitemradio] .lk-choice-title")
    expect(names).to_have_text(
        [
            "Smart Image Editing",
            "Img2Img",
            "Character Reference",
            "Style Reference",
            "ControlNet",
            "Inpaint",
            "Extend",
            "Enlarge",
            "Fix the face",
            "Text to Image",
        ]
    )
    expect(page.locator("#mode-controlnet")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#mode-controlnet .lk-reason")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#assistant button").first).to_be_focused()
    add(page, portraits[0])
    page.click("#assistant button")
    expect(page.locator("#mode-controlnet")).to_have_attribute("aria-disabled", "false")
    expect(page.locator("#mode-text_to_image")).to_have_attribute("aria-disabled", "true")
    expect(prompt).to_have_attribute("placeholder", re.compile("Describe only the change"))


# --- settings ---------------------------------------------------------------------------


def test_additional_settings_show_the_studios_defaults_and_what_follows_from_changes(page: Page) -> None:
    expect(page.locator("#guidance")).to_be_hidden()
    page.click("#additional-settings")
    expect(page.locator("#guidance input[type=number]")).to_have_value("3.5")
    expect(page.locator("#steps input[type=number]")).to_have_value("20")
    expect(page.locator("#seed input")).to_have_value("-1")
    expect(page.locator("#num-images input[type=number]")).to_have_value("1")
    page.locator("#seed input").fill("42")
    page.click("#seed-dice")
    expect(page.locator("#seed input")).to_have_value("-1")
    page.locator("#prompt textarea").fill("a knight")
    page.locator("#negative-prompt textarea").fill("blurry")
    page.locator("#guidance input[type=number]").fill("1")
    notices = page.locator("#notices li")
    expect(notices).to_have_text([re.compile("leaves the negative prompt without effect")])
    page.locator("#guidance input[type=number]").fill("4")
    expect(notices).to_have_count(0)


@pytest.mark.own_page
def test_only_knobs_in_use_are_shown(page: Page, portraits: list[Path]) -> None:
    page.click("#additional-settings")
    expect(page.locator("#influence")).to_be_hidden()
    expect(page.locator("#control-kind")).to_be_hidden()
    expect(page.locator("#aspect-ratio")).not_to_contain_text("Like the reference")
    add(page, portraits[0])
    choose_mode(page, "img2img")
    expect(page.locator("#influence input[type=number]")).to_have_value("25")
    expect(page.locator("#strength")).to_have_text("strength 0.75")
    page.locator("#influence input[type=number]").fill("60")
    expect(page.locator("#strength")).to_have_text("strength 0.40")
    expect(page.locator("#aspect-ratio input:checked")).to_have_value("reference")
    choose_mode(page, "controlnet")
    expect(page.locator("#control-kind")).to_be_visible()
    expect(page.locator("#influence")).to_be_hidden()
    page.locator("#references select").first.select_option("source")
    expect(page.locator("#influence")).to_be_visible()


# --- Generate ---------------------------------------------------------------------------


@pytest.mark.own_page
def test_ctrl_enter_queues_exactly_what_is_shown(
    page: Page, studio_server: StudioProcess, portraits: list[Path]
) -> None:
    add(page, portraits[0])
    choose_mode(page, "img2img")
    mode_is(page, "Img2Img")
    page.click("#knobs-toggle")
    page.locator("#influence input[type=number]").fill("40")
    page.locator("#guidance input[type=number]").fill("6")
    page.locator("#steps input[type=number]").fill("3")
    page.locator("#seed input").fill("123")
    page.locator("#negative-prompt textarea").fill("blurry")
    page.locator("#aspect-ratio label").filter(has_text="1:1").click()
    page.locator("#prompt textarea").fill("with red hair")
    with page.expect_response("**/queue/join*"):
        page.keyboard.press("Control+Enter")
    page.wait_for_function("likeness.snapshot?.jobs.some((job) => job.tab === likeness.tab)")
    job = page.evaluate("likeness.snapshot.jobs.find((job) => job.tab === likeness.tab)")
    request = job["request"]
    asked = {name: request[name] for name in ("mode", "model", "prompt", "negative_prompt", "aspect_ratio")}
    assert asked == {
        "mode": "img2img",
        "model": "tiny",
        "prompt": "with red hair",
        "negative_prompt": "blurry",
        "aspect_ratio": "1:1",
    }
    assert (request["strength"], request["guidance_scale"]) == (0.6, 6)
    assert (request["num_inference_steps"], request["seed"]) == (3, 123)
    assert [r["image_id"] for r in request["references"]] == order(page)
    assert studio_server.finished(job["id"])["status"] == "done"
    expect(page.locator("#seed-memory")).to_contain_text("123")


def test_what_cannot_be_done_is_said_and_nothing_is_lost(page: Page, studio_server: StudioProcess) -> None:
    before = len(studio_server.api("GET", "/jobs").json())
    page.click("#generate")
    expect(toast(page, "The prompt is empty")).to_be_visible()
    page.click("#additional-settings")
    page.locator("#prompt textarea").fill("a knight")
    page.locator("#seed input").fill("many")
    page.click("#generate")
    expect(toast(page, "whole number")).to_be_visible()
    expect(page.locator("#prompt textarea")).to_have_value("a knight")
    assert len(studio_server.api("GET", "/jobs").json()) == before


def test_what_gradio_only_fades_out_is_not_in_the_focus_order(page: Page) -> None:
    faded = page.locator("[data-testid=status-tracker].hide").first
    faded.wait_for(state="attached")
    faded.evaluate("(node) => node.insertAdjacentHTML('beforeend', '<button id=clear>Clear</button>')")
    expect(page.locator("#clear")).to_be_hidden()
    page.locator("#clear").evaluate("(node) => node.remove()")


# --- actions on pictures ----------------------------------------------------------------


@pytest.fixture
def reused(studio_server: StudioProcess, portraits: list[Path]) -> tuple[str, str]:
    """Ids of a picture and of one that was made from it."""
    parent = studio_server.upload(portraits[1])["id"]
    job = studio_server.submit(
        mode="img2img",
        model="tiny",
        prompt="a reused prompt",
        negative_prompt="noise",
        guidance_scale=4.5,
        num_inference_steps=4,
        seed=77,
        strength=0.5,
        references=[{"image_id": parent}],
    )
    return parent, studio_server.finished(job["id"])["images"][0]


@pytest.mark.own_page
def test_reuse_settings_fills_the_studio_from_the_record(reused: tuple[str, str], page: Page) -> None:
    parent, made = reused
    page.locator(f"#gallery [data-picture='{made}']").click()
    page.click("#reuse-settings")
    expect(page.locator("#prompt textarea")).to_have_value("a reused prompt")
    mode_is(page, "Img2Img")
    expect(page.locator("#model-select button").first).to_contain_text("Tiny Portrait")
    page.click("#knobs-toggle")
    values = {"#guidance": "4.5", "#steps": "4", "#influence": "50"}
    for element, value in values.items():
        expect(page.locator(f"{element} input[type=number]")).to_have_value(value)
    expect(page.locator("#seed input")).to_have_value("77")
    expect(page.locator("#negative-prompt textarea")).to_have_value("noise")
    expect_order(page, parent)
    page.click("#edit-image")
    mode_is(page, "Smart Image Editing")
    expect(thumbs(page).first).to_have_attribute("data-image-id", made)
    expect(thumbs(page)).to_have_count(1)


# --- memory -----------------------------------------------------------------------------


@pytest.mark.own_page
def test_a_reload_and_a_second_tab_find_everything_again(
    page: Page, context: BrowserContext, studio_server: StudioProcess, portraits: list[Path]
) -> None:
    add(page, *portraits[:2])
    choose_mode(page, "character_reference")
    mode_is(page, "Character Reference")
    page.locator("#prompt textarea").fill("on a rooftop")
    page.click("#knobs-toggle")
    page.locator("#steps input[type=number]").fill("31")
    page.locator("#steps input[type=number]").blur()
    page.wait_for_function("JSON.parse(sessionStorage['likeness.state']).num_inference_steps === 31")
    loaded = order(page)
    page.reload()
    is_restored(page, loaded)
    second = context.new_page()
    second.goto(studio_server.url)
    second.wait_for_selector("body.lk-ready")
    is_restored(second, loaded)
    second.locator("#prompt textarea").fill("another")
    page.reload()
    is_restored(page, loaded)
    assert page.evaluate("likeness.tab") != second.evaluate("likeness.tab")
    listens = "likeness.listens()"
    second.wait_for_function(listens)
    assert page.evaluate(listens) is False
    second.close()
    page.wait_for_function(listens)


def is_restored(page: Page, loaded: list[str]) -> None:
    expect_order(page, *loaded)
    mode_is(page, "Character Reference")
    expect(page.locator("#prompt textarea")).to_have_value("on a rooftop")
    expect(page.locator("#steps input[type=number]")).to_have_value("31")


@pytest.mark.own_page
def test_broken_memory_gives_a_fresh_page(page: Page, studio_server: StudioProcess) -> None:
    broken = {"references": [{"image_id": "gone"}], "mode": "nonsense", "prompt": "kept", "influence": "x"}
    text = json.dumps(json.dumps(broken))
    page.add_init_script(f"sessionStorage.setItem('likeness.state', {text})")  # not under a living page
    page.reload()
    expect(page.locator("#prompt textarea")).to_have_value("kept")
    mode_is(page, "Text to Image")
    expect(thumbs(page)).to_have_count(0)


# --- frame ------------------------------------------------------------------------------


@pytest.mark.own_page
def test_generate_is_in_view_and_nothing_sticks_out(page: Page) -> None:
    page.add_style_tag(content="#output-column { min-height: 3000px !important; }")  # as with many pictures
    for width, height in [(1440, 900), (1024, 768), (390, 844)]:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("window.scrollTo(0, 0)")
        expect(page.locator("#generate")).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.evaluate("window.scrollTo(0, 10_000)")
        expect(page.locator("#generate")).to_be_in_viewport(ratio=1)
    for name in ("models", "studio"):
        page.evaluate("(name) => likeness.showTab(name)", name)
        expect(page.locator(f"#tab-{name}")).to_be_in_viewport(ratio=0.9)


@pytest.mark.own_page
def test_theme_and_section_are_kept(page: Page) -> None:
    dark = page.evaluate("likeness.theme()") == "dark"
    page.click("#theme-toggle")
    expect(page.locator("body")).to_have_class(re.compile(r"^(?!.*\bdark\b)" if dark else r"\bdark\b"))
    page.get_by_role("tab", name="Collection").click()
    expect(page.locator("#panel-collection")).to_be_visible()
    expect(page.locator("#panel-studio")).to_be_hidden()
    page.reload()
    page.wait_for_selector("body.lk-ready")
    assert (page.evaluate("likeness.theme()") == "dark") is not dark
    expect(page.locator("#tab-collection")).to_have_attribute("aria-selected", "true")
    page.locator("#tab-collection").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#panel-studio")).to_be_visible()
