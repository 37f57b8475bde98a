"""What a press on a preset does to the state of a tab, and that the picture's settings give it back."""

from __future__ import annotations

import pytest

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import NotFound
from pipelines.families.settings import GUIDANCE, INFLUENCE, NEGATIVE_PROMPT
from pipelines.request import Mode
from studio.presets.presets import Presets
from studio.presets.records import PresetSettings, PresetVariant, PresetWish
from studio.settings import PRESETS, ROOT
from studio.ui.presets import with_preset
from studio.ui.state import StudioState


@pytest.fixture
def presets(tmp_path_factory: pytest.TempPathFactory) -> Presets:
    own = tmp_path_factory.mktemp("own") / "presets.yaml"
    presets = Presets(load_catalog(ROOT / "models.yaml"), PRESETS, own)
    settings = PresetSettings(guidance_scale=6.5, strength=0.4)
    said = PresetVariant(words="oil painting", negative="photo", settings=settings)
    presets.create(PresetWish(label="Oil on wood", group="style", says=(said,)))
    return presets


def test_words_and_settings_are_to_be_seen_in_the_tab(presets: Presets) -> None:
    state = StudioState(mode=Mode.IMG2IMG, model="stable-diffusion-1.5", prompt="a man")
    state = state.model_copy(update={"model": next(s.id for s in presets._catalog.specs if s.words is None)})
    on = with_preset(state, "oil-on-wood", presets)
    assert on.prompt == "a man, oil painting"
    assert on.get(NEGATIVE_PROMPT) == "photo"
    assert on.get(GUIDANCE) == 6.5
    assert on.get(INFLUENCE) == 60
    off = with_preset(on, "oil-on-wood", presets)
    assert (off.prompt, off.get(NEGATIVE_PROMPT)) == ("a man", "")
    with pytest.raises(NotFound):
        with_preset(state, "nothing", presets)


def test_nothing_else_of_the_tab_changes(presets: Presets) -> None:
    state = StudioState(mode=Mode.TEXT_TO_IMAGE, model="portrait-mini", prompt="a man").put(GUIDANCE, 5.0)
    on = with_preset(state, "smiling", presets)
    assert on == state.model_copy(update={"prompt": "a man, smiling"})
