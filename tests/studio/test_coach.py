"""Each rule where it speaks and where it must not; measures on real pictures; the advisor and REST."""

from __future__ import annotations

import dataclasses
import inspect
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image, ImageFilter
from skimage import data

from pipelines.errors import RequestError
from pipelines.request import GenerationRequest, Mode, Reference, Role
from studio.api.advice import add_advice
from studio.api.problems import add_problem_handlers
from studio.characters import faces
from studio.characters.records import BlueprintDraft, BlueprintField, FieldName
from studio.coach import after, before, prompt_forms
from studio.coach.advisor import Advisor
from studio.coach.facts import IntermediatePicture, ModelSettings, Result, Situation
from studio.coach.picture_facts import PictureFacts, look
from studio.coach.source_change import SourceChange, measure
from studio.jobs import JobQueue
from studio.service import StudioService
from tests.studio.fixtures import Durable, encoded, open_durable, save, upload

DRAWINGS = Path(__file__).parent / "characters" / "drawings"
ALL = tuple(mode.value for mode in Mode)
KNOBS = ModelSettings(fields=frozenset({"guidance_scale", "strength"}), modes=ALL)
SOURCE = "source-id"
FINE = PictureFacts(width=512, height=512, blur=0.35, clutter=0.05, light=0.45, contrast=0.7)


def situation(
    prompt: str = "", *, facts: PictureFacts = FINE, previous: Any = None, **changes: Any
) -> Situation:
    values: dict[str, Any] = {
        "mode": Mode.SMART_EDIT,
        "prompt": prompt,
        "width": 512,
        "height": 512,
        "seed": 7,
        "references": (Reference(image_id=SOURCE),),
    }
    shown = changes.pop("source_prompt", "")
    knobs = changes.pop("knobs", KNOBS)
    return Situation(
        request=GenerationRequest(**(values | changes)),
        knobs=knobs,
        pictures={SOURCE: facts},
        source_prompt=shown,
        previous=previous,
    )


def facts(**changes: Any) -> PictureFacts:
    values = {"width": 512, "height": 512, "blur": 0.35, "clutter": 0.05, "light": 0.45, "contrast": 0.7}
    return PictureFacts(**(values | changes))


EARLIER = situation("change the background to a library", strength=0.75).request
RETRY: dict[str, Any] = {"previous": EARLIER, "strength": 0.75}

SPEAKS: list[tuple[before.Rule, Situation]] = [
    (before.describes_again, situation("woman with brown hair, soft light, white shirt, studio portrait")),
    (before.describes_again, situation("red hair", source_prompt="a knight with red hair")),
    (before.describes_again, situation("a tall man in a grey coat", mode=Mode.INPAINT)),
    (before.too_many_demands, situation("change the background, make her smile and add dramatic light")),
    (
        before.too_many_demands,
        situation(
            "in a forest at night, candlelight, smiling, sitting, in profile, oil painting",
            mode=Mode.CHARACTER_REFERENCE,
        ),
    ),
    (before.says_nothing_to_keep, situation("change the background to a dark library")),
    (before.character_needs_a_scene, situation("make her smile", mode=Mode.CHARACTER_REFERENCE)),
    (
        before.one_change_at_a_time,
        situation("make her smile", previous=EARLIER, guidance_scale=7.0, strength=0.5),
    ),
    (before.fix_the_seed, situation(EARLIER.prompt, seed=-1, guidance_scale=6.0, **RETRY)),
    (before.influence_against_guidance, situation("x", strength=0.2, guidance_scale=9.0)),
    (before.influence_against_guidance, situation("x", strength=0.95, guidance_scale=1.5)),
    (before.reference_too_small, situation("x", facts=facts(width=96, height=128))),
    (before.reference_smaller_than_output, situation("x", width=1024, height=1024)),
    (before.reference_blurred, situation("x", facts=facts(blur=0.7))),
    (before.reference_busy, situation("x", facts=facts(clutter=0.4))),
    (before.reference_badly_lit, situation("x", facts=facts(light=0.05))),
    (before.reference_badly_lit, situation("x", facts=facts(burnt=0.5))),
    (before.reference_badly_lit, situation("x", facts=facts(contrast=0.1))),
]
QUIET: list[tuple[before.Rule, Situation]] = [
    (before.describes_again, situation("change the background to candlelit stone chamber, keep the outfit")),
    (before.describes_again, situation("serious expression")),
    (before.describes_again, situation("")),
    (before.describes_again, situation("woman with brown hair in a white shirt", mode=Mode.IMG2IMG)),
    (before.too_many_demands, situation("change the background to a library, keep the light, face and hair")),
    (before.too_many_demands, situation("rainy rooftop at night, sitting", mode=Mode.CHARACTER_REFERENCE)),
    (before.too_many_demands, situation("forest, light, smile, coat, hair", mode=Mode.TEXT_TO_IMAGE)),
    (before.says_nothing_to_keep, situation("change the background, maintain current outfit")),
    (before.says_nothing_to_keep, situation("a knight")),
    (before.character_needs_a_scene, situation("standing on a rainy rooftop", mode=Mode.CHARACTER_REFERENCE)),
    (before.character_needs_a_scene, situation("make her smile")),
    (before.one_change_at_a_time, situation("make her smile", **RETRY)),
    (before.one_change_at_a_time, situation("make her smile", guidance_scale=7.0, strength=0.5)),
    (before.fix_the_seed, situation(EARLIER.prompt, seed=7, guidance_scale=6.0, **RETRY)),
    (before.fix_the_seed, situation("make her smile", seed=-1, **RETRY)),
    (before.influence_against_guidance, situation("x", strength=0.5, guidance_scale=9.0)),
    (
        before.influence_against_guidance,
        situation("x", strength=0.2, guidance_scale=9.0, knobs=ModelSettings()),
    ),
    (before.reference_too_small, situation("x", facts=facts(width=128, height=128), width=128, height=128)),
    (before.reference_smaller_than_output, situation("x", width=640, height=640)),
    (before.reference_blurred, situation("x", facts=facts(blur=0.55))),
    (before.reference_busy, situation("x", facts=facts(clutter=0.2))),
    (before.reference_busy, situation("x", facts=facts(clutter=0.4), mode=Mode.STYLE_REFERENCE)),
    (before.reference_badly_lit, situation("x")),
]


@pytest.mark.parametrize(("rule", "case"), SPEAKS)
def test_a_rule_speaks_and_explains(rule: before.Rule, case: Situation) -> None:
    advice = rule(case)
    assert advice is not None
    assert advice.id == rule.__name__.replace("_", "-")
    assert advice.words.endswith(".")
    assert len(advice.why) > len(advice.words) / 2
    for step in advice.steps:
        assert step.set or step.use_image or step.append
        GenerationRequest.model_validate(step.set)


@pytest.mark.parametrize(("rule", "case"), QUIET)
def test_a_rule_is_quiet(rule: before.Rule, case: Situation) -> None:
    assert rule(case) is None


def test_every_rule_has_cases_of_both_kinds() -> None:
    assert {rule for rule, _ in SPEAKS} == set(before.RULES) == {rule for rule, _ in QUIET}
    assert all(inspect.getdoc(rule) for rule in before.RULES)


def test_a_good_edit_of_a_good_picture_needs_no_advice() -> None:
    assert before.advise(situation("change the background to a dark library, keep the face and outfit")) == ()


def test_what_is_locked_of_a_character_is_what_to_keep() -> None:
    case = situation("change the background to a dark library")
    locked = dataclasses.replace(case, keep=("maintain current outfit", "same scar", "same background"))
    advice = before.says_nothing_to_keep(locked)
    assert advice is not None
    assert advice.steps[0].append == "maintain current outfit, same scar"


def test_a_mask_is_no_picture_to_judge() -> None:
    masked = (Reference(image_id=SOURCE, role=Role.MASK),)
    assert (
        before.advise(situation("a lantern", mode=Mode.INPAINT, references=masked, facts=facts(light=0)))
        == ()
    )


def test_enlarging_uses_the_mode_made_for_it_and_does_without_where_there_is_none() -> None:
    small = facts(width=96, height=96)

    def steps(*modes: str) -> list[dict[str, Any]]:
        advice = before.reference_too_small(situation("x", facts=small, knobs=ModelSettings(modes=modes)))
        assert advice is not None
        return [step.set | {"image": step.use_image} for step in advice.steps]

    assert steps("upscale", "img2img") == [{"mode": "upscale", "image": SOURCE}]
    assert steps("img2img")[0]["mode"] == "img2img"
    assert steps("smart_edit") == []


def test_words_about_prompts() -> None:
    asked = "Change the background to a library and make her smile, keep the hair"
    assert prompt_forms.demands(asked) == ("background", "expression")
    assert prompt_forms.to_keep(asked) == ("face", "outfit")
    assert prompt_forms.demands("add a scar, remove the earring") == ("add a scar", "remove the earring")
    assert prompt_forms.keeps_something("without changing the face")


EDITS = (
    "change the background to a library, keep the face and outfit",
    "make her smile and add glasses",
    "change the background to a forest at night",
    "change the outfit to a red coat, keep the background",
    "remove the glasses",
)


def test_edits_together_are_the_last_of_each_kind() -> None:
    together = prompt_forms.together(EDITS)
    assert together == (
        "keep the face. make her smile. change the background to a forest at night. "
        "change the outfit to a red coat. remove the glasses"
    )
    assert prompt_forms.together(("make her eyes green", "make her eyes blue.")) == "make her eyes blue"
    assert prompt_forms.together(("put her in a tent", "put her on a boat")) == "put her on a boat"
    assert (
        prompt_forms.together(("a red hat", "add a red scarf", "a blue hat")) == "add a red scarf. a blue hat"
    )
    assert (
        prompt_forms.together(("keep the coat and face", "change the coat")) == "keep face. change the coat"
    )
    assert prompt_forms.together(("oil painting", "anime style")) == "anime style"
    assert prompt_forms.together(("给她戴上帽子", " ", "把背景换成森林")) == "给她戴上帽子. 把背景换成森林"
    assert prompt_forms.together(()) == ""


def test_the_coach_does_not_object_to_what_the_studio_put_together() -> None:
    together = prompt_forms.together(EDITS)
    parts = [prompt_forms.plain(part) for words in EDITS for part in prompt_forms.changes(words)]
    assert before.too_many_demands(situation(together)) is not None
    known = dataclasses.replace(situation(together), asked_before=frozenset(parts))
    assert before.advise(known) == ()
    more = situation(f"{together}. add a beard, zoom out and darken the sky")
    assert before.too_many_demands(dataclasses.replace(more, asked_before=frozenset(parts))) is not None


def test_the_coach_does_not_object_to_words_of_the_character() -> None:
    line = "long red hair, green eyes, wearing a grey coat, with a scar on the left cheek"
    case = situation(line)
    assert before.describes_again(case) is not None
    assert before.advise(dataclasses.replace(case, written=(line,))) == ()
    scene = f"{line}, oil painting, sitting in a forest"
    crowded = situation(scene, mode=Mode.CHARACTER_REFERENCE)
    assert before.too_many_demands(crowded) is not None
    assert before.too_many_demands(dataclasses.replace(crowded, written=(line, "oil painting"))) is None


def test_what_the_coach_had_set_is_not_held_against_the_artist() -> None:
    case = situation("make her smile", previous=EARLIER, guidance_scale=5.0, strength=0.95)
    assert before.one_change_at_a_time(case) is not None
    proposed = {"guidance_scale": [5.0], "strength": [0.95]}
    assert before.one_change_at_a_time(dataclasses.replace(case, proposed=proposed)) is None


# --- after Generate -------------------------------------------------------------------------------


FEW = SourceChange(rest=0.05, head=0.34, lines=1.0, colours=4.0)


def result(change: SourceChange | None = FEW, **changes: Any) -> Result:
    request = situation("make her smile", strength=0.75, guidance_scale=3.5).request
    values: dict[str, Any] = {"image_id": "new", "request": request, "seed": 7, "knobs": KNOBS}
    return Result(**(values | {"change": change} | changes))


def edit(prompt: str, lines: float = 1.0, colours: float = 4.0) -> Result:
    change = dataclasses.replace(FEW, lines=lines, colours=colours)
    return result(change, request=situation(prompt, mode=Mode.SMART_EDIT).request)


def branch(*structures: float) -> tuple[IntermediatePicture, ...]:
    names = [*(f"v{n}" for n in range(len(structures) - 1)), "new"]
    return tuple(
        IntermediatePicture(image_id=name, depth=depth, structure=structure)
        for depth, (name, structure) in enumerate(zip(names, structures, strict=True))
    )


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (result(), "Against its source, 34% of the head and 5% of the rest are different."),
        (result(SourceChange(rest=0.41)), "Against its source, 41% of the picture is different."),
        (result(None), ""),
        (result(request=situation("x", mode=Mode.CHARACTER_REFERENCE).request), ""),
    ],
)
def test_after_a_picture_only_what_was_measured_is_said_and_nothing_answered(
    case: Result, words: str
) -> None:
    judgement = after.judge(case)
    assert judgement.verdict is None
    assert set(judgement.outcomes) == {"closer", "same", "drifted"}
    assert words in judgement.words
    assert judgement.words.endswith("How did it come out?")
    for verdict in ("itself", "drifted", "Hardly", "changed"):
        assert verdict not in judgement.words


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (edit("make her smile", lines=0.2), "Few lines of the face are left"),
        (edit("make her smile", lines=3.0), "far more lines than before"),
        (edit("make her smile", colours=30.0), "far from before: look whether it is the same person"),
        (edit("give her green hair", colours=30.0), None),
        (edit("restyle as an ink sketch", lines=0.2), None),
        (edit("remove the glasses", lines=0.2), None),
        (edit("make her smile"), None),
        (
            result(dataclasses.replace(FEW, lines=0.1), request=situation("x", mode=Mode.IMG2IMG).request),
            None,
        ),
        (result(SourceChange(rest=0.9)), None),
    ],
)
def test_a_doubt_is_raised_where_nothing_asked_for_explains_it(case: Result, words: str | None) -> None:
    judgement = after.judge(case)
    assert judgement.verdict is None
    assert (judgement.doubt is None) == (words is None)
    assert judgement.words.startswith("Against its source, ")
    if words is not None:
        assert words in judgement.words


@pytest.mark.parametrize(
    ("prompt", "inside", "words"),
    [
        ("make her smile", 0.1, "beside the head"),
        ("make her smile", 0.9, None),
        ("make her smile", None, None),
        ("change the background to a forest", 0.9, "which you did not ask to change"),
        ("change the background to a forest", 0.1, None),
        ("give her green hair", 0.1, None),
        ("make it better", 0.1, None),
    ],
)
def test_a_change_elsewhere_than_the_words_said_is_in_doubt(
    prompt: str, inside: float | None, words: str | None
) -> None:
    change = dataclasses.replace(FEW, inside=inside)
    told = after.doubt(result(change, request=situation(prompt, mode=Mode.SMART_EDIT).request))
    assert (told is None) == (words is None)
    assert (words or "") in (told or "")


def test_a_refinements_own_change_is_what_is_told(tmp_path: Path) -> None:
    """As it was found when the picture was made, however little a pixel changed."""
    picture = Image.open(DRAWINGS / "blue-1.webp").convert("RGB")
    picture.save(tmp_path / "same.png")
    head = faces.find(DRAWINGS / "blue-1.webp")
    assert head is not None
    levels = Image.new("L", picture.size)
    x, y = (
        int((head.x + 0.4 * head.width) * picture.width),
        int((head.y + 0.4 * head.height) * picture.height),
    )
    levels.paste(9, (x, y, x + 20, y + 20))
    levels.save(tmp_path / "change.png")
    found = measure(tmp_path / "same.png", DRAWINGS / "blue-1.webp", (tmp_path / "change.png").read_bytes())
    assert found.inside == pytest.approx(1.0, abs=0.05)
    assert (found.head or 0) > 0
    assert found.rest == pytest.approx(0.0, abs=1e-3)


def test_an_erased_face_another_head_and_a_new_background_are_told_apart(tmp_path: Path) -> None:
    before = Image.open(DRAWINGS / "blue-1.webp").convert("RGB")
    kept = {"same": before.copy(), "erased": before.copy(), "beyond": before.copy()}
    head = faces.find(DRAWINGS / "blue-1.webp")
    assert head is not None
    wide, high = before.size
    box = [head.x * wide, head.y * high, (head.x + head.width) * wide, (head.y + head.height) * high]
    kept["erased"].paste((200, 160, 140), tuple(int(each) for each in box))
    kept["beyond"].paste((200, 40, 40), (0, 0, wide, int(box[1])))
    found = {}
    for name, picture in kept.items():
        picture.save(tmp_path / f"{name}.png")
        found[name] = measure(tmp_path / f"{name}.png", DRAWINGS / "blue-1.webp")
    assert found["same"] == SourceChange(rest=0.0, head=0.0, lines=1.0, colours=0.0)
    assert found["erased"].lines is not None
    assert found["erased"].lines < after.LINES_LOST
    assert (found["erased"].head or 0) > 0.8
    assert (found["beyond"].head, found["beyond"].lines) == (0.0, 1.0)
    assert found["beyond"].rest > 0
    plain = tmp_path / "plain.png"
    Image.new("RGB", (64, 64), "grey").save(plain)
    assert measure(tmp_path / "same.png", plain).head is None


def sets(advice: Any) -> list[dict[str, Any]]:
    return [step.set for step in advice.steps if step.set]


def test_an_ignored_edit_raises_guidance_or_lowers_influence() -> None:
    assert sets(after.ignored_edit(result())) == [{"guidance_scale": 5.0}, {"strength": 0.95}]
    assert sets(after.ignored_edit(result(knobs=ModelSettings()))) == []
    narrow = ModelSettings(fields=frozenset({"guidance_scale"}), guidance=(1.0, 3.5))
    assert sets(after.ignored_edit(result(knobs=narrow))) == []


def test_drift_goes_back_to_the_closest_version_or_holds_firmer() -> None:
    far = after.drifted(result(branch=branch(1.0, 0.7, 0.9, 0.5)))
    assert far.steps[0].use_image == "v2"
    assert sets(far) == [{"strength": 0.55}, {"guidance_scale": 2.5}]
    near = after.drifted(result(branch=branch(1.0, 0.5)))
    assert [step.use_image for step in near.steps] == [None, None]


@pytest.mark.parametrize("strength", [0.2, 0.3, 0.45, 0.6, 0.75, 0.85, 0.95])
@pytest.mark.parametrize("guidance", [1.0, 1.5, 2.0, 3.5, 5.0, 7.0, 12.0])
def test_no_step_brings_about_what_the_coach_then_warns_of(strength: float, guidance: float) -> None:
    now = situation("make her smile", strength=strength, guidance_scale=guidance)
    if before.influence_against_guidance(now):
        return
    outcomes = after.judge(result(request=now.request)).outcomes.values()
    small = before.reference_too_small(situation("x", facts=facts(width=96, height=96), guidance_scale=9.0))
    assert small is not None
    for step in (step for advice in (*outcomes, small) for step in advice.steps):
        taken = dataclasses.replace(now, request=now.request.model_copy(update=step.set))
        assert before.influence_against_guidance(taken) is None, step


def test_a_closer_result_becomes_the_next_reference() -> None:
    advice = after.came_closer(result())
    assert advice.steps[0].use_image == "new"
    assert sets(advice) == [{"seed": 7}]


# --- measures on real pictures --------------------------------------------------------------------


def stored(folder: Path, image: Image.Image, name: str) -> Path:
    path = folder / f"{name}.png"
    image.save(path)
    return path


def test_measures_tell_real_faults_apart(tmp_path: Path) -> None:
    portrait = Image.fromarray(data.astronaut())
    plain = look(stored(tmp_path, portrait, "plain"))
    soft = look(stored(tmp_path, portrait.filter(ImageFilter.GaussianBlur(3)), "soft"))
    dark = look(stored(tmp_path, portrait.point(lambda value: value // 5), "dark"))
    burnt = look(stored(tmp_path, portrait.point(lambda value: min(255, value * 3)), "burnt"))
    calm = look(stored(tmp_path, Image.fromarray(data.camera()), "calm"))
    assert (plain.width, plain.height, plain.shorter, plain.area) == (512, 512, 512, 512 * 512)
    assert plain.blur < before.BLURRED < soft.blur
    assert calm.clutter < before.CLUTTERED < plain.clutter  # flag and shuttle behind her
    assert dark.light < before.DARK < plain.light
    assert plain.burnt < before.BURNT < burnt.burnt


def test_a_picture_without_content_is_measured_too(tmp_path: Path) -> None:
    flat = look(stored(tmp_path, Image.new("RGB", (64, 64), "grey"), "flat"))
    assert (flat.blur, flat.clutter, flat.contrast) == (0.0, 0.0, 0.0)
    assert look(stored(tmp_path, Image.new("RGB", (4, 900)), "thin")).shorter == 4


# --- the advisor, on a real collection ------------------------------------------------------------


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    with open_durable(tmp_path) as durable:
        yield durable


@pytest.fixture
def advisor(durable: Durable) -> Advisor:
    return Advisor(StudioService(durable.catalog, durable.collection, JobQueue(durable.database)))


def ask(*ids: str, **changes: Any) -> GenerationRequest:
    references = tuple(Reference(image_id=image_id) for image_id in ids)
    return GenerationRequest(mode=Mode.IMG2IMG, references=references, **changes)


def test_a_picture_is_looked_at_once(durable: Durable, advisor: Advisor) -> None:
    image_id = upload(durable).id
    before_looks = look.answered
    for _ in range(3):
        advisor.before(ask(image_id, prompt="oil painting"))
    assert look.answered == before_looks + 1


def test_size_and_strength_are_those_of_the_real_plan(durable: Durable, advisor: Advisor) -> None:
    image_id = upload(durable).id
    open_request = advisor.situation(ask(image_id))
    assert open_request.request.strength == 0.75
    assert open_request.request.width is not None
    assert open_request.request.seed == -1
    assert open_request.request.prompt == ""


def test_what_cannot_be_planned_gets_what_advice_there_is(durable: Durable, advisor: Advisor) -> None:
    portrait = io.BytesIO(encoded(Image.fromarray(np.zeros((300, 300, 3), np.uint8))))
    image_id = durable.collection.add_upload(portrait, "dark.png")[0].id
    said = advisor.before(ask(image_id, "gone", model="nobody"))
    assert [advice.id for advice in said] == ["reference-badly-lit"]


def test_keep_clauses_come_from_the_character_that_is_loaded(durable: Durable) -> None:
    service = StudioService(durable.catalog, durable.collection, JobQueue(durable.database))
    mara = service.characters.create("Mara")
    locked = {FieldName.HAIR: BlueprintField(value="long, red", locked=True)}
    service.characters.save_blueprint(mara.id, BlueprintDraft(revision=0, fields=locked))
    keep = Advisor(service).situation(ask(upload(durable).id, character=mara.id)).keep
    assert len(keep) == 1
    assert "hair" in keep[0]
    assert Advisor(service).situation(ask(character="gone")).keep == ()


def test_tries_are_compared_only_with_the_same_references(durable: Durable, advisor: Advisor) -> None:
    source = upload(durable)
    made = save(durable, source, strength=0.5, guidance_scale=3.0)
    wish = {"prompt": "something else", "strength": 0.2, "guidance_scale": 9.0, "model": "tiny"}
    said = {advice.id for advice in advisor.before(ask(source.id, **wish), made.id)}
    assert "one-change-at-a-time" in said
    other = {advice.id for advice in advisor.before(ask(made.id, **wish), made.id)}
    assert "one-change-at-a-time" not in other


def test_what_a_sheet_was_made_with_is_not_the_artists_last_try(durable: Durable) -> None:
    queue = JobQueue(durable.database)
    service = StudioService(durable.catalog, durable.collection, queue)
    mara = service.characters.create("Mara")
    source = upload(durable)
    wish = ask(source.id, prompt="Mara", strength=0.5, guidance_scale=3.0)
    job = service.characters.versions.generate(mara.id, wish)
    made = save(durable, source, job_id=job.id, strength=0.5, guidance_scale=3.0)
    turned = ask(source.id, prompt="something else", strength=0.2, guidance_scale=9.0, model="tiny")
    assert Advisor(service).situation(turned, made.id).previous is None


def test_a_result_is_judged_by_its_own_source(durable: Durable, advisor: Advisor) -> None:
    source = upload(durable)
    made = save(durable, source, strength=0.5)
    found = advisor.result(made.id)
    assert found.change is not None
    assert [version.image_id for version in found.branch] == [source.id, made.id]
    alone = save(durable, job_id="alone")
    assert advisor.after(alone.id).verdict is None
    with pytest.raises(RequestError):
        advisor.after(source.id)


def test_edits_of_a_branch_put_together_are_known(durable: Durable, advisor: Advisor) -> None:
    source = upload(durable)
    edits = ("make her smile", "add a hat", "add dramatic light", "change the outfit to a coat")
    last = source
    for number, words in enumerate(edits):
        last = save(durable, last, job_id=f"edit-{number}", prompt=words)
    wish = ask(source.id, prompt=prompt_forms.together(edits)).model_copy(update={"mode": Mode.SMART_EDIT})
    said = {advice.id for advice in advisor.before(wish, last.id)}
    assert not said & {"too-many-demands", "describes-again", "says-nothing-to-keep"}
    others = wish.model_copy(update={"references": (Reference(image_id=upload(durable, 5).id),)})
    assert "too-many-demands" in {advice.id for advice in advisor.before(others)}


def test_a_step_of_the_coach_is_known_the_next_time(durable: Durable, advisor: Advisor) -> None:
    source = upload(durable)
    made = save(durable, source, strength=0.5, guidance_scale=3.5, model="tiny")
    steps = [step for each in advisor.after(made.id).outcomes.values() for step in each.steps]
    sets = {name: value for step in steps for name, value in step.set.items() if name != "seed"}
    assert sets
    found = advisor.situation(ask(source.id, prompt="other", model="tiny", **sets), made.id)
    assert not set(sets) & set(found.changed())


def test_advice_over_rest(durable: Durable, advisor: Advisor) -> None:
    from fastapi import APIRouter

    app, router = FastAPI(), APIRouter()
    add_advice(router, advisor)
    app.include_router(router)
    add_problem_handlers(app)
    rest = TestClient(app)
    source = upload(durable)
    made = save(durable, source, strength=0.5)
    assert {rule["id"] for rule in rest.get("/advice").json()} == {
        rule.__name__.replace("_", "-") for rule in before.RULES
    }
    request = ask(source.id, prompt="x", strength=0.2, guidance_scale=12.0, model="tiny").model_dump(
        mode="json"
    )
    said = rest.post("/advice", json={"request": request}).json()
    assert "influence-against-guidance" in {advice["id"] for advice in said}
    assert rest.get(f"/images/{made.id}/advice").json()["outcomes"]["drifted"]["steps"]
    assert rest.get("/images/none/advice").status_code == 404
    assert rest.post("/advice", json={"request": {"mode": "nothing"}}).status_code == 422


def test_enlarging_is_offered_with_any_model_where_an_enlarger_is_here() -> None:
    from studio.coach.advisor import _with_enlarging

    assert _with_enlarging(("img2img",), enlarges=True) == ("img2img", "upscale")
    assert _with_enlarging(("img2img",), enlarges=False) == ("img2img",)
    assert _with_enlarging(("img2img", "upscale"), enlarges=True) == ("img2img", "upscale")
