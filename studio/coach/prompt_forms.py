"""How a prompt is put: does it order or describe, what does it ask for, what does it keep.

Plain words and lists, in English: a hint to the artist, never a gate. Pure: knows no request, no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[a-z]+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PART = re.compile(r"([,;.\n]+\s*|\s+(?:and|but|while)\s+)", re.IGNORECASE)
_WHERE = re.compile(r"\b(?:with|in|into|on|onto|at|to|from|of|by|behind|as)\b")
_CLAUSE = re.compile(r"[,;.\n]|\band\b|\bbut\b|\bwhile\b")
_KEEP = re.compile(
    r"\b(keep|keeping|maintain|maintaining|preserve|preserving|same|unchanged|leave|without changing"
    r"|do not change|don't change|as (is|it is|they are))\b"
)
_ORDERS = _set(
    "add adjust apply brighten change close colour color convert cover crop cut darken dress erase fix give"
    " hide increase lighten lower make move open paint place put raise recolour recolor reduce relight remove"
    " render replace restyle rotate set shift show soften swap switch take tilt turn use zoom"
)
_NOTHING = _set("a an the of with in on at to and or for from his her their its is are very as by")
_PERSONS = _set("me you he she it they him them character person woman man girl boy")
TOPICS: dict[str, frozenset[str]] = {
    "background": _set(
        "background backdrop scene setting room street forest library castle beach sky ballroom chamber hall"
        " garden city tavern park field mountains ocean desert cave office kitchen bedroom rooftop ruins"
    ),
    "light": _set("light lights lighting lit shadow shadows backlight sunlight candlelight glow"),
    "expression": _set("expression smile smiling serious angry sad laughing frown mood crying"),
    "outfit": _set("outfit clothes clothing dress shirt coat jacket armour armor cloak robe suit"),
    "hair": _set("hair haircut hairstyle beard fringe ponytail braid braids"),
    "pose": _set("pose posture sitting standing kneeling arms hands gesture"),
    "angle": _set("angle view profile closeup perspective lens camera"),
    "eyes": _set("eyes eye gaze"),
    "skin": _set("skin complexion"),
    "age": _set("age older younger"),
    "style": _set("style painting watercolour watercolor oil sketch anime comic photograph"),
}
"""What a portrait can be asked for, by the words that tell of it."""
KEEPABLE = ("face", "outfit", "expression", "background")
_TOPIC_OF_KEPT = {"outfit": "outfit", "expression": "expression", "background": "background"}
_LONG_ENOUGH = 4
_SHARED = 0.6


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def clauses(prompt: str) -> list[str]:
    """The prompt's parts that ask for something; those that say what stays are left out."""
    parts = (part.strip() for part in _CLAUSE.split(prompt.lower()))
    return [part for part in parts if part and not _KEEP.search(part)]


def is_order(prompt: str) -> bool:
    """The prompt begins with an order: change, make, add…"""
    words = _words(prompt)
    return bool(words) and (words[0] in _ORDERS or (words[0] == "please" and words[1:2] != []))


def orders(prompt: str) -> bool:
    """Some part of it that is not about keeping is an order."""
    return any(_ORDERS & set(_words(clause)) for clause in clauses(prompt))


def keeps_something(prompt: str) -> bool:
    """Some part of it says what must stay."""
    return _KEEP.search(prompt.lower()) is not None


def about(text: str) -> tuple[str, ...]:
    """The topics it touches, whatever it says of them."""
    words = set(_words(text))
    return tuple(topic for topic, known in TOPICS.items() if words & known)


def demands(prompt: str) -> tuple[str, ...]:
    """What it asks for, by topic; orders about anything else count as one each ('make', 'add'…)."""
    found: dict[str, None] = {}
    for clause in clauses(prompt):
        topics = about(clause)
        orders = [word for word in _words(clause) if word in _ORDERS]
        found |= dict.fromkeys(topics or [clause for _ in orders[:1]])
    return tuple(found)


def to_keep(prompt: str) -> tuple[str, ...]:
    """Parts of a portrait the prompt does not ask to change, two at most."""
    asked = set(demands(prompt))
    return tuple(part for part in KEEPABLE if _TOPIC_OF_KEPT.get(part) not in asked)[:2]


def describes(prompt: str, shown: str = "") -> bool:
    """It describes a picture and asks for nothing; `shown`: what the reference was made from, where known."""
    words = _words(prompt)
    if any(word in _ORDERS for word in words) or keeps_something(prompt):
        return False
    words_read = [word for word in words if word not in _NOTHING]
    known = set(_words(shown))
    shared = sum(word in known for word in words_read)
    return len(words_read) >= _LONG_ENOUGH or (bool(words_read) and shared / len(words_read) >= _SHARED)


# --- several edits at once ------------------------------------------------------------------------


def together(prompts: Iterable[str]) -> str:
    """Edits that were made one after the other, as one prompt: the last of each kind counts.

    What was to stay is said only as far as nothing else changes it.
    """
    last: dict[str, str] = {}
    for part in (part for prompt in prompts for part in changes(prompt)):
        kind = _kind(part)
        if plain(last.get(kind, "")) != plain(part):
            last.pop(kind, None)  # it moves to its place among the later ones
            last[kind] = part
    changed = {kind for kind in last if not kind.startswith(_KEPT)}
    said = (_still_kept(part, changed) if kind.startswith(_KEPT) else part for kind, part in last.items())
    return ". ".join(filter(None, said))


def changes(prompt: str) -> tuple[str, ...]:
    """The parts of a prompt that can stand alone: each asks for one thing, or says what stays."""
    pieces = _PART.split(prompt.strip())
    found: list[str] = []
    for before, piece in zip(["", *pieces[1::2]], pieces[::2], strict=True):
        if not piece.strip():
            continue
        if found and not _stands_alone(piece, before, found[-1]):
            found[-1] += before + piece
        else:
            found.append(piece)
    return tuple(stripped for part in found if (stripped := part.strip(" ,;.\n")))


def plain(part: str) -> str:
    """A part as it is compared: without regard to case and spaces."""
    return " ".join(part.casefold().split())


_KEPT = "keep "


def _stands_alone(piece: str, before: str, last: str) -> bool:
    """Something else is asked for than in the part before; a list of what stays goes on."""
    words = _words(piece)
    if _KEEP.search(piece.lower()) or (words and words[0] in _ORDERS):
        return True
    if _KEEP.search(last.lower()):
        return "." in before or "\n" in before
    topics = about(piece)
    return bool(topics and topics != about(last)) or "." in before or "\n" in before


def _kind(part: str) -> str:
    """What a part is about: what stays, a topic, else the thing it names first."""
    lowered = part.lower()
    if _KEEP.search(lowered):
        return _KEPT + plain(part)
    words = _words(lowered)
    first = min(
        about(part), key=lambda topic: min(map(words.index, TOPICS[topic] & set(words))), default=None
    )
    if first is not None:
        return first
    thing = [word for word in _words(_WHERE.split(lowered)[0]) if word not in _ORDERS | _NOTHING | _PERSONS]
    if thing:
        return thing[-1]
    return "background" if _ORDERS & set(words) and _WHERE.search(lowered) else plain(part)


def _still_kept(part: str, changed: set[str]) -> str:
    """What stays, without what is asked to change; empty where nothing is left."""
    things = _PART.split(part)[::2]
    left = [thing for thing in things if not changed & {*about(thing), *_words(thing)}]
    if len(left) == len(things) or not left:
        return part if left else ""
    verb = _KEEP.search(part.lower())
    if verb is None or left[0] is things[0]:
        return " and ".join(left)
    return f"{part[: verb.end()]} {' and '.join(left)}"
