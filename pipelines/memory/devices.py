"""What this machine computes on, by torch's own device API: choice, precision, memory, attention.

Knows torch and the system's memory; nothing of models. CUDA and ROCm are both torch's "cuda".
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from pipelines.errors import ModelUnavailable
from pipelines.memory import processor
from pipelines.memory.plan import BACKENDS, GIB, Hardware, Precision

if TYPE_CHECKING:
    import torch

_NAMES = {"cuda": "CUDA graphics card", "mps": "Apple graphics processor", "xpu": "Intel graphics card"}
_AMPERE, _HOPPER = (8, 0), (9, 0)
_CGROUP = Path("/sys/fs/cgroup")
_MEMORY_SIGNS = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # Windows and macOS
    "MPS backend out of memory",
    "(os error 1455)",
)
"""What torch and safetensors say, which have no class of error for it."""
_NO_PAGING_FILE = 1455
"""Windows: what was promised to programs exceeds memory and paging file, as for mapping a large file."""


def choose(wish: str) -> str:
    """'auto' becomes the accelerator torch finds, else 'cpu'. Raises ModelUnavailable for one not here."""
    import torch

    found = torch.accelerator.current_accelerator(check_available=True)
    best = found.type if found else "cpu"
    if wish == "auto":
        return best
    kind, _, index = wish.partition(":")
    if kind not in ("cpu", best):
        name = _NAMES.get(kind, f"'{kind}'")
        raise ModelUnavailable(f"There is no {name} here. Start the studio with --device auto.")
    if index and kind != "cpu" and int(index) >= torch.accelerator.device_count():
        last = torch.accelerator.device_count() - 1
        raise ModelUnavailable(f"There is no {wish}; the last is {kind}:{last}. Start with --device auto.")
    return wish


def precision(device: str, wish: Precision = Precision.AUTO) -> torch.dtype:
    """The numbers it computes in: those wished for; else bfloat16, float16 for cards without it, and float32
    where both are unsafe, and on processors that do not multiply bfloat16 themselves.
    """
    import torch

    if wish is not Precision.AUTO:
        return getattr(torch, wish)  # they have torch's own names
    kind = torch.device(device).type
    if kind == "cpu":
        return torch.bfloat16 if processor.prefers_bfloat16() else torch.float32
    if kind == "cuda":
        if torch.version.hip or torch.cuda.get_device_capability(device) >= _AMPERE:
            return torch.bfloat16
        broken = "GTX 16" in torch.cuda.get_device_name(device)  # its float16 convolutions run over
        return torch.float32 if broken else torch.float16
    if kind == "mps":
        return torch.bfloat16 if torch.backends.mps.is_macos_or_newer(14, 0) else torch.float32
    return torch.bfloat16 if kind == "xpu" else torch.float32


def hardware(device: str, dtype: torch.dtype) -> Hardware:
    """What there is to plan with now. `free` counts what this process' models hold on the card as free."""
    import torch

    ram_total, ram_free = ram()
    total, free = ram_total, ram_free
    kind = device_kind(device)
    if kind in ("cuda", "rocm", "xpu"):
        free, total = torch.accelerator.get_memory_info(device)
        free += torch.accelerator.memory_reserved(device)
    elif kind == "mps":
        total = torch.mps.recommended_max_memory()
        free = min(ram_free, total - torch.mps.driver_allocated_memory())
    return Hardware(
        kind=kind, name=name(device), total=total, free=free, ram_total=ram_total, ram_free=ram_free,
        itemsize=dtype.itemsize, backends=_installed(),
    )  # fmt: skip


def device_kind(device: str) -> Literal["cuda", "rocm", "xpu", "mps", "cpu"]:
    """The kind of a torch device; ROCm is told apart from CUDA."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return "rocm" if torch.version.hip else "cuda"
    return "mps" if kind == "mps" else "xpu" if kind == "xpu" else "cpu"


def name(device: str) -> str:
    """What the maker calls it; the kind where torch does not say."""
    import torch

    kind = torch.device(device).type
    if kind in ("cuda", "xpu"):
        return getattr(torch, kind).get_device_name(device)
    return "Apple graphics processor" if kind == "mps" else "the processor"


def describe(device: str, dtype: torch.dtype) -> str:
    """What was picked, in words: 'NVIDIA A10 (CUDA 12.8, 22.5 GB), bfloat16'."""
    import torch

    here = hardware(device, dtype)
    by = {"cuda": f"CUDA {torch.version.cuda}", "rocm": f"ROCm {torch.version.hip}"}.get(here.kind, here.kind)
    numbers = str(dtype).removeprefix("torch.")
    attention_words = ", attention by cuDNN" if _prefers_cudnn(device) else ""
    return f"{here.name} ({by}, {here.total / GIB:.1f} GB), {numbers}{attention_words}"


def ram() -> tuple[int, int]:
    """Bytes of the computer's memory: (all, free), as far as this process may use it."""
    system = psutil.virtual_memory()
    limit = _cgroup_limit()
    if limit is None or limit >= system.total:
        return system.total, system.available
    return limit, max(0, min(system.available, limit - _cgroup_used()))


@contextmanager
def attention(device: str) -> Generator[None]:
    """Torch's attention with the kernels in the order this card likes; any other is still a fallback."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if not _prefers_cudnn(device):
        yield
        return
    order = [
        SDPBackend.CUDNN_ATTENTION,
        SDPBackend.FLASH_ATTENTION,
        SDPBackend.EFFICIENT_ATTENTION,
        SDPBackend.MATH,
    ]
    with sdpa_kernel(order, set_priority=True):
        yield


def free_memory() -> None:
    """Give back what nobody holds any more."""
    import torch

    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that an accelerator or the computer ran out of memory."""
    import torch

    known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    words = str(error)
    return (
        known
        or getattr(error, "winerror", None) == _NO_PAGING_FILE
        or any(sign in words for sign in _MEMORY_SIGNS)
    )


def peak_mb(device: str) -> int:
    """Most memory held on a card since `reset_peak`, elsewhere what the process holds now; in MiB."""
    import torch

    if torch.device(device).type in ("cuda", "xpu"):
        return round(torch.accelerator.max_memory_allocated(device) / 2**20)
    return round(psutil.Process().memory_info().rss / 2**20)


def reset_peak(device: str) -> None:
    """Begin to measure `peak_mb` anew."""
    import torch

    if torch.device(device).type in ("cuda", "xpu"):
        torch.accelerator.reset_peak_memory_stats(device)


def _prefers_cudnn(device: str) -> bool:
    """Hopper and later: cuDNN's attention is the quickest torch has there."""
    import torch

    return device_kind(device) == "cuda" and torch.cuda.get_device_capability(device) >= _HOPPER


def _installed() -> frozenset[str]:
    names = {package for packages in BACKENDS.values() for package in packages}
    return frozenset(package for package in names if _has(package))


def _has(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _cgroup_limit() -> int | None:
    """A container's limit in bytes; None without one."""
    try:
        words = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(words) if words.isdecimal() else None


def _cgroup_used() -> int:
    """What a container holds, without the pages of files that the system gives back when asked."""
    used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
    stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
    return used - int(stat.get("inactive_file", 0)) - int(stat.get("active_file", 0))
