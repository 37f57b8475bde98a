from __future__ import annotations

from typing import Any

import pytest

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound, RequestError
from pipelines.planning.complete import Completion, complete
from pipelines.planning.plan import effective_steps, plan
from pipelines.request import MAX_SEED, ControlKind, GenerationRequest, Mode, Role
from tests.pipelines.conftest import DRAWN, SMALLEST, Ask, Pictures


@pytest.fixture(scope="module")
def completed(catalog: Catalog, pictures: Pictures) -> Any:
    def close(mode: str = "text_to_image", **fields: Any) -> Completion:
        request = GenerationRequest(**{"mode": mode, "prompt": "a face", **SMALLEST[mode], **fields})
        return complete(request, catalog, pictures.sizes, lambda: 99)

    return close


def refusal(close: Any, *args: Any, **fields: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        close(*args, **fields)
    return caught.value


@pytest.mark.parametrize("mode", DRAWN)
def test_a_completed_request_is_closed_and_stays_as_it_is(
    completed: Any, catalog: Catalog, mode: Mode
) -> None:
    request = completed(mode).request
    assert request.model == "tiny"
    assert (request.seed, bool(request.width), bool(request.height)) == (99, True, True)
    assert all(reference.role for reference in request.references)
    again = complete(request, catalog, {"face": (64, 64), "mask": (64, 64)}, lambda: 1)
    assert again.request == request
    assert again.notices == ()


def test_references_get_the_modes_role_and_keep_their_order(completed: Any) -> None:
    given = [
        {"image_id": "tall", "role": "style"},
        {"image_id": "face"},
        {"image_id": "other", "weight": 0.5},
    ]
    references = completed("character_reference", references=given).request.references
    assert [(r.image_id, r.role, r.weight) for r in references] == [
        ("tall", Role.STYLE, 1.0),
        ("face", Role.CHARACTER, 1.0),
        ("other", Role.CHARACTER, 0.5),
    ]


@pytest.mark.parametrize("mode", [m for m in DRAWN if m is not Mode.TEXT_TO_IMAGE])
def test_a_mode_that_needs_a_reference_asks_for_it(completed: Any, mode: Mode) -> None:
    error = refusal(completed, mode, references=[])
    assert error.field == "references"
    assert "add a portrait to the References panel" in error.detail


@pytest.mark.parametrize(
    ("mode", "roles", "words"),
    [
        ("text_to_image", [None], "takes no references"),
        ("smart_edit", [None, None], "at most 1 reference, not 2"),
        ("smart_edit", ["character"], "can't use reference 1 as character"),
        ("img2img", ["style"], "Set its role to source"),
        ("character_reference", ["style"], "needs a character reference"),
        ("style_reference", ["source"], "Set its role to style or character"),
        ("controlnet", ["source"], "needs a structure reference"),
        ("controlnet", ["structure", "structure"], "takes 1 structure reference, not 2"),
        ("controlnet", ["structure", "source", "source"], "at most 2 references, not 3"),
        ("controlnet", ["structure", "mask"], "can't use reference 2 as mask"),
        ("inpaint", ["source"], "needs a mask"),
        ("inpaint", ["mask"], "needs a source reference"),
        ("inpaint", ["source", "source"], "needs a mask"),
    ],
)
def test_references_a_mode_cannot_use_are_refused(
    completed: Any, mode: str, roles: list[Any], words: str
) -> None:
    error = refusal(completed, mode, references=[{"image_id": "face", "role": role} for role in roles])
    assert error.field == "references"
    assert words in error.detail


def test_a_mask_of_another_shape_than_its_source_is_refused(completed: Any) -> None:
    crooked = [{"image_id": "tall"}, {"image_id": "mask", "role": "mask"}]
    assert "another shape" in refusal(completed, "inpaint", references=crooked).detail


def test_ten_characters_are_taken(completed: Any) -> None:
    assert (
        len(completed("character_reference", references=[{"image_id": "face"}] * 10).request.references) == 10
    )


def test_a_reference_of_a_few_pixels_is_refused(completed: Any) -> None:
    error = refusal(completed, "img2img", references=[{"image_id": "tiny"}])
    assert "only 8×8 px" in error.detail


@pytest.mark.parametrize("mode", ["text_to_image", "smart_edit"])
def test_an_empty_prompt_is_refused_where_words_are_all_there_is(completed: Any, mode: str) -> None:
    assert refusal(completed, mode, prompt=" \n").field == "prompt"


def test_an_empty_prompt_is_taken_beside_a_picture(completed: Any) -> None:
    assert completed("img2img", prompt="").request.prompt == ""


def test_marks_in_a_prompt_are_taken_for_what_they_mean(completed: Any) -> None:
    written = "a (red hair:1.4) {woman|woman}, <lora:ink:0.8>"
    done = completed(prompt=written, num_images=2)
    assert done.request.prompt == written
    assert [each.prompt for each in done.request.drawn] == ["a (red hair:1.4) woman"] * 2
    assert (
        "There is no LoRA “ink” for Tiny Portrait in the models folder; its tag is left out." in done.notices
    )
    assert "The model reads: a (red hair:1.4) woman" in done.notices
    assert completed(prompt="a woman (in a red coat)").notices == ()


def test_what_was_drawn_is_not_drawn_again(completed: Any, catalog: Catalog, pictures: Pictures) -> None:
    request = completed(prompt="{a|b|c|d|e|f} face", num_images=3).request
    again = complete(request, catalog, pictures.sizes, lambda: 1)
    assert again.request == request
    third = request.alone(request.seed + 2)
    assert third.drawn == request.drawn[2:]
    assert complete(third, catalog, pictures.sizes, lambda: 1, again=True).request == third


def test_a_picture_made_before_marks_had_a_meaning_is_made_as_it_was(
    catalog: Catalog, pictures: Pictures
) -> None:
    request = GenerationRequest(model="tiny", prompt="a (red:1.4) {a|b} face", seed=3)
    done = complete(request, catalog, pictures.sizes, lambda: 1, again=True)
    assert done.request.drawn == ()
    made = plan(done.request, catalog.route("tiny", done.request.mode))
    assert (made.composed_prompt, made.weighed) == (request.prompt, False)


def test_a_list_that_is_not_there_is_refused(completed: Any) -> None:
    assert refusal(completed, prompt="__coat__").field == "prompt"


def test_unknown_models_and_modes_a_model_lacks_are_refused(completed: Any) -> None:
    with pytest.raises(NotFound, match="tiny"):
        completed(model="no-such-model")
    error = refusal(completed, "smart_edit", model="tiny-plain")
    assert error.field == "mode"
    assert "Tiny Plain can't do Smart Image Editing" in error.detail
    assert refusal(completed, model="not-here").field == "model"


def test_the_last_seed_of_a_batch_must_fit(completed: Any, catalog: Catalog) -> None:
    assert refusal(completed, seed=MAX_SEED, num_images=2).field == "seed"
    request = completed(seed=MAX_SEED - 1, num_images=2).request
    assert plan(request, catalog.route("tiny", Mode.TEXT_TO_IMAGE)).seeds == (MAX_SEED - 1, MAX_SEED)


def test_strength_is_closed_where_it_acts_and_dropped_with_words_where_not(completed: Any) -> None:
    assert completed("img2img").request.strength == 0.75
    assert completed("text_to_image").request.strength is None
    dropped = completed("smart_edit", strength=0.4)
    assert dropped.request.strength is None
    assert "Influence does nothing" in dropped.notices[0]


def test_controlnet_has_strength_only_with_a_picture_to_start_from(completed: Any) -> None:
    assert completed("controlnet").request.strength is None
    both = [{"image_id": "face"}, {"image_id": "other", "role": "source"}]
    assert completed("controlnet", references=both).request.strength == 0.75


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 29, 57, 150])
def test_too_little_strength_becomes_the_least_that_works_and_says_so(completed: Any, steps: int) -> None:
    raised = completed("img2img", strength=0.0, num_inference_steps=steps)
    least = raised.request.strength
    assert f"(strength {least:g}) is used" in raised.notices[-1]
    kept = completed("img2img", strength=least, num_inference_steps=steps)
    assert (kept.request.strength, kept.notices) == (least, ())
    if least > 0.01:
        lower = completed("img2img", strength=least - 0.01, num_inference_steps=steps)
        assert lower.request.strength == least


def test_effective_steps_are_counted_as_the_pipeline_counts(catalog: Catalog, ask: Ask) -> None:
    route = catalog.route("tiny", Mode.IMG2IMG)
    assert effective_steps(20, 0.75, route) == 15
    assert effective_steps(10, 0.29, route) == 2
    assert effective_steps(20, None, route) == 20


def test_control_is_closed_checked_and_dropped(completed: Any) -> None:
    assert completed("controlnet").request.control.kind is ControlKind.CANNY
    assert refusal(completed, "controlnet", control={"start": 0.8, "end": 0.2}).field == "control"
    dropped = completed("img2img", control={"kind": "soft_edge"})
    assert dropped.request.control is None
    assert dropped.notices


def test_a_weight_without_effect_is_dropped_with_words(completed: Any) -> None:
    light = [{"image_id": "face", "weight": 0.5}]
    dropped = completed("img2img", references=light)
    assert dropped.request.references[0].weight == 1.0
    assert "weight does nothing" in dropped.notices[0]
    assert completed("style_reference", references=light).request.references[0].weight == 0.5


def test_guidance_keeps_to_the_models_range(completed: Any) -> None:
    assert refusal(completed, guidance_scale=0).field == "guidance_scale"
    assert refusal(completed, guidance_scale=25).field == "guidance_scale"
    notices = completed(guidance_scale=1, negative_prompt="blur").notices
    assert "negative prompt without effect" in notices[0]


def test_sizes_follow_the_reference_the_wish_and_the_model(completed: Any) -> None:
    tall = [{"image_id": "tall"}]
    assert _size(completed("img2img", references=tall)) == (48, 96)
    assert _size(completed("img2img", references=tall, aspect_ratio="1:1")) == (64, 64)
    assert _size(completed("character_reference", references=tall)) == (64, 64)
    assert _size(completed("character_reference", references=tall, aspect_ratio="reference")) == (48, 96)
    rounded = completed(width=66, height=70)
    assert _size(rounded) == (64, 72)
    assert rounded.notices
    assert refusal(completed, width=1024, height=1024).field == "width"


def test_the_shaping_reference_is_the_source_not_the_first(completed: Any) -> None:
    given = [{"image_id": "face", "role": "style"}, {"image_id": "tall"}]
    assert _size(completed("style_reference", references=given, aspect_ratio="reference")) == (64, 64)
    given = [{"image_id": "tall"}, {"image_id": "face", "role": "source"}]
    assert _size(completed("controlnet", references=given)) == (48, 96)


def test_an_entrys_defaults_fill_what_is_left_open(
    tmp_path: Any, tiny_models_yaml: Any, pictures: Pictures
) -> None:
    from pipelines.catalog.catalog import load_catalog

    text = tiny_models_yaml.read_text()
    added = (
        "    modes: [text_to_image, img2img]\n    defaults: {img2img: {guidance_scale: 6.0, strength: 0.5}}\n"
    )
    path = tmp_path / "models.yaml"
    path.write_text(text.replace("    modes: [text_to_image, img2img]\n", added, 1))
    catalog = load_catalog(path)
    base = {"mode": "img2img", "model": "tiny-plain", "references": [{"image_id": "face"}]}
    left_open = complete(GenerationRequest(**base), catalog, pictures.sizes, lambda: 0).request
    assert (left_open.guidance_scale, left_open.strength) == (6.0, 0.5)
    said = GenerationRequest(**base, guidance_scale=3.5, strength=0.75)
    chosen = complete(said, catalog, pictures.sizes, lambda: 0).request
    assert (chosen.guidance_scale, chosen.strength) == (3.5, 0.75)


def test_a_plan_says_which_class_runs_how_many_steps(ask: Ask, catalog: Catalog) -> None:
    both = [{"image_id": "face"}, {"image_id": "other", "role": "source"}]
    request = ask("controlnet", references=both, num_inference_steps=20, num_images=3, strength=0.5)
    planned = plan(request, catalog.route("tiny", Mode.CONTROLNET))
    assert planned.pipeline == "StableDiffusionControlNetImg2ImgPipeline"
    assert planned.effective_steps == 10
    assert planned.seeds == (11, 12, 13)
    assert planned.references == ((Role.STRUCTURE, "face", 1.0), (Role.SOURCE, "other", 1.0))


def _size(closed: Completion) -> tuple[int | None, int | None]:
    return closed.request.width, closed.request.height
