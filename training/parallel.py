"""Train with several single-threaded processes that average their gradients once a step.

On a busy machine this is far steadier than one process with many threads, which waits at every operation.
With one worker (a GPU, or a test) everything here is a no-op.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def launch(stage: Callable[..., None], workers: int, *args: Any) -> None:
    """Run `stage(*args)` in `workers` processes of one thread each, or right here when `workers` is 1."""
    if workers == 1:
        stage(*args)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(_worker, args=(workers, port, stage, args), nprocs=workers, join=True)


def _worker(rank: int, workers: int, port: int, stage: Callable[..., None], args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=workers)
    try:
        stage(*args)
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """This process's number, 0 for the one that writes checkpoints and logs."""
    return dist.get_rank() if dist.is_initialized() else 0


def workers() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Average all gradients over the workers in one exchange; missing gradients count as zero."""
    if workers() == 1:
        return
    params = [p for p in parameters if p.requires_grad]
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in params]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    flat /= workers()
    for p, piece in zip(params, flat.split([g.numel() for g in grads]), strict=True):
        p.grad = piece.view_as(p).clone(memory_format=torch.preserve_format)


def sum_over_workers(pieces: list[torch.Tensor]) -> list[torch.Tensor]:
    """Add flat tensors over the workers in one exchange."""
    if workers() == 1 or not pieces:
        return pieces
    flat = torch.cat(pieces)
    dist.all_reduce(flat)
    return list(flat.split([x.numel() for x in pieces]))


def shared(value: float) -> float:
    """Worker 0's value, in every worker."""
    if workers() == 1:
        return value
    box = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(box, src=0)
    return float(box)
