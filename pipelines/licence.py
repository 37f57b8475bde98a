"""What a model's licence allows, in an artist's words. Pure data; knows no model and no consent."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Commercial = Literal["yes", "no", "conditions", "unknown"]


class Licence(BaseModel):
    """The terms of one model. In models.yaml a plain string stands for the name alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    url: str | None = Field(default=None, pattern=r"^https://\S+$", description="Where the text stands.")
    commercial: Commercial = Field(
        default="unknown", description="May pictures be used to earn money? yes, no, or conditions."
    )
    note: str = Field(default="", max_length=400, description="The conditions in one plain sentence.")
    version: str = Field(
        default="", max_length=64, description="Of the licence's text. Consent is asked anew when it changes."
    )

    @field_validator("commercial", mode="before")
    @classmethod
    def _yaml_booleans(cls, value: Any) -> Any:
        """YAML reads a bare `yes` or `no` as true or false."""
        return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value

    @property
    def mark(self) -> dict[str, str]:
        """What a picture's record keeps of the licence of the model that made it."""
        entries = {
            "name": self.name,
            "commercial": self.commercial,
            "version": self.version,
            "url": self.url or "",
        }
        return {key: value for key, value in entries.items() if value}

    @property
    def needs_consent(self) -> bool:
        """The artist has to agree once before a picture is made."""
        return self.commercial == "no"
