from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline

from pipelines.running.encodings import ClipPrompts


@pytest.fixture(scope="module")
def pipeline(tiny_plain_dir: Path) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(tiny_plain_dir, local_files_only=True)


@pytest.fixture
def words(pipeline: StableDiffusionPipeline) -> ClipPrompts:
    return ClipPrompts(pipeline.tokenizer, pipeline.text_encoder, "cpu")


@pytest.mark.parametrize("text", ["", "a face", "ä 😀 <b>", "long " * 60])
def test_words_are_encoded_as_the_pipeline_encodes_them(
    words: ClipPrompts, pipeline: StableDiffusionPipeline, text: str
) -> None:
    with torch.no_grad():
        expected, _ = pipeline.encode_prompt(text, "cpu", 1, False)
    assert torch.equal(words.encode(text), expected)


def test_words_that_fit_are_not_cut(words: ClipPrompts) -> None:
    assert words.cut("a" * 75) == ""
    assert words.notice("a portrait, candle light") is None


def test_the_cut_words_are_given_as_they_were_written(words: ClipPrompts) -> None:
    kept = " ".join(["Abcd"] * 18)  # 72 of 75 tokens: one a letter
    assert words.cut(f"{kept} Öde, Dunkle Bibliothek") == "Öde, Dunkle Bibliothek"
    notice = words.notice(f"{kept} in a Dark Library")
    assert notice == "The model reads 77 tokens; these words were cut: Dark Library"


def test_ten_thousand_characters_are_cut_not_choked_on(words: ClipPrompts) -> None:
    text = "word " * 2000
    cut = words.cut(text)
    assert text.rstrip().endswith(cut)
    assert 9_500 < len(cut) < 10_000
    assert words.encode(text).shape[1] == 77
