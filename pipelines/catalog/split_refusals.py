"""Which networks without text encoder and VAE can become models, and in which words others are refused."""

from __future__ import annotations

from pipelines.disk.identify import Identified

SPLIT = frozenset({"flux1", "flux2", "qwen-image", "z-image"})
"""Whose networks are read without what belongs to them."""
_FLUX2_DEV = 5120


def refusal(told: Identified) -> str | None:
    """Why a network cannot become a model; None where it can. Of bases that are in `SPLIT`."""
    if told.reason:
        return told.reason
    if told.base == "flux2" and told.width == _FLUX2_DEV:
        return (
            "It is the network of FLUX.2 dev, whose text encoder (Mistral) is not read from a single file. "
            "Use FLUX.2 dev from the list, or a folder in the diffusers format."
        )
    if told.width is None or (told.base == "flux1" and told.pooled is None):
        return "It is a part of a network, or lacks a part: nothing in it says which words it listens to."
    return None
