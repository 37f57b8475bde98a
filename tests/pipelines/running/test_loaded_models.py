from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.catalog.measured import measure
from pipelines.errors import ModelUnavailable, RequestError
from pipelines.memory import planner
from pipelines.memory.plan import GIB, Hardware, MemoryChoice, Part, Placement, Storage
from pipelines.request import Mode
from pipelines.running.cache import held
from pipelines.running.loaded_models import LoadedModels, MemoryOptions
from pipelines.running.remembered import ResultKey
from tests.tiny_models import write_models_yaml

COMPUTER = Hardware(
    kind="cpu",
    name="a computer",
    total=64 * GIB,
    free=64 * GIB,
    ram_total=64 * GIB,
    ram_free=64 * GIB,
    itemsize=4,
)
CARD = replace(COMPUTER, kind="xpu")
"""A card with memory of its own and no streams: what is planned for it can be carried out by a processor."""


def shelf_with(catalog: Catalog, hardware: Hardware) -> LoadedModels:
    """A shelf on a machine where the models in memory are what takes it up."""
    made: list[LoadedModels] = []

    def look() -> Hardware:
        return replace(hardware, free=hardware.free - made[0].held().host)

    made.append(LoadedModels(catalog, "cpu", torch.float32, look))
    return made[0]


def need(catalog: Catalog, model: str) -> int:
    spec = catalog.get(model)
    size = measure(catalog, spec, spec.modes)
    assert size is not None
    return planner.plan(size, COMPUTER).ram_bytes


@pytest.fixture
def take(catalog: Catalog) -> Callable[..., Any]:
    def taken(shelf: LoadedModels, model: str, mode: Mode | None = None, **wish: Any) -> Any:
        return shelf.take(catalog.get(model), mode, MemoryOptions(**wish))

    return taken


def test_a_model_is_loaded_once_for_all_its_modes(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, COMPUTER)
    first = take(shelf, "tiny", Mode.TEXT_TO_IMAGE)
    assert take(shelf, "tiny", Mode.CONTROLNET) is first
    assert take(shelf, "tiny-plain").model is not first.model
    assert shelf.ids == ("tiny", "tiny-plain")
    take(shelf, "tiny")
    assert shelf.ids == ("tiny-plain", "tiny")


def test_what_is_held_is_counted_once_however_often_it_is_shared(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, COMPUTER)
    spec = catalog.get("tiny")
    size = measure(catalog, spec, spec.modes)
    assert size is not None
    kept = take(shelf, "tiny")
    counted = sum(part.numbers for part in size.parts) * 4
    assert counted <= shelf.held().host <= 1.2 * counted
    assert shelf.held().device == 0
    assert held([kept.model, kept.model]) == held(kept.model)


def test_the_model_used_longest_ago_leaves_when_another_needs_its_room(catalog: Catalog, take: Any) -> None:
    roomy = shelf_with(catalog, COMPUTER)
    plain = held(take(roomy, "tiny-plain").model).host
    budget = planner.RESERVE + need(catalog, "tiny") + plain // 2
    shelf = shelf_with(catalog, replace(COMPUTER, free=budget))
    take(shelf, "tiny-plain")
    take(shelf, "tiny")
    assert shelf.ids == ("tiny",)
    wider = shelf_with(catalog, replace(COMPUTER, free=budget + plain))
    take(wider, "tiny-plain")
    take(wider, "tiny")
    assert wider.ids == ("tiny-plain", "tiny")


def test_what_a_request_brings_is_counted_in_the_plan(catalog: Catalog, take: Any) -> None:
    roomy = shelf_with(catalog, CARD)
    plain = take(roomy, "tiny-plain").plan.gpu_bytes
    taken = roomy.held().host  # is not free any more once the model is there
    shelf = shelf_with(catalog, replace(CARD, free=planner.RESERVE + plain + taken + 2**20))
    first = take(shelf, "tiny-plain")
    assert first.plan.placement is Placement.RESIDENT
    small, large = (Part(f"lora {name}", 0, size) for name, size in (("a", 2**19), ("b", taken + 2**21)))
    spec = catalog.get("tiny-plain")
    same = shelf.take(spec, None, MemoryOptions(), (small,))
    assert same.model is first.model
    assert same.plan.gpu_bytes == first.plan.gpu_bytes + 2**19
    assert shelf.take(spec, None, MemoryOptions(), ()) is same
    other = shelf.take(spec, None, MemoryOptions(), (small, large))
    assert other.model is not first.model
    assert (other.plan.placement, other.plan.tiling) != (first.plan.placement, first.plan.tiling)
    assert shelf.ids == ("tiny-plain",)


def test_nothing_grows_over_ten_switches(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, replace(COMPUTER, free=planner.RESERVE + 1))  # one at a time

    def switch(times: int) -> None:
        for number in range(times):
            take(shelf, ("tiny", "tiny-plain")[number % 2])
            assert len(shelf.ids) == 1

    switch(4)
    shelf.clear()
    switch(2)
    live, resident = live_bytes(), psutil.Process().memory_info().rss
    switch(10)
    assert live_bytes() <= live
    assert psutil.Process().memory_info().rss - resident < 16 * 2**20
    shelf.clear()
    assert shelf.held().host == 0
    assert live_bytes() < live


def live_bytes() -> int:
    """Of all tensors anybody holds in this process, each storage once."""
    gc.collect()
    storages = {}
    for thing in gc.get_objects():
        if type(thing) in (torch.Tensor, torch.nn.Parameter):
            storages[thing.untyped_storage().data_ptr()] = thing.untyped_storage().nbytes()
    return sum(storages.values())


def test_another_wish_loads_the_model_anew(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, CARD)
    first = take(shelf, "tiny-plain")
    assert first.plan.placement is Placement.RESIDENT
    offloaded = take(shelf, "tiny-plain", choice=MemoryChoice.MODEL_OFFLOAD)
    assert offloaded.plan.placement is Placement.MODEL_OFFLOAD
    assert take(shelf, "tiny-plain", choice=MemoryChoice.MODEL_OFFLOAD) is offloaded
    assert len(shelf.ids) == 1
    tiled = take(shelf, "tiny-plain", choice=MemoryChoice.MODEL_OFFLOAD, tiling=True)
    assert tiled.plan.tiling


def test_an_entry_read_at_another_commit_is_loaded_anew(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, CARD)
    first = take(shelf, "tiny-plain")
    spec = catalog.get("tiny-plain").model_copy(update={"revision": "b" * 40})
    again = shelf.take(spec)
    assert again is not first
    assert shelf.take(spec) is again


def test_after_memory_ran_out_the_next_cheaper_way_is_taken(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, CARD)
    spec = catalog.get("tiny-plain")
    plans = [take(shelf, "tiny-plain").plan]
    take(shelf, "tiny")
    for _ in range(4):
        plans.append(shelf.take_smaller(spec, Mode.TEXT_TO_IMAGE, MemoryOptions()).plan)
        assert shelf.ids == ("tiny-plain",)
    needs = [plan.gpu_bytes for plan in plans]
    assert needs == sorted(needs, reverse=True)
    assert needs[0] > needs[-1]
    assert plans[-1] == plans[-2]  # the last resort is tried again
    assert take(shelf, "tiny-plain").plan == plans[-1]


def test_a_processor_short_of_memory_takes_16_bit_numbers(catalog: Catalog, take: Any) -> None:
    full = need(catalog, "tiny")
    shelf = shelf_with(catalog, replace(COMPUTER, free=planner.RESERVE + full * 2 // 3))
    kept = take(shelf, "tiny")
    assert kept.plan.storage is Storage.HALF
    assert kept.model.vae.dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("choice", "words"),
    [(MemoryChoice.NF4, "fp8"), (MemoryChoice.FP8, "graphics cards"), (MemoryChoice.GROUP_OFFLOAD, "card")],
)
def test_a_wish_that_cannot_be_had_is_refused(
    catalog: Catalog, take: Any, choice: MemoryChoice, words: str
) -> None:
    hardware = replace(CARD, kind="cuda") if choice is MemoryChoice.NF4 else COMPUTER
    with pytest.raises(RequestError, match=words):
        take(shelf_with(catalog, hardware), "tiny", choice=choice)
    with pytest.raises(RequestError, match="There is no way 'best'"):
        MemoryOptions.read("best", False)


def test_a_model_that_is_quantised_for_another_machine_is_refused(
    tiny_plain_dir: Path, tmp_path: Path, take: Any
) -> None:
    folder = shutil.copytree(tiny_plain_dir, tmp_path / "plain")
    config = folder / "unet" / "config.json"
    method = {"quantization_config": {"quant_method": "bitsandbytes"}}
    config.write_text(json.dumps({**json.loads(config.read_text()), **method}))
    catalog = load_catalog(write_models_yaml(tmp_path / "models.yaml", folder, folder))
    with pytest.raises(ModelUnavailable, match=r"Tiny Plain can't run here: .* needs a CUDA card"):
        shelf_with(catalog, COMPUTER).take(catalog.get("tiny-plain"))


def test_a_model_that_is_not_here_is_refused(catalog: Catalog, take: Any) -> None:
    with pytest.raises(ModelUnavailable):
        take(shelf_with(catalog, COMPUTER), "not-here")


def remember(shelf: LoadedModels, size: int) -> None:
    shelf.remembered.get(
        ResultKey("test", 0, b"", str(size).encode()), lambda: torch.zeros(size, dtype=torch.uint8)
    )


def test_what_was_computed_leaves_before_a_model_does(catalog: Catalog, take: Any) -> None:
    tight = [False]

    def look() -> Hardware:
        return replace(COMPUTER, free=planner.RESERVE + 1 if tight[0] and len(shelf.remembered) else 64 * GIB)

    shelf = LoadedModels(catalog, "cpu", torch.float32, look)
    take(shelf, "tiny-plain")
    remember(shelf, 1000)
    take(shelf, "tiny")
    assert shelf.remembered.held.host == 1000
    tight[0] = True
    take(shelf, "tiny-plain")
    assert len(shelf.remembered) == 0
    assert shelf.ids == ("tiny", "tiny-plain")
    remember(shelf, 1000)
    shelf.clear()
    assert len(shelf.remembered) == 0


def test_what_was_computed_has_the_room_that_the_model_leaves_on_a_card(catalog: Catalog, take: Any) -> None:
    shelf = shelf_with(catalog, CARD)
    plan = take(shelf, "tiny-plain").plan
    allowed: list[int] = []
    shelf.remembered.allow = allowed.append
    free = 64 * GIB - shelf.held().host
    assert plan.placement is Placement.RESIDENT
    take(shelf, "tiny-plain")
    assert allowed == [free - plan.gpu_bytes - planner.RESERVE]
