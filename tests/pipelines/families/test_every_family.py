"""Every family in every mode, with the real classes at tiny size: what a mode owes whoever does it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines.errors import Cancelled
from pipelines.events import Completed, Started, StepProgress
from pipelines.request import Mode
from tests.pipelines.conftest import Outcome, Pictures
from tests.pipelines.families.conftest import MAKERS, Tiny

ENTRIES = [
    (name, Mode(mode))
    for name, (entry, _) in MAKERS.items()
    for mode in yaml.safe_load(entry.format(folder="x"))[0]["modes"]
]


def pixels(outcome: Outcome, index: int = 0) -> np.ndarray:
    ready = outcome.images[index]
    return np.frombuffer(ready.rgb, np.uint8).reshape(ready.height, ready.width, 3)


def differ(one: Outcome, other: Outcome) -> bool:
    return not np.array_equal(pixels(one), pixels(other))


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_a_batch_has_the_size_asked_for_and_each_seed_its_own_picture(
    tiny: Tiny, model: str, mode: Mode
) -> None:
    batch = tiny.make(model, mode, num_images=2, seed=40, width=64, height=96)
    assert pixels(batch).shape == (96, 64, 3)
    assert pixels(batch).std() > 0
    assert not np.array_equal(pixels(batch, 0), pixels(batch, 1))
    alone = tiny.make(model, mode, seed=41, width=64, height=96)
    assert np.array_equal(pixels(alone), pixels(batch, 1))


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_steps_are_counted_shown_and_can_be_the_last(tiny: Tiny, model: str, mode: Mode) -> None:
    outcome = tiny.make(model, mode, num_inference_steps=4)
    steps = outcome.of(StepProgress)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total_steps for step in steps} == {len(steps)}
    assert len(steps) == _steps_run(tiny, outcome)
    assert max(Image.open(io.BytesIO(steps[-1].preview)).size) == 64
    stopped = Outcome(tiny.ask(model, mode, num_inference_steps=4))
    with pytest.raises(Cancelled):
        tiny.make(
            model,
            mode,
            num_inference_steps=4,
            outcome=stopped,
            cancelled=lambda o: len(o.of(StepProgress)) == 1,
        )
    assert len(stopped.of(StepProgress)) == 1
    assert not differ(outcome, tiny.make(model, mode, num_inference_steps=4))


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_every_knob_the_mode_shows_changes_the_picture(tiny: Tiny, model: str, mode: Mode) -> None:
    usual = tiny.make(model, mode)
    for name, change in _changes(tiny, model, mode).items():
        assert differ(usual, tiny.make(model, mode, **change)), name


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_what_was_used_is_told(tiny: Tiny, model: str, mode: Mode) -> None:
    outcome = tiny.make(model, mode)
    (started,) = outcome.of(Started)
    assert started.provenance["model"] == model
    assert started.provenance["pipeline"] in tiny.catalog.route(model, mode).pipelines
    assert isinstance(outcome.events[-1], Completed)


@pytest.mark.parametrize("model", [model for model, mode in ENTRIES if mode is Mode.INPAINT])
def test_inpainting_leaves_what_is_black_in_the_mask(tiny: Tiny, pictures: Pictures, model: str) -> None:
    source = np.asarray(Image.open(pictures.files["face"]).convert("RGB"))
    made = pixels(tiny.make(model, "inpaint"))
    assert np.array_equal(made[:, :32], source[:, :32])
    assert not np.array_equal(made[:, 32:], source[:, 32:])


@pytest.mark.parametrize("model", list(MAKERS))
def test_all_modes_share_their_weights(tiny: Tiny, model: str) -> None:
    modes = [mode for name, mode in ENTRIES if name == model]
    for mode in modes:
        tiny.make(model, mode)
    loaded = tiny.runner._loaded[model]
    pipelines = [stock.pipeline for stock in loaded._stock.values()]  # type: ignore[attr-defined]
    assert len(pipelines) >= len({tiny.catalog.route(model, mode).pipeline for mode in modes})
    for part in ("vae", "text_encoder"):
        assert len({id(getattr(pipeline, part)) for pipeline in pipelines}) == 1
    body = "unet" if hasattr(pipelines[0], "unet") else "transformer"
    weights = {_middle_tensor(getattr(pipeline, body)).data_ptr() for pipeline in pipelines}
    assert len(weights) == 1
    assert len({id(pipeline.scheduler) for pipeline in pipelines}) == len(pipelines)


def _middle_tensor(module: Any) -> Any:
    """A tensor of the trunk: an adapter hung into a twin must not be taken for it."""
    names = [name for name, _ in module.named_parameters() if "attn1" in name or ".attn.to_q" in name]
    return module.get_parameter((names or [name for name, _ in module.named_parameters()])[0])


def _steps_run(tiny: Tiny, outcome: Outcome) -> int:
    from pipelines.planning import plan

    request = outcome.request
    return plan(request, tiny.catalog.route(str(request.model), request.mode)).effective_steps


def _changes(tiny: Tiny, model: str, mode: Mode) -> dict[str, dict[str, Any]]:
    """A change of each knob the route shows."""
    route = tiny.catalog.route(model, mode)
    request = tiny.ask(model, mode)
    roles = [request.role_of(reference) for reference in request.references]
    changes: dict[str, dict[str, Any]] = {
        "prompt": {"prompt": "somebody else"},
        "num_inference_steps": {"num_inference_steps": 3},
    }
    fields = route.fields_for(roles)
    if "guidance_scale" in fields:
        changes["guidance_scale"] = {"guidance_scale": 9}
    if "negative_prompt" in fields:
        changes["negative_prompt"] = {"negative_prompt": "beard", "guidance_scale": request.guidance_scale}
    if "strength" in fields:
        changes["strength"] = {"strength": 1.0 if request.strength != 1.0 else 0.5}
    if "references" in fields:
        others = [r.model_dump() for r in request.references]
        changes["references"] = {"references": [{**others[0], "image_id": "other"}, *others[1:]]}
    if route.reference_weights:
        changes["weight"] = {"references": [{"image_id": "face", "weight": 0.2}]}
    if "control" in fields and request.control:
        changes["control"] = {"control": {"kind": "soft_edge"}}
        changes["control.weight"] = {"control": {"weight": 0.3}}
    return changes
