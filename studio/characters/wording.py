"""From a blueprint to words for prompts: picker entries, identity line, keep clauses, description, cells.

Pure text; knows no rows, no models and no pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from studio.characters.records import Blueprint, BlueprintWords, FieldName, PickerEntry
from studio.characters.sheet_records import SheetAsk, SheetCell, SheetChoices

_NOUNS: dict[FieldName, tuple[str, ...]] = {
    FieldName.FACE: ("face", "jaw", "cheek", "chin", "nose", "brow", "feature", "freckle", "beard"),
    FieldName.EYES: ("eye", "gaze", "pupil", "iris"),
    FieldName.HAIR: ("hair", "bald", "bob", "bun", "braid", "curl", "head", "locks", "mohawk", "tail", "cut"),
    FieldName.SKIN: ("skin", "complexion", "fur", "scale", "freckle"),
    FieldName.BUILD: ("build", "body", "shoulder", "frame", "tall", "short", "figure"),
    FieldName.EXPRESSION: ("expression", "smil", "frown", "laugh", "grin", "look", "wink", "gaze", "scowl"),
}
"""Where the value has none of these, the first is added: “green” becomes “green eyes”."""
_PLURAL = {FieldName.EYES: "eyes"}
_BEFORE = {FieldName.OUTFIT: "wearing", FieldName.ACCESSORIES: "with", FieldName.MARKS: "with"}
_KEPT = {
    FieldName.FACE: "same face",
    FieldName.AGE: "same age",
    FieldName.EYES: "same eyes",
    FieldName.MARKS: "keep all marks",
}
_EDITS: dict[FieldName | None, str] = {
    FieldName.EXPRESSION: "change the expression to {}",
    FieldName.POSE: "change the view to {}",
    FieldName.OUTFIT: "change the outfit to {}",
    None: "change the light to {}",
}
"""How one thing of a portrait is changed on a sheet; None: the light."""
_LOOKS = re.compile(
    r"\b(eyes?|hair\w*|beard\w*|scars?|face\w*|skin\w*|tall|slim|wears?|wearing|dressed|tattoos?|freckles?)\b",
    re.IGNORECASE,
)
_IS = re.compile(r"^[^.!?]{0,60}?\b(?:is|was)\s+((?:an?|the)\s[^.!?,;]{2,80})", re.IGNORECASE)
_SAW = re.compile(
    r"^(?:there (?:is|are)|this is|araf+ed|araf+e)?\s*"
    r"(?:(?:an?|the)?\s*(?:[\w-]+ ){0,4}(?:photo(?:graph)?|picture|image|drawing|painting|illustration"
    r"|portrait|sketch|cartoon|rendering|close[- ]?up)\s+of\s+|(?:an?|the)?\s*(?:araf+ed|araf+e)\s+)*",
    re.IGNORECASE,
)
"""How captions begin before they say who it is; the kind of picture is for the style to say."""
_CLAUSE = re.compile(
    r",|\band\b|(?=\b(?:with|wearing|dressed|holding|standing|sitting|looking|smiling|in|on|against|by)\b)",
    re.IGNORECASE,
)
_LINK = re.compile(r"^(?:with|and|who|that|is|are|has|have)\s+", re.IGNORECASE)
_WORN: dict[FieldName, tuple[str, ...]] = {
    FieldName.OUTFIT: (
        "wearing", "dress", "shirt", "coat", "jacket", "suit", "sweater", "uniform", "armor", "armour",
        "robe", "cloak", "blouse", "vest", "tie", "clothes",
    ),
    FieldName.ACCESSORIES: (
        "glasses", "hat", "cap", "earring", "necklace", "scarf", "crown", "bag", "holding",
    ),
    FieldName.POSE: ("standing", "sitting", "looking", "leaning", "facing"),
    FieldName.MARKS: ("scar", "tattoo", "freckle", "birthmark"),
}  # fmt: skip
"""What clauses of a caption speak of, beyond `_NOUNS`."""
_EMPTY = frozenset(
    {"a", "an", "the", "of", "in", "on", "with", "and", "her", "his", "their", "is", "wearing"}
)
_SENTENCE = re.compile(r"[^.!?\n]+")
_ARTICLE = re.compile(r"^(a|an|the|his|her|their)\b", re.IGNORECASE)
_MOST_SENTENCES = 2

EXPRESSIONS = ("neutral", "happy", "sad", "angry", "surprised", "serious")
ANGLES = ("front view", "three-quarter view", "side view", "from below", "from above")
OUTFITS = ("everyday clothes", "formal clothes", "travelling coat")
LIGHTS = ("soft daylight", "golden evening light", "candlelight", "dramatic light from the left")


def words(blueprint: Blueprint) -> BlueprintWords:
    """All that prompts can take from the blueprint."""
    picker = tuple(_entries(blueprint))
    locked = [entry for entry in picker if entry.locked]
    return BlueprintWords(
        picker=picker,
        identity_line=", ".join(entry.text for entry in locked),
        keep=tuple(entry.model_copy(update={"text": _keep(entry)}) for entry in locked),
        description=description(blueprint),
    )


def description(blueprint: Blueprint, caption: str = "") -> str:
    """An image prompt made of what the blueprint and the script say; empty where they say nothing.

    `caption`: what a model saw in a picture. It only adds to the end what the others leave open.
    """
    phrases = [entry.text for entry in _entries(blueprint) if entry.field != FieldName.AGE]
    looks = [line.strip() for line in _SENTENCE.findall(blueprint.script) if _LOOKS.search(line)]
    subject = _subject(blueprint)
    seen, *more = _clauses(caption) or [None]
    if subject is None and not phrases and not looks and seen is None:
        return ""
    said = [f"portrait of {subject or seen or 'a person'}", *phrases, *looks[:_MOST_SENTENCES]]
    return ", ".join([*said, *_added(more, blueprint, " ".join(said))])


def _clauses(caption: str) -> list[str | None]:
    """Who is to be seen, then one thing at a time; without what only captions say."""
    parts = (part.strip(" .,") for part in _CLAUSE.split(_SAW.sub("", " ".join(caption.split()), count=1)))
    who, *more = [_LINK.sub("", part) for part in parts if part] or [None]
    if who is None or _ARTICLE.match(who):
        return [who, *more] if who else []
    return [f"{'an' if who[0].casefold() in 'aeiou' else 'a'} {who}", *more]


def _added(clauses: Iterable[str | None], blueprint: Blueprint, said: str) -> Iterator[str]:
    """Clauses that neither repeat what is said nor speak of a field that says otherwise."""
    filled = [name for name in FieldName if blueprint.fields[name].value.strip()]
    taken = [noun for name in filled for noun in (*_NOUNS.get(name, ()), *_WORN.get(name, ()))]
    known = set(re.findall(r"\w+", said.casefold()))
    for clause in clauses:
        words_of = set(re.findall(r"\w+", (clause or "").casefold())) - _EMPTY
        if clause and words_of - known and not any(word.startswith(tuple(taken)) for word in words_of):
            known |= words_of
            yield clause


def joined(prompt: str, style: str) -> str:
    """The image prompt with the style prompt behind it, unless it says that already."""
    parts = [prompt.strip().rstrip(","), style.strip()]
    if not all(parts) or parts[1].casefold() in parts[0].casefold():
        return parts[0] or parts[1]
    return ", ".join(parts)


def choices(blueprint: Blueprint) -> SheetChoices:
    """Proposals for a sheet; what the blueprint says comes first."""

    def own(field: FieldName, others: Iterable[str]) -> tuple[str, ...]:
        value = blueprint.fields[field].value.strip()
        return tuple(dict.fromkeys([*([value] if value else []), *others]))

    return SheetChoices(
        expressions=own(FieldName.EXPRESSION, EXPRESSIONS),
        angles=ANGLES,
        outfits=own(FieldName.OUTFIT, OUTFITS),
        lights=LIGHTS,
    )


def cells(blueprint: Blueprint, ask: SheetAsk) -> tuple[SheetCell, ...]:
    """One cell for each thing that was chosen; all else comes from the locked fields."""
    wanted = (
        *((FieldName.EXPRESSION, value, phrase(FieldName.EXPRESSION, value)) for value in ask.expressions),
        *((FieldName.POSE, value, value) for value in ask.angles),
        *((FieldName.OUTFIT, value, phrase(FieldName.OUTFIT, value)) for value in ask.outfits),
        *((None, value, value) for value in ask.lights),
    )
    return tuple(
        SheetCell(
            label=value.strip()[:60],
            prompt=_cell_edit(blueprint, field, " ".join(value.split()))
            if ask.edit
            else _cell(blueprint, field, text),
        )
        for field, value, text in wanted
        if value.strip()
    )


def _cell_edit(blueprint: Blueprint, varied: FieldName | None, value: str) -> str:
    """The instruction that changes this one thing of the anchor and keeps what is locked."""
    kept = [entry.text for entry in words(blueprint).keep if entry.field != varied]
    return ", ".join([_EDITS[varied].format(value), *(kept or ["same face"])])


def cast_edit(blueprint: Blueprint, style: str) -> str:
    """The instruction that brings a portrait to a style and leaves who it is."""
    keep = [entry.text for entry in words(blueprint).keep] or ["maintain current outfit and expression"]
    return ", ".join(["same character", f"change the style to {style.strip()}", *dict.fromkeys(keep)])


def phrase(field: FieldName, value: str) -> str:
    """What the field says, as part of a prompt: “green” → “green eyes”, “a coat” → “wearing a coat”."""
    text = " ".join(value.split())
    folded = text.casefold()
    if field in _BEFORE and not folded.startswith((_BEFORE[field], "in ", "with ")):
        return f"{_BEFORE[field]} {text}"
    if field is FieldName.AGE and text.isdigit():
        return f"{text} years old"
    nouns = _NOUNS.get(field, ())
    if nouns and not any(noun in folded for noun in nouns):
        return f"{text} {_PLURAL.get(field, nouns[0])}"
    return text


def _entries(blueprint: Blueprint) -> Iterator[PickerEntry]:
    for name in FieldName:
        field = blueprint.fields[name]
        if field.value.strip():
            text = phrase(name, field.value)
            yield PickerEntry(field=name, label=name.capitalize(), text=text, locked=field.locked)
    for free in blueprint.free:
        if free.value.strip():
            text = " ".join(free.value.split())
            yield PickerEntry(field=free.name, label=free.name, text=text, locked=free.locked)


def _keep(entry: PickerEntry) -> str:
    known = {name.value: clause for name, clause in _KEPT.items()}
    return known.get(entry.field, f"maintain current {entry.field.casefold()}")


def _cell(blueprint: Blueprint, varied: FieldName | None, text: str) -> str:
    subject = _subject(blueprint) or "a person"
    held = [
        entry.text
        for entry in _entries(blueprint)
        if entry.locked and entry.field not in (varied, FieldName.AGE) and _stays(entry.field, varied)
    ]
    return ", ".join([f"portrait of {subject}", *held, text])


def _stays(field: str, varied: FieldName | None) -> bool:
    """A locked pose or expression would speak against a chosen angle."""
    return not (varied is FieldName.POSE and field == FieldName.POSE)


def _subject(blueprint: Blueprint) -> str | None:
    """Who it is: from “Mara is the ship's engineer”, with the age where that is told."""
    age = blueprint.fields[FieldName.AGE].value.strip()
    found = _IS.match(blueprint.script.strip())
    who = found.group(1).strip() if found else None
    if not age:
        return who
    if who is not None:
        return f"{who}, {phrase(FieldName.AGE, age)}"
    if age.isdigit():
        return f"a {age}-year-old person"
    if _ARTICLE.match(age):
        return age
    return f"{'an' if age[0].casefold() in 'aeiou' else 'a'} {age} person"
