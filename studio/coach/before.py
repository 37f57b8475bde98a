"""What an experienced artist would say before Generate, as pure rules.

Each rule is one function with an id: it looks at a request and at what is measured of its references, and
says one thing or nothing. Knows no service, no rows and no files; asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.families.settings import word
from pipelines.request import MAX_PROMPT_CHARS, RANDOM_SEED, GenerationRequest, Mode, Reference, Role
from studio.coach import prompt_forms
from studio.coach.facts import Situation
from studio.coach.picture_facts import PictureFacts
from studio.coach.said import Advice, Step, influence_step

UPSCALE = "upscale"
"""The mode made for enlarging, where a model has it."""
ENLARGED = 1.5
"""How many times longer the output's sides may be than the reference's."""
SMALL_PX = 256
BLURRED = 0.6
CLUTTERED = 0.24
DARK, BRIGHT, FLAT, BURNT = 0.16, 0.88, 0.22, 0.25
_EDITS = (Mode.SMART_EDIT, Mode.INPAINT)


# --- before Generate: the words -------------------------------------------------------------------


def describes_again(s: Situation) -> Advice | None:
    """A weak prompt form: it tells the model what the reference shows already."""
    if s.request.mode not in _EDITS or not prompt_forms.describes(s.own_prompt, s.source_prompt):
        return None
    return Advice(
        id="describes-again",
        words="Say what should change, not again what the reference shows.",
        why="The model sees the reference already. What it needs from you is the change, for example "
        "“change the background to a candlelit stone chamber, keep the outfit and the expression”.",
    )


def too_many_demands(s: Situation) -> Advice | None:
    """Several changes in one prompt compete, and identity pays for it."""
    most = {Mode.SMART_EDIT: 2, Mode.INPAINT: 2, Mode.CHARACTER_REFERENCE: 4}.get(s.request.mode)
    asked = prompt_forms.demands(s.own_prompt)
    weak = s.request.mode in _EDITS and prompt_forms.describes(s.own_prompt, s.source_prompt)
    if most is None or len(asked) <= most or weak:
        return None
    return Advice(
        id="too-many-demands",
        words=f"This asks for {len(asked)} changes at once ({', '.join(asked)}). Ask for one, then the next.",
        why="When one picture has to handle several changes, some are ignored and the face pays for the "
        "others. Fix the background first, then the light, then small details, each from the best so far.",
    )


def says_nothing_to_keep(s: Situation) -> Advice | None:
    """An edit that names what must stay keeps it better."""
    prompt = s.request.prompt
    if s.request.mode is not Mode.SMART_EDIT or not prompt_forms.orders(s.own_prompt):
        return None
    kept = prompt_forms.to_keep(prompt)
    asked = set(prompt_forms.demands(prompt))
    held = [words for words in s.keep if not asked & set(prompt_forms.about(words))]
    clause = ", ".join(held) or (f"keep the {' and the '.join(kept)}" if kept else "")
    if (
        prompt_forms.keeps_something(prompt)
        or not clause
        or len(prompt) + len(clause) >= MAX_PROMPT_CHARS - 2
    ):
        return None
    return Advice(
        id="says-nothing-to-keep",
        words="Name what must stay, and it drifts less.",
        why="Words like “maintain current outfit” or “same face” tell the model which parts are settled.",
        steps=(Step(label=f"Add “{clause}”", append=clause),),
    )


def character_needs_a_scene(s: Situation) -> Advice | None:
    """In Character Reference the prompt is the whole picture, not a change."""
    if s.request.mode is not Mode.CHARACTER_REFERENCE or not s.request.prompt.strip():
        return None
    if not prompt_forms.is_order(s.request.prompt):
        return None
    return Advice(
        id="character-needs-a-scene",
        words="Describe the whole picture here, not a change.",
        why="Character Reference takes the face from the reference and everything else from your words: "
        "setting, pose, mood and light. To change one thing of a picture, use Smart Image Editing.",
        steps=_set_mode(s, Mode.SMART_EDIT, "Use Smart Image Editing"),
    )


# --- before Generate: the experiment --------------------------------------------------------------


def one_change_at_a_time(s: Situation) -> Advice | None:
    """Two settings or more were turned together: what helped cannot be told."""
    changed = s.changed()
    if len(changed) < 3 or s.previous is None:
        return None
    names = [word(name) for name in changed]
    kept = {name: getattr(s.previous, name) for name in changed if name != "prompt"}
    back = Step(label="Change only the prompt", set={n: v for n, v in kept.items() if v is not None})
    return Advice(
        id="one-change-at-a-time",
        words=f"{len(names)} things changed since the last picture. Change one at a time.",
        why=f"You changed {', '.join(names[:-1])} and {names[-1]}. Turned together, nobody can tell what "
        "helped; one by one, every picture teaches you something.",
        steps=(back,) if "prompt" in changed else (),
    )


def fix_the_seed(s: Situation) -> Advice | None:
    """One knob was turned: with the same seed the picture shows its effect alone."""
    changed = s.changed()
    if s.previous is None or s.request.seed != RANDOM_SEED or len(changed) != 1 or changed == ("prompt",):
        return None
    name = word(changed[0])
    return Advice(
        id="fix-the-seed",
        words=f"Keep the last seed to see what {name} alone does.",
        why="A new seed changes the picture by itself. With the same seed, what differs comes from what you "
        "changed.",
        steps=(Step(label=f"Use seed {s.previous.seed}", set={"seed": s.previous.seed}),),
    )


def influence_against_guidance(s: Situation) -> Advice | None:
    """Two knobs that pull against each other, or both let go."""
    knobs = s.knobs
    found = knobs.against(s.request.strength, s.request.guidance_scale)
    if found == "both hold":
        words = "High influence and high guidance pull against each other."
        why = (
            "Influence holds on to the reference, guidance pushes towards your words. Pulled both ways, "
            "skin and edges turn hard and brittle. Ease the one that matters less here."
        )
    elif found == "neither holds":
        words = "Low influence and low guidance leave nothing to hold on to."
        why = "Neither the reference nor your words are followed closely, so the picture wanders. Raise one."
    else:
        return None
    usual = Step(label=f"Guidance {knobs.usual_guidance:g}", set={"guidance_scale": knobs.usual_guidance})
    return Advice(id="influence-against-guidance", words=words, why=why, steps=(usual, influence_step(0.5)))


# --- before Generate: the references --------------------------------------------------------------


def reference_too_small(s: Situation) -> Advice | None:
    """Too few pixels for eyes and edges."""
    output = _output_side(s.request)
    for number, reference, facts in s.references:
        if facts.shorter < min(SMALL_PX, output):
            return Advice(
                id="reference-too-small",
                words=f"Reference {number} is small ({facts.width} × {facts.height}). Enlarge it first.",
                why="With so few pixels the model has to guess eyes and edges, and every guess is drift.",
                steps=_enlarge(s, reference),
            )
    return None


def reference_smaller_than_output(s: Situation) -> Advice | None:
    """Stretched to the output, a reference shows less than the picture needs."""
    output = (s.request.width or 0) * (s.request.height or 0)
    for number, reference, facts in s.references:
        if facts.shorter >= SMALL_PX and output > ENLARGED**2 * facts.area:
            times = (output / facts.area) ** 0.5
            return Advice(
                id="reference-smaller-than-output",
                words=f"The output is {times:.1f} times as large as reference {number}. Enlarge it first.",
                why="A stretched reference is soft, and softness gets amplified rather than repaired.",
                steps=_enlarge(s, reference),
            )
    return None


def reference_blurred(s: Situation) -> Advice | None:
    """Blurred eyes and edges are amplified, not repaired."""
    for number, _, facts in s.references:
        if facts.blur > BLURRED and facts.shorter >= 64:
            return Advice(
                id="reference-blurred",
                words=f"Reference {number} looks blurred. A sharper picture keeps the face better.",
                why="Blurry eyes and compressed textures tend to be amplified rather than repaired.",
            )
    return None


def reference_busy(s: Situation) -> Advice | None:
    """Clutter around the subject is inherited."""
    for number, reference, facts in s.references:
        role = s.request.role_of(reference)
        if facts.clutter > CLUTTERED and facts.shorter >= 128 and role in (Role.SOURCE, Role.CHARACTER):
            return Advice(
                id="reference-busy",
                words=f"The background of reference {number} is busy. A simpler one is understood better.",
                why="With clutter around the subject the model cannot tell what to preserve, and takes over "
                "shapes by accident. Crop closer, or change the background to a plain one first.",
                steps=_plain_background(s, reference),
            )
    return None


def reference_badly_lit(s: Situation) -> Advice | None:
    """Too dark, too bright or without contrast."""
    for number, _, facts in s.references:
        fault = _light_fault(facts)
        if fault:
            return Advice(
                id="reference-badly-lit",
                words=f"Reference {number} is {fault}. An evenly lit one shows the face better.",
                why="What lies in the dark or is burnt out cannot be kept. The most neutral, readable "
                "picture is the best start; strong light comes later.",
            )
    return None


Rule = Callable[[Situation], Advice | None]
RULES: tuple[Rule, ...] = (
    reference_too_small,
    reference_smaller_than_output,
    reference_blurred,
    describes_again,
    character_needs_a_scene,
    too_many_demands,
    influence_against_guidance,
    reference_badly_lit,
    reference_busy,
    one_change_at_a_time,
    fix_the_seed,
    says_nothing_to_keep,
)
"""What is said before Generate, the most useful first."""


def advise(situation: Situation) -> tuple[Advice, ...]:
    """Everything the rules have to say, the most useful first."""
    said = (rule(situation) for rule in RULES)
    return tuple(advice for advice in said if advice is not None)


# --- parts ----------------------------------------------------------------------------------------


def _output_side(request: GenerationRequest) -> int:
    return min(request.width or SMALL_PX, request.height or SMALL_PX)


def _light_fault(facts: PictureFacts) -> str | None:
    if facts.light < DARK:
        return "very dark"
    if facts.light > BRIGHT or facts.burnt > BURNT:
        return "overexposed"
    return "flat, almost without contrast" if facts.contrast < FLAT else None


def _set_mode(s: Situation, mode: Mode, label: str) -> tuple[Step, ...]:
    return (Step(label=label, set={"mode": mode.value}),) if mode.value in s.knobs.modes else ()


def _enlarge(s: Situation, reference: Reference) -> tuple[Step, ...]:
    """A pass that only makes the reference larger: a mode made for it, else a gentle repainting."""
    modes = s.knobs.modes
    if UPSCALE in modes:
        return (Step(label="Enlarge it first", set={"mode": UPSCALE}, use_image=reference.image_id),)
    if Mode.IMG2IMG.value not in modes:
        return ()
    gentle = {"mode": Mode.IMG2IMG.value, "strength": 0.25, "aspect_ratio": "reference"}
    if s.knobs.against(0.25, s.request.guidance_scale):
        gentle["guidance_scale"] = s.knobs.usual_guidance
    return (Step(label="Enlarge it first", set=gentle, use_image=reference.image_id),)


def _plain_background(s: Situation, reference: Reference) -> tuple[Step, ...]:
    if Mode.SMART_EDIT.value not in s.knobs.modes:
        return ()
    wish = {
        "mode": Mode.SMART_EDIT.value,
        "prompt": "change the background to plain grey, keep the person as is",
    }
    return (Step(label="Make it plain first", set=wish, use_image=reference.image_id),)
