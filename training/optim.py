"""Muon for weight matrices and convolutions, AdamW for everything else, in one optimizer.

Muon replaces the momentum of a matrix by its nearest orthogonal matrix (Newton-Schulz iterations), so that
all directions learn at the same pace. The small networks here need fewer samples with it than with AdamW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from training.parallel import rank, sum_over_workers, workers


def orthogonalise(matrix: torch.Tensor, steps: int = 4, bf16: bool = False) -> torch.Tensor:
    """Nearly the nearest semi-orthogonal matrix of each (..., rows, columns), by quintic Newton-Schulz.

    bfloat16 is exact enough, and the faster where the processor computes in it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.shape[-2] > x.shape[-1]
    wide = x.mT if tall else x
    wide = wide.bfloat16() if bf16 else wide
    for _ in range(steps):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return (wide.mT if tall else wide).to(matrix.dtype)


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
                self._adamw(live, group)

    def _muon(self, live: list[torch.nn.Parameter], group: dict[str, Any]) -> None:
        """Each worker orthogonalises its share of the matrices; all workers apply all updates."""
        if not live:
            return
        momenta, grads = [], [p.grad for p in live]
        for p in live:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
            momenta.append(self.state[p]["momentum"])
        torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
        blends = torch._foreach_lerp(grads, momenta, group["momentum"])
        updates = sum_over_workers(self._orthogonal(live, blends))
        torch._foreach_mul_(live, 1 - group["lr"] * group["weight_decay"])
        scales = [-group["lr"] * max(1.0, p.shape[0] ** 2 / p.numel()) ** 0.5 for p in live]
        shaped = [flat.view(p.shape) for p, flat in zip(live, updates, strict=True)]
        torch._foreach_add_(live, torch._foreach_mul(shaped, scales))

    def _orthogonal(
        self, live: list[torch.nn.Parameter], blends: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """This worker's share of the flat updates, the others' zero; those of one shape are made at once."""
        updates: list[torch.Tensor] = [torch.empty(0)] * len(live)
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, p in enumerate(live):
            if i % workers() == rank():
                alike[p.shape[0], p.numel() // p.shape[0]].append(i)
            else:
                updates[i] = p.new_zeros(p.numel())
        for (rows, columns), places in alike.items():
            stack = torch.stack([blends[i].reshape(rows, columns) for i in places])
            for i, update in zip(places, orthogonalise(stack, bf16=self.bf16), strict=True):
                updates[i] = update.reshape(-1)
        return updates

    def _adamw(self, live: list[torch.nn.Parameter], group: dict[str, Any]) -> None:
        for p in live:
            if not self.state[p]:
                self.state[p].update(step=torch.tensor(0.0), m=torch.zeros_like(p), v=torch.zeros_like(p))
            self.state[p]["step"] += 1
        for t, alike in _by_step([(self.state[p], p) for p in live]).items():
            parameters, means, squares = ([x[k] for x in alike] for k in range(3))
            grads = [p.grad for p in parameters]
            torch._foreach_lerp_(means, grads, 0.1)
            torch._foreach_mul_(squares, 0.99)
            torch._foreach_addcmul_(squares, grads, grads, value=0.01)
            deviations = torch._foreach_sqrt(torch._foreach_div(squares, 1 - 0.99**t))
            torch._foreach_add_(deviations, 1e-8)
            steps = torch._foreach_div(means, 1 - 0.9**t)
            torch._foreach_addcdiv_(parameters, steps, deviations, value=-group["lr"] * group["ratio"])


def _by_step(
    states: list[tuple[dict[str, Any], torch.nn.Parameter]],
) -> dict[float, list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]]]:
    """Parameters with their means and squares, those together that have made as many steps."""
    out: dict[float, list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]]] = defaultdict(list)
    for state, p in states:
        out[float(state["step"])].append((p, state["m"], state["v"]))
    return out


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
