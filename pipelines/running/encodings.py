"""Words as the numbers a model reads, and what of them does not fit.

Knows CLIP's tokenizer and encoders as components of a pipeline; nothing of modes or requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class ClipPrompts:
    """Prompts as CLIP's text encoder gives them."""

    def __init__(self, tokenizer: Any, text_encoder: Any, device: str) -> None:
        self._tokenizer = tokenizer
        self._encoder = text_encoder
        self._device = device

    def encode(self, text: str) -> torch.Tensor:
        """Shape (1, tokens, width). Words beyond the model's length are not in it: see `cut`."""
        import torch

        tokens = self._tokenizer(
            text,
            padding="max_length",
            max_length=self._tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        uses_mask = getattr(self._encoder.config, "use_attention_mask", False)
        mask = tokens.attention_mask.to(self._device) if uses_mask else None
        with torch.no_grad():
            return self._encoder(tokens.input_ids.to(self._device), attention_mask=mask)[0]

    def cut(self, text: str) -> str:
        """The end of `text` that does not fit the model, from the first word touched; '' where all fits."""
        return cut(self._tokenizer, text, self._tokenizer.model_max_length)

    def notice(self, text: str) -> str | None:
        """What to tell the artist about words that do not fit."""
        return cut_notice(self._tokenizer, text, self._tokenizer.model_max_length)


def cut(tokenizer: Any, text: str, length: int) -> str:
    """The end of `text` beyond `length` tokens, from the first word touched; '' where all fits."""
    tokens = tokenizer(text, return_offsets_mapping=True, verbose=False)
    if len(tokens["input_ids"]) <= length:
        return ""
    start = tokens["offset_mapping"][length - 1][0]
    return text[_word_start(text, start) :].strip()


def cut_notice(tokenizer: Any, text: str, length: int) -> str | None:
    """What to tell the artist about words that do not fit `length` tokens."""
    beyond = cut(tokenizer, text, length)
    return f"The model reads {length} tokens; these words were cut: {beyond}" if beyond else None


def _word_start(text: str, position: int) -> int:
    while position > 0 and not text[position - 1].isspace():
        position -= 1
    return position
