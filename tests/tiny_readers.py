"""Readers of the real transformers classes at tiny size with random weights, as safetensors folders."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import (
    BertTokenizerFast,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    CLIPSegProcessor,
    CLIPTokenizer,
    Dinov2Config,
    Dinov2Model,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    Sam2Config,
    Sam2Model,
    ViTImageProcessor,
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


SELECTING = """\
  - id: tiny-points
    label: Tiny Points
    answers: points
    source: tiny-points
    licence: {name: none, commercial: yes}
  - id: tiny-words
    label: Tiny Words
    answers: words
    source: tiny-words
    licence: {name: none, commercial: yes}
  - id: tiny-heads
    label: Tiny Heads
    answers: heads
    source: tiny-heads
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


def selecting(folder: Path) -> Path:
    """A models.yaml in `folder` with what selects by points and words, and what finds heads."""
    points(folder / "tiny-points")
    words(folder / "tiny-words")
    heads(folder / "tiny-heads")
    path = folder / "models.yaml"
    path.write_text(MAKER + "readers:\n" + SELECTING, encoding="utf-8")
    return path


def points(folder: Path, seed: int = 0) -> Path:
    """SAM 2's layout, for pictures of 64 px."""
    torch.manual_seed(seed)
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [64, 64],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 1, 1],
        "window_size_per_stage": [8, 4, 4, 2],
        "window_positional_embedding_background_size": [4, 4],
        "global_attention_blocks": [3],
        "mlp_ratio": 1.0,
    }
    vision = {
        "backbone_config": backbone,
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        "fpn_hidden_size": 32,
    }
    prompts = {"hidden_size": 32, "image_size": 64, "patch_size": 16, "mask_input_channels": 4}
    decoder = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
    config = Sam2Config(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    Sam2Model(config).eval().save_pretrained(folder)
    said = {"size": {"height": 64, "width": 64}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def words(folder: Path, seed: int = 0) -> Path:
    """CLIPSeg's layout, for pictures of 32 px and the letters."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{each}</w>" for each in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {name: i for i, name in enumerate([*letters, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)
    layers = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": len(letters), "eos_token_id": len(letters) + 1, "pad_token_id": len(letters) + 1}
    config = CLIPSegConfig(
        text_config={**layers, **ends, "vocab_size": len(vocabulary), "max_position_embeddings": 16},
        vision_config={**layers, "image_size": 32, "patch_size": 8},
        projection_dim=16,
        reduce_dim=8,
        extract_layers=[0, 1],
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
    )
    model = CLIPSegForImageSegmentation(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    CLIPSegProcessor(ViTImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)
    model.eval().save_pretrained(folder)
    return folder


def heads(folder: Path, seed: int = 0) -> Path:
    """Grounding DINO's layout, for pictures of 64 px."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "head", "face", ".", "?")
    (folder / "vocab.txt").write_text("\n".join(names), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"))
    backbone = {
        "model_type": "swin",
        "embed_dim": 16,
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 1, 1, 1],
        "window_size": 2,
        "image_size": 64,
        "out_features": ["stage2", "stage3", "stage4"],
    }
    text = {
        "model_type": "bert",
        "vocab_size": len(names),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        num_queries=6,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_feature_levels=4,
        max_text_len=16,
    )
    processor = GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 96})
    GroundingDinoProcessor(processor, tokenizer).save_pretrained(folder)
    GroundingDinoForObjectDetection(config).eval().save_pretrained(folder)
    return folder
