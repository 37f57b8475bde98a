from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.errors import RequestError
from pipelines.memory import planner
from pipelines.memory.plan import GIB, Hardware, MemoryChoice, ModelSize, Part, Placement, Storage

SDXL = ModelSize(
    (
        Part("text_encoder", 123_000_000),
        Part("text_encoder_2", 695_000_000),
        Part("unet", 2_570_000_000),
        Part("vae", 84_000_000),
    )
)
KLEIN = ModelSize(
    (Part("transformer", 3_880_000_000), Part("text_encoder", 4_022_000_000), Part("vae", 84_000_000))
)
QWEN = ModelSize(
    (Part("transformer", 20_430_000_000), Part("text_encoder", 8_290_000_000), Part("vae", 127_000_000))
)


def card(gib: float, *, ram: float = 64, backends: tuple[str, ...] = (), kind: str = "cuda") -> Hardware:
    return Hardware(
        kind=kind,  # pyright: ignore[reportArgumentType]
        name="a card",
        total=int(gib * GIB),
        free=int(gib * GIB),
        ram_total=int(ram * GIB),
        ram_free=int(ram * GIB),
        backends=frozenset(backends),
    )


def computer(gib: float, kind: str = "cpu", itemsize: int = 4) -> Hardware:
    return replace(card(gib, ram=gib, kind=kind), itemsize=itemsize)


@pytest.mark.parametrize(
    ("size", "hardware", "placement", "storage"),
    [
        (SDXL, card(24), Placement.RESIDENT, Storage.FULL),
        (SDXL, card(11.5), Placement.RESIDENT, Storage.FULL),
        (SDXL, card(7.7), Placement.MODEL_OFFLOAD, Storage.FULL),
        (KLEIN, card(24), Placement.RESIDENT, Storage.FULL),
        (KLEIN, card(11.7), Placement.MODEL_OFFLOAD, Storage.FULL),
        (KLEIN, card(7.7), Placement.MODEL_OFFLOAD, Storage.FP8),
        (KLEIN, card(5.0), Placement.GROUP_OFFLOAD, Storage.FULL),
        (KLEIN, card(5.0, backends=("bitsandbytes",)), Placement.MODEL_OFFLOAD, Storage.NF4),
        (QWEN, card(80, ram=128), Placement.RESIDENT, Storage.FULL),
        (QWEN, card(46, ram=128), Placement.MODEL_OFFLOAD, Storage.FULL),
        (QWEN, card(24), Placement.MODEL_OFFLOAD, Storage.FP8),
        (QWEN, card(16, backends=("torchao", "bitsandbytes")), Placement.MODEL_OFFLOAD, Storage.NF4),
        (QWEN, card(16, ram=128), Placement.GROUP_OFFLOAD, Storage.FULL),
        (KLEIN, computer(64), Placement.RESIDENT, Storage.FULL),
        (KLEIN, computer(28), Placement.RESIDENT, Storage.HALF),
        (KLEIN, computer(28, "mps", 2), Placement.RESIDENT, Storage.FULL),
    ],
)
def test_the_quickest_exact_way_that_fits_is_taken(
    size: ModelSize, hardware: Hardware, placement: Placement, storage: Storage
) -> None:
    plan = planner.plan(size, hardware)
    assert (plan.placement, plan.storage) == (placement, storage), plan
    assert plan.fits
    assert plan.gpu_bytes + planner.RESERVE <= hardware.free
    assert f"{hardware.free / GIB:.1f} GB" in plan.reason


def test_more_memory_never_makes_a_worse_plan() -> None:
    order: list[tuple[Placement, Storage]] = []
    for tenths in range(20, 600, 5):
        plan = planner.plan(KLEIN, card(tenths / 10, ram=128))
        way = (plan.placement, plan.storage)
        if not order or order[-1] != way:
            order.append(way)
    assert len(order) == len(set(order))
    assert order[-1] == (Placement.RESIDENT, Storage.FULL)


def test_little_room_makes_tiles_before_anything_slower() -> None:
    plans = [planner.plan(SDXL, card(tenths / 10)) for tenths in range(60, 300)]
    narrow = next(p for p in plans if (p.placement, p.storage) == (Placement.RESIDENT, Storage.FULL))
    assert narrow.tiling
    assert "decoded in tiles" in narrow.reason
    assert not planner.plan(SDXL, card(24)).tiling


def test_little_ram_leaves_only_what_stays_on_the_card() -> None:
    plan = planner.plan(KLEIN, card(11.7, ram=10))
    assert (plan.placement, plan.storage) == (Placement.RESIDENT, Storage.FP8)


def test_what_fits_nowhere_is_tried_with_a_warning() -> None:
    plan = planner.plan(QWEN, card(3, ram=8))
    assert not plan.fits
    assert plan.reason.startswith("Probably too little memory")
    assert "smaller model" in plan.reason


@pytest.mark.parametrize(
    ("choice", "placement", "storage"),
    [
        (MemoryChoice.RESIDENT, Placement.RESIDENT, Storage.FULL),
        (MemoryChoice.MODEL_OFFLOAD, Placement.MODEL_OFFLOAD, Storage.FULL),
        (MemoryChoice.GROUP_OFFLOAD, Placement.GROUP_OFFLOAD, Storage.FULL),
        (MemoryChoice.FP8, Placement.RESIDENT, Storage.FP8),
        (MemoryChoice.INT8, Placement.RESIDENT, Storage.INT8),
        (MemoryChoice.NF4, Placement.RESIDENT, Storage.NF4),
    ],
)
def test_the_artists_choice_is_taken(choice: MemoryChoice, placement: Placement, storage: Storage) -> None:
    plan = planner.plan(KLEIN, card(48, backends=("bitsandbytes",)), choice)
    assert (plan.placement, plan.storage) == (placement, storage)
    assert plan.reason.startswith("Your choice")


def test_tiles_can_be_asked_for_and_forbidden() -> None:
    tiled = planner.plan(SDXL, card(24), tiling=True)
    assert tiled.tiling
    assert "decoded in tiles" in tiled.reason
    needed = next(p for p in (planner.plan(SDXL, card(t / 10)) for t in range(60, 300)) if p.tiling)
    room = next(t / 10 for t in range(60, 300) if planner.plan(SDXL, card(t / 10)) == needed)
    assert not planner.plan(SDXL, card(room), tiling=False).tiling


def test_a_choice_that_does_not_fit_warns() -> None:
    plan = planner.plan(KLEIN, card(8), MemoryChoice.RESIDENT)
    assert plan.placement is Placement.RESIDENT
    assert plan.reason.startswith("Probably too little memory")


@pytest.mark.parametrize(
    ("choice", "size", "hardware", "words"),
    [
        (MemoryChoice.NF4, KLEIN, card(24), "pip install bitsandbytes"),
        (MemoryChoice.INT8, KLEIN, card(24), "pip install bitsandbytes"),
        (MemoryChoice.FP8, KLEIN, computer(32), "graphics cards"),
        (MemoryChoice.NF4, KLEIN, computer(32), r"^Quantising to nf4 needs a CUDA card, and this machine"),
        (MemoryChoice.INT8, KLEIN, computer(32, "mps", 2), r"^Quantising to int8 needs a CUDA card"),
        (MemoryChoice.MODEL_OFFLOAD, KLEIN, computer(32, "mps", 2), "graphics card"),
        (MemoryChoice.FP8, ModelSize((Part("transformer", 10, 20_000),)), card(24), "quantised already"),
    ],
)
def test_a_choice_that_cannot_be_had_says_what_to_do(
    choice: MemoryChoice, size: ModelSize, hardware: Hardware, words: str
) -> None:
    with pytest.raises(RequestError, match=words) as refused:
        planner.plan(size, hardware, choice)
    assert refused.value.field == "memory"


def test_files_that_are_quantised_say_what_they_need() -> None:
    size = ModelSize((Part("transformer", 10, 20_000),), packages=frozenset({"bitsandbytes"}))
    assert "nf4 or int8, which needs a CUDA card" in str(planner.unreadable(size, computer(32)))
    assert "pip install bitsandbytes" in str(planner.unreadable(size, card(24)))
    assert planner.unreadable(size, card(24, backends=("bitsandbytes",))) is None
    assert planner.unreadable(KLEIN, computer(32)) is None


def test_each_cheaper_way_needs_less_until_there_is_none() -> None:
    hardware = card(24, backends=("bitsandbytes",))
    plan = planner.plan(KLEIN, hardware)
    needs = [plan.gpu_bytes]
    while (lower := planner.cheaper(plan, KLEIN, hardware)) is not None:
        assert "ran out" in lower.reason
        needs.append(lower.gpu_bytes)
        plan = lower
    assert needs == sorted(needs, reverse=True)
    assert len(needs) >= 4


def test_streams_are_for_cards_that_have_them() -> None:
    choice = MemoryChoice.GROUP_OFFLOAD
    assert planner.plan(KLEIN, card(24), choice).streams
    assert planner.plan(KLEIN, card(24, kind="rocm"), choice).streams
    assert not planner.plan(KLEIN, card(24, kind="xpu"), choice).streams


def test_quantised_files_are_kept_as_they_are() -> None:
    size = ModelSize((Part("transformer", 1_000_000, 16 * GIB), Part("text_encoder", 1_000_000, 12 * GIB)))
    plan = planner.plan(size, card(24))
    assert (plan.placement, plan.storage) == (Placement.MODEL_OFFLOAD, Storage.FULL)


def test_what_is_kept_smaller_says_what_that_needs() -> None:
    plan = planner.plan(KLEIN, computer(28))
    assert plan.storage is Storage.HALF
    need = f"{plan.ram_bytes / GIB:.1f} GB"
    assert f"So it is kept with 16-bit weights; that needs {need}." in plan.reason
    assert plan.reason.startswith("Whole and unchanged it would need ")
    assert "28.0 GB free." in plan.reason
    assert "stays in memory" not in plan.reason
