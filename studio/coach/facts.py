"""What the rules look at: a request about to be made, or a picture that came out, with what is measured.

Plain values, put together by the advisor. Knows no service, no rows and no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.families.limits import Limits
from pipelines.families.settings import BY_FIELD, GUIDANCE
from pipelines.request import GenerationRequest, Reference, Role
from studio.coach import prompt_forms
from studio.coach.picture_facts import PictureFacts
from studio.coach.source_change import SourceChange

EXPERIMENT = tuple(name for name in GenerationRequest.model_fields if BY_FIELD[name].varied)
"""Fields that an artist turns from one try to the next."""


_OPEN = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What the model uses in this mode, and within which limits."""

    fields: frozenset[str] = frozenset()
    guidance: tuple[float, float] = _OPEN.guidance_scale
    usual_guidance: float = GUIDANCE.start
    modes: tuple[str, ...] = ()
    """All modes of the model."""

    def against(
        self, strength: float | None, guidance: float
    ) -> Literal["both hold", "neither holds"] | None:
        """Whether influence and guidance pull against each other, or both let go; None: they agree."""
        if strength is None or not {"strength", "guidance_scale"} <= self.fields:
            return None
        if strength <= 0.3 and guidance >= max(7.0, 1.6 * self.usual_guidance):
            return "both hold"
        if strength >= 0.85 and guidance <= min(2.0, 0.5 * self.usual_guidance):
            return "neither holds"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The artist is about to press Generate. `request` is complete as far as it can be."""

    request: GenerationRequest
    knobs: ModelSettings = ModelSettings()
    pictures: Mapping[str, PictureFacts] = field(default_factory=dict[str, PictureFacts])
    source_prompt: str = ""
    """What the first source was made from itself."""
    keep: tuple[str, ...] = ()
    """Clauses that hold what is locked of the loaded character."""
    previous: GenerationRequest | None = None
    """The last one of this tab that had the same references."""
    written: tuple[str, ...] = ()
    """Words that the studio offers for the prompt: of the loaded character, of the active design."""
    asked_before: frozenset[str] = frozenset()
    """What pictures made from the first source asked for already, as `prompt_forms.changes` tells it."""
    proposed: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    """Values that the coach itself proposed since the previous request, by field."""

    @property
    def references(self) -> Iterator[tuple[int, Reference, PictureFacts]]:
        """Number (from 1), reference and facts of those that were measured; masks are no pictures."""
        for number, reference in enumerate(self.request.references, start=1):
            facts = self.pictures.get(reference.image_id)
            if facts is not None and self.request.role_of(reference) is not Role.MASK:
                yield number, reference, facts

    @property
    def own_prompt(self) -> str:
        """The prompt without the words that the studio offered, and edits asked for before put together."""
        left = self.request.prompt
        for words in sorted(self.written, key=len, reverse=True):
            left = re.sub(re.escape(words), "", left, flags=re.IGNORECASE) if words.strip() else left
        parts = [part for part in prompt_forms.changes(left) if not prompt_forms.keeps_something(part)]
        if len(parts) > 1 and all(prompt_forms.plain(part) in self.asked_before for part in parts):
            return ""
        return left.strip(" ,.;")

    def changed(self) -> tuple[str, ...]:
        """Fields that differ from the previous request, but for those that the coach had changed."""
        if self.previous is None:
            return ()
        before, now = self.previous, self.request
        differ = (name for name in EXPERIMENT if getattr(before, name) != getattr(now, name))
        return tuple(name for name in differ if getattr(now, name) not in self.proposed.get(name, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class IntermediatePicture:
    """A picture between the anchor and the result."""

    image_id: str
    depth: int
    """Generations from the anchor, which is 0."""
    structure: float
    """SSIM against the anchor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A picture came out. `change`: against its source; None: not measured."""

    image_id: str
    request: GenerationRequest
    seed: int | None = None
    knobs: ModelSettings = ModelSettings()
    change: SourceChange | None = None
    branch: Sequence[IntermediatePicture] = ()
    """From the anchor to the result."""
