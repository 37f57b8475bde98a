"""Muon for weight matrices and convolutions, AdamW for everything else, in one optimizer.

Muon replaces the momentum of a matrix by its nearest orthogonal matrix (Newton-Schulz iterations), so that
all directions learn at the same pace. The small networks here need fewer samples with it than with AdamW.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from training.parallel import rank, sum_over_workers, workers


def orthogonalise(matrix: torch.Tensor, steps: int = 4, bf16: bool = False) -> torch.Tensor:
    """Approximate nearest semi-orthogonal matrix of `matrix` (rows, columns), by quintic Newton-Schulz.

    bfloat16 is exact enough, and the faster where the processor computes in it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide.bfloat16() if bf16 else wide
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return (wide if x.shape[0] <= x.shape[1] else wide.T).to(matrix.dtype)


class MuonAdamW(torch.optim.Optimizer):
    """`matrices` (2-D or convolution weights) get Muon at `lr`; `others` get AdamW at `lr * adam_ratio`."""

    def __init__(
        self,
        matrices: Iterable[torch.nn.Parameter],
        others: Iterable[torch.nn.Parameter],
        lr: float,
        adam_ratio: float = 0.1,
        weight_decay: float = 0.01,
        bf16: bool = False,
    ) -> None:
        self.bf16 = bf16
        groups: list[dict[str, Any]] = [
            {"params": list(matrices), "muon": True, "ratio": 1.0},
            {"params": list(others), "muon": False, "ratio": adam_ratio},
        ]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Apply one update from the gradients; parameters without one are left alone."""
        del closure
        for group in self.param_groups:
            live = [p for p in group["params"] if p.grad is not None]
            if group["muon"]:
                self._muon(live, group)
            else:
                for p in live:
                    self._adamw(p, group)

    def _muon(self, live: list[torch.nn.Parameter], group: dict[str, Any]) -> None:
        """Each worker orthogonalises its share of the matrices; all workers apply all updates."""
        updates = []
        for i, p in enumerate(live):
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            state["momentum"].lerp_(p.grad, 1 - group["momentum"])
            if i % workers() == rank():
                blend = p.grad.lerp(state["momentum"], group["momentum"]).reshape(p.shape[0], -1)
                updates.append(orthogonalise(blend, bf16=self.bf16).reshape(-1))
            else:
                updates.append(p.new_zeros(p.numel()))
        for p, flat in zip(live, sum_over_workers(updates), strict=True):
            scale = max(1.0, p.shape[0] ** 2 / p.numel()) ** 0.5
            p.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                flat.view(p.shape), alpha=-group["lr"] * scale
            )

    def _adamw(self, p: torch.nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state.update(step=torch.tensor(0.0), m=torch.zeros_like(p), v=torch.zeros_like(p))
        state["step"] += 1
        t, lr = float(state["step"]), group["lr"] * group["ratio"]
        state["m"].lerp_(p.grad, 0.1)
        state["v"].mul_(0.99).addcmul_(p.grad, p.grad, value=0.01)
        p.addcdiv_(state["m"] / (1 - 0.9**t), (state["v"] / (1 - 0.99**t)).sqrt() + 1e-8, value=-lr)


def split_parameters(
    module: torch.nn.Module,
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """Weights that suit Muon (hidden matrices, convolutions), and the rest (norms, biases, embeddings)."""
    matrices, others = [], []
    for name, p in module.named_parameters():
        end = any(
            part in name
            for part in ("embedding", "conv_in", "conv_out", "quant_conv", "projection", "controlnet_")
        )
        (others if p.ndim < 2 or end else matrices).append(p)
    return matrices, others
