"""Which networks a processor is done with so soon that what lies around their operations weighs something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from pipelines.memory.plan import Placement

if TYPE_CHECKING:
    from pipelines.running.contract import LoadSettings

MOST_WEIGHTS = 50_000_000
"""Numbers in a network; larger ones give a processor enough to do with one step of one picture."""
_NETWORKS = ("unet", "controlnet")


def networks(pipeline: Any) -> Iterator[torch.nn.Module]:
    """Those that run at every step."""
    for name in _NETWORKS:
        network = getattr(pipeline, name, None)
        if isinstance(network, torch.nn.Module):
            yield network


def run_as_they_are(settings: LoadSettings) -> bool:
    """On a processor, wholly in memory, and not compiled."""
    whole = settings.memory.placement is Placement.RESIDENT and not settings.warm_up
    return whole and torch.device(settings.device).type == "cpu"


def weights(network: torch.nn.Module) -> int:
    """Numbers in it."""
    return sum(each.numel() for each in network.parameters())
