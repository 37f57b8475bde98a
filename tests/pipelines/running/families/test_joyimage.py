"""JoyAI-Image: its latents are patches of all pictures in one row, which are taken apart here."""

from __future__ import annotations

import numpy as np
import torch

from pipelines.families.registry import FAMILIES
from pipelines.request import Mode
from tests.pipelines.running.families.conftest import Tiny

MODEL = "tiny-joyimage"


def test_the_picture_is_the_one_that_the_pipeline_itself_decodes(tiny: Tiny) -> None:
    asked = {"references": [{"image_id": "face"}, {"image_id": "tall", "role": "style"}]}
    call = tiny.prepare(tiny.load(MODEL), MODEL, "smart_edit", **asked, width=64, height=96)
    ours = call.decode(call.denoise(7, lambda *_: None))
    arguments = {**call.arguments, "output_type": "pil", "generator": torch.Generator("cpu").manual_seed(7)}
    theirs = call._pipeline(**arguments).images[0]
    assert ours.size == (64, 96)
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_five_references_are_the_most_and_say_their_places(tiny: Tiny) -> None:
    route = FAMILIES["joyimage"].routes[Mode.SMART_EDIT]
    assert route.max_references == 5
    given = [{"image_id": "face"}, *({"image_id": "other", "role": "character"} for _ in range(4))]
    completed = tiny.complete(MODEL, "smart_edit", references=given, prompt="red hair")
    assert "the person of image 2, image 3, image 4 and image 5" in (completed.composed_prompt or "")
