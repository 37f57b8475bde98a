"""What can be said after Generate: what was measured, and what to do next for each answer of the artist.

No measure here knows faces or intentions: an erased face leaves most of a picture as it was, and glasses
change it. So nothing is praised; the artist says how it came out, and each answer has its next steps. Two
measures of the head may raise a doubt, where what was asked for does not explain them; how often they are
right is in docs/characters.md. Pure, as the rules before Generate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelines.request import Mode, Role
from studio.coach import prompt_forms
from studio.coach.facts import IntermediatePicture, Result
from studio.coach.said import Advice, Judgement, Step, influence_step
from studio.coach.source_change import SourceChange

CLOSER_BY = 0.1
"""How much more structure an earlier version must share with the anchor to go back to it."""
_INFLUENCE_STEP = 0.2
_MEASURED = (Mode.SMART_EDIT, Mode.IMG2IMG, Mode.INPAINT)
"""Modes whose result continues its source; the others make a new picture, which structure cannot judge."""
_EDITS = (Mode.SMART_EDIT, Mode.INPAINT)
"""Modes that leave alone what was not asked for, so that other changes are in doubt."""
LINES_LOST, LINES_GAINED, COLOURS_FAR = 0.35, 2.4, 27.0
"""From where a doubt is raised (`SourceChange.lines`, `.colours`)."""
_MOSTLY = 0.75
"""Share of a change in the head, or beside it, from which on it is a change of that."""
_IN_THE_HEAD, _BESIDE = frozenset({"expression", "eyes"}), frozenset({"background", "outfit"})
"""Topics of a prompt, by where their change belongs."""
_CHANGES_LINES = frozenset({"style", "age", "light", "angle", "pose"})
_ON_THE_FACE = re.compile(
    r"\b(?:\w*glasses|spectacles|beard|mo?ustache|mask|helmet|hood|veil|scarf|makeup|tattoos?|freckles|wrinkles"
    r"|scars?|paint)\b",
    re.IGNORECASE,
)
"""Words of a prompt for what draws lines into a face, or takes them away."""
_CHANGES_COLOURS = frozenset({"hair", "skin", "light", "style", "age", "angle", "pose"})
"""Topics of a prompt that explain such a change."""
_QUESTION = "How did it come out?"


def judge(result: Result) -> Judgement:
    """Tell what was measured, ask, and say what follows from each of the three answers."""
    return Judgement(
        words=_words(result),
        doubt=doubt(result),
        outcomes={"closer": came_closer(result), "same": ignored_edit(result), "drifted": drifted(result)},
    )


def came_closer(result: Result) -> Advice:
    """Build on it: the output is the next reference."""
    seed = result.seed
    keep = () if seed is None else (Step(label=f"Keep seed {seed}", set={"seed": seed}),)
    return Advice(
        id="came-closer",
        words="Use it as the next reference, then describe the next change.",
        why="Changes made one after the other, each from the best picture so far, hold the identity better "
        "than one picture that has to do everything. With the seed kept, a change shows its own effect.",
        steps=(Step(label="Use as reference", use_image=result.image_id), *keep),
    )


def ignored_edit(result: Result) -> Advice:
    """The edit hardly shows: more pressure of the words, or less hold of the reference."""
    steps = (*_guidance(result, 1.4), *_shifted_influence(result, -_INFLUENCE_STEP))
    return Advice(
        id="ignored-edit",
        words=f"The edit hardly shows. {_do(steps) or 'Say the change more specifically.'}",
        why="Guidance is how hard your words push, influence how firmly the reference holds. When the change "
        "does not come, give the words more weight, or ask for it more specifically.",
        steps=steps,
    )


def drifted(result: Result) -> Advice:
    """Too far from the reference: back to the closest version, or a firmer hold."""
    back = closest_version(result)
    go_back = () if back is None else (Step(label=f"Back to step {back.depth}", use_image=back.image_id),)
    steps = (*go_back, *_shifted_influence(result, _INFLUENCE_STEP), *_guidance(result, 0.7))
    hold = f"It moved away from the reference. {_do(steps) or 'Ask for a smaller change.'}"
    words = "Go back to the closest version and go on from there." if go_back else hold
    return Advice(
        id="drifted",
        words=words,
        why="Rolling again from a picture that has drifted moves further away. The closest version so far is "
        "the better reference; lower guidance or more influence keep the next result nearer to it.",
        steps=steps,
    )


def closest_version(result: Result) -> IntermediatePicture | None:
    """An earlier version of this line that is clearly nearer to the anchor than the result."""
    earlier = [version for version in result.branch if version.depth and version.image_id != result.image_id]
    now = _own_structure(result.branch, result.image_id)
    best = max(earlier, key=lambda version: version.structure, default=None)
    return best if best and now is not None and best.structure >= now + CLOSER_BY else None


def _own_structure(branch: Sequence[IntermediatePicture], image_id: str) -> float | None:
    return next((version.structure for version in branch if version.image_id == image_id), None)


def _do(steps: Sequence[Step]) -> str:
    """“Set Guidance 3.5 → 5, or Influence 25% → 5%.”"""
    labels = [step.label for step in steps]
    return f"Set {', or '.join(labels)}." if labels else ""


def _words(result: Result) -> str:
    if result.change is None or result.request.mode not in _MEASURED:
        return _QUESTION
    return " ".join(filter(None, [_measured(result.change), doubt(result), _QUESTION]))


def _measured(change: SourceChange) -> str:
    """“Against its source, 34% of the head and 5% of the rest are different.”"""
    if change.head is None:
        return f"Against its source, {change.rest:.0%} of the picture is different."
    return (
        f"Against its source, {change.head:.0%} of the head and {change.rest:.0%} of the rest are different."
    )


def doubt(result: Result) -> str | None:
    """What no words explain: where the change lies, or the head's lines and colours."""
    return _elsewhere(result) or _unexplained(result)


def _elsewhere(result: Result) -> str | None:
    """Where the change lies, and the words meant another place."""
    change, asked = result.change, set(prompt_forms.demands(result.request.prompt))
    if change is None or change.inside is None or not asked or result.request.mode not in _EDITS:
        return None
    if asked <= _IN_THE_HEAD and change.inside < 1 - _MOSTLY:
        return "You asked for a change of the face, but most of what changed lies beside the head."
    if asked <= _BESIDE and change.inside > _MOSTLY:
        return "Most of what changed is the head, which you did not ask to change."
    return None


def _unexplained(result: Result) -> str | None:
    change, request = result.change, result.request
    if change is None or change.lines is None or change.colours is None or request.mode not in _EDITS:
        return None
    asked = set(prompt_forms.demands(request.prompt))
    lines_explained = asked & _CHANGES_LINES or _ON_THE_FACE.search(request.prompt)
    if change.lines < LINES_LOST and not lines_explained:
        return "Few lines of the face are left: look whether it is whole."
    if change.lines > LINES_GAINED and not lines_explained:
        return "The face has far more lines than before: look whether it is whole."
    if change.colours > COLOURS_FAR and not asked & _CHANGES_COLOURS:
        return "The head's main colours are far from before: look whether it is the same person."
    return None


def _guidance(result: Result, factor: float) -> Iterator[Step]:
    """Guidance times `factor`, in halves, where the model uses it, there is room, and influence agrees."""
    if "guidance_scale" not in result.knobs.fields:
        return
    low, high = result.knobs.guidance
    now = result.request.guidance_scale
    wanted = min(max(round(now * factor * 2) / 2, low), high)
    if result.knobs.against(result.request.strength, wanted):
        return
    if wanted != now and (wanted > now) == (factor > 1):
        yield Step(label=f"Guidance {now:g} → {wanted:g}", set={"guidance_scale": wanted})


def _shifted_influence(result: Result, by: float) -> Iterator[Step]:
    """Influence moved by `by` (a share), where it holds a source, there is room, and guidance agrees."""
    strength = result.request.strength
    if strength is None or "strength" not in result.knobs.fields or not result.request.with_role(Role.SOURCE):
        return
    share = round(min(max(1 - strength + by, 0.05), 0.9), 2)
    if result.knobs.against(round(1 - share, 2), result.request.guidance_scale):
        return
    if (share > 1 - strength) == (by > 0):
        step = influence_step(share)
        yield step.model_copy(update={"label": f"Influence {1 - strength:.0%} → {share:.0%}"})
