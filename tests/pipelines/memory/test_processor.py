"""Which numbers a processor multiplies best: by what it has, and by the clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from pipelines.memory import processor

asked = processor.prefers_bfloat16.__wrapped__
"""Without the memory of an earlier answer."""


@pytest.mark.parametrize(
    ("known", "seconds", "prefers"),
    [
        ({"avx512_bf16": True}, [1.0, 2.0], True),
        ({"amx_bf16": True}, [1.0, 1.0], True),
        ({"avx512_bf16": True}, [2.1, 2.0], False),
        ({"avx512_bf16": False, "avx512_f": True}, [1.0, 2.0], False),
        ({}, [1.0, 2.0], False),
    ],
)
def test_bfloat16_is_taken_where_it_is_there_and_no_slower(
    known: dict[str, bool], seconds: list[float], prefers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    monkeypatch.setattr(processor, "_quickest", lambda *works: seconds)
    assert asked() is prefers


def test_this_processor_is_really_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[tuple[Callable[[], object], ...]] = []
    quickest = processor._quickest

    def listening(*works: Callable[[], object]) -> list[float]:
        timed.append(works)
        return quickest(*works)

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(processor, "_quickest", listening)
    assert asked() in (True, False)
    half, full = (work() for work in timed[0])
    assert [each.dtype for each in half] == [torch.bfloat16] * 2
    assert [each.dtype for each in full] == [torch.float32] * 2
