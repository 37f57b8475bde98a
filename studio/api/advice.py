"""`/advice`: what the coach says about a request, and about a picture that came out."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import GenerationRequest
from studio.coach.advisor import Advisor
from studio.coach.said import Advice, Judgement, RuleInfo


class Question(BaseModel):
    """A request that is not made yet."""

    model_config = ConfigDict(extra="forbid")

    request: GenerationRequest
    previous_image: str | None = Field(
        default=None, max_length=64, description="The last picture of the same series of tries."
    )


def add_advice(router: APIRouter, advisor: Advisor) -> None:
    """Add the calls of the coach."""

    @router.get("/advice")
    def rules() -> tuple[RuleInfo, ...]:
        """Every rule that may speak before Generate."""
        return advisor.rules()

    @router.post("/advice")
    def before(question: Question) -> tuple[Advice, ...]:
        """Advice about a request as it stands, the most useful first; often there is none."""
        return advisor.before(question.request, question.previous_image)

    @router.get("/images/{image_id}/advice")
    def after(image_id: str) -> Judgement:
        """What was measured against the source, and the next steps for each answer of the artist."""
        return advisor.after(image_id)
