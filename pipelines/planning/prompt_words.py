"""What stands in a prompt beside plain words, taken for what it means: choices, lists, LoRAs, weights.

A model that cannot weigh reads the words without their numbers, and the artist is told once. What means
something to other tools and nothing here is read as words, and told. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.errors import RequestError
from pipelines.planning import prompt_syntax, weights
from pipelines.planning.alternatives import Lists, draw
from pipelines.request import PicturePrompt

_TAG = re.compile(r"<lora:([^<>:\n]{1,200})(?::([^<>\n]{0,40}))?>", re.IGNORECASE)
_LONG = 120
"""UTF-8 bytes from which a prompt may be longer than an encoder of 77 tokens."""
_MOST = 2.0
"""A LoRA's weight, either way."""


@dataclass(frozen=True, slots=True)
class PromptTexts:
    """The artist's words, and whether the model can weigh them."""

    prompt: str
    negative_prompt: str
    weighs: bool


@dataclass(frozen=True, slots=True)
class ResolvedPrompts:
    """The words of each picture (none where they are those written), and what they called up."""

    drawn: tuple[PicturePrompt, ...]
    loras: tuple[tuple[str, float], ...]
    """(name, weight) in the order of the tags."""
    unweighed: tuple[str, ...]
    """Texts whose weights the model does not read."""
    strange: tuple[str, ...]
    """Texts in which marks of other tools may be left."""

    def notices(self, label: str) -> tuple[str, ...]:
        """What to tell the artist, of the model called so."""
        notices: tuple[str, ...] = ()
        if self.unweighed:
            notices = (f"{label} can't weigh words: it reads them without the numbers in their brackets.",)
        return (*notices, *prompt_syntax.notices(*self.strange))


def read(written: PromptTexts, seed: int, pictures: int, lists: Lists) -> ResolvedPrompts:
    """The words of `pictures` pictures, each drawn by its own seed.

    Raises RequestError for a list that is not there, a weight beyond all measure, and where the pictures
    would have different LoRAs.
    """
    texts = [
        (draw(written.prompt, seed + index, lists), draw(written.negative_prompt, seed + index, lists))
        for index in range(pictures)
    ]
    loras = [_tags(prompt) for prompt, _ in texts]
    if len(set(loras)) > 1:
        raise RequestError(
            "The choices of this prompt call up different LoRAs, and the pictures of one job share theirs. "
            "Make one picture at a time.",
            field="prompt",
        )
    clean = [(_without_tags(prompt), _without_tags(negative)) for prompt, negative in texts]
    every = tuple(dict.fromkeys(text for pair in clean for text in pair))
    if written.weighs:
        meant, unweighed = clean, ()
        for text in every:
            weights.chunks(text)  # refuses a weight beyond all measure, before the job waits
    else:
        meant = [(weights.unweighed(prompt), weights.unweighed(negative)) for prompt, negative in clean]
        unweighed = tuple(text for text in every if weights.unweighed(text) != text)
    same = all(pair == (written.prompt, written.negative_prompt) for pair in meant)
    plain = same and not (written.weighs and any(map(_means_more, every)))
    return ResolvedPrompts(
        drawn=() if plain else tuple(PicturePrompt(prompt=p, negative_prompt=n) for p, n in meant),
        loras=loras[0],
        unweighed=unweighed,
        strange=_strange(every, written.weighs),
    )


def _means_more(text: str) -> bool:
    """Whether it is read in another way than word for word, in one piece."""
    return weights.weighs(text) or len(text.encode()) > _LONG


def _strange(texts: Sequence[str], weighs: bool) -> tuple[str, ...]:
    return tuple(weights.words(text) if weighs else weights.unweighed(text) for text in texts)


def tags(text: str) -> tuple[tuple[str, str, float], ...]:
    """Tags of LoRAs as they stand in a prompt, each once: (tag, name, weight)."""
    found = {match[0]: (match[0], match[1].strip(), _weight(match[2])) for match in _TAG.finditer(text)}
    return tuple(found.values())


def _tags(text: str) -> tuple[tuple[str, float], ...]:
    return tuple((match[1].strip(), _weight(match[2])) for match in _TAG.finditer(text))


def _weight(written: str | None) -> float:
    """The first number of `0.8` or `0.8:0.5`, whose second is the text encoder's; 1 where there is none."""
    try:
        weight = float((written or "1").split(":")[0])
    except ValueError:
        return 1.0
    return min(max(weight, -_MOST), _MOST) if weight == weight else 1.0


def _without_tags(text: str) -> str:
    if not _TAG.search(text):
        return text
    return re.sub(
        r"[ \t]{2,}", " ", re.sub(r"(?:,\s*)?" + _TAG.pattern, "", text, flags=re.IGNORECASE)
    ).strip(" ,")
