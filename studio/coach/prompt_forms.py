"""How a prompt is put: does it order or describe, what does it ask for, what does it keep.

Plain words and lists, in English: a hint to the artist, never a gate. Pure: knows no request, no model.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z]+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


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
TOPICS: dict[str, frozenset[str]] = {
    "background": _set("background backdrop scene setting room street forest library castle beach sky"),
    "light": _set("light lights lighting lit shadow shadows backlight sunlight candlelight glow"),
    "expression": _set("expression smile smiling serious angry sad laughing frown mood crying"),
    "outfit": _set("outfit clothes clothing dress shirt coat jacket armour armor cloak robe suit"),
    "hair": _set("hair haircut hairstyle beard fringe ponytail braid braids"),
    "pose": _set("pose posture sitting standing kneeling arms hands gesture"),
    "angle": _set("angle view profile closeup perspective lens camera"),
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
    told = [word for word in words if word not in _NOTHING]
    known = set(_words(shown))
    shared = sum(word in known for word in told)
    return len(told) >= _LONG_ENOUGH or (bool(told) and shared / len(told) >= _SHARED)
