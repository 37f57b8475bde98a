"""Words and reference pictures as the numbers a model reads, kept so that the second try is faster.

Knows CLIP's tokenizer and encoders as components of a pipeline; nothing of modes or requests.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import torch
    from PIL import Image

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The last `size` values, by key; the one unused for longest goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, made where it is not there."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return self._values[key]


class Words:
    """Prompts as CLIP's text encoder gives them."""

    def __init__(self, tokenizer: Any, text_encoder: Any, device: str) -> None:
        self._tokenizer = tokenizer
        self._encoder = text_encoder
        self._device = device
        self._recent: Recent[torch.Tensor] = Recent(32)

    def encode(self, text: str, encoder_key: Hashable = None) -> torch.Tensor:
        """Shape (1, tokens, width). Words beyond the model's length are not in it: see `cut`.

        `encoder_key`: what changes the encoder itself for now; under another one words are encoded anew.
        """
        return self._recent.get((encoder_key, text), lambda: self._encode(text))

    def cut(self, text: str) -> str:
        """The end of `text` that does not fit the model, from the first word touched; '' where all fits."""
        return cut(self._tokenizer, text, self._tokenizer.model_max_length)

    def notice(self, text: str) -> str | None:
        """What to tell the artist about words that do not fit."""
        return cut_notice(self._tokenizer, text, self._tokenizer.model_max_length)

    def _encode(self, text: str) -> torch.Tensor:
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


def picture_key(picture: Image.Image) -> str:
    """The same key for the same pixels."""
    return hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).hexdigest()


def _word_start(text: str, position: int) -> int:
    while position > 0 and not text[position - 1].isspace():
        position -= 1
    return position
