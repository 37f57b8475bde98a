"""What artists and other tools may write, sent to a real studio: it is made as meant, or refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import StudioProcess
from tests.studio.sweeps.test_api_sweeps import REQUEST, send
from tests.studio.test_api_images import problem


def made(studio: StudioProcess, **changes: Any) -> dict[str, Any]:
    """The record of the one picture."""
    job = studio.finished(studio.submit(**{**REQUEST, **changes})["id"])
    assert job["status"] == "done", job
    record = studio.api("GET", f"/images/{job['images'][0]}").json()
    return {**record, "notices": job["notices"]}


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a __list_of_nobody__", "There is no list “list_of_nobody”"),
        ("a __round_a__", "contains itself (round_a → round_b → round_a)"),
        ("a (hat:1e9)", "Words may count from 0 to 4 times"),
        ("a (hat:99999999999999999999)", "comes to 1e+20"),
        ("{a|b}" * 500, "more than 400 choices"),
    ],
)
def test_a_prompt_that_means_nothing_is_refused_at_its_field(
    rest: StudioProcess, prompt: str, words: str
) -> None:
    folder = rest.data_dir / "wildcards"
    folder.mkdir(exist_ok=True)
    (folder / "round_a.txt").write_text("__round_b__\n", encoding="utf-8")
    (folder / "round_b.txt").write_text("__round_a__\n", encoding="utf-8")
    refused = problem(send(rest, "/jobs", **{**REQUEST, "prompt": prompt}))
    assert words in refused["detail"]
    assert refused["field"] == "prompt"


@pytest.mark.parametrize(
    "prompt",
    ["a hat ((( [ {red|", "a hat }}} ]) |", "a {hat} (:1.2", "a (hat:nan)", "a (hat:inf)", "a < lora : x"],
)
def test_brackets_that_do_not_close_and_weights_that_are_none_are_words(
    rest: StudioProcess, prompt: str
) -> None:
    assert made(rest, prompt=prompt)["request"]["prompt"] == prompt


@pytest.mark.parametrize(
    "tag", ["<lora:../../../etc/passwd:1>", "<lora:..\\..\\x:0.8>", "<lora:/etc/shadow>"]
)
def test_a_lora_that_leads_out_of_the_folder_is_none(rest: StudioProcess, tag: str) -> None:
    record = made(rest, prompt=f"a hat {tag}")
    assert record["request"]["loras"] == []
    assert record["request"]["drawn"][0]["prompt"] == "a hat"
    assert any("There is no LoRA" in notice for notice in record["notices"])


def test_emoji_and_cjk_are_drawn_and_the_written_prompt_comes_back(rest: StudioProcess) -> None:
    prompt = "{帽子|🎩|👒🏽} とひげ, {é|e\u0301}"
    record = made(rest, prompt=prompt, seed=7)
    drawn = record["request"]["drawn"][0]["prompt"]
    assert record["request"]["prompt"] == prompt
    assert drawn.partition(" ")[0] in ("帽子", "🎩", "👒🏽")
    again = made(rest, prompt=prompt, seed=7)
    assert again["request"]["drawn"][0]["prompt"] == drawn
    assert again["pixel_sha256"] == record["pixel_sha256"]


def test_every_choice_is_a_cell_in_the_order_written(rest: StudioProcess) -> None:
    asked = {
        "request": {**REQUEST, "prompt": "{赤い|blue|🟢} hat, {a|b}"},
        "x": {"field": "alternatives", "values": "all"},
    }
    assert send(rest, "/sweeps/estimate", **asked).json()["pictures"] == 6
    rest.api("POST", "/queue/pause")
    try:
        batch = send(rest, "/sweeps", **asked).json()["batch"]
        sweep = rest.api("GET", f"/sweeps/{batch}").json()
        rest.api("POST", f"/sweeps/{batch}/cancel")
    finally:
        rest.api("POST", "/queue/resume")
    assert sweep["x"]["labels"] == sweep["x"]["values"]
    assert sweep["x"]["values"][:3] == ["赤い hat, a", "赤い hat, b", "blue hat, a"]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [("a hat", "leaves nothing open"), ("{a|b}" * 10, "stands for 1,024 prompts"), ("{a|__no__}", "no list")],
)
def test_choices_that_cannot_all_be_made_are_said(rest: StudioProcess, prompt: str, words: str) -> None:
    asked = {"request": {**REQUEST, "prompt": prompt}, "x": {"field": "alternatives", "values": "all"}}
    assert words in problem(send(rest, "/sweeps", **asked))["detail"]


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ({"field": "seed", "values": list(range(10_000))}, "10,000 values"),
        ({"field": "seed", "values": "1..10000"}, "10,000 values"),
        ({"field": "guidance_scale", "values": "1..8 step 0"}, "never comes"),
        ({"field": "guidance_scale", "values": "1..8 step -1"}, "never comes"),
        ({"field": "guidance_scale", "values": "1..999999999999999999 step 0.0001"}, "values"),
    ],
)
def test_axes_beyond_all_measure_are_refused(rest: StudioProcess, axis: dict[str, Any], words: str) -> None:
    assert words in problem(send(rest, "/sweeps", request=REQUEST, x=axis))["detail"]
