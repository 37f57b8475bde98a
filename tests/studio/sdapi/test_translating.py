from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.errors import PictureRefused, RequestError
from pipelines.request import Finish, Mode, ResultSize, Role
from studio.records import ModelInfo
from studio.sdapi import translating
from studio.sdapi.fields import ExtraSingleImage, ImageToImage, Sent, TextToImage
from studio.sdapi.translating import Translated, Usual

PLAIN = Usual((512, 512))
SMALL = Usual((128, 128), 8, 4)
"""As the bundled model draws: at 128 px, enlarged four times."""


def text(usual: Usual = PLAIN, **sent: Any) -> Translated:
    return translating.text_to_image(TextToImage.model_validate({"prompt": "a"} | sent), None, usual, None)


def image(
    source: tuple[int, int] = (512, 512),
    mask: tuple[int, int] | None = None,
    usual: Usual = PLAIN,
    **sent: Any,
) -> Translated:
    placed = ("m", mask) if mask else None
    return translating.image_to_image(ImageToImage.model_validate(sent), None, usual, ("s", source), placed)


def model(own: str, label: str, **changes: Any) -> ModelInfo:
    return ModelInfo.model_validate(
        {
            "id": own,
            "label": label,
            "family": "stable-diffusion",
            "modes": ("text_to_image",),
            "edit": False,
            "available": "ready",
            "licence": "none",
            "defaults": {},
            "limits": {},
        }
        | changes
    )


def test_fields_of_one_meaning_are_taken_over_and_open_ones_stay_open() -> None:
    request = text(
        prompt="a <lora:x:0.5>",
        negative_prompt="b",
        seed=7,
        steps=9,
        cfg_scale=2.5,
        batch_size=2,
        n_iter=3,
        width=640,
        height=384,
    ).request
    assert (request.mode, request.prompt, request.negative_prompt) == (
        Mode.TEXT_TO_IMAGE,
        "a <lora:x:0.5>",
        "b",
    )
    assert (request.seed, request.num_inference_steps, request.guidance_scale) == (7, 9, 2.5)
    assert (request.num_images, request.width, request.height) == (6, 640, 384)
    open_one = text().request
    assert not {"num_inference_steps", "guidance_scale", "width", "finish"} & open_one.model_fields_set
    assert (open_one.seed, text(seed=-99).request.seed) == (-1, -1)
    assert text(width=640).request.height == 512


@pytest.mark.parametrize(
    ("asked", "drawn", "scale"),
    [
        ((512, 512), (128, 128), 4),
        ((512, 768), (128, 192), 4),
        ((1024, 1024), (256, 256), 4),
        ((256, 256), (128, 128), 2),
        ((128, 128), (128, 128), 1),
        ((64, 64), (64, 64), 1),
    ],
)
def test_the_size_asked_for_is_that_of_the_finished_picture(
    asked: tuple[int, int], drawn: tuple[int, int], scale: int
) -> None:
    made = text(SMALL, width=asked[0], height=asked[1])
    assert (made.request.width, made.request.height) == drawn
    assert made.request.finish == Finish.model_validate({"scale": scale})
    assert not made.notes


def test_what_does_not_divide_is_told_and_what_is_too_large_refused() -> None:
    made = text(SMALL, width=500, height=512)
    assert (made.request.width, made.request.height) == (128, 128)
    assert made.notes == ("500×512 px became 512×512: sides go in steps of 32.",)
    with pytest.raises(RequestError, match="1024×1024 px at most"):
        text(SMALL, width=2048, height=2048)
    with pytest.raises(RequestError, match="4096 px a side"):
        text(width=2048, height=2048, enable_hr=True, hr_scale=4)


def test_an_enlarger_acts_only_where_the_picture_is_to_be_enlarged() -> None:
    named = {"prompt": "a", "width": 512, "height": 512, "hr_upscaler": "Fine"}
    for usual, on, chosen in ((SMALL, False, None), (SMALL, True, "fine"), (PLAIN, True, "fine")):
        sent = TextToImage.model_validate(named | {"enable_hr": on})
        made = translating.text_to_image(sent, None, usual, "fine")
        assert made.request.finish is not None
        assert (made.request.finish.upscaler, made.notes) == (chosen, ())


def test_high_resolution_enlarges_what_is_made() -> None:
    made = text(enable_hr=True, hr_scale=2, width=512, height=512, hr_upscaler="Latent", denoising_strength=1)
    assert made.request.finish == Finish(scale=2)
    assert (made.request.width, made.request.height) == (512, 512)
    assert len(made.notes) == 2
    assert "hr_upscaler “Latent”" in made.notes[0]
    assert "denoising_strength" in made.notes[1]
    between = text(enable_hr=True, hr_scale=1.5, width=512, height=512)
    assert between.notes == ("hr_scale 1.5 became 2: 2 and 4 are possible.",)
    twice = text(SMALL, enable_hr=True, width=512, height=512).request
    assert (twice.width, twice.finish) == (256, Finish(scale=4))
    assert not text(hr_scale=1.5, hr_upscaler="Latent", denoising_strength=0.7).notes  # off there, too


def test_what_differs_from_the_other_tools_defaults_is_told() -> None:
    assert not text(
        tiling=False, styles=[], scheduler="automatic", eta=1.0, script_args=[], save_images=True
    ).notes
    notes = text(
        sampler_name="Euler a",
        sampler_index="Euler a",
        styles=["x"],
        subseed=3,
        alwayson_scripts={"ADetailer": {"args": [True]}},
        override_settings={"CLIP_stop_at_last_layers": 2, "sd_vae": "Automatic", "new_one": "x"},
        frobnicate=1,
        nothing=None,
    ).notes
    assert notes == (
        "sampler_name “Euler a” is not used: each model has its own sampler.",
        "styles is not used.",
        "subseed 3 is not used.",
        "alwayson_scripts (ADetailer) is not used.",
        "frobnicate 1 is not known here.",
        "override_settings: CLIP_stop_at_last_layers 2 is not used.",
        "override_settings: new_one “x” is not known here.",
    )


def test_what_is_told_is_bounded() -> None:
    notes = text(**{f"field{number}": "x" * 10**5 for number in range(500)}).notes
    assert len(notes) == 65
    assert max(map(len, notes)) < 200
    assert notes[-1] == "436 more fields were sent that are not looked at."
    assert text(x=10**4000, y=float("nan"), z="\ud800", w=[[[]]]).notes[0] == "x is not known here."


def test_a_picture_to_start_from_and_a_mask() -> None:
    plain = image(denoising_strength=0.4)
    assert (plain.request.mode, plain.request.strength) == (Mode.IMG2IMG, 0.4)
    assert [(each.image_id, each.role) for each in plain.request.references] == [("s", Role.SOURCE)]
    masked = image(mask=(256, 256), init_images=["a", "b"], mask_blur=9)
    assert masked.request.mode is Mode.INPAINT
    assert [each.role for each in masked.request.references] == [Role.SOURCE, Role.MASK]
    assert masked.notes == (
        "Only the first of 2 init_images is used.",
        "The mask has 256×256 px and was made as large as its picture.",
        "mask_blur 9 is not used: a mask acts as it is painted.",
    )
    assert image(inpainting_mask_invert=1).notes == ("inpainting_mask_invert does nothing without a mask.",)


def test_the_answer_has_the_size_asked_for() -> None:
    assert image().request.result_size == "source"
    same = image((640, 512), width=640, height=512).request
    assert (same.result_size, same.width) == ("source", None)
    other = image((1024, 1024), width=512, height=512)
    assert (other.request.result_size, other.request.width) == (ResultSize(width=512, height=512), 512)
    assert not other.notes
    small = image((1024, 1024), usual=SMALL, width=512, height=512).request
    assert (small.width, small.height, small.result_size) == (128, 128, ResultSize(width=512, height=512))
    shaped = image((1024, 512), width=512, height=512)
    assert (shaped.request.fit, shaped.notes) == (
        "crop",
        ("The source has another shape; it was cropped, not stretched.",),
    )
    assert not image((1024, 512), width=512, height=512, resize_mode=1).notes
    assert image((1024, 512), width=512, height=512, resize_mode=2).request.fit == "extend"


def test_a_picture_is_enlarged_two_or_four_times() -> None:
    made = translating.enlarging(ExtraSingleImage(upscaling_resize=4, upscaler_1="SwinIR 4x"), "s", None)
    assert (made.request.mode, made.request.scale, made.request.model) == (Mode.UPSCALE, 4, None)
    assert made.notes == ("upscaler_1 “SwinIR 4x” is not here: the studio's own enlarges.",)
    with pytest.raises(RequestError, match="2 or 4"):
        translating.enlarging(ExtraSingleImage(upscaling_resize=1), "s", None)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (TextToImage, {"steps": 10**9}),
        (TextToImage, {"steps": 0}),
        (TextToImage, {"width": 10**9}),
        (TextToImage, {"width": 10**400}),
        (TextToImage, {"height": -1}),
        (TextToImage, {"cfg_scale": float("nan")}),
        (TextToImage, {"cfg_scale": float("inf")}),
        (TextToImage, {"seed": 2**63}),
        (TextToImage, {"seed": "red"}),
        (TextToImage, {"prompt": "x" * 10_001}),
        (TextToImage, {"prompt": ["a"]}),
        (TextToImage, {"prompt": "\ud800"}),
        (TextToImage, {"override_settings": "x"}),
        (TextToImage, {"batch_size": 10**5000}),
        (TextToImage, {"hr_scale": float("nan")}),
        (ImageToImage, {"denoising_strength": 1.5}),
        (ImageToImage, {"denoising_strength": float("nan")}),
        (ImageToImage, {"init_images": "abc"}),
        (ImageToImage, {"init_images": [None]}),
        (ImageToImage, {"mask": {"a": 1}}),
        (TextToImage, []),
        (TextToImage, None),
    ],
)
def test_values_without_sense_are_refused(kind: type[Sent], sent: Any) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(sent)


@pytest.mark.parametrize(("size", "times"), [(1000, 1), (1, 9), (10_000, 10_000)])
def test_more_pictures_than_one_request_has_are_refused_in_words(size: int, times: int) -> None:
    with pytest.raises(RequestError, match="8 pictures are the most") as refused:
        text(batch_size=size, n_iter=times)
    assert refused.value.field == "batch_size"


def test_base64_comes_with_or_without_what_it_is() -> None:
    data = bytes(range(256))
    plain = base64.b64encode(data).decode()
    for sent in (plain, f"data:image/png;base64,{plain}", f"{plain[:40]}\r\n{plain[40:]} "):
        assert translating.picture_bytes(sent, "mask") == data


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("", "empty"),
        ("data:image/png;base64,", "empty"),
        ("data:", "empty"),
        ("abc", "not base64"),
        ("äöü=", "not base64"),
        ("%%%%", "not base64"),
        ("https://example.org/a.png", "web address"),
        ("file:///etc/passwd", "not base64"),
        ("A" * 100_000_001, "not base64"),
    ],
)
def test_what_is_no_picture_is_said_in_words(sent: str, words: str) -> None:
    with pytest.raises(PictureRefused, match=words) as refused:
        translating.picture_bytes(sent, "init_images")
    assert refused.value.field == "init_images"


def test_a_model_is_named_by_title_label_or_id() -> None:
    models = [
        model("one", "First"),
        model("two", "Twin"),
        model("three", "Twin"),
        model("away", "Away", available="missing"),
        model("large", "Large", family="upscaler", modes=("upscale",)),
    ]
    for name in ("First", "first", " FIRST ", "one"):
        assert translating.named_model(name, models) == "one"
    assert translating.named_model("Twin (three)", models) == "three"
    assert translating.named_model("", models) is None
    for unknown in ("Away", "Large", "x" * 10**5, 7, ["one"], {"a": 1}):
        with pytest.raises(RequestError, match="Here are: First, Twin ") as refused:
            translating.named_model(unknown, models)
        assert len(refused.value.detail) < 300
