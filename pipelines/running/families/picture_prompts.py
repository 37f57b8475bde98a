"""Prompts with pictures in them as a Qwen vision model reads them: token ids and patches.

transformers' own processors for these models also read videos and need torchvision for it; this one reads
pictures alone and needs nothing more. Knows tokenizer and image processor; nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import AutoTokenizer, BatchFeature, ProcessorMixin
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from pipelines.running import loading
from pipelines.running.contract import LoadSettings
from pipelines.spec import ModelSpec

PICTURE = "<|image_pad|>"


def load_picture_prompts(spec: ModelSpec, settings: LoadSettings) -> PicturePrompts:
    """The processor of a model, without its part for videos."""
    location = spec.parts.get("processor", "processor")
    tokenizer = loading.load_part(AutoTokenizer, location, spec, settings)
    return PicturePrompts(loading.load_part(Qwen2VLImageProcessorPil, location, spec, settings), tokenizer)


class PicturePrompts(ProcessorMixin):
    """Called with `text` and `images`, gives token ids with their mask, and patches of the pictures."""

    def __init__(self, image_processor: Any, tokenizer: Any) -> None:
        self.image_processor = image_processor
        self.tokenizer = tokenizer
        self.chat_template = tokenizer.chat_template

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, text: Sequence[str], images: Sequence[Any] | None = None, **padding: Any
    ) -> BatchFeature:
        """`text`: prompts in which each picture stands as one placeholder, in the order of `images`."""
        if not images:
            return BatchFeature(dict(self.tokenizer(list(text), **padding)))
        seen = self.image_processor(images=list(images), return_tensors="pt")
        sizes = iter((seen["image_grid_thw"].prod(-1) // self.image_processor.merge_size**2).tolist())
        read = self.tokenizer([self._widened(prompt, sizes) for prompt in text], **padding)
        pictures = read["input_ids"] == self.tokenizer.convert_tokens_to_ids(PICTURE)
        return BatchFeature({**read, **seen, "mm_token_type_ids": pictures.to(torch.int)})

    def apply_chat_template(self, conversation: Any, **arguments: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Token ids of a conversation without pictures, as a list with one entry."""
        return [self.tokenizer.apply_chat_template(conversation, **arguments)]

    def _widened(self, prompt: str, sizes: Iterator[int]) -> str:
        """A placeholder for every token of every picture."""
        first, *rest = prompt.split(PICTURE)
        return first + "".join(PICTURE * next(sizes) + part for part in rest)
