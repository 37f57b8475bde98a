from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_flux2 import (
    Flux2KVAttnProcessor,
    Flux2KVParallelSelfAttnProcessor,
    Flux2Transformer2DModel,
)

from pipelines.running import reference_keys
from pipelines.running.remembered import ResultCache
from tests.tiny_models_flux import _flux2_transformer

REFERENCES, OWN, WORDS = 6, 4, 5


class OtherOrder(Flux2Transformer2DModel):
    """As a card that adds up in another order where the references' tokens are left out."""

    def forward(self, *args: Any, **told: Any) -> Any:
        answer = super().forward(*args, **told)
        if told.get("kv_cache_mode") == "cached":
            return (answer[0] + 1e-6, *answer[1:])
        return answer


class Watched:
    """A transformer that keeps what it saw of references, and the tokens it was given."""

    def __init__(self, store: ResultCache, cls: Any = None) -> None:
        torch.manual_seed(0)
        self.network = _flux2_transformer(3 * 16, guidance=False)
        if cls is not None:
            self.network.__class__ = cls
        for block in self.network.transformer_blocks:
            block.attn.set_processor(Flux2KVAttnProcessor())
        for block in self.network.single_transformer_blocks:
            block.attn.set_processor(Flux2KVParallelSelfAttnProcessor())
        self.tokens: list[int] = []
        self.network.register_forward_pre_hook(self._count, with_kwargs=True)
        reference_keys.remember(self.network, store)

    def _count(self, _: Any, args: Any, told: dict[str, Any]) -> None:
        self.tokens.append(told["hidden_states"].shape[1])

    @torch.no_grad()
    def first_step(
        self, references: torch.Tensor, noise: int = 1, words: int = 1
    ) -> tuple[torch.Tensor, Any]:
        own, text = (
            torch.randn(1, count, width, generator=torch.Generator().manual_seed(seed))
            for count, width, seed in ((OWN, 16, noise), (WORDS, 48, 100 + words))
        )
        where = torch.cat([_places(REFERENCES, 10), _places(OWN, 0)], dim=1)
        return self.network(
            hidden_states=torch.cat([references, own], dim=1),
            timestep=torch.tensor([0.7]),
            guidance=None,
            encoder_hidden_states=text,
            txt_ids=_places(WORDS, 0),
            img_ids=where,
            joint_attention_kwargs=None,
            return_dict=False,
            kv_cache_mode="extract",
            num_ref_tokens=REFERENCES,
        )


def _places(count: int, time: int) -> torch.Tensor:
    return torch.tensor([[[float(time), 0.0, 0.0, float(at)] for at in range(count)]])


@pytest.fixture
def references() -> torch.Tensor:
    return torch.randn(1, REFERENCES, 16, generator=torch.Generator().manual_seed(9))


def test_known_references_are_left_out_and_nothing_else_differs(references: torch.Tensor) -> None:
    keeps, plain = Watched(ResultCache()), Watched(ResultCache(0))
    for noise, words in ((1, 1), (2, 1), (2, 2)):
        (ours, cache), (theirs, other) = (
            each.first_step(references, noise, words) for each in (keeps, plain)
        )
        assert torch.equal(ours, theirs)
        for one, two in zip(cache.double_block_caches, other.double_block_caches, strict=True):
            assert all(map(torch.equal, one.get(), two.get()))
        cache.clear()  # as the pipeline does at the end
    assert keeps.tokens == [REFERENCES + OWN, OWN, OWN, OWN]  # the second pass looks whether it may
    assert plain.tokens == [REFERENCES + OWN] * 3


def test_other_references_or_another_state_are_computed(references: torch.Tensor) -> None:
    keeps, plain = Watched(ResultCache()), Watched(ResultCache(0))
    keeps.first_step(references)
    swapped = references.flip(1)
    assert torch.equal(keeps.first_step(swapped)[0], plain.first_step(swapped)[0])
    for each in (keeps, plain):
        with torch.no_grad():
            each.network.transformer_blocks[0].attn.to_k.weight.mul_(1.5)
    assert torch.equal(keeps.first_step(references)[0], plain.first_step(references)[0])
    assert keeps.tokens == [REFERENCES + OWN, OWN, REFERENCES + OWN, REFERENCES + OWN]


def test_where_bits_would_differ_nothing_is_kept(references: torch.Tensor) -> None:
    store = ResultCache()
    keeps = Watched(store, OtherOrder)
    for _ in range(3):
        keeps.first_step(references)
    assert keeps.tokens == [REFERENCES + OWN, OWN, REFERENCES + OWN, REFERENCES + OWN]
    assert len(store) == 0


def test_keys_larger_than_the_store_cost_nothing(references: torch.Tensor) -> None:
    keeps = Watched(ResultCache(1000))
    for _ in range(2):
        keeps.first_step(references)
    assert keeps.tokens == [REFERENCES + OWN] * 2
