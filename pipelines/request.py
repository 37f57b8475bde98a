"""One request defines the picture.

Complete, frozen and serialisable: the same words appear in REST bodies, the `jobs` table, the PNG's
`likeness` JSON and "Reuse settings". Knows nothing of torch, of files or of where pictures are kept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.modes import DEFAULT_ROLE as DEFAULT_ROLE
from pipelines.modes import MODE_LABEL as MODE_LABEL
from pipelines.modes import REFINEMENTS as REFINEMENTS
from pipelines.modes import Mode as Mode
from pipelines.modes import Role as Role

MAX_REFERENCES = 10
MAX_IMAGES = 8
MAX_LORAS = 4
MAX_PROMPT_CHARS = 10_000
MAX_SEED = 2**63 - 1
MAX_RESULT_SIDE = 16_384
MAX_RESULT_PX = 64_000_000
RANDOM_SEED = -1
DEFAULT_STRENGTH = 0.75
"""Where neither the model nor the artist says anything: 25 % of the reference stay."""
ASPECT_RATIOS = ("1:1", "2:3", "3:4", "4:5", "9:16", "3:2", "4:3", "5:4", "16:9")
LIKE_REFERENCE = "reference"
"""The aspect ratio that is the leading reference's own."""


class ControlKind(StrEnum):
    """How the control image is made from the structure reference."""

    CANNY = "canny"
    SOFT_EDGE = "soft_edge"


CONTROL_LABEL: dict[ControlKind, str] = {
    ControlKind.CANNY: "Crisp edges",
    ControlKind.SOFT_EDGE: "Soft edges",
}
"""The kinds as artists choose them."""


class _Frozen(BaseModel, frozen=True):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Reference(_Frozen, frozen=True):
    """A picture of the collection acting on the request."""

    image_id: str = Field(min_length=1, max_length=64)
    role: Role | None = Field(default=None, description="None: the mode's own role.")
    weight: float = Field(default=1.0, ge=0.0, le=2.0, description="1.0 is the model's normal strength.")


class Control(_Frozen, frozen=True):
    """Settings of ControlNet."""

    kind: ControlKind = ControlKind.CANNY
    weight: float = Field(default=1.0, ge=0.0, le=2.0)
    start: float = Field(default=0.0, ge=0.0, le=1.0, description="Share of the steps at which it begins.")
    end: float = Field(default=1.0, ge=0.0, le=1.0, description="Share of the steps at which it ends.")
    network: str | None = Field(
        default=None, max_length=64, description="A ControlNet of the models folder. None: the model's own."
    )


Guidance = Annotated[float, Field(ge=0.0, le=30.0)]
Steps = Annotated[int, Field(ge=1, le=150)]


class Lora(_Frozen, frozen=True):
    """A LoRA of the models folder acting on the request's model."""

    id: str = Field(min_length=1, max_length=64, description="As in a model's `add_ons`.")
    weight: float = Field(default=1.0, ge=-2.0, le=2.0, description="1.0 is its full strength.")


class ResultSize(_Frozen, frozen=True):
    """Size of the finished picture, in pixels."""

    width: int = Field(ge=16, le=MAX_RESULT_SIDE)
    height: int = Field(ge=16, le=MAX_RESULT_SIDE)


class Keep(_Frozen, frozen=True):
    """Where a refinement changes nothing, the reference's own pixels stay."""

    enabled: bool = True
    tolerance: float = Field(
        default=0.5, ge=0.0, le=1.0, description="How small a difference still counts as unchanged."
    )


class Extend(_Frozen, frozen=True):
    """Canvas to add around a source, in pixels of the source."""

    left: int = Field(default=0, ge=0, le=MAX_RESULT_SIDE)
    top: int = Field(default=0, ge=0, le=MAX_RESULT_SIDE)
    right: int = Field(default=0, ge=0, le=MAX_RESULT_SIDE)
    bottom: int = Field(default=0, ge=0, le=MAX_RESULT_SIDE)

    def around(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in px of a source of that size with the canvas added."""
        return self.left + width + self.right, self.top + height + self.bottom


class FixFace(_Frozen, frozen=True):
    """Small faces are drawn once more at the model's full size (face detailer, ADetailer elsewhere)."""

    enabled: bool = True
    under: int | None = Field(
        default=None,
        ge=16,
        le=4096,
        description="Only heads whose longer side is shorter, in px. None: those the model can draw larger.",
    )


class PicturePrompt(_Frozen, frozen=True):
    """The words of one picture, where the prompt leaves some open or says how much they count.

    Choices are made, lists are read and tags of LoRAs taken out. Weights stay where the model can weigh.
    """

    prompt: str = Field(max_length=20 * MAX_PROMPT_CHARS)
    negative_prompt: str = Field(default="", max_length=20 * MAX_PROMPT_CHARS)


class Finish(_Frozen, frozen=True):
    """How the pictures of a job are enlarged before they are kept. `scale` 1: not at all."""

    scale: Literal[1, 2, 4] = 1
    upscaler: str | None = Field(default=None, max_length=128, description="None: the studio's own choice.")


class GenerationRequest(_Frozen, frozen=True):
    """What the artist asked for.

    As sent, fields may be open (`model` None, `seed` -1, size None). `planning.complete` closes them and
    makes a `CompleteRequest`; only these enter the queue.
    """

    mode: Mode = Mode.TEXT_TO_IMAGE
    model: str | None = Field(default=None, max_length=128)
    prompt: str = Field(default="", max_length=MAX_PROMPT_CHARS)
    negative_prompt: str = Field(default="", max_length=MAX_PROMPT_CHARS)
    guidance_scale: Guidance = 3.5
    num_inference_steps: Steps = 20
    seed: int = Field(default=RANDOM_SEED, ge=-1, le=MAX_SEED)
    strength: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Share of the reference that may change (in `outpaint` of its edges, drawn out): "
        "1 - influence. None: the mode's default.",
    )
    width: int | None = Field(default=None, ge=16, le=4096, description="Pixels.")
    height: int | None = Field(default=None, ge=16, le=4096, description="Pixels.")
    aspect_ratio: str | None = Field(
        default=None,
        max_length=16,
        description="'2:3' and the like, or 'reference'. Ignored where a size is given.",
    )
    num_images: int = Field(default=1, ge=1, le=MAX_IMAGES)
    references: Annotated[tuple[Reference, ...], Field(max_length=MAX_REFERENCES)] = ()
    control: Control | None = None
    character: str | None = Field(
        default=None, min_length=1, max_length=64, description="Id of the character the picture is of."
    )
    loras: Annotated[tuple[Lora, ...], Field(max_length=MAX_LORAS)] = ()
    vae: str | None = Field(
        default=None, max_length=64, description="A VAE of the models folder. None: the model's own."
    )
    ip_adapter: str | None = Field(
        default=None,
        max_length=64,
        description="An IP-Adapter of the models folder, for the mode's own role. None: the model's own.",
    )

    result_size: Literal["source", "model"] | ResultSize | None = Field(
        default=None,
        description="Size of the finished picture; `width` and `height` are the size the model works at. "
        "None: the source's where one is refined, else the model's.",
    )
    keep: Keep | None = Field(
        default=None, description="Keep what was not asked to change. None: on where a source is refined."
    )
    drawn: Annotated[tuple[PicturePrompt, ...], Field(max_length=MAX_IMAGES)] = Field(
        default=(), description="Per picture the words it was made with; empty: those written."
    )
    finish: Finish | None = Field(
        default=None, description="Enlarge what comes out; a number is its scale. None: the model's default."
    )
    extend: Extend | None = Field(
        default=None,
        description="Canvas to add around the source, in its pixels. In `outpaint`, None: by `aspect_ratio`.",
    )
    fit: Literal["crop", "extend"] | None = Field(
        default=None,
        description="Where a source has another shape than the picture: crop it, or extend it first. "
        "None: crop.",
    )
    scale: Literal[2, 4] | None = Field(
        default=None, description="In `upscale`: how many times longer each side becomes. None: by the size."
    )
    upscaler: str | None = Field(
        default=None,
        max_length=128,
        description="In `upscale`: the enlarger, where another model redraws what it made larger.",
    )

    fix_face: FixFace | None = Field(
        default=None,
        description="Fix small faces of each picture afterwards; in the mode `fix_face`: which.",
    )

    quick_draft: bool = Field(
        default=False,
        description="Made faster at some loss: steps are left out and guessed from those before them.",
    )

    @field_validator("finish", mode="before")
    @classmethod
    def _finish_by_number(cls, value: Any) -> Any:
        """`4` is short for `{"scale": 4}`."""
        return {"scale": value} if isinstance(value, int) else value

    @field_validator("prompt", "negative_prompt")
    @classmethod
    def _no_control_characters(cls, text: str) -> str:
        """NUL and its kin cannot be kept in a PNG's text or in SQLite's full-text index."""
        return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)

    def alone(self, seed: int | None) -> Self:
        """What makes only the picture of this seed (None: the first) of those this request makes."""
        own = self.seed if seed is None else seed
        index = own - self.seed
        drawn = self.drawn[index : index + 1] if 0 <= index < len(self.drawn) else ()
        return self.model_copy(update={"seed": own, "num_images": 1, "drawn": drawn})

    def role_of(self, reference: Reference) -> Role:
        """The reference's own role, or the mode's."""
        return reference.role or DEFAULT_ROLE[self.mode]

    def with_role(self, role: Role) -> tuple[Reference, ...]:
        """The references acting in `role`, in the artist's order."""
        return tuple(r for r in self.references if self.role_of(r) is role)


class CompleteRequest(GenerationRequest, frozen=True):
    """A request without open fields: it defines the pictures, and any version of the studio can say how."""

    model: str = Field(max_length=128)
    seed: int = Field(ge=0, le=MAX_SEED)
    width: int = Field(ge=16, le=4096, description="Pixels the model works at.")
    height: int = Field(ge=16, le=4096, description="Pixels the model works at.")
