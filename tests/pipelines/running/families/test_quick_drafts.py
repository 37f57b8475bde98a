"""Quick drafts, in every family and mode that offers them: less is computed, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.quick_draft import counted_blocks
from pipelines.errors import Cancelled
from pipelines.events import Completed, Started, StepProgress
from pipelines.memory.plan import MemoryPlan, Placement, Storage
from pipelines.planning.plan import plan
from pipelines.request import Mode
from pipelines.running import step_caches
from pipelines.running.contract import LoadSettings
from pipelines.running.families import load
from tests.pipelines.conftest import Outcome
from tests.pipelines.running.families.conftest import Tiny
from tests.pipelines.running.families.test_every_family import ENTRIES, differ, pixels
from tests.pipelines.running.families.test_loras import give

STEPS = 10
DRAFTING = {
    "tiny-klein-base": {"text_to_image", "smart_edit", "inpaint"},
    "tiny-dev": {"text_to_image", "smart_edit", "character_reference", "style_reference", "controlnet"},
    "tiny-flux1": {
        "text_to_image", "img2img", "character_reference", "style_reference", "inpaint", "controlnet",
    },
    "tiny-kontext": {"text_to_image", "smart_edit", "inpaint"},
    "tiny-fill": {"inpaint"},
    "tiny-qwen-edit": {"smart_edit", "character_reference", "style_reference", "controlnet"},
    "tiny-qwen-image": {"text_to_image", "img2img", "inpaint", "controlnet"},
    "tiny-qwen-whole": {
        "text_to_image", "smart_edit", "character_reference", "style_reference", "controlnet",
    },
}  # fmt: skip
"""Neither the distilled (klein, klein-kv, Z-Image Turbo, FLUX.3) nor those whose networks have no cache."""
CALLS = [(model, mode) for model, mode in ENTRIES if mode in DRAFTING.get(model, ())]
FIRST = [(model, next(mode for name, mode in CALLS if name == model)) for model in DRAFTING]


def drawn(tiny: Tiny, model: str, mode: str, *, quick: bool, **changes: Any) -> Outcome:
    return tiny.make(model, mode, num_inference_steps=STEPS, quick_draft=quick, **changes)


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_it_is_offered_where_it_works_and_to_no_distilled_model(tiny: Tiny, model: str, mode: Mode) -> None:
    offered = mode in DRAFTING.get(model, ())
    assert ("quick_draft" in tiny.catalog.route(model, mode).limits.fields) == offered
    completed = tiny.complete(model, mode, num_inference_steps=STEPS, quick_draft=True)
    assert completed.request.quick_draft == offered
    assert any("makes no quick drafts" in notice for notice in completed.notices) != offered


@pytest.mark.parametrize(("model", "mode"), CALLS)
def test_a_draft_comes_out_the_same_twice_and_changes_no_picture_after_it(
    tiny: Tiny, model: str, mode: Mode
) -> None:
    before = drawn(tiny, model, mode, quick=False)
    draft = drawn(tiny, model, mode, quick=True)
    assert differ(before, draft)
    assert not draft.notices
    assert not differ(draft, drawn(tiny, model, mode, quick=True))
    assert not differ(before, drawn(tiny, model, mode, quick=False))


@pytest.mark.parametrize(("model", "mode"), FIRST)
def test_a_cancelled_draft_leaves_nothing_to_the_next_picture(tiny: Tiny, model: str, mode: Mode) -> None:
    whole, draft = (drawn(tiny, model, mode, quick=quick) for quick in (False, True))
    for steps in (1, 4, 7):
        outcome = Outcome(tiny.ask(model, mode))

        def enough(outcome: Outcome, steps: int = steps) -> bool:
            return len(outcome.of(StepProgress)) >= steps

        with pytest.raises(Cancelled):
            drawn(tiny, model, mode, quick=True, outcome=outcome, cancelled=enough)
        assert not differ(whole, drawn(tiny, model, mode, quick=False))
        assert not differ(draft, drawn(tiny, model, mode, quick=True))


@pytest.mark.parametrize(("model", "mode"), CALLS)
def test_blocks_run_only_in_the_steps_that_are_named(tiny: Tiny, model: str, mode: Mode) -> None:
    ran: dict[bool, int] = {}
    named: dict[bool, int] = {}
    for quick in (False, True):
        changes: dict[str, Any] = {"num_inference_steps": STEPS, "quick_draft": quick}
        call = tiny.prepare(tiny.load(model), model, mode, **changes)
        request = tiny.ask(model, mode, **changes)
        planned = plan(request, tiny.catalog.route(model, mode))
        steps = planned.effective_steps
        named[quick] = len(planned.step_cache.computed(steps)) if planned.step_cache else steps
        with counted_blocks(call._pipeline.transformer) as blocks:
            call.denoise(11, lambda step, of, latents: None)
        ran[quick] = len(blocks)
    assert 0 < ran[True] < ran[False]
    assert ran[True] * named[False] == ran[False] * named[True]


@pytest.mark.parametrize(("model", "mode"), FIRST)
def test_the_record_names_the_cache(tiny: Tiny, model: str, mode: Mode) -> None:
    outcome = drawn(tiny, model, mode, quick=True)
    (started,), (completed,) = outcome.of(Started), outcome.of(Completed)
    for provenance in (started.provenance, completed.provenance):
        assert provenance["step_cache"].startswith("TaylorSeer lite, order 1: ")
    (full,) = drawn(tiny, model, mode, quick=False).of(Started)
    assert "step_cache" not in full.provenance


def test_each_picture_of_a_batch_is_that_of_its_seed(tiny: Tiny) -> None:
    batch = drawn(tiny, "tiny-klein-base", "text_to_image", quick=True, num_images=2, seed=40)
    alone = drawn(tiny, "tiny-klein-base", "text_to_image", quick=True, seed=41)
    assert np.array_equal(pixels(batch, 1), pixels(alone))


def test_an_extended_picture_can_be_a_draft(tiny: Tiny) -> None:
    full, draft, again = (drawn(tiny, "tiny-fill", "outpaint", quick=quick) for quick in (False, True, True))
    assert differ(full, draft)
    assert not differ(draft, again)


def test_steps_too_few_to_leave_one_out_are_all_made(tiny: Tiny) -> None:
    completed = tiny.complete("tiny-dev", "text_to_image", num_inference_steps=5, quick_draft=True)
    assert not completed.request.quick_draft
    assert completed.notices == (
        "Of 5 steps a quick draft would leave out none; the picture is made in full.",
    )


@pytest.mark.parametrize(
    ("kept", "warm_up", "why"),
    [
        (MemoryPlan(placement=Placement.GROUP_OFFLOAD, streams=True), False, step_caches.STREAMED),
        (MemoryPlan(), True, step_caches.COMPILED),
        (MemoryPlan(placement=Placement.GROUP_OFFLOAD), False, None),
        (MemoryPlan(placement=Placement.MODEL_OFFLOAD), False, None),
    ],
)
def test_where_it_goes_not_together_with_how_the_model_is_kept_the_picture_is_made_in_full(
    tiny: Tiny, kept: MemoryPlan, warm_up: bool, why: str | None
) -> None:
    request = tiny.ask("tiny-dev", "text_to_image", num_inference_steps=STEPS, quick_draft=True)
    planned = plan(request, tiny.catalog.route("tiny-dev", request.mode))
    told: list[Any] = []
    allowed = step_caches.allowed(planned, kept, told.append, warm_up=warm_up)
    assert (allowed.step_cache is None) == bool(why)
    assert [notice.text for notice in told] == ([why] if why else [])
    assert ("step_cache" in step_caches.record(allowed)) == (why is None)


@pytest.mark.parametrize(
    "memory",
    [
        MemoryPlan(placement=Placement.MODEL_OFFLOAD),
        MemoryPlan(placement=Placement.GROUP_OFFLOAD),
        MemoryPlan(storage=Storage.FP8),
    ],
)
@pytest.mark.parametrize("model", ["tiny-flux1", "tiny-qwen-image"])
def test_it_goes_together_with_every_other_way_to_keep_a_model(
    tiny: Tiny, model: str, memory: MemoryPlan
) -> None:
    folder, mode = tiny.folder_of(model), Mode.TEXT_TO_IMAGE
    settings = LoadSettings(folder, frozenset({mode}), "cpu", torch.float32, memory)
    kept: Any = load(tiny.catalog.get(model), settings)

    def latents(quick: bool, whole: Any) -> torch.Tensor:
        call = tiny.prepare(whole, model, mode, num_inference_steps=STEPS, quick_draft=quick)
        return call.denoise(11, lambda step, of, latents: None)

    full, draft, again, after = (latents(quick, kept) for quick in (False, True, True, False))
    assert not torch.equal(full, draft)
    assert torch.equal(draft, again)
    assert torch.equal(full, after)
    if memory.storage is Storage.FULL:
        assert torch.allclose(draft, latents(True, tiny.load(model)), atol=1e-5)


def test_a_lora_of_a_draft_is_gone_after_it(tiny: Tiny) -> None:
    model = "tiny-flux1"
    ink = give(tiny, model, f"ink-{model}")
    full, draft = (drawn(tiny, model, "text_to_image", quick=quick) for quick in (False, True))
    inked = drawn(tiny, model, "text_to_image", quick=True, loras=[{"id": ink}])
    assert differ(draft, inked)
    assert not differ(draft, drawn(tiny, model, "text_to_image", quick=True))
    assert not differ(full, drawn(tiny, model, "text_to_image", quick=False))
    assert not differ(inked, drawn(tiny, model, "text_to_image", quick=True, loras=[{"id": ink}]))
