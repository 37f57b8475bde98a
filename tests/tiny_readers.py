"""Readers of the real transformers classes at tiny size with random weights, as safetensors folders."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    BertTokenizerFast,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    Dinov2Config,
    Dinov2Model,
)
from transformers.models.bit.image_processing_bit import BitImageProcessor

SIDE = 32
NAMED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]")
WORDS = (*NAMED, "a", "woman", "with", "red", "hair", "and", "blue", "coat", "in", "front", "of", "hills")

ENTRIES = """\
readers:
  - id: tiny-captioner
    label: Tiny Captioner
    answers: caption
    source: tiny-captioner
    licence: {name: none, commercial: yes}
  - id: tiny-face
    label: Tiny Face
    answers: face
    source: tiny-face
    licence: {name: none, commercial: yes}
"""


MAKER = """\
models:
  - {id: maker, label: Maker, family: stable-diffusion, source: maker, licence: none, modes: [text_to_image]}
"""


def catalogue(folder: Path) -> Path:
    """A models.yaml in `folder` with both readers beside it, and a model that is not there."""
    captioner(folder / "tiny-captioner")
    face(folder / "tiny-face")
    path = folder / "models.yaml"
    path.write_text(MAKER + ENTRIES, encoding="utf-8")
    return path


def captioner(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), bos_token="[DEC]")
    layers = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    text = {"vocab_size": len(WORDS), "hidden_size": 16, "encoder_hidden_size": 16, "projection_dim": 16}
    tokens = {"bos_token_id": 5, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    config = BlipConfig(
        text_config={**text, **tokens, **layers, "max_position_embeddings": 64},
        vision_config={"hidden_size": 16, "image_size": SIDE, "patch_size": 8, **layers},
        projection_dim=16,
    )
    model = BlipForConditionalGeneration(config)
    with torch.no_grad():  # what the picture says shall be heard in the words, random as they are
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        head = model.text_decoder.cls.predictions.decoder
        head.bias[: len(NAMED)] = -1e4
    BlipProcessor(BlipImageProcessor(size={"height": SIDE, "width": SIDE}), tokenizer).save_pretrained(folder)
    model.eval().save_pretrained(folder)
    return folder


def face(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    config = Dinov2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, mlp_ratio=1, image_size=28
    )
    Dinov2Model(config).eval().save_pretrained(folder)
    BitImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(
        folder
    )
    return folder
