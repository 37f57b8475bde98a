from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import Conflict, NotFound, RequestError
from pipelines.modes import Mode
from pipelines.planning.small_models import unknown_words
from pipelines.request import GenerationRequest
from studio.presets import file
from studio.presets.applying import toggled, with_words, without
from studio.presets.presets import GROUPS, Presets
from studio.presets.records import PresetVariant, PresetWish
from studio.settings import PRESETS, ROOT

MINI = "portrait-mini"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(ROOT / "models.yaml")


@pytest.fixture
def presets(catalog: Catalog, tmp_path: Path) -> Presets:
    return Presets(catalog, PRESETS, tmp_path / "presets.yaml")


def wish(label: str = "Lantern", words: str = "lit by a lantern", group: str = "light") -> PresetWish:
    return PresetWish(label=label, group=group, says=(PresetVariant(words=words),))


# --- those that come with the studio ------------------------------------------------------------------


def test_the_shipped_file_has_no_fault_and_each_group() -> None:
    found = file.read(PRESETS.read_text(encoding="utf-8"), "presets.yaml")
    assert found.faults == ()
    assert {preset.group for preset in found.presets} == set(GROUPS)


def test_the_bundled_model_is_offered_only_words_it_knows(presets: Presets, catalog: Catalog) -> None:
    spec = catalog.get(MINI)
    offered = [
        (item.id, item.says.models, item.says.words)
        for mode in spec.modes
        for item in presets.page(mode, MINI).items
        if item.says
    ]
    assert len({preset for preset, _, _ in offered}) >= 15
    for _, models, words in offered:
        assert MINI in models  # only what was looked at
        assert unknown_words(spec, catalog.folder(spec), words) == ()


@pytest.mark.parametrize(
    ("mode", "unfollowed"),
    [
        (
            Mode.CHARACTER_REFERENCE,
            "soft-window wink black-jacket gray-hoodie red-dress flat-vector storybook",
        ),
        (Mode.STYLE_REFERENCE, "soft-window wink gray-hoodie cartoon"),
        (Mode.CONTROLNET, "soft-window wink gray-hoodie red-dress flat-vector storybook"),
    ],
)
def test_what_the_bundled_model_was_seen_not_to_follow_is_not_offered(
    presets: Presets, mode: Mode, unfollowed: str
) -> None:
    said = {item.id: item for item in presets.page(mode, MINI).items}
    for preset in unfollowed.split():
        assert said[preset].says is None
        assert said[preset].reason
    for group in ("light", "expression", "outfit"):
        assert sum(item.says is not None for item in said.values() if item.group == group) >= 2


def test_what_the_model_does_not_follow_says_why(presets: Presets) -> None:
    rim = next(item for item in presets.page(Mode.TEXT_TO_IMAGE, MINI).items if item.id == "rim")
    assert rim.says is None
    assert "has never seen" in str(rim.reason)
    with pytest.raises(RequestError, match="has never seen"):
        presets.applied("rim", GenerationRequest(model=MINI))


def test_other_models_are_told_in_their_own_words(presets: Presets, catalog: Catalog) -> None:
    large = next(spec for spec in catalog.specs if spec.words is None and Mode.SMART_EDIT in spec.modes)
    said = {item.id: item.says for item in presets.page(Mode.SMART_EDIT, large.id).items}
    assert str(said["rim"]).count("keep everything else") == 1
    painted = {item.id: item.says for item in presets.page(Mode.IMG2IMG, large.id).items}["oil"]
    assert painted is not None
    assert painted.settings.strength == 0.6


def test_a_mode_without_words_has_none(presets: Presets) -> None:
    assert all(item.says is None and item.reason for item in presets.page(Mode.UPSCALE, MINI).items)


# --- in the words of a request -------------------------------------------------------------------------


def test_a_press_puts_it_in_another_takes_its_place_a_second_takes_it_out(presets: Presets) -> None:
    asked = GenerationRequest(model=MINI, prompt="a woman, red hair")
    once = presets.applied("dramatic-left", asked)
    assert once.on
    assert once.request.prompt == "a woman, red hair, dramatic light from the left"
    other = presets.applied("soft-window", once.request)
    assert other.request.prompt == "a woman, red hair, soft light"
    twice = presets.applied("soft-window", other.request)
    assert not twice.on
    assert twice.request.prompt == asked.prompt
    assert twice.request.model_fields_set == asked.model_fields_set


def test_settings_and_unwanted_words_come_along(presets: Presets) -> None:
    said = PresetVariant(
        words="oil painting", negative="photo", settings={"guidance_scale": 7, "strength": 0.4}
    )  # type: ignore[arg-type]
    made = presets.create(PresetWish(label="Thick oil", group="style", says=(said,)))
    model = next(i for i in presets._catalog.specs if i.words is None).id
    on = presets.applied(
        made.id, GenerationRequest(model=model, prompt="a man", negative_prompt="blurry")
    ).request
    assert (on.prompt, on.negative_prompt) == ("a man, oil painting", "blurry, photo")
    assert (on.guidance_scale, on.strength) == (7, 0.4)
    off = presets.applied(made.id, on).request
    assert (off.prompt, off.negative_prompt, off.guidance_scale) == ("a man", "blurry", 7)


def test_words_within_a_sentence_are_the_artists_own() -> None:
    assert toggled("a smiling woman", "angry", ["smiling"]) == ("a smiling woman, angry", True)
    assert toggled("a smiling woman", "smiling", []) == ("a smiling woman, smiling", True)


@pytest.mark.parametrize(
    ("prompt", "words", "left"),
    [
        ("smiling", "smiling", ""),
        ("smiling, a man", "smiling", "a man"),
        ("a man, smiling, hat", "smiling", "a man, hat"),
        ("a man; smiling", "smiling", "a man"),
        ("A man. Make him smile. At night", "Make him smile", "A man. At night"),
        ("unsmiling", "smiling", "unsmiling"),
    ],
)
def test_words_are_taken_out_with_their_comma(prompt: str, words: str, left: str) -> None:
    assert without(prompt, words) == left


@given(st.text(max_size=60), st.text(min_size=1, max_size=20).map(str.strip).filter(bool))
def test_what_was_put_in_can_be_taken_out(prompt: str, words: str) -> None:
    text = with_words(prompt, words)
    assert words in text
    if not set(words) & set(",.;\n") and words not in prompt:
        assert without(text, words) == prompt.rstrip().rstrip(",;")


@given(
    st.text(max_size=80),
    st.text(min_size=1, max_size=20).map(str.strip).filter(bool),
    st.lists(st.text(min_size=1, max_size=9), max_size=4),
)
def test_any_text_is_taken(prompt: str, words: str, others: list[str]) -> None:
    out, on = toggled(prompt, words, others)
    assert not on or words in out


# --- the artist's own -----------------------------------------------------------------------------------


def test_own_ones_are_kept_changed_and_removed(presets: Presets, catalog: Catalog, tmp_path: Path) -> None:
    made = presets.create(wish())
    assert (made.id, made.origin) == ("lantern", "own")
    assert presets.create(wish()).id == "lantern-2"
    presets.change("lantern", wish(words="lit by two lanterns"))
    again = Presets(catalog, PRESETS, tmp_path / "presets.yaml")
    item = next(each for each in again.page(Mode.TEXT_TO_IMAGE).items if each.id == "lantern")
    assert item.preset.says[0].words == "lit by two lanterns"
    again.remove("lantern")
    with pytest.raises(NotFound):
        again.remove("lantern")


def test_a_shipped_one_is_changed_and_comes_back(presets: Presets) -> None:
    def rim() -> tuple[str, str]:
        item = next(each for each in presets.page(Mode.TEXT_TO_IMAGE).items if each.id == "rim")
        return item.label, item.origin

    with pytest.raises(Conflict, match="comes with the studio"):
        presets.remove("rim")
    presets.change("rim", wish("Halo"))
    assert rim() == ("Halo", "changed")
    presets.remove("rim")
    assert rim() == ("Rim", "shipped")


def test_a_file_goes_from_one_studio_to_another(presets: Presets, catalog: Catalog, tmp_path: Path) -> None:
    presets.create(wish("Laterne im Nebel ☾", "烛光, lit by a lantern 🏮"))
    other = Presets(catalog, PRESETS, tmp_path / "other.yaml")
    taken = other.take(presets.text(), "from-mara.yaml")
    assert taken.added == ("laterne-im-nebel",)
    assert other.take(presets.text(), "from-mara.yaml").replaced == ("laterne-im-nebel",)
    assert other.text() == presets.text()
    assert len(file.read(presets.text(everything=True), "all").presets) > 30


GOOD = {"id": "a", "label": "A", "group": "light", "says": [{"words": "x"}]}


def with_strength(value: float) -> object:
    return {"presets": [{**GOOD, "says": [{"words": "x", "settings": {"strength": value}}]}]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "f.yaml is not YAML"),
        ('presets: !!int ""', "f.yaml is not YAML (a value is not what it is marked as)"),
        ('presets: !!bool "x"', "f.yaml is not YAML (a value is not what it is marked as)"),
        ("presets: !!timestamp x", "f.yaml is not YAML (a value is not what it is marked as)"),
        ("presets: 2001-99-99", "f.yaml is not YAML (month must be in 1..12)"),
        ("[1]", "f.yaml must hold the key “presets”"),
        ("presets: 3", "f.yaml must hold the key “presets”"),
        ({"presets": [GOOD, GOOD]}, "preset “a”: there are two presets with this id."),
        ({"presets": [{**GOOD, "id": "A b"}]}, "f.yaml, preset “A b”, id: "),
        ({"presets": [{**GOOD, "colour": 1}]}, "preset “a”, colour: there is no such key."),
        ({"presets": [{"id": "a", "group": "b"}]}, "preset “a”, label: this is left out."),
        ({"presets": [{**GOOD, "says": []}]}, "preset “a”, says: "),
        ({"presets": [{**GOOD, "says": [{"words": "  "}]}]}, "preset “a”, says.1.words: "),
        ({"presets": [{**GOOD, "says": [{"words": "x", "modes": ["paint"]}]}]}, "says.1.modes.1: "),
        (with_strength(2), "preset “a”, says.1.settings.strength: "),
        (with_strength(float("nan")), "preset “a”, says.1.settings.strength: "),
        ({"presets": ["a"]}, "f.yaml, preset number 1: "),
        ({"presets": [{**GOOD, "id": f"n{n}"} for n in range(501)]}, "f.yaml has 501 presets"),
        ("presets: " + "[" * 5000, "f.yaml is not YAML (it is nested too deeply)"),
    ],
)  # fmt: skip
def test_a_fault_is_one_clear_sentence(presets: Presets, content: object, sentence: str) -> None:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (fault,) = file.read(text, "f.yaml").faults
    assert sentence in fault
    assert fault.endswith(".")
    assert "\n" not in fault
    with pytest.raises(RequestError) as refused:
        presets.take(text, "f.yaml")
    assert refused.value.detail == fault


def test_a_faulty_file_of_ones_own_is_told_and_never_overwritten(presets: Presets, tmp_path: Path) -> None:
    own = tmp_path / "presets.yaml"
    text = yaml.safe_dump({"presets": [GOOD, {**GOOD, "id": "b", "label": ""}]})
    own.write_text(text, encoding="utf-8")
    page = presets.page(Mode.TEXT_TO_IMAGE)
    assert len(page.faults) == 1
    assert any(item.id == "a" for item in page.items)
    with pytest.raises(Conflict, match="Mend the file first"):
        presets.create(wish())
    assert own.read_text(encoding="utf-8") == text
    own.write_bytes(b"\xff\xfe\x00")
    assert presets.page(Mode.TEXT_TO_IMAGE).faults == ("presets.yaml is not text in UTF-8.",)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    assert file.read(text, "f").presets == () or "presets" in text
