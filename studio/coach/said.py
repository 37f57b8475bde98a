"""What the coach says: one sentence, why, and steps to be taken by a press of a button.

These are the JSON of REST and what the page shows. Knows no rule.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

DriftVerdict = Literal["closer", "same", "drifted"]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Said):
    """One press of a button: what it sets, which picture it takes, what it adds to the prompt."""

    label: str
    set: dict[str, Any] = Field(default_factory=dict, description="Fields of the request and their values.")
    use_image: str | None = Field(default=None, description="Becomes the only reference.")
    append: str | None = Field(default=None, description="Added to the end of the prompt.")


class Advice(_Said):
    """One sentence to the artist, why it is said, and what can be done about it."""

    id: str = Field(description="The rule; an artist may put it away.")
    words: str
    why: str
    steps: tuple[Step, ...] = ()


class Judgement(_Said):
    """What was measured of a result, and the next steps for each thing the artist may say of it."""

    verdict: None = Field(default=None, description="Always null: how it came out is for the artist to say.")
    words: str
    doubt: str | None = Field(
        default=None, description="What a measure of the head leaves in doubt; it is part of `words`."
    )
    outcomes: dict[DriftVerdict, Advice]


def influence_step(share: float) -> Step:
    """Set influence to `share` (0–1) of the reference."""
    return Step(label=f"Influence {share:.0%}", set={"strength": round(1 - share, 2)})


class RuleInfo(_Said):
    """A rule that may speak before Generate."""

    id: str
    about: str
