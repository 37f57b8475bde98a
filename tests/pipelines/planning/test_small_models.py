"""What a small model was never taught is said: its words, its shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalog.catalog import Catalog, load_catalog
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


def test_the_examples_of_the_page_are_among_what_the_bundled_model_knows(catalogue: Catalog) -> None:
    from pipelines.modes import MODES
    from pipelines.request import Mode

    example = MODES[Mode.TEXT_TO_IMAGE].example.partition("e.g. ")[2]
    assert not notices(catalogue, prompt=example)


def test_what_stands_for_words_is_no_word(catalogue: Catalog) -> None:
    said = notices(catalogue, prompt="a man <lora:knight:0.8>, {red|red} hair")
    assert not [each for each in said if "never seen" in each]
    (told,) = [each for each in notices(catalogue, prompt="{a knight|a knight}") if "never seen" in each]
    assert "“knight”" in told
