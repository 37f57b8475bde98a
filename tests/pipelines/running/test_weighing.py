"""Weights through compel, held against compel's own reading of its own syntax on a tiny CLIP."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from compel import Compel
from diffusers import StableDiffusionPipeline

from pipelines.running.encodings import ClipPrompts
from pipelines.running.weighing import MOST_PARTS, PromptWeighter, weighed


@pytest.fixture(scope="module")
def pipeline(tiny_plain_dir: Path) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(tiny_plain_dir, local_files_only=True)


@pytest.fixture(scope="module")
def weigher(pipeline: StableDiffusionPipeline) -> PromptWeighter:
    return PromptWeighter(pipeline.tokenizer, pipeline.text_encoder, "cpu")


@pytest.fixture(scope="module")
def compel(pipeline: StableDiffusionPipeline) -> Compel:
    return Compel(
        tokenizer=pipeline.tokenizer, text_encoder=pipeline.text_encoder, truncate_long_prompts=False
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("a (red:1.4) hat", "a (red)1.4 hat"),
        ("a (red:0.5) hat", "a (red)0.5 hat"),
        ("(a (red:1.5) hat:1.2)", "(a (red)1.5 hat)1.2"),
        ("a (red) hat", "a red+ hat"),
    ],
)
def test_weights_are_compels(weigher: PromptWeighter, compel: Compel, ours: str, theirs: str) -> None:
    with torch.no_grad():
        expected = compel.build_conditioning_tensor(theirs)
    found = weigher.encode(ours)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_prompt_without_weights_is_encoded_as_ever(
    weigher: PromptWeighter, pipeline: StableDiffusionPipeline
) -> None:
    plain = ClipPrompts(pipeline.tokenizer, pipeline.text_encoder, "cpu").encode("a red hat")
    assert torch.allclose(weigher.encode("a red hat"), plain, atol=1e-5)


def test_a_weight_changes_what_the_model_reads(weigher: PromptWeighter) -> None:
    assert not torch.allclose(weigher.encode("a (red:1.5) hat"), weigher.encode("a red hat"), atol=1e-3)


def test_long_prompts_and_breaks_are_read_in_parts_of_one_length(weigher: PromptWeighter) -> None:
    long, short = weighed(weigher, ["word, " * 60, "short"])
    assert long.shape == short.shape
    assert long.shape[1] > 77
    assert long.shape[1] % 77 == 0
    broken = weigher.encode("a hat BREAK a coat")
    assert broken.shape[1] == 2 * 77
    assert torch.equal(broken[:, :77], weigher.encode("a hat "))


def test_what_is_beyond_all_parts_is_cut_and_told(weigher: PromptWeighter) -> None:
    text = "(silver:1.2) " + " ".join(f"word{number}" for number in range(400))
    assert weigher.notice(text).endswith("word399")  # type: ignore[union-attr]
    assert weigher.encode(text).shape[1] <= (MOST_PARTS + 1) * 77
    assert weigher.notice("(silver:1.2) words") is None
