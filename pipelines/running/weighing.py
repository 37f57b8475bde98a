"""Weighed and long prompts as CLIP's encoders give them, through compel (https://github.com/damian0815/compel).

compel scales what an encoder gives for heavier words, and goes toward the prompt without them for lighter
ones. A text longer than the encoder is read in parts, split between sentences, phrases or words; BREAK begins
another part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.planning import weights
from pipelines.running import encodings

if TYPE_CHECKING:
    import torch


MOST_PARTS = 8
"""Parts of the encoder's length that one prompt is read in; what is beyond them is cut, and told."""


class PromptWeighter:
    """One tokenizer with its encoder. `penultimate`: its last layer but one is read, as SDXL does."""

    def __init__(self, tokenizer: Any, encoder: Any, device: str, *, penultimate: bool = False) -> None:
        from compel.embeddings_provider import EmbeddingsProvider, ReturnedEmbeddingsType

        kinds = ReturnedEmbeddingsType
        kind = (
            kinds.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
            if penultimate
            else kinds.LAST_HIDDEN_STATES_NORMALIZED
        )
        self._device = device
        self._tokenizer = tokenizer
        self._cut: dict[str, str] = {}
        self._provider = EmbeddingsProvider(
            tokenizer,
            encoder,
            truncate=False,
            returned_embeddings_type=kind,
            dtype_for_device_getter=lambda _: encoder.dtype,
            device=device,
        )

    def cut(self, text: str) -> str:
        """The end of `text` that is beyond MOST_PARTS, from the first word touched; '' where all fits."""
        if text not in self._cut:  # told first, then encoded: a long text is tokenised once
            each = self._tokenizer.model_max_length - 2  # the signs for beginning and end are in every part
            self._cut[text] = encodings.cut(self._tokenizer, text, MOST_PARTS * each + 2)
        return self._cut[text]

    def notice(self, text: str) -> str | None:
        """What to tell the artist about words that are cut."""
        beyond = self.cut(text)
        return (
            f"The model reads {MOST_PARTS} parts of a prompt; these words were cut: {beyond}"
            if beyond
            else None
        )

    def encode(self, text: str) -> torch.Tensor:
        """Shape (1, n x the encoder's length, width); words beyond MOST_PARTS are not in it."""
        import torch

        text = text.rstrip().removesuffix(self.cut(text))
        parts = [self._chunk(chunk) for chunk in weights.chunks(text)]
        return torch.cat(parts, dim=1)

    def nothing(self) -> torch.Tensor:
        """Of no words at all; shape (1, the encoder's length, width)."""
        return self._chunk((weights.Fragment(""),))

    def _chunk(self, chunk: weights.Chunk) -> torch.Tensor:
        import torch

        with torch.no_grad():
            encoded = self._provider.get_embeddings_for_weighted_prompt_fragments(
                [[fragment.text for fragment in chunk]],
                [[fragment.weight for fragment in chunk]],
                device=self._device,
            )
        assert not isinstance(encoded, tuple)
        return encoded


def weighed(weigher: PromptWeighter, texts: Sequence[str]) -> list[torch.Tensor]:
    """The texts as tensors of one shape (1, tokens, width): a shorter one is filled up with no words."""
    import torch

    encoded = [weigher.encode(text) for text in texts]
    longest = max(each.shape[1] for each in encoded)
    nothing = weigher.nothing()
    return [
        torch.cat([each, *[nothing] * ((longest - each.shape[1]) // nothing.shape[1])], dim=1)
        for each in encoded
    ]
