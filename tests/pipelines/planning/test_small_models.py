"""What a small model was never taught is said: its words, its shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.modes import MODES, Mode
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return load_catalog(Path(__file__).parents[3] / "models.yaml")


def notices(catalogue: Catalog, **fields: object) -> tuple[str, ...]:
    wish = {"model": "portrait-mini", "prompt": "a man", **fields}
    return complete(GenerationRequest.model_validate(wish), catalogue, {}, lambda: 1).notices


@pytest.mark.parametrize("prompt", ["a woman with red hair, smiling", "Two men with BEARDS", ""])
def test_words_that_it_knows_are_passed_over(catalogue: Catalog, prompt: str) -> None:
    said = notices(catalogue, prompt=prompt or "hair")
    assert not [each for each in said if "never seen" in each and "two" not in each]


def test_words_that_it_has_never_seen_are_named_once(catalogue: Catalog) -> None:
    (said,) = notices(catalogue, prompt="a knight in a cloak, a knight with red hair")
    assert said.startswith("Portrait Mini has never seen “knight”, “cloak”. It knows: hair")


def test_only_what_the_model_reads_counts(catalogue: Catalog) -> None:
    said = notices(catalogue, prompt="a man <lora:gryphon:0.8> with {red|red} hair")
    assert any("their tags are left out" in each for each in said)
    assert not any("never seen" in each for each in said)
    said = notices(catalogue, prompt="a man with a {cloak|cloak}")
    assert any("never seen “cloak”." in each for each in said)


def test_many_of_them_are_not_all_told(catalogue: Catalog) -> None:
    (said,) = notices(catalogue, prompt="dragon castles, spaceships, violins, submarines, gnomes, trumpets")
    assert " and others. It knows" in said


def test_another_shape_than_it_was_made_for_is_warned_of(catalogue: Catalog) -> None:
    (said,) = notices(catalogue, aspect_ratio="16:9")
    assert "was made for 1:1, 2:3 or 3:4" in said
    assert not [each for shape in ("1:1", "2:3", "3:4") for each in notices(catalogue, aspect_ratio=shape)]
    route = catalogue.route("portrait-mini", GenerationRequest().mode)
    assert route.limits.shapes == ("1:1", "2:3", "3:4")


def test_larger_models_say_nothing_of_it(catalogue: Catalog) -> None:
    spec = catalogue.get("flux2-klein-4b")
    assert (spec.words, spec.shapes) == (None, ())


def test_what_it_offers_first_is_in_words_it_knows(catalogue: Catalog) -> None:
    spec = catalogue.get("portrait-mini")
    assert (len(spec.examples[Mode.TEXT_TO_IMAGE]), len(spec.examples[Mode.SMART_EDIT])) == (4, 3)
    assert set(spec.examples) == set(spec.modes)
    for prompt in (each for prompts in spec.examples.values() for each in prompts):
        assert not notices(catalogue, prompt=prompt), prompt


def test_what_stands_for_words_is_no_word(catalogue: Catalog) -> None:
    said = notices(catalogue, prompt="a man <lora:knight:0.8>, {red|red} hair")
    assert not [each for each in said if "never seen" in each]
    (told,) = [each for each in notices(catalogue, prompt="{a knight|a knight}") if "never seen" in each]
    assert "“knight”" in told


def test_a_page_without_a_model_begins_with_words_that_it_knows_too(catalogue: Catalog) -> None:
    assert not notices(catalogue, prompt=MODES[Mode.TEXT_TO_IMAGE].examples[0])


def test_settings_that_it_makes_nothing_of_are_not_offered_and_told(catalogue: Catalog) -> None:
    fields = catalogue.route("portrait-mini", Mode.TEXT_TO_IMAGE).limits.fields
    assert not {"negative_prompt", "num_inference_steps"} & set(fields)
    said = notices(catalogue, negative_prompt="blurry", num_inference_steps=30)
    assert [words.partition(";")[0] for words in said] == [
        "Portrait Mini does not read a negative prompt in Text to Image",
        "Portrait Mini was made for 20 steps",
    ]
    assert not notices(catalogue, num_inference_steps=20)


def test_steps_are_used_as_asked_and_a_negative_prompt_is_left_out(catalogue: Catalog) -> None:
    wish = GenerationRequest(
        model="portrait-mini", prompt="a man", negative_prompt="blurry", num_inference_steps=5
    )
    done = complete(wish, catalogue, {}, lambda: 1).request
    assert (done.num_inference_steps, done.negative_prompt) == (5, "")


def test_what_was_made_with_them_is_made_again_with_them(catalogue: Catalog) -> None:
    earlier = complete(GenerationRequest(model="portrait-mini", prompt="a man"), catalogue, {}, lambda: 1)
    told = earlier.request.model_copy(update={"negative_prompt": "blurry"})
    assert complete(told, catalogue, {}, lambda: 1, again=True).request.negative_prompt == "blurry"
