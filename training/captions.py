"""Say what is in a portrait, and what to change in it, in many wordings drawn from a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Iterable

from training import attributes as a
from training.attributes import Portrait
from training.scenes import kind

_FILLERS = (
    "highly detailed",
    "masterpiece",
    "beautiful",
    "best quality",
    "illustration",
    "digital art",
    "character design",
)
_STRANGERS = (
    "quixotic",
    "ethereal",
    "wandering",
    "zebra",
    "teapot",
    "nordic",
    "epic",
    "1980s",
    "trending",
    "4k",
)
_UNWANTED = (
    "ugly", "blurry", "low quality", "worst quality", "deformed", "distorted", "bad anatomy", "bad hands",
    "extra fingers", "watermark", "signature", "lowres", "jpeg artifacts", "cropped", "out of frame",
    "duplicate", "mutated", "noisy", "grainy", "oversaturated", "photo", "3d render",
)  # fmt: skip
_OPENINGS = (
    "portrait of {}",
    "a portrait of {}",
    "portrait of {}",
    "{}",
    "a picture of {}",
    "character portrait of {}",
)
_KEEP = (
    "maintain current outfit and expression", "keep everything else the same", "keep the same character",
    "do not change anything else", "maintain the character",
)  # fmt: skip


def article(words: str) -> str:
    """Put "a" or "an" before `words`."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def person(p: Portrait, rng: random.Random) -> str:
    """A noun for the person; the corpus has no gender, so it only follows beard and haircut loosely."""
    if p.beard:
        return rng.choice(("man", "man", "person", "guy", "bearded man"))
    if p.haircut in ("long", "wavy", "bob", "bun"):
        return rng.choice(("woman", "woman", "woman", "girl", "person", "character"))
    return rng.choice(("man", "boy", "person", "person", "character", "woman"))


def hair(p: Portrait, rng: random.Random, with_color: bool = True) -> str:
    """The haircut in words, with its colour when asked for and visible."""
    text = rng.choice(a.HAIRCUTS[p.haircut])
    color = rng.choice(a.HAIR_COLORS[p.hair_color]) if with_color else ""
    return " ".join(text.format(c=color).split())


def background(p: Portrait, rng: random.Random) -> str:
    """A phrase for the background."""
    name = p.background
    if kind(name) == "scene":
        words = rng.choice(a.SCENE_WORDS[name])
        return rng.choice(
            (
                f"in {article(words)}",
                f"in {article(words)}",
                f"{words} background",
                f"with {article(words)} behind",
            )
        )
    if kind(name) == "gradient":
        return rng.choice((f"{name} gradient background", f"on a {name} gradient"))
    return rng.choice(
        (
            f"{name} background",
            f"plain {name} background",
            f"on {article(name)} background",
            f"{name} backdrop",
        )
    )


def _features(p: Portrait, rng: random.Random, keep: float) -> list[str]:
    """Phrases for the figure's attributes, each kept with probability `keep`."""
    say = lambda: rng.random() < keep  # noqa: E731
    out: list[str] = []
    if say():
        out.append(hair(p, rng, with_color=rng.random() < 0.92))
    elif p.shows_hair_color and say():
        out.append(f"{rng.choice(a.HAIR_COLORS[p.hair_color])} hair")
    if p.glasses and rng.random() < 0.92:
        out.append(rng.choice(a.GLASSES))
    elif not p.glasses and rng.random() < 0.06:
        out.append("no glasses")
    if p.beard and rng.random() < 0.92:
        out.append(rng.choice(("a beard", "beard", "a full beard")))
    if say() if p.expression == a.USUAL else rng.random() < 0.95:
        out.append(rng.choice(a.EXPRESSIONS[p.expression]))
    if p.clothes and say():
        out.append(article(f"{p.clothes_color} {rng.choice(a.CLOTHES[p.clothes])}"))
    if rng.random() < keep * 0.7:
        out.append(rng.choice(a.SKINS[p.skin]))
    return out


def caption(p: Portrait, rng: random.Random) -> str:
    """One caption of the picture, in one of many wordings and orders."""
    keep = rng.choice((0.4, 0.85, 0.85, 1.0))
    features = _features(p, rng, keep)
    rng.shuffle(features)
    subject = article(person(p, rng))
    tail: list[str] = []
    if rng.random() < max(keep, 0.8):
        tail.append(background(p, rng))
    if p.light != "none" and rng.random() < 0.92:
        tail.append(rng.choice(a.LIGHT_WORDS[p.light]))
    if rng.random() < max(keep, 0.8):
        tail.append(rng.choice(a.STYLES[p.style]))
    if rng.random() < 0.1:
        tail.append(rng.choice(_FILLERS))
    if rng.random() < 0.05:
        tail.append(rng.choice(_STRANGERS))
    rng.shuffle(tail)
    if features and rng.random() < 0.7:
        plain = [f[5:] if f.startswith("with ") else f for f in features]
        subject += " with " + plain[0]
        features = plain[1:]
    opening = rng.choice(_OPENINGS).format(subject)
    parts = [opening, *features, *tail]
    if rng.random() < 0.15:
        rng.shuffle(parts)
    joiner = ", " if rng.random() < 0.85 else " "
    return joiner.join(parts)


def brief(p: Portrait, fields: Iterable[str], rng: random.Random) -> str:
    """A caption that names only `fields` of the picture: what is left open is for a reference to say."""
    wanted = set(fields)
    colored = "hair_color" in wanted
    words = {
        "haircut": lambda: hair(p, rng, with_color=colored),
        "hair_color": lambda: f"{rng.choice(a.HAIR_COLORS[p.hair_color])} hair",
        "skin": lambda: rng.choice(a.SKINS[p.skin]),
        "expression": lambda: rng.choice(a.EXPRESSIONS[p.expression]),
        "glasses": lambda: rng.choice(a.GLASSES) if p.glasses else "no glasses",
        "beard": lambda: "a beard" if p.beard else "no beard",
        "background": lambda: background(p, rng),
        "light": lambda: rng.choice(a.LIGHT_WORDS[p.light]),
        "style": lambda: rng.choice(a.STYLES[p.style]),
        "clothes": lambda: article(f"{p.clothes_color} {rng.choice(a.CLOTHES[str(p.clothes)])}"),
    }
    if "clothes_color" in wanted:
        wanted.add("clothes")
    if "haircut" in wanted or p.haircut in a.HAIRLESS:
        wanted.discard("hair_color")
    if p.light == "none":
        wanted.discard("light")
    if not p.clothes:
        wanted.discard("clothes")
    parts = [words[f]() for f in a.FIELDS if f in wanted and f in words]
    rng.shuffle(parts)
    subject = rng.choice(_OPENINGS).format(article(rng.choice(("person", person(p, rng)))))
    return ", ".join([subject, *parts])


def unwanted(rng: random.Random) -> str:
    """What people put into a negative prompt: words that say nothing about a portrait."""
    return ", ".join(rng.sample(_UNWANTED, rng.randint(1, 6)))


def _garment(p: Portrait, rng: random.Random) -> str:
    return rng.choice((*a.CLOTHES[str(p.clothes)], "clothes", "outfit"))


def _change(field: str, p: Portrait, rng: random.Random) -> str:
    """How to ask for attribute `field` to become what it is in `p`."""
    them = rng.choice(("them", "her", "him", "the character"))
    if field == "background":
        words = background(p, rng)
        bare = rng.choice(a.SCENE_WORDS[p.background]) if kind(p.background) == "scene" else p.background
        if kind(p.background) == "gradient":
            bare = f"{p.background} gradient"
        placed = words[:2] in ("in", "on")
        target = article(bare) if kind(p.background) == "scene" and rng.random() < 0.7 else bare
        return rng.choice((
            f"change the background to {target}", f"change background to {target}",
            f"make the background {target}", f"replace the background with {target}", words,
            f"put {them} {words}" if placed else words,
        ))  # fmt: skip
    if field == "expression":
        if rng.random() < 0.3:
            act = rng.choice(a.ACTS[p.expression])
            return rng.choice((act, f"make {them} {act}", f"let {them} {act}"))
        word = rng.choice(a.EXPRESSIONS[p.expression])
        if word.startswith("with "):
            return rng.choice((f"make {them} look {p.expression}", word))
        return rng.choice((
            f"make the expression {word}", f"make the expression more {word}", f"change expression to {word}",
            f"make {them} {word}", f"make {them} look {word}", f"{word} expression", f"more {word}",
        ))  # fmt: skip
    if field == "hair_color":
        color = rng.choice(a.HAIR_COLORS[p.hair_color])
        return rng.choice((
            f"give {them} {color} hair", f"change the hair color to {color}", f"change hair color to {color}",
            f"make the hair {color}", f"dye the hair {color}", f"{color} hair",
        ))  # fmt: skip
    if field == "clothes_color":
        color, garment, named = p.clothes_color, _garment(p, rng), rng.choice(a.CLOTHES[str(p.clothes)])
        return rng.choice((
            f"change the {garment} to {color}", f"make the {garment} {color}", f"{color} {garment}",
            f"change the {garment} color to {color}", f"give {them} {article(f'{color} {named}')}",
        ))  # fmt: skip
    return _rarer_change(field, p, rng, them)


def _rarer_change(field: str, p: Portrait, rng: random.Random, them: str) -> str:
    if field in ("glasses", "beard"):
        noun = rng.choice(a.GLASSES) if field == "glasses" else "beard"
        some = noun if field == "glasses" else "a beard"
        if getattr(p, field):
            return rng.choice(
                (
                    f"add {some}",
                    f"give {them} {some}",
                    f"put {some} on {them}" if field == "glasses" else f"with {some}",
                )
            )
        return rng.choice((f"remove the {noun}", f"no {noun}", f"take off the {noun}", f"without {noun}"))
    if field == "haircut":
        words = hair(p, rng, with_color=False)
        return rng.choice(
            (f"give {them} {words}", f"change the haircut to {words}", f"change the hair to {words}")
        )
    if field == "clothes":
        garment = article(rng.choice(a.CLOTHES[str(p.clothes)])) if p.clothes else "no clothes"
        return rng.choice(
            (
                f"put {them} in {garment}",
                f"change the clothes to {garment}",
                f"change the outfit to {garment}",
            )
        )
    if field == "skin":
        words = rng.choice(a.SKINS[p.skin])
        return rng.choice((f"give {them} {words}", f"change the skin to {words}"))
    if field == "style":
        words = rng.choice(a.STYLES[p.style])
        return rng.choice(
            (
                f"draw it in {words}",
                f"make it {words}",
                f"in {words}",
                f"change the style to {words}",
                f"redraw in {words}",
            )
        )
    if p.light == "none":
        return rng.choice(("remove the lighting", "even light", "flat light"))
    words = rng.choice(a.LIGHT_WORDS[p.light])
    return (
        words
        if words.startswith("lit")
        else rng.choice((f"add {words}", words, f"with {words}", f"use {words}"))
    )


def instruction(source: Portrait, target: Portrait, rng: random.Random) -> str:
    """An edit instruction that turns `source` into `target`, naming every visible difference."""
    changed = list(source.differences(target))
    if "style" in changed:
        changed = [f for f in changed if f not in ("clothes", "clothes_color")]
    if "clothes" in changed and "clothes_color" in changed:
        changed.remove("clothes_color")
    rng.shuffle(changed)
    if not changed:
        return rng.choice(("keep everything the same", "do not change anything", "same picture"))
    asks = [_change(f, target, rng) for f in changed]
    text = rng.choice((" and ", ", ", ", and ")).join(asks)
    if rng.random() < 0.1:
        text = f"same character, {text}"
    if rng.random() < 0.12:
        text = f"{text}, {rng.choice(_KEEP)}"
    return text


def asked(p: Portrait, text: str) -> list[str]:
    """Attributes of `p` that `text` names in a way that leaves no other choice."""
    words = {
        "style": a.STYLES[p.style],
        "expression": tuple(w.removeprefix("with ") for w in a.EXPRESSIONS[p.expression]),
        "background": (p.background, *a.SCENE_WORDS.get(p.background, ())),
        "skin": a.SKINS[p.skin],
    }
    out = [f for f, w in words.items() if any(x in text for x in w)]
    if p.clothes and any(f"{p.clothes_color} {x}" in text for x in a.CLOTHES[p.clothes]):
        out += ["clothes", "clothes_color"]
    if p.glasses and any(x in text for x in a.GLASSES) and "no glasses" not in text:
        out.append("glasses")
    if p.beard and "a beard" in text:
        out.append("beard")
    if p.light != "none" and any(x in text for x in a.LIGHT_WORDS[p.light]):
        out.append("light")
    if p.haircut not in a.HAIRLESS and any(x in text for x in a.HAIR_COLORS[p.hair_color]):
        out.append("hair_color")
    if any(h.format(c=c) in text for h in a.HAIRCUTS[p.haircut] for c in a.HAIR_COLORS[p.hair_color]):
        out.append("haircut")
    return out
