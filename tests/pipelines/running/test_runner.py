from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import (
    Cancelled,
    GenerationFailed,
    LikenessError,
    ModelUnavailable,
    NotFound,
    OutOfMemory,
    RequestError,
)
from pipelines.events import (
    Completed,
    ControlImage,
    ImageReady,
    Phase,
    PhaseChanged,
    PreviewReady,
    Started,
    StepProgress,
    WorkOrder,
)
from pipelines.request import CompleteRequest, Mode
from pipelines.running.families import call
from pipelines.running.runner import PipelineRunner
from tests.pipelines.conftest import DRAWN, SMALLEST, Ask, Make, Outcome, Pictures

ENTRIES = [("tiny", mode) for mode in DRAWN] + [("tiny-plain", m) for m in (Mode.TEXT_TO_IMAGE, Mode.IMG2IMG)]


def picture(outcome: Outcome, index: int = 0) -> np.ndarray:
    ready = outcome.images[index]
    return np.frombuffer(ready.rgb, np.uint8).reshape(ready.height, ready.width, 3)


def differ(one: Outcome, other: Outcome) -> bool:
    return not np.array_equal(picture(one), picture(other))


def test_every_mode_of_the_catalogue_is_tried() -> None:
    assert set(SMALLEST) == set(Mode)


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_a_mode_makes_the_picture_that_was_asked_for(make: Make, model: str, mode: Mode) -> None:
    first = make(mode, model=model, width=64, height=72)
    assert picture(first).shape == (72, 64, 3)
    assert picture(first).std() > 0
    assert first.images[0].seed == 11
    again = make(mode, model=model, width=64, height=72)
    assert not differ(first, again)
    assert differ(first, make(mode, model=model, width=64, height=72, seed=12))


@pytest.mark.parametrize(("model", "mode"), ENTRIES)
def test_each_picture_of_a_batch_is_the_one_its_seed_makes_alone(make: Make, model: str, mode: Mode) -> None:
    batch = make(mode, model=model, num_images=3, seed=40)
    assert [batch.images[i].seed for i in range(3)] == [40, 41, 42]
    for index in range(3):
        alone = make(mode, model=model, seed=40 + index)
        assert np.array_equal(picture(alone), picture(batch, index))


@pytest.mark.parametrize("mode", DRAWN)
def test_events_come_in_order_and_steps_count_over_the_batch(make: Make, mode: Mode) -> None:
    outcome = make(mode, num_images=2, num_inference_steps=4)
    kinds = [e.phase if isinstance(e, PhaseChanged) else type(e) for e in outcome.events]
    assert kinds[:2] == [Phase.LOADING, Phase.ENCODING]
    assert kinds.index(Started) < kinds.index(Phase.DENOISING) < kinds.index(ImageReady)
    assert kinds[-1] is Completed
    assert kinds.count(Started) == kinds.count(Completed) == 1
    steps = outcome.of(StepProgress)
    total = 6 if mode is Mode.IMG2IMG else 8
    assert [s.step for s in steps] == list(range(1, total + 1))
    assert {s.total_steps for s in steps} == {total}
    assert [s.image_index for s in steps] == [0] * (total // 2) + [1] * (total // 2)
    for seen in outcome.of(PreviewReady):
        assert Image.open(io.BytesIO(seen.picture)).size == (64, 64)


def test_a_picture_of_many_steps_is_seen_while_it_comes(make: Make) -> None:
    assert make(num_inference_steps=100).of(PreviewReady)


def test_pictures_already_saved_are_skipped_and_the_rest_is_the_same(make: Make) -> None:
    whole = make(num_images=3)
    rest = make(num_images=3, skip=frozenset({0, 2}))
    assert list(rest.images) == [1]
    assert np.array_equal(picture(rest, 1), picture(whole, 1))
    assert [s.step for s in rest.of(StepProgress)] == [3, 4]
    done = make(num_images=2, skip=frozenset({0, 1}))
    assert [type(e) for e in done.events] == [Completed]


@pytest.mark.parametrize(
    ("mode", "change"),
    [
        ("text_to_image", {"prompt": "a different face"}),
        ("text_to_image", {"negative_prompt": "beard"}),
        ("text_to_image", {"guidance_scale": 9}),
        ("text_to_image", {"num_inference_steps": 3}),
        ("smart_edit", {"prompt": "add glasses"}),
        ("smart_edit", {"guidance_scale": 9}),
        ("smart_edit", {"references": [{"image_id": "other"}]}),
        ("img2img", {"strength": 1.0}),
        ("img2img", {"references": [{"image_id": "other"}]}),
        ("character_reference", {"references": [{"image_id": "other"}]}),
        ("character_reference", {"references": [{"image_id": "face", "weight": 0.2}]}),
        ("character_reference", {"references": [{"image_id": "face"}, {"image_id": "other"}]}),
        (
            "character_reference",
            {"references": [{"image_id": "face"}, {"image_id": "other", "role": "style"}]},
        ),
        ("style_reference", {"references": [{"image_id": "other"}]}),
        ("controlnet", {"references": [{"image_id": "other"}]}),
        ("controlnet", {"control": {"kind": "soft_edge"}}),
        ("controlnet", {"control": {"weight": 0.3}}),
        ("controlnet", {"control": {"end": 0.4}}),
        ("controlnet", {"references": [{"image_id": "face"}, {"image_id": "other", "role": "source"}]}),
    ],
)
def test_every_knob_in_use_changes_the_picture(make: Make, mode: str, change: dict[str, Any]) -> None:
    assert differ(make(mode), make(mode, **change))


def test_swapping_the_roles_of_two_references_changes_the_picture(make: Make) -> None:
    one = [{"image_id": "face"}, {"image_id": "other", "role": "style"}]
    two = [{"image_id": "other"}, {"image_id": "face", "role": "style"}]
    assert differ(make("character_reference", references=one), make("character_reference", references=two))


def test_little_influence_left_keeps_close_to_the_source(make: Make, pictures: Pictures) -> None:
    kept = make("img2img", strength=0.05, num_inference_steps=20)
    changed = make("img2img", strength=1.0, num_inference_steps=20)
    assert len(kept.of(StepProgress)) == 1
    assert len(changed.of(StepProgress)) == 20
    assert differ(kept, changed)


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.ENCODING, Phase.DENOISING, Phase.DECODING])
@pytest.mark.parametrize("mode", [Mode.SMART_EDIT, Mode.CHARACTER_REFERENCE])
def test_a_job_is_cancelled_in_any_phase_and_the_next_is_unharmed(
    make: Make, ask: Ask, mode: Mode, phase: Phase
) -> None:
    expected = make(mode)
    outcome = Outcome(ask(mode))
    with pytest.raises(Cancelled):
        make(mode, outcome=outcome, cancelled=lambda o: any(e.phase is phase for e in o.of(PhaseChanged)))
    assert outcome.of(PhaseChanged)[-1].phase is phase
    assert not outcome.images
    assert not differ(expected, make(mode))


def test_a_job_is_cancelled_at_the_next_step(make: Make, ask: Ask) -> None:
    outcome = Outcome(ask())
    with pytest.raises(Cancelled):
        make(num_inference_steps=50, outcome=outcome, cancelled=lambda o: len(o.of(StepProgress)) >= 3)
    assert len(outcome.of(StepProgress)) == 3


def test_pictures_made_before_a_cancel_are_kept(make: Make, ask: Ask) -> None:
    outcome = Outcome(ask())
    with pytest.raises(Cancelled):
        make(num_images=3, outcome=outcome, cancelled=lambda o: len(o.images) == 1)
    assert list(outcome.images) == [0]


def test_what_was_used_is_told_before_the_first_picture(make: Make) -> None:
    outcome = make("smart_edit")
    (started,) = outcome.of(Started)
    assert started.provenance["model"] == "tiny"
    assert started.provenance["revision"].startswith("sha256:")
    assert started.provenance["pipeline"] == "StableDiffusionInstructPix2PixPipeline"
    assert started.provenance["scheduler"].endswith("Scheduler")
    assert (started.provenance["device"], started.provenance["dtype"]) == ("cpu", "float32")
    assert set(started.provenance["versions"]) == {"torch", "diffusers", "transformers", "studio"}
    completed = outcome.events[-1]
    assert isinstance(completed, Completed)
    assert set(completed.timings) == {"loading", "encoding", "denoising", "decoding"}
    assert completed.provenance["memory_mb"] > 0
    assert {k: v for k, v in completed.provenance.items() if k != "memory_mb"} == started.provenance


def test_cut_words_and_cropped_references_are_told(make: Make) -> None:
    outcome = make(
        "controlnet",
        prompt="b" * 75 + " words at the end",
        references=[{"image_id": "tall"}],
        aspect_ratio="1:1",
    )
    assert any("is cropped away" in n for n in outcome.notices)
    assert any(n.endswith("these words were cut: words at the end") for n in outcome.notices)
    assert not make("img2img").notices


def test_the_control_image_comes_before_the_first_step(make: Make) -> None:
    outcome = make("controlnet")
    kinds = [type(e) for e in outcome.events]
    assert kinds.index(ControlImage) < kinds.index(StepProgress)
    assert Image.open(io.BytesIO(outcome.of(ControlImage)[0].png)).size == (64, 64)


@pytest.mark.parametrize("mode", [m for m in DRAWN if m is not Mode.TEXT_TO_IMAGE])
@pytest.mark.parametrize("form", ["RGBA", "L", "LA", "P"])
def test_a_reference_file_of_any_form_makes_a_picture_of_the_right_size(
    make: Make, tmp_path: Path, pictures: Pictures, mode: Mode, form: str
) -> None:
    path = tmp_path / "reference.png"
    Image.open(pictures.files["face"]).convert(form).save(path)
    assert picture(make(mode, files={**pictures.files, "face": str(path)})).shape == (64, 64, 3)


def test_a_mask_with_transparency_is_read_by_it_and_said(
    make: Make, tmp_path: Path, pictures: Pictures
) -> None:
    strokes = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    strokes.paste((255, 255, 255, 255), (32, 0, 64, 64))
    strokes.save(tmp_path / "strokes.png")
    plain = make("inpaint")
    outcome = make("inpaint", files={**pictures.files, "mask": str(tmp_path / "strokes.png")})
    assert np.array_equal(picture(outcome), picture(plain))
    assert any("what is white in it may change" in notice for notice in outcome.notices)
    assert not any("mask" in notice for notice in plain.notices)


def test_the_file_that_kept_its_transparency_is_the_mask(
    ask: Ask, runner: PipelineRunner, tmp_path: Path, pictures: Pictures
) -> None:
    """The picture itself with a hole: flattened as a reference, not as a mask."""
    erased = Image.open(pictures.files["face"]).convert("RGBA")
    erased.paste((0, 0, 0, 0), (32, 0, 64, 64))
    erased.save(tmp_path / "erased.png")
    outcome = Outcome(ask("inpaint"))
    order = WorkOrder(
        "job",
        outcome.request,
        {**pictures.files, "mask": pictures.files["face"]},
        masks={"mask": str(tmp_path / "erased.png")},
    )
    runner.run(order, outcome.events.append, lambda: False)
    source = np.asarray(Image.open(pictures.files["face"]).convert("RGB"))
    assert np.array_equal(picture(outcome)[:, :32], source[:, :32])
    assert not np.array_equal(picture(outcome)[:, 32:], source[:, 32:])
    assert any("what is transparent may change" in notice for notice in outcome.notices)


def test_a_reference_that_is_gone_fails_with_its_number(make: Make, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="Reference 1 can't be read"):
        make("img2img", files={"face": str(tmp_path / "gone.png")})
    with pytest.raises(RequestError, match="Reference 1 is no longer there"):
        make("img2img", files={"other": "unused"})


@pytest.mark.parametrize(
    ("model", "mode", "error"),
    [
        ("nothing", Mode.TEXT_TO_IMAGE, NotFound),
        ("tiny-plain", Mode.SMART_EDIT, RequestError),
        ("not-here", Mode.TEXT_TO_IMAGE, ModelUnavailable),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(
    runner: PipelineRunner, model: str, mode: Mode, error: type[LikenessError]
) -> None:
    request = CompleteRequest(model=model, mode=mode, prompt="x", seed=1, width=64, height=64)
    with pytest.raises(error):
        runner.run(WorkOrder("job", request, {}), lambda event: None, lambda: False)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"nonsense"),
        lambda folder: (folder / "vae" / "config.json").write_text("{"),
        lambda folder: shutil.rmtree(folder / "text_encoder"),
        lambda folder: (folder / "ip_adapter" / "style.safetensors").write_bytes(b"nonsense"),
        lambda folder: (folder / "model_index.json").write_text("[]"),
    ],
    ids=["weights", "config", "part", "adapter", "index"],
)
def test_a_damaged_model_says_so_and_the_others_work(
    tmp_path: Path, tiny_model_dir: Path, tiny_models_yaml: Path, ask: Ask, damage: Callable[[Path], Any]
) -> None:
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    damage(folder)
    path = tmp_path / "models.yaml"
    path.write_text(tiny_models_yaml.read_text().replace(str(tiny_model_dir), str(folder)))
    runner = PipelineRunner(load_catalog(path), "cpu")
    with pytest.raises(ModelUnavailable, match="damaged or incomplete"):
        runner.preload("tiny")
    outcome = Outcome(ask(model="tiny-plain"))
    runner.run(WorkOrder("job", outcome.request, {}), outcome.events.append, lambda: False)
    assert outcome.images


def test_a_mode_whose_files_are_missing_is_refused_until_they_come(
    tmp_path: Path, tiny_model_dir: Path, tiny_models_yaml: Path, ask: Ask, pictures: Pictures
) -> None:
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    (folder / "ip_adapter" / "style.safetensors").rename(tmp_path / "later")
    path = tmp_path / "models.yaml"
    path.write_text(tiny_models_yaml.read_text().replace(str(tiny_model_dir), str(folder)))
    runner = PipelineRunner(load_catalog(path), "cpu")

    def run(mode: str) -> Outcome:
        outcome = Outcome(ask(mode))
        order = WorkOrder("job", outcome.request, pictures.files)
        runner.run(order, outcome.events.append, lambda: False)
        return outcome

    assert run("text_to_image").images
    with pytest.raises(ModelUnavailable, match=r"style\.safetensors"):
        run("style_reference")
    (tmp_path / "later").rename(folder / "ip_adapter" / "style.safetensors")
    assert run("style_reference").images


def test_a_model_of_the_hubs_cache_runs_without_the_network(
    tmp_path: Path, tiny_plain_dir: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repo = tmp_path / "hub" / "models--someone--small"
    shutil.copytree(tiny_plain_dir, repo / "snapshots" / "abc123")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc123")
    path = tmp_path / "models.yaml"
    path.write_text(
        "models: [{id: tiny-plain, label: Small, family: stable-diffusion, source: someone/small,"
        " licence: none, resolution: 64, modes: [text_to_image]}]"
    )
    outcome = Outcome(ask(model="tiny-plain"))
    order = WorkOrder("job", outcome.request, {})
    PipelineRunner(load_catalog(path), "cpu").run(order, outcome.events.append, lambda: False)
    assert outcome.images
    assert outcome.of(Started)[0].provenance["revision"] == "abc123"


def test_weights_that_are_pickles_are_not_read(
    tmp_path: Path, tiny_model_dir: Path, tiny_models_yaml: Path
) -> None:
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save({}, weights.with_suffix(".bin"))
    weights.unlink()
    path = tmp_path / "models.yaml"
    path.write_text(tiny_models_yaml.read_text().replace(str(tiny_model_dir), str(folder)))
    with pytest.raises(ModelUnavailable):
        PipelineRunner(load_catalog(path), "cpu").preload("tiny")


@pytest.fixture
def out_of_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """From the `first` denoising on, `times` of them run out of memory: no CPU can be made to do so."""

    def arm(first: int, times: int) -> None:
        calls = iter(range(1_000))
        real = call.DiffusersCall.denoise

        def denoise(self: Any, seed: int, on_step: Any) -> Any:
            if first <= next(calls) < first + times:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7 GiB")
            return real(self, seed, on_step)

        monkeypatch.setattr(call.DiffusersCall, "denoise", denoise)

    return arm


def test_running_out_of_memory_once_is_told_and_mended(make: Make, out_of_memory: Any) -> None:
    out_of_memory(1, 1)
    outcome = make(num_images=3, prompt="b" * 75 + " cut")
    expected = make(num_images=3, prompt="b" * 75 + " cut")
    assert len(outcome.of(Started)) == 1
    assert len(outcome.notices) == len(set(outcome.notices)) == 2
    assert any("Memory ran out" in notice for notice in outcome.notices)
    assert list(outcome.images) == [0, 1, 2]
    assert len(outcome.of(ImageReady)) == 3
    assert all(np.array_equal(picture(outcome, i), picture(expected, i)) for i in range(3))


def test_running_out_of_memory_twice_fails_with_advice_and_the_next_job_works(
    make: Make, out_of_memory: Any
) -> None:
    expected = make()
    out_of_memory(0, 2)
    with pytest.raises(OutOfMemory, match="Choose a smaller size or model"):
        make()
    assert not differ(expected, make())


def test_numbers_that_run_over_are_no_picture(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    real = call.DiffusersCall.denoise
    monkeypatch.setattr(
        call.DiffusersCall,
        "denoise",
        lambda self, seed, on_step: real(self, seed, on_step) * float("nan"),
    )
    with pytest.raises(GenerationFailed):
        make()


def test_pictures_of_one_job_have_their_own_words_and_each_is_that_of_its_seed_alone(make: Make) -> None:
    several = make(prompt="{red|blue|green|grey} hair", num_images=3, seed=5)
    assert len({each.prompt for each in several.request.drawn}) > 1
    alone = [make(prompt="{red|blue|green|grey} hair", seed=5 + n).images[0].rgb for n in range(3)]
    assert [several.images[n].rgb for n in range(3)] == alone


def test_weights_change_the_picture_and_plain_words_do_not(make: Make) -> None:
    plain = make(prompt="a red hat").images[0].rgb
    assert make(prompt="a {red|red} hat").images[0].rgb != b""
    assert make(prompt="a (red:2.0) hat").images[0].rgb != plain
