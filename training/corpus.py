"""The corpus of figures on disk: pixels in one memory-mapped array, attributes in one JSON-lines file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch


class FigureStore:
    """Rendered figures, straight-alpha RGBA uint8, memory-mapped: array of shape (n, px, px, 4).

    On a graphics card they are all kept in its memory (64 KB each at 128 px): a processor would fall behind.
    """

    def __init__(self, path: Path, px: int, device: str = "cpu") -> None:
        self.array = np.load(path, mmap_mode="r")
        if self.array.shape[1:] != (px, px, 4):
            raise ValueError(f"{path} holds figures of shape {self.array.shape[1:]}, expected {(px, px, 4)}")
        self.near = None if device == "cpu" else torch.from_numpy(np.ascontiguousarray(self.array)).to(device)

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def images(self, index: torch.Tensor) -> torch.Tensor:
        """Figures at `index` as uint8 (B, 4, px, px), on the store's device."""
        if self.near is not None:
            return self.near[index.to(self.near.device)].permute(0, 3, 1, 2)
        order = np.asarray(index)
        return torch.from_numpy(np.stack([self.array[i] for i in order])).permute(0, 3, 1, 2)
