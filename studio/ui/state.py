"""The working state of one browser tab, how the artist changes it, and the request it makes.

Pure and frozen: a transition returns a new state. What earlier pictures bring into it stands in `reuse`;
that its parts fit together is seen to by `settle`. The browser keeps the state (in its controls, and in its
storage across reloads); nothing is kept here. Knows nothing of models, of Gradio, of the service or of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import RequestError
from pipelines.request import (
    DEFAULT_ROLE,
    MAX_PROMPT_CHARS,
    MAX_REFERENCES,
    MAX_SEED,
    RANDOM_SEED,
    ControlKind,
    GenerationRequest,
    Mode,
    Reference,
    Role,
)
from studio.coach import prompt_forms
from studio.ui.knobs import Knobs, strength_of
from studio.ui.loras import NO_ADD_ONS, AddOns

LIKE_REFERENCE = "reference"
ASPECT_RATIOS = ("1:1", "2:3", "3:4", "4:5", "9:16", "3:2", "4:3", "5:4", "16:9")

TOO_MANY = f"The studio takes up to {MAX_REFERENCES} references. Remove one before adding another."
BAD_SEED = f"The seed is a whole number from 0 to {MAX_SEED}, or -1 for a new one each time."


class StudioState(BaseModel):
    """What the artist has loaded, chosen and typed. `seed` is the text of its box; `influence` is in percent.

    `aspect_ratio` is one of ASPECT_RATIOS, LIKE_REFERENCE, or an exact size as '512x640'.
    `model_picked`: the artist chose the model in this tab; `model_begun`: see `models_default`;
    `knobs_of`: mode and model whose defaults the knobs were last fitted to, as 'mode:model'.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    references: tuple[Reference, ...] = ()
    mode: Mode = Mode.TEXT_TO_IMAGE
    model: str | None = None
    earlier_model: str | None = None
    model_picked: bool = False
    model_begun: str | None = None
    knobs_of: str | None = None
    character: str | None = None
    """Id of the character that is loaded beside the prompt."""
    prompt: str = ""
    negative_prompt: str = ""
    guidance_scale: float = 3.5
    num_inference_steps: int = 20
    seed: str = str(RANDOM_SEED)
    influence: float = 25.0
    aspect_ratio: str = "1:1"
    num_images: int = 1
    control_kind: ControlKind = ControlKind.CANNY
    control_weight: float = 1.0
    control_start: float = 0.0
    control_end: float = 1.0
    add_ons: AddOns = NO_ADD_ONS

    # --- to and from the page's controls --------------------------------------------------------

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Self:
        """The state in what a browser sent, named as in `values`; what is not understood gets its default."""
        known = {**values, **_choice_of_model(values.get("model"))}
        try:
            return cls.model_validate(known)
        except ValidationError as problem:
            broken = {error["loc"][0] for error in problem.errors()}
            return cls.model_validate({name: value for name, value in known.items() if name not in broken})

    def values(self) -> dict[str, object]:
        """The controls' values: plain JSON, what concerns the model in one."""
        plain = self.model_dump(mode="json")
        model = {key: plain.pop(name) for key, name in _MODEL_FIELDS.items()}
        return {**plain, "model": model}

    # --- references ---------------------------------------------------------------------------

    def with_references(self, references: Sequence[Reference]) -> Self:
        """Replace all references; the first and the last decide between editing and text to image.

        Raises RequestError for more than MAX_REFERENCES.
        """
        if len(references) > MAX_REFERENCES:
            raise RequestError(TOO_MANY, field="references")
        return self.model_copy(update={"references": tuple(references)}).follow_references()

    def follow_references(self) -> Self:
        """Text to image belongs to having no reference: begin editing, or end it, where that is not so."""
        if self.references and self.mode is Mode.TEXT_TO_IMAGE:
            return self._begin_editing()
        if not self.references and self.mode is not Mode.TEXT_TO_IMAGE:
            return self._end_editing()
        return self

    def _begin_editing(self) -> Self:
        return self.model_copy(
            update={"mode": Mode.SMART_EDIT, "aspect_ratio": LIKE_REFERENCE, "earlier_model": self.model}
        )

    def _end_editing(self) -> Self:
        ratio = "1:1" if self.aspect_ratio == LIKE_REFERENCE else self.aspect_ratio
        return self.model_copy(
            update={
                "mode": Mode.TEXT_TO_IMAGE,
                "aspect_ratio": ratio,
                "model": self.earlier_model or self.model,
                "earlier_model": None,
            }
        )

    def use_reference(self, image_id: str) -> Self:
        """Make the picture the only reference."""
        return self.with_references((Reference(image_id=image_id),))

    def add_reference(self, image_id: str) -> Self:
        """Append the picture; one that is loaded already stays where it is. Raises RequestError when full."""
        if any(reference.image_id == image_id for reference in self.references):
            return self
        return self.with_references((*self.references, Reference(image_id=image_id)))

    def use_references(self, image_ids: Sequence[str]) -> Self:
        """Make these pictures the references, in this order. Raises RequestError for too many."""
        return self.with_references([Reference(image_id=image_id) for image_id in dict.fromkeys(image_ids)])

    def edit_together(self, image_id: str, prompts: Sequence[str]) -> Self:
        """Open the picture for editing with all these edits in one prompt, the last of each kind."""
        together = prompt_forms.together(prompts)[:MAX_PROMPT_CHARS]
        return self.edit_image(image_id).model_copy(update={"prompt": together})

    def edit_image(self, image_id: str) -> Self:
        """Open the picture for editing: the only reference, in Smart Image Editing."""
        return self.use_reference(image_id).set_mode(Mode.SMART_EDIT)

    def remove_reference(self, index: int) -> Self:
        """Take out the reference at `index` (from 0)."""
        return self.with_references([r for i, r in enumerate(self.references) if i != index])

    def move_reference(self, index: int, to: int) -> Self:
        """Move the reference at `index` so that it stands at `to`; both from 0."""
        references = list(self.references)
        references.insert(to, references.pop(index))
        return self.with_references(references)

    def set_role(self, index: int, role: Role | None) -> Self:
        """Give the reference at `index` a role; None follows the mode."""
        references = list(self.references)
        references[index] = references[index].model_copy(update={"role": role})
        return self.with_references(references)

    # --- choices ------------------------------------------------------------------------------

    def set_mode(self, mode: Mode) -> Self:
        """Choose a mode."""
        return self.model_copy(update={"mode": mode})

    def choose_model(self, model_id: str) -> Self:
        """Choose a model; while references are loaded this is the choice that stays after them."""
        return self.model_copy(update={"model": model_id, "earlier_model": None, "model_picked": True})

    def with_knobs_kept(self) -> Self:
        """Say that the knobs are meant as they stand for this mode and model: none follows a default."""
        return self.model_copy(update={"knobs_of": f"{self.mode.value}:{self.model or ''}"})

    # --- the request --------------------------------------------------------------------------

    def to_request(self, knobs: Knobs) -> GenerationRequest:
        """What Generate asks for: only the knobs in use are said. Raises RequestError in words."""
        asked: dict[str, object] = {
            "mode": self.mode,
            "model": self.model,
            "prompt": self.prompt,
            "num_inference_steps": self.num_inference_steps,
            "seed": self._seed_number(),
            "num_images": self.num_images,
            "references": self.references,
            "character": self.character or None,
            **self._size(),
            **self._knobs_in_use(knobs),
            **self.add_ons.in_use(knobs.fields),
        }
        try:
            return GenerationRequest.model_validate(asked)
        except ValidationError as problem:
            raise _in_words(problem) from problem

    def _knobs_in_use(self, knobs: Knobs) -> dict[str, object]:
        control = {
            "kind": self.control_kind,
            "weight": self.control_weight,
            "start": self.control_start,
            "end": self.control_end,
            "network": self.add_ons.control_network,
        }
        values: dict[str, object] = {
            "guidance_scale": self.guidance_scale,
            "negative_prompt": self.negative_prompt,
            "strength": strength_of(self.influence),
            "control": control,
        }
        return {name: value for name, value in values.items() if name in self.knobs_shown(knobs)}

    def knobs_shown(self, knobs: Knobs) -> frozenset[str]:
        """Fields in use: influence only where a reference is a source, since it acts on nothing else."""
        roles = {reference.role or DEFAULT_ROLE[self.mode] for reference in self.references}
        return knobs.fields if Role.SOURCE in roles else knobs.fields - {"strength"}

    def _size(self) -> dict[str, object]:
        width, times, height = self.aspect_ratio.partition("x")
        if times and width.isdecimal() and height.isdecimal():
            return {"width": int(width), "height": int(height)}
        if self.aspect_ratio == LIKE_REFERENCE and not self.references:
            return {}
        return {"aspect_ratio": self.aspect_ratio}

    def _seed_number(self) -> int:
        text = self.seed.strip()
        digits = text.removeprefix("-")
        if not (
            digits.isascii() and digits.isdecimal() and len(digits) <= 19 and -1 <= int(text) <= MAX_SEED
        ):
            raise RequestError(BAD_SEED, field="seed")
        return int(text)


_MODEL_FIELDS = {
    "chosen": "model",
    "earlier": "earlier_model",
    "picked": "model_picked",
    "begun": "model_begun",
    "knobs": "knobs_of",
}
"""What the model selector's value holds: key → field."""


def _choice_of_model(value: object) -> dict[str, object]:
    given = value if isinstance(value, Mapping) else {}
    return {"model": None, **{name: given[key] for key, name in _MODEL_FIELDS.items() if key in given}}


_TOO_LONG = f"is longer than {MAX_PROMPT_CHARS:,} characters. Shorten it."
_FIELD_WORDS = {
    "prompt": f"The prompt {_TOO_LONG}",
    "negative_prompt": f"The negative prompt {_TOO_LONG}",
    "references": TOO_MANY,
}


def _in_words(problem: ValidationError) -> RequestError:
    field = str(problem.errors()[0]["loc"][0])
    name = field.replace("_", " ")
    return RequestError(
        _FIELD_WORDS.get(field, f"The {name} is outside what the studio can do."), field=field
    )
