"""Lets networks and pipelines give again what they have computed before of the very same.

An autoencoder remembers what it encoded, an encoder of words or pictures what it read; a language model,
whose whole answer is large, remembers through the method of its pipeline that asks it. Everything around goes
on as if they had computed: what is drawn at random is drawn after. Knows their classes; nothing of modes.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch

from pipelines.running.contents import Unknown, digest
from pipelines.running.network_state import number, state
from pipelines.running.remembered import ResultCache, ResultKey

Recall = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]
"""(the plain method, the network, its arguments, those by name) → the method's answer."""
_STORE = "_likeness_store"
_READERS = (
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPVisionModelWithProjection",
    "T5EncoderModel",
)
"""Encoders whose answer is small enough to be kept whole, or nearly."""
_READINGS = ("encode_prompt", "encode_prompt_multiple_images")
"""Methods of pipelines that ask a language model."""
_BESIDE = ("text_encoder", "tokenizer", "processor")
"""Parts that such a method works with."""


def remember_networks(networks: Iterable[Any], store: ResultCache) -> None:
    """Let all of `networks` remember that can."""
    for network in networks:
        if isinstance(network, torch.nn.Module):
            remember(network, store)


def remember(network: Any, store: ResultCache) -> Any:
    """Let an autoencoder, an encoder or the eyes of a language model remember; returns `network`."""
    if type(network).__name__ in _READERS:
        _recall(network, "__call__", store)
    elif hasattr(network, "encode") and hasattr(network, "decode"):
        _recall(network, "encode", store)
    elif (eyes := getattr(getattr(network, "model", None), "visual", None)) is not None:
        _recall(eyes, "__call__", store)
    return network


def remember_readings(pipeline: Any, store: ResultCache) -> None:
    """Let a pipeline whose words are read by a language model remember what it was told."""
    encoder = getattr(pipeline, "text_encoder", None)
    if encoder is None or type(encoder).__name__ in _READERS:
        return
    forget_with(encoder, store)
    for method in _READINGS:
        if hasattr(pipeline, method):
            setattr(pipeline, method, _reading(getattr(pipeline, method), pipeline, store))


def recalled(
    store: ResultCache, what: str, parts: tuple[Any, ...], given: Any, make: Callable[[], Any], **how: Any
) -> Any:
    """What `make` makes of `given` with `parts` (the owner first), or made of the same before.

    Always made where something cannot be told for certain.
    """
    try:
        key = ResultKey(what, number(parts[0]) if parts else 0, state(*parts), digest(given))
    except Unknown:
        return make()
    return store.get(key, make, **how)


def _recall(network: Any, method: str, store: ResultCache) -> None:
    if forget_with(network, store):
        network.__class__ = _by_content_class(type(network), method)


def forget_with(network: Any, store: ResultCache) -> bool:
    """What a network computed goes when it goes; False where that is so already."""
    if _STORE in network.__dict__:
        return False
    network.__dict__[_STORE] = store
    weakref.finalize(network, store.forget, number(network))
    return True


def recalled_class(cls: Any, method: str, recall: Recall) -> Any:
    """`cls` with `recall` in the place of `method`, ahead of all hooks; it passes for `cls` otherwise.

    Objects of it that were never told to remember do as `cls` does.
    """
    plain = getattr(cls, method)

    @functools.wraps(plain)
    def recalling(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _STORE not in self.__dict__:
            return plain(self, *args, **kwargs)
        return recall(plain, self, args, kwargs)

    like = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), {**like, method: recalling})


@functools.cache
def _by_content_class(cls: Any, method: str) -> Any:
    what = f"{cls.__module__}.{cls.__qualname__}.{method}"
    return recalled_class(cls, method, functools.partial(_by_content, what))


def _by_content(what: str, plain: Any, network: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `network` answered to the same before, or what it answers now."""

    def make() -> Any:
        return plain(network, *args, **kwargs)

    if torch.is_grad_enabled():
        return make()
    return recalled(network.__dict__[_STORE], what, (network,), (args, kwargs), make, needed=_last_layers)


def _reading(method: Any, pipeline: Any, store: ResultCache) -> Any:
    parts = tuple(part for name in _BESIDE if (part := getattr(pipeline, name, None)) is not None)
    what = f"{type(pipeline).__qualname__}.{method.__name__}"

    @functools.wraps(method)
    def reading(*args: Any, **kwargs: Any) -> Any:
        read_already = any(isinstance(each, torch.Tensor) for each in (*args, *kwargs.values()))
        if read_already or torch.is_grad_enabled():
            return method(*args, **kwargs)
        return recalled(store, what, parts, (args, kwargs), lambda: method(*args, **kwargs))

    return reading


def _last_layers(output: Any) -> Any:
    """An encoder's answer without what nobody asks it for: pipelines read the last two layers at most."""
    layers = getattr(output, "hidden_states", None)
    if not isinstance(layers, tuple):
        return output
    return type(output)(
        **{**output, "hidden_states": (*[None] * (len(layers) - 2), *layers[-2:]), "attentions": None}
    )
