"""What the studio says of pictures and models, held against what is so: with the model that comes along."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.cast import DRAWINGS, character
from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, ended, generate

pytestmark = pytest.mark.shared_page


@pytest.fixture(scope="module")
def studio_server(shipped_studio: StudioProcess) -> StudioProcess:
    """A studio as it is shipped."""
    return shipped_studio


def edited(studio: StudioProcess, source: str, prompt: str) -> str:
    job = studio.submit(
        mode="smart_edit", prompt=prompt, num_inference_steps=2, seed=3, references=[{"image_id": source}]
    )
    done = studio.finished(job["id"])
    assert done["status"] == "done", done
    return done["images"][0]


def test_after_a_picture_it_says_what_was_measured_and_answers_nothing_itself(
    page: Page, studio_server: StudioProcess
) -> None:
    source = studio_server.upload(DRAWINGS / "blue-1.webp")["id"]
    page.evaluate("(id) => likeness.change({ action: 'edit', image_id: id })", source)
    expect(page.locator("#references .lk-reference")).to_have_count(1)
    generate(page, "give her glasses", steps=4)
    made = ended(page, "give her glasses")["images"][0]
    expect(page.locator(f"#gallery [data-picture='{made}']")).to_have_attribute(
        "aria-selected", "true", timeout=LONG_WAIT
    )
    said = page.locator(".coach-measured")
    expect(said).to_contain_text("How did it come out?")
    expect(said).to_contain_text(re.compile(r"\d+\s?% of the (picture|head)|nothing", re.IGNORECASE))
    for answer in ("closer", "same", "drifted"):
        expect(page.locator(f"#coach-{answer}")).to_have_attribute("aria-pressed", "false")
    assert not re.search("stayed itself|drifted|likeness|same person", said.inner_text(), re.IGNORECASE)


def test_of_edits_that_contradict_each_other_the_last_is_applied_and_not_objected_to(
    page: Page, studio_server: StudioProcess
) -> None:
    first = studio_server.upload(DRAWINGS / "spiky-1.webp")["id"]
    last = first
    for prompt in (
        "change the background to a library",
        "make him smile",
        "change the background to a forest",
        "give him a red shirt",
    ):
        last = edited(studio_server, last, prompt)
    page.click("#tab-collection")
    page.locator(f"#collection [data-picture='{last}']").focus()
    page.keyboard.press("f")
    page.get_by_role("button", name="Apply the edits to the anchor").click()
    prompt = page.locator("#prompt textarea")
    expect(prompt).to_have_value(re.compile("forest"))
    for word in ("smile", "red shirt"):
        expect(prompt).to_have_value(re.compile(word))
    expect(prompt).not_to_have_value(re.compile("library"))
    expect(page.locator("#references img")).to_have_attribute("src", re.compile(first))
    page.wait_for_function("document.querySelector('.coach-line')")
    advice = studio_server.api(
        "POST",
        "/advice",
        json={
            "request": {
                "mode": "smart_edit",
                "prompt": prompt.input_value(),
                "references": [{"image_id": first}],
            }
        },
    ).json()
    assert not [
        each["words"] for each in advice if "at once" in each["words"] or "one change" in each["words"]
    ]


def test_a_set_says_what_was_compared_and_not_that_it_is_the_same_person(
    page: Page, studio_server: StudioProcess
) -> None:
    owner = character(studio_server, "Ilse", DRAWINGS / "blue-1.webp")
    for name in ("blue-2", "curls-1"):
        image = studio_server.upload(DRAWINGS / f"{name}.webp")["id"]
        studio_server.api("POST", f"/characters/{owner}/references", json={"image_id": image})
    page.click("#tab-characters")
    page.get_by_role("button", name="References of Ilse").click()
    items = page.locator("#reference-set .chr-set-item")
    expect(items.first).to_be_visible()
    shown = page.locator("#reference-set")
    expect(shown).to_contain_text(re.compile("Similar colours|Colours unlike"))
    expect(shown).not_to_contain_text("Agrees with")


def test_no_model_is_praised_that_would_take_for_ever_and_numbers_make_sense(
    page: Page, studio_server: StudioProcess
) -> None:
    page.click("#tab-models")
    cards = page.locator("#models-list .mod-card")
    expect(cards.first).to_be_visible()
    texts = cards.all_inner_texts()
    assert len(texts) > 5
    for text in texts:
        assert not ("Fits fully" in text and "It will be slow" in text), text
        assert "Would need" not in text, text
        for need, free in re.findall(r"needs (\d+\.\d) GB and the [a-z ]+ has (\d+\.\d) GB free, so", text):
            assert float(need) < float(free), text
    slow = page.locator(".mod-card", has_text="It will be slow").first
    if slow.count():
        expect(slow.locator(".mod-chip.good", has_text="Fits")).to_have_count(0)
