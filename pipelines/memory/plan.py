"""What is planned with: the machine, a model's networks, and how a model is kept in memory. Plain data.

The worker sends all of it to the studio. Knows no family and no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

GIB = 2**30


class Placement(StrEnum):
    """Where the weights are between two uses."""

    RESIDENT = "resident"
    MODEL_OFFLOAD = "model_offload"
    GROUP_OFFLOAD = "group_offload"


class Storage(StrEnum):
    """In which numbers the big networks are kept; they always compute in the card's own precision."""

    FULL = "full"
    HALF = "half"
    FP8 = "fp8"
    INT8 = "int8"
    NF4 = "nf4"


class MemoryChoice(StrEnum):
    """What an artist can ask for instead of the studio's own plan."""

    AUTO = "auto"
    RESIDENT = "resident"
    MODEL_OFFLOAD = "model_offload"
    GROUP_OFFLOAD = "group_offload"
    FP8 = "fp8"
    INT8 = "int8"
    NF4 = "nf4"


class Precision(StrEnum):
    """In which numbers models compute."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


CHOICE_LABEL = {
    MemoryChoice.AUTO: "Automatic",
    MemoryChoice.RESIDENT: "All on the card (quickest)",
    MemoryChoice.MODEL_OFFLOAD: "Parts take turns on the card",
    MemoryChoice.GROUP_OFFLOAD: "Layers stream through the card (slowest, least memory)",
    MemoryChoice.FP8: "8-bit weights (half the memory, very close pictures)",
    MemoryChoice.INT8: "8-bit weights by a quantisation package",
    MemoryChoice.NF4: "4-bit weights (a quarter of the memory, slightly different pictures)",
}
BACKENDS = {Storage.INT8: ("torchao", "bitsandbytes"), Storage.NF4: ("bitsandbytes",)}
"""Python packages that can do it, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What the worker runs on; plain data, so that it can be sent to the studio.

    `free`: bytes a model may take on the card now (for cpu and mps, of the computer's memory).
    `itemsize`: bytes of a number in the precision the card computes in. `backends`: quantisation
    packages installed.
    """

    kind: Literal["cuda", "rocm", "xpu", "mps", "cpu"]
    name: str
    total: int
    free: int
    ram_total: int
    ram_free: int
    itemsize: int = 2
    backends: frozenset[str] = frozenset()

    @property
    def has_own_memory(self) -> bool:
        """Weights can lie in the computer's memory instead of the card's."""
        return self.kind in ("cuda", "rocm", "xpu")

    @property
    def has_streams(self) -> bool:
        """Weights can travel to the card while it computes."""
        return self.kind in ("cuda", "rocm")

    @property
    def place(self) -> str:
        """What its memory is called in a sentence."""
        return "graphics card" if self.has_own_memory else "computer"


@dataclass(frozen=True, slots=True)
class Part:
    """A network of a model. `numbers` take the precision it is loaded in; `fixed` bytes are as they are."""

    name: str
    numbers: int
    fixed: int = 0

    @property
    def is_denoiser(self) -> bool:
        """Runs at every step (ControlNets, LoRAs and IP-Adapters do, too, beside the main network)."""
        return self.name.startswith(("unet", "transformer", "controlnet")) or self.is_adapter

    @property
    def is_adapter(self) -> bool:
        """Layers inside another network, kept as they are."""
        return self.name.startswith(("lora", "adapter"))

    @property
    def is_decoder(self) -> bool:
        """Makes pixels of latents."""
        return self.name.startswith("vae")

    @property
    def is_encoder(self) -> bool:
        """Reads words or pictures, once for each picture."""
        return "encoder" in self.name


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The networks of a model, and the side in px of the square it was made for.

    `convertible`: quantisation packages can read its files (they cannot read single-file checkpoints).
    `packages`: those that its files were quantised with, and without which nothing reads them.
    """

    parts: tuple[Part, ...]
    resolution: int = 1024
    convertible: bool = True
    packages: frozenset[str] = frozenset()

    @property
    def is_shared(self) -> bool:
        """A UNet has twins with the same tensors; these stay one only while nobody rewrites them."""
        return any(part.name.startswith("unet") for part in self.parts)

    @property
    def quantised(self) -> bool:
        """The files hold quantised weights, which are kept as they are."""
        return any(part.fixed > part.numbers // 8 for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How a model is kept. `gpu_bytes`: the most it is expected to take on the card (for cpu and mps 0);

    `ram_bytes`: what it keeps in the computer's memory. `fits` is False for the last resort.
    """

    placement: Placement = Placement.RESIDENT
    storage: Storage = Storage.FULL
    tiling: bool = False
    streams: bool = False
    fits: bool = True
    gpu_bytes: int = 0
    ram_bytes: int = 0
    reason: str = ""

    @property
    def need(self) -> int:
        """Bytes it takes where it computes."""
        return self.gpu_bytes or self.ram_bytes

    @property
    def label(self) -> str:
        """A few words for a list: 'parts take turns, 8-bit weights'."""
        words = [_PLACED[self.placement], *([STORED[self.storage]] if self.storage in STORED else [])]
        return ", ".join(words)


WHOLE = MemoryPlan(reason="All of the model stays in memory.")
"""The simplest plan."""

_PLACED = {
    Placement.RESIDENT: "whole in memory",
    Placement.MODEL_OFFLOAD: "parts take turns",
    Placement.GROUP_OFFLOAD: "layers stream through",
}
STORED = {
    Storage.HALF: "16-bit weights",
    Storage.FP8: "8-bit weights",
    Storage.INT8: "8-bit weights",
    Storage.NF4: "4-bit weights",
}
