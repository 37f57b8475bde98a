"""Keys and values of references, kept from one picture to the next.

For a transformer whose references see only themselves at a fixed step (FLUX.2 klein KV): where they are
known, its first step goes without the references' tokens. Leaving tokens out may make a card add up in
another order, so whether the numbers stay equal in every bit is looked at once for each set of sizes, at
one more pass through the transformer; where they do not, nothing is kept. Knows diffusers' transformer;
nothing of pipelines.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2KVCache

from pipelines.running.contents import digest
from pipelines.running.network_state import number, state
from pipelines.running.recalling import forget_with, recalled_class
from pipelines.running.remembered import ResultCache, ResultKey

_WHAT = "reference keys"


def remember(transformer: Any, store: ResultCache) -> None:
    """Let `transformer` keep the keys and values of references it has seen."""
    if forget_with(transformer, store):
        keys = ReferenceKeys(transformer, store)
        transformer.__class__ = recalled_class(type(transformer), "__call__", keys)


class ReferenceKeys:
    """What one transformer knows of references."""

    def __init__(self, transformer: Any, store: ResultCache) -> None:
        self._number = number(transformer)
        self._store = store
        self._exact: dict[Hashable, bool] = {}

    def __call__(self, plain: Any, transformer: Any, args: tuple[Any, ...], arguments: dict[str, Any]) -> Any:
        """The transformer's answer to keyword arguments, by `plain` or without the references' tokens."""
        if args or not _has_references(arguments) or torch.is_grad_enabled():
            return plain(transformer, *args, **arguments)
        sizes = _sizes(arguments)
        if self._exact.get(sizes) is False or _bytes(transformer, arguments) > self._store.limit:
            return plain(transformer, **arguments)
        key = ResultKey(_WHAT, self._number, state(transformer), digest(_seen(arguments), str(sizes)))
        if (kept := self._store.find(key)) is not None:
            cache = _cache(kept)
            return plain(transformer, **_without(arguments, cache))[0], cache
        answer, cache = plain(transformer, **arguments)
        if sizes not in self._exact:
            again = plain(transformer, **_without(arguments, cache))[0]
            self._exact[sizes] = torch.equal(answer, again)
        if self._exact[sizes]:
            self._store.keep(key, _numbers(cache))
        return answer, cache


def _has_references(arguments: dict[str, Any]) -> bool:
    """Whether keys and values of references are wanted, and of some."""
    asked = arguments.get("kv_cache_mode") == "extract" and arguments.get("return_dict") is False
    return asked and arguments.get("num_ref_tokens", 0) > 0


def _seen(arguments: dict[str, Any]) -> list[torch.Tensor]:
    """References as the transformer gets them, and where they are."""
    count = arguments["num_ref_tokens"]
    return [arguments["hidden_states"][:, :count], arguments["img_ids"][..., :count, :]]


def _sizes(arguments: dict[str, Any]) -> Hashable:
    """Everything that decides in which order numbers are added up."""
    hidden = arguments["hidden_states"]
    words = arguments["encoder_hidden_states"]
    return arguments["num_ref_tokens"], hidden.shape, words.shape, hidden.dtype, str(hidden.device)


def _bytes(transformer: Any, arguments: dict[str, Any]) -> int:
    layers = len(transformer.transformer_blocks) + len(transformer.single_transformer_blocks)
    hidden = arguments["hidden_states"]
    return (
        2 * layers * len(hidden) * arguments["num_ref_tokens"] * transformer.inner_dim * hidden.element_size()
    )


def _without(arguments: dict[str, Any], cache: Flux2KVCache) -> dict[str, Any]:
    """The same question without the references' tokens, their keys and values given."""
    count = arguments["num_ref_tokens"]
    rest = {key: value for key, value in arguments.items() if key != "num_ref_tokens"}
    return {
        **rest,
        "hidden_states": arguments["hidden_states"][:, count:],
        "img_ids": arguments["img_ids"][..., count:, :],
        "kv_cache_mode": "cached",
        "kv_cache": cache,
    }


def _numbers(cache: Flux2KVCache) -> tuple[int, list[list[tuple[torch.Tensor, torch.Tensor]]]]:
    layers = (cache.double_block_caches, cache.single_block_caches)
    return cache.num_ref_tokens, [[each.get() for each in kind] for kind in layers]


def _cache(numbers: tuple[int, list[list[tuple[torch.Tensor, torch.Tensor]]]]) -> Flux2KVCache:
    count, (double, single) = numbers
    cache = Flux2KVCache(len(double), len(single))
    cache.num_ref_tokens = count
    for layer, pair in zip(
        (*cache.double_block_caches, *cache.single_block_caches), (*double, *single), strict=True
    ):
        layer.store(*pair)
    return cache
