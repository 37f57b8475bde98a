"""Every family in every mode, with the real classes at tiny size: what a mode owes whoever does it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines.errors import Cancelled, RequestError
from pipelines.events import Completed, PreviewReady, Started, StepProgress
from pipelines.planning.plan import plan
from pipelines.request import MAX_REFERENCES, Mode, Role
from pipelines.running import runner
from pipelines.running.late_previews import LatePreviews, MakeJpeg
from tests.pipelines.conftest import Outcome, Pictures
from tests.pipelines.running.families.conftest import MAKERS, Tiny

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
    given = [{"image_id": "tall"}] if mode is Mode.SMART_EDIT else None  # another shape would be cropped
    shape: dict[str, Any] = {"width": 64, "height": 96} | ({"references": given} if given else {})
    batch = tiny.make(model, mode, num_images=2, seed=40, **shape)
    assert pixels(batch).shape == (96, 64, 3)
    assert pixels(batch).std() > 0
    assert not np.array_equal(pixels(batch, 0), pixels(batch, 1))
    alone = tiny.make(model, mode, seed=41, **shape)
    assert np.array_equal(pixels(alone), pixels(batch, 1))


class PreviewsAtOnce(LatePreviews):
    """Of each step one, waited for."""

    def step(self, step: int, of: int, prepare: Callable[[], MakeJpeg]) -> None:
        self._emit(StepProgress(self._index * of + step + 1, of * self._pictures, self._index))
        self._emit(PreviewReady(prepare()(), self._index))


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_steps_are_counted_shown_and_can_be_the_last(
    tiny: Tiny, model: str, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LatePreviews", PreviewsAtOnce)
    outcome = tiny.make(model, mode, num_inference_steps=4)
    steps = outcome.of(StepProgress)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total_steps for step in steps} == {len(steps)}
    assert len(steps) == _steps_run(tiny, outcome)
    assert max(Image.open(io.BytesIO(outcome.of(PreviewReady)[-1].picture)).size) == 64
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
    base: dict[str, Any] = {"strength": 0.5, "num_inference_steps": 4} if mode is Mode.IMG2IMG else {}
    if tiny.catalog.route(model, mode).guidance_arg:
        base["guidance_scale"] = 4.0
    usual = tiny.make(model, mode, **base)
    for name, change in _changes(tiny, model, mode).items():
        assert differ(usual, tiny.make(model, mode, **{**base, **change})), name


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
def test_all_modes_share_their_weights_and_switching_builds_nothing_twice(tiny: Tiny, model: str) -> None:
    modes = [mode for name, mode in ENTRIES if name == model]
    loaded = tiny.load(model)
    pipelines = [tiny.prepare(loaded, model, mode)._pipeline for mode in modes]
    assert [tiny.prepare(loaded, model, mode)._pipeline for mode in modes] == pipelines
    for part in ("vae", "text_encoder"):
        assert len({id(getattr(pipeline, part)) for pipeline in pipelines}) == 1
    assert len({_trunk(pipeline).data_ptr() for pipeline in pipelines}) == 1
    schedulers = {id(pipeline): id(pipeline.scheduler) for pipeline in pipelines}
    assert len(set(schedulers.values())) == len(schedulers)


@pytest.mark.parametrize(("model", "mode"), [e for e in ENTRIES if e[1] is Mode.SMART_EDIT])
def test_references_reach_the_call_whole_and_in_order(tiny: Tiny, model: str, mode: Mode) -> None:
    route = tiny.catalog.route(model, mode)
    names = ["face", "other", "tall"][: route.max_references]
    roles = [role.value for role in route.roles[: len(names)]]
    given = [{"image_id": n, "role": role} for n, role in zip(names, roles, strict=True)]
    call = tiny.prepare(tiny.load(model), model, mode, references=given)
    passed = call.arguments[route.reference_arg]
    passed = passed if isinstance(passed, list) else [passed]
    wanted = [Image.open(tiny.pictures.files[name]).convert("RGB") for name in names]
    assert [p.tobytes() for p in passed] == [w.tobytes() for w in wanted]


@pytest.mark.parametrize(("model", "mode"), [e for e in ENTRIES if e[1] is Mode.SMART_EDIT])
def test_roles_are_put_into_words_where_the_model_needs_them(tiny: Tiny, model: str, mode: Mode) -> None:
    route = tiny.catalog.route(model, mode)
    if route.wording is None:
        assert route.roles == (Role.SOURCE,)
        return
    given = [{"image_id": "face"}, {"image_id": "other", "role": "style"}]
    request = tiny.ask(model, mode, references=given, prompt="red hair")
    composed = plan(request, route).composed_prompt
    first, second = (route.wording.picture.format(number=n) for n in (1, 2))
    assert first in composed
    assert f"style of {second}" in composed
    assert composed.endswith("red hair")
    assert request.prompt == "red hair"
    completed = tiny.complete(model, mode, references=given, prompt="red hair")
    assert completed.composed_prompt == composed
    assert f"The model reads: {composed}" in completed.notices
    (started,) = tiny.make(model, mode, references=given, prompt="red hair").of(Started)
    assert started.provenance["composed_prompt"] == composed
    alone = tiny.complete(model, mode, prompt="red hair")
    assert alone.composed_prompt is None
    assert not alone.notices


@pytest.mark.parametrize(("model", "mode"), [e for e in ENTRIES if e[1] is Mode.SMART_EDIT])
def test_what_a_model_cannot_use_is_said_before(tiny: Tiny, model: str, mode: Mode) -> None:
    route = tiny.catalog.route(model, mode)
    beyond = [{"image_id": "face"}] * (route.max_references + 1)
    if len(beyond) <= MAX_REFERENCES:
        with pytest.raises(RequestError, match="at most"):
            tiny.ask(model, mode, references=beyond)
    with pytest.raises(RequestError, match="needs 1 references"):  # a mask limits, and is nothing to edit
        tiny.ask(model, mode, references=[{"image_id": "mask", "role": "mask"}])
    ignored = tiny.complete(model, mode, strength=0.4, control={"kind": "canny"}, negative_prompt="beard")
    said = " ".join(ignored.notices)
    assert "Influence does nothing" in said
    assert "Control settings do nothing" in said
    assert ("does not read a negative prompt" in said) == (not route.negative_prompt)


def _trunk(pipeline: Any) -> Any:
    """A tensor of the trunk: an adapter hung into a twin must not be taken for it."""
    body = getattr(pipeline, "unet", None) or pipeline.transformer
    name = next(n for n, p in body.named_parameters() if p.ndim == 2 and "ip_" not in n and "time" not in n)
    return body.get_parameter(name)


def _steps_run(tiny: Tiny, outcome: Outcome) -> int:
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
    fields = route.fields if route.strength_role in roles else route.fields - {"strength"}
    if "guidance_scale" in fields:
        changes["guidance_scale"] = {"guidance_scale": 9}
    if "negative_prompt" in fields:
        changes["negative_prompt"] = {"negative_prompt": "beard"}
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
