from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from pipelines.errors import ModelUnavailable
from pipelines.memory import devices, processor
from pipelines.memory.plan import Precision


def test_auto_is_a_device_this_machine_has() -> None:
    device = devices.choose("auto")
    assert torch.zeros(1, device=device).device.type == device
    assert devices.choose("cpu") == "cpu"


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_refused_with_advice(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)
    with pytest.raises(ModelUnavailable, match="--device auto"):
        devices.choose(device)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Torch says there is such a card: (kind, name, capability, hip)."""

    def pretend(
        kind: str, name: str = "A Card", capability: tuple[int, int] = (8, 6), hip: str | None = None
    ) -> None:
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device(kind))
        monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
        monkeypatch.setattr(torch.accelerator, "get_memory_info", lambda device: (7 * 2**30, 12 * 2**30))
        monkeypatch.setattr(torch.accelerator, "memory_reserved", lambda device: 2**30)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.version, "hip", hip)

    return pretend


@pytest.mark.parametrize(
    ("wish", "found", "chosen"),
    [
        ("auto", "cuda", "cuda"),
        ("auto", "mps", "mps"),
        ("auto", "xpu", "xpu"),
        ("cpu", "cuda", "cpu"),
        ("cuda:1", "cuda", "cuda:1"),
    ],
)
def test_the_wish_meets_what_torch_finds(card: Any, wish: str, found: str, chosen: str) -> None:
    card(found)
    assert devices.choose(wish) == chosen


def test_a_card_beyond_the_last_is_refused(card: Any) -> None:
    card("cuda")
    with pytest.raises(ModelUnavailable, match="the last is cuda:1"):
        devices.choose("cuda:2")


@pytest.mark.parametrize(
    ("name", "capability", "hip", "dtype"),
    [
        ("NVIDIA GeForce RTX 4090", (8, 9), None, torch.bfloat16),
        ("NVIDIA GeForce RTX 2080", (7, 5), None, torch.float16),
        ("NVIDIA GeForce GTX 1660", (7, 5), None, torch.float32),
        ("Tesla V100", (7, 0), None, torch.float16),
        ("AMD Radeon RX 7900", (11, 0), "6.4", torch.bfloat16),
    ],
)
def test_each_card_gets_numbers_it_is_safe_with(
    card: Any, name: str, capability: tuple[int, int], hip: str | None, dtype: torch.dtype
) -> None:
    card("cuda", name, capability, hip)
    assert devices.precision("cuda") is dtype


@pytest.mark.parametrize(("prefers", "dtype"), [(False, torch.float32), (True, torch.bfloat16)])
def test_a_processor_computes_in_what_it_multiplies_itself(
    prefers: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "prefers_bfloat16", lambda: prefers)
    assert devices.precision("cpu") is dtype


@pytest.mark.parametrize("wish", [each for each in Precision if each is not Precision.AUTO])
def test_a_wish_decides_over_what_is_found(wish: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "prefers_bfloat16", lambda: True)
    assert devices.precision("cpu", wish) is getattr(torch, wish)


def test_a_cards_own_models_count_as_free_and_it_says_what_it_is(card: Any) -> None:
    card("cuda", "AMD Radeon", (11, 0), "6.4")
    here = devices.hardware("cuda", torch.bfloat16)
    assert (here.kind, here.name, here.total, here.free) == ("rocm", "AMD Radeon", 12 * 2**30, 8 * 2**30)
    assert here.itemsize == 2
    assert devices.describe("cuda", torch.bfloat16) == "AMD Radeon (ROCm 6.4, 12.0 GB), bfloat16"


def test_attention_follows_the_card(card: Any) -> None:
    card("cuda", "NVIDIA H100", (9, 0))
    assert "cuDNN" in devices.describe("cuda", torch.bfloat16)
    before = torch._C._get_sdp_priority_order()
    with devices.attention("cuda"):
        assert torch._C._get_sdp_priority_order() != before
    assert torch._C._get_sdp_priority_order() == before
    card("cuda", "NVIDIA A100", (8, 0))
    with devices.attention("cuda"):
        assert torch._C._get_sdp_priority_order() == before


def test_the_processor_is_described_with_the_computers_memory() -> None:
    here = devices.hardware("cpu", torch.float32)
    assert here.kind == "cpu"
    assert 0 < here.free <= here.total <= psutil.virtual_memory().total
    assert devices.describe("cpu", torch.float32).endswith("float32")


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 400000\nactive_file 100000\ninactive_file 200000\n")
    monkeypatch.setattr(devices, "_CGROUP", tmp_path)
    assert devices.ram() == (1_000_000, 600_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert devices.ram()[0] == psutil.virtual_memory().total


def test_memory_errors_are_known_from_others() -> None:
    assert devices.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert devices.is_out_of_memory(MemoryError())
    assert devices.is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**46)
    assert devices.is_out_of_memory(refused.value)
    windows = "[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: not enough memory: you tried to"
    assert devices.is_out_of_memory(RuntimeError(f"{windows} allocate 160000000000 bytes."))
    paging = OSError("The paging file is too small for this operation to complete. (os error 1455)")
    assert devices.is_out_of_memory(paging)
    assert not devices.is_out_of_memory(OSError("No space left on device"))
    assert not devices.is_out_of_memory(RuntimeError("shapes do not match"))
