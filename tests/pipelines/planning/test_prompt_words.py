from __future__ import annotations

import pytest

from pipelines.errors import RequestError
from pipelines.planning.prompt_words import PromptTexts, ResolvedPrompts, read
from pipelines.request import PicturePrompt
from tests.pipelines.planning.test_alternatives import lists


def words(
    prompt: str, negative: str = "", *, weighs: bool = True, seed: int = 3, pictures: int = 1
) -> ResolvedPrompts:
    return read(PromptTexts(prompt, negative, weighs), seed, pictures, lists)


@pytest.mark.parametrize("weighs", [True, False])
@pytest.mark.parametrize("prompt", ["", "a woman in red", "16:9 {curly} a_b_c [1]"[:9]])
def test_plain_words_are_those_written(prompt: str, weighs: bool) -> None:
    assert words(prompt, weighs=weighs) == ResolvedPrompts((), (), (), (prompt, "") if prompt else ("",))


def test_each_picture_draws_by_its_own_seed() -> None:
    several = words("{red|blue|green} __hair__", "{ugly|blurry}", pictures=6).drawn
    assert several == tuple(
        words("{red|blue|green} __hair__", "{ugly|blurry}", seed=3 + n).drawn[0] for n in range(6)
    )
    assert len({each.prompt for each in several}) > 1


def test_tags_of_loras_are_taken_out_and_told() -> None:
    found = words("a woman, <lora:My Ink:0.8>, smiling <LORA:flat:0.5:0.2> <lora:plain>")
    assert found.drawn == (PicturePrompt(prompt="a woman, smiling"),)
    assert found.loras == (("My Ink", 0.8), ("flat", 0.5), ("plain", 1.0))


@pytest.mark.parametrize(
    ("tag", "weight"), [("x:9", 2.0), ("x:-9", -2.0), ("x:nan", 1.0), ("x:much", 1.0), ("../../x:1", 1.0)]
)
def test_odd_weights_of_loras_come_within_bounds(tag: str, weight: float) -> None:
    assert words(f"a <lora:{tag}>").loras[0][1] == weight


def test_pictures_of_one_job_share_their_loras() -> None:
    with pytest.raises(RequestError, match="different LoRAs"):
        words("{<lora:a:1>|<lora:b:1>|c|d|e}", pictures=8)
    assert words("{<lora:a:1>|<lora:a:1>}").loras == (("a", 1.0),)


def test_a_model_that_cannot_weigh_reads_the_words() -> None:
    found = words("(red hair:1.4), [hat] BREAK", "(blurry:2)", weighs=False)
    assert found.drawn == (PicturePrompt(prompt="red hair, [hat] ", negative_prompt="blurry"),)
    told = " ".join(found.notices("FLUX"))
    assert "FLUX can't weigh words" in told
    assert "[hat]" in told


def test_a_model_that_weighs_keeps_the_marks_and_says_nothing() -> None:
    found = words("(red hair:1.4), [hat]")
    assert found.drawn == (PicturePrompt(prompt="(red hair:1.4), [hat]"),)
    assert found.notices("SD") == ()


def test_what_means_nothing_here_is_told() -> None:
    assert "[a:b:0.5]" in " ".join(words("[a:b:0.5] embedding:easy").notices("SD"))


def test_a_weight_beyond_all_measure_is_refused_before_the_job_waits() -> None:
    with pytest.raises(RequestError):
        words("(a:1e9)")
    with pytest.raises(RequestError):
        words("a", "(b:99)")
    assert words("(a:1e9)", weighs=False).drawn == (PicturePrompt(prompt="a"),)
