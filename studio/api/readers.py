"""`/readers` and what they are asked: models that read pictures, and the description of a character."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from studio.readers import Described, ReaderState
from studio.service import StudioService


class DescribeWish(BaseModel):
    """Which picture to look at."""

    model_config = ConfigDict(extra="forbid")

    image_id: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="Left out: the character's portrait."
    )


def add_readers(router: APIRouter, service: StudioService) -> None:
    """Add the calls about models that read pictures."""

    @router.get("/readers")
    def readers() -> tuple[ReaderState, ...]:
        """For each question about pictures the model that answers it, or would after a download."""
        return service.readers.states()

    @router.post("/characters/{character_id}/describe")
    def describe(character_id: str, wish: DescribeWish | None = None) -> Described:
        """Auto-describe: an image prompt from blueprint and script, and what the picture adds to them.

        Waits for the model, a few seconds also for a job that runs; without it, `reason` says why the
        picture was not read, and the prompt is made without.
        """
        character = service.characters.get(character_id)
        portrait = character.portrait.image_id if character.portrait else None
        return service.readers.describe(character.blueprint, (wish and wish.image_id) or portrait)
