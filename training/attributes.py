"""The words of the portrait world: what an attribute may be, how people say it, what is held out.

A `Portrait` is one picture's attributes: the figure's, plus background and light. This module neither draws
nor trains.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

STYLES: dict[str, tuple[str, ...]] = {
    "toon": ("cartoon style", "toon style", "soft cartoon style", "cartoon"),
    "bold line": ("bold line style", "comic style", "bold outline style", "comic book style"),
    "ink": ("ink style", "ink drawing", "pen and ink style", "ink style"),
    "flat vector": ("flat vector style", "vector style", "flat style", "vector illustration"),
    "paper cut": ("paper cut style", "paper cutout style", "geometric style", "paper style"),
    "storybook": ("storybook style", "storybook illustration", "picture book style"),
}
HAIRCUTS: dict[str, tuple[str, ...]] = {
    "short": ("short {c} hair", "short {c} hair", "cropped {c} hair"),
    "spiky": ("spiky {c} hair", "messy spiky {c} hair"),
    "curly": ("curly {c} hair", "big curly {c} hair", "{c} curls"),
    "bob": ("a {c} bob", "{c} hair in a bob", "chin-length {c} hair"),
    "long": ("long {c} hair", "long straight {c} hair"),
    "wavy": ("wavy {c} hair", "long wavy {c} hair"),
    "bun": ("{c} hair in a bun", "a {c} bun", "{c} hair tied up"),
    "mohawk": ("a {c} mohawk", "{c} mohawk"),
    "bald": ("a bald head", "no hair", "a shaved head"),
    "hat": ("a hat", "a cap"),
}
HAIR_COLORS: dict[str, tuple[str, ...]] = {
    "black": ("black", "jet black"),
    "brown": ("brown", "chestnut"),
    "blonde": ("blonde", "blond", "golden"),
    "red": ("red", "red", "ginger"),
    "gray": ("gray", "grey"),
    "silver": ("silver", "silver", "white"),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "violet"),
    "pink": ("pink",),
}
SKINS: dict[str, tuple[str, ...]] = {
    "pale": ("pale skin", "very light skin"),
    "fair": ("fair skin", "light skin"),
    "tan": ("tan skin", "olive skin"),
    "brown": ("brown skin",),
    "dark": ("dark skin", "deep dark skin"),
}
CLOTHES: dict[str, tuple[str, ...]] = {
    "t-shirt": ("t-shirt", "tee", "top"),
    "shirt": ("shirt", "collared shirt"),
    "turtleneck": ("turtleneck", "sweater"),
    "jacket": ("jacket", "open jacket"),
    "hoodie": ("hoodie", "hooded sweatshirt"),
    "dress": ("dress",),
}
CLOTHES_COLORS: tuple[str, ...] = (
    "red",
    "blue",
    "green",
    "yellow",
    "purple",
    "pink",
    "orange",
    "black",
    "white",
    "gray",
)
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "happy": ("smiling", "happy", "cheerful", "with a smile"),
    "laughing": ("laughing", "grinning", "joyful", "with a big grin"),
    "sad": ("sad", "unhappy", "gloomy", "sorrowful"),
    "angry": ("angry", "furious", "mad"),
    "surprised": ("surprised", "shocked", "astonished"),
    "serious": ("serious", "stern", "calm", "with a neutral expression"),
    "winking": ("winking", "with a wink"),
}
ACTS: dict[str, tuple[str, ...]] = {
    "happy": ("smile", "smile more"),
    "laughing": ("laugh", "grin"),
    "sad": ("look sad", "cry"),
    "angry": ("frown", "scowl"),
    "surprised": ("look surprised", "gasp"),
    "serious": ("look serious", "look calm"),
    "winking": ("wink",),
}
GLASSES: tuple[str, ...] = ("glasses", "spectacles", "eyeglasses")
SCENE_WORDS: dict[str, tuple[str, ...]] = {
    "dark library": ("dark library", "library", "old library"),
    "candlelit stone chamber": ("candlelit stone chamber", "stone chamber", "candlelit castle room"),
    "forest": ("forest", "green forest", "woods"),
    "night city": ("night city", "city at night", "nighttime city"),
    "sunset sky": ("sunset sky", "sunset", "evening sky"),
    "snowy mountains": ("snowy mountains", "mountains", "mountain landscape"),
    "beach": ("beach", "sunny beach", "seaside"),
    "starry space": ("starry space", "outer space", "space"),
    "flower garden": ("flower garden", "garden", "meadow of flowers"),
    "cozy room": ("cozy room", "living room", "warm room"),
}
LIGHT_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("light from the left", "lit from the left"),
    "right": ("light from the right", "lit from the right"),
    "dramatic left": ("dramatic light from the left", "dramatic lighting from the left"),
    "dramatic right": ("dramatic light from the right", "dramatic lighting from the right"),
    "soft": ("soft light", "soft lighting", "soft warm light"),
}
USUAL = "happy"
"""The expression that words leave unsaid more often than not: what is not said must mean something."""
HAIRLESS = ("bald", "hat")
IGNORE = -100  # the class of what a picture does not show, as torch's cross-entropy has it
FIELDS: tuple[str, ...] = (
    "style", "haircut", "hair_color", "skin", "clothes", "clothes_color", "expression", "glasses", "beard",
    "background", "light",
)  # fmt: skip


@dataclass(frozen=True)
class Portrait:
    """Attributes of one picture. `clothes` and `clothes_color` are None in styles that draw only a head."""

    style: str
    haircut: str
    hair_color: str
    skin: str
    clothes: str | None
    clothes_color: str | None
    expression: str
    glasses: bool
    beard: bool
    background: str
    light: str

    @classmethod
    def of(cls, record: dict[str, Any], background: str, light: str) -> Portrait:
        """Join a corpus record with the background and light it is composed with."""
        return cls(**{f: record[f] for f in FIELDS[:9]}, background=background, light=light)

    @property
    def shows_hair_color(self) -> bool:
        """Whether the hair's colour can be seen (a beard shows it too)."""
        return self.haircut not in HAIRLESS or self.beard

    @property
    def shows_expression(self) -> bool:
        """Whether the expression can be told: in paper cut, glasses take the place of eyes that may wink."""
        return not (self.style == "paper cut" and self.glasses and self.expression in ("happy", "winking"))

    def differences(self, other: Portrait) -> tuple[str, ...]:
        """Names of the visible attributes in which `other` differs."""
        changed = [f for f in FIELDS if getattr(self, f) != getattr(other, f)]
        if not self.shows_hair_color and not other.shows_hair_color:
            changed = [f for f in changed if f != "hair_color"]
        if not self.shows_expression and not other.shows_expression:
            changed = [f for f in changed if f != "expression"]
        return tuple(changed)


def held_out(record: dict[str, Any]) -> bool:
    """Whether a figure belongs to the combinations kept for evaluation (about one in twelve)."""
    key = f"{record['style']}|{record['haircut']}|{record['hair_color']}"
    return zlib.crc32(key.encode()) % 12 == 0
