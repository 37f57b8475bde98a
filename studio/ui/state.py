"""The working state of one browser tab, how the artist changes it, and the request it makes.

Pure and frozen: a transition returns a new state. What earlier pictures bring into it stands in `reuse`;
that its parts fit together is seen to by `settle`. The browser keeps the state (in its controls, and in its
storage across reloads); nothing is kept here. Knows nothing of models, of Gradio, of the service or of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import RequestError
from pipelines.families.setting import Asked, SettingControl
from pipelines.families.settings import CONTROLS, FIELD_OF, SHAPE, asked_by
from pipelines.request import (
    DEFAULT_ROLE,
    LIKE_REFERENCE,
    MAX_PROMPT_CHARS,
    MAX_REFERENCES,
    GenerationRequest,
    Mode,
    Reference,
    Role,
)
from studio.coach import prompt_forms
from studio.json_values import is_object
from studio.ui.knobs import SettingRanges
from studio.ui.loras import NO_ADD_ONS, AddOns

T = TypeVar("T")

TOO_MANY = f"The studio takes up to {MAX_REFERENCES} references. Remove one before adding another."


class StudioState(BaseModel):
    """What the artist has loaded, chosen and typed.

    `settings`: what the controls of Additional settings hold, by name (`pipelines.families.settings`).
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
    settings: Mapping[str, Any] = {name: control.start for name, control in CONTROLS.items()}
    add_ons: AddOns = NO_ADD_ONS

    # --- to and from the page's controls --------------------------------------------------------

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Self:
        """The state in what a browser sent, named as in `values`; what is not understood gets its default."""
        known = {**values, **_choice_of_model(values.get("model")), "settings": _settings_in(values)}
        try:
            return cls.model_validate(known)
        except ValidationError as problem:
            broken = {error["loc"][0] for error in problem.errors()}
            return cls.model_validate({name: value for name, value in known.items() if name not in broken})

    def values(self) -> dict[str, object]:
        """The controls' values: plain JSON, what concerns the model in one."""
        plain = self.model_dump(mode="json")
        model = {key: plain.pop(name) for key, name in _MODEL_FIELDS.items()}
        settings = plain.pop("settings")
        return {**plain, **settings, "model": model}

    # --- settings -----------------------------------------------------------------------------

    def get(self, control: SettingControl[T]) -> T:
        """What the control holds."""
        return cast(T, self.settings[control.name])

    def put(self, control: SettingControl[T], value: T) -> Self:
        """Let the control hold this."""
        return self.with_settings({control.name: value})

    def with_settings(self, values: Mapping[str, Any]) -> Self:
        """Let the named controls hold these values, and leave the others."""
        return self.model_copy(update={"settings": {**self.settings, **values}})

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
        begun = self.model_copy(update={"mode": Mode.SMART_EDIT, "earlier_model": self.model})
        return begun.put(SHAPE, LIKE_REFERENCE)

    def _end_editing(self) -> Self:
        ended = self.model_copy(
            update={
                "mode": Mode.TEXT_TO_IMAGE,
                "model": self.earlier_model or self.model,
                "earlier_model": None,
            }
        )
        return ended.put(SHAPE, SHAPE.start) if self.get(SHAPE) == LIKE_REFERENCE else ended

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

    def with_mask(self, image_id: str, mask_id: str | None) -> Self:
        """Let only what the mask shows of the picture change; None takes the mask away."""
        kept = [r for r in self.references if r.image_id == image_id or r.role not in (None, Role.MASK)]
        kept = [r for r in kept if r.role is not Role.MASK and r.image_id != mask_id]
        if all(reference.image_id != image_id for reference in kept):
            kept = [Reference(image_id=image_id), *(r for r in kept if r.role is not Role.SOURCE)]
        masks = [Reference(image_id=mask_id, role=Role.MASK)] if mask_id else []
        return self.with_references([*kept, *masks])

    def edit_together(self, image_id: str, prompts: Sequence[str]) -> Self:
        """Open the picture for editing with all these edits in one prompt, the last of each kind."""
        together = prompt_forms.together(prompts)[:MAX_PROMPT_CHARS]
        return self.edit_image(image_id).model_copy(update={"prompt": together})

    def edit_image(self, image_id: str) -> Self:
        """Open the picture for editing: the only reference, in Smart Image Editing."""
        return self.use_reference(image_id).set_mode(Mode.SMART_EDIT)

    # --- choices ------------------------------------------------------------------------------

    def set_mode(self, mode: Mode) -> Self:
        """Choose a mode."""
        return self.model_copy(update={"mode": mode})

    def with_knobs_kept(self) -> Self:
        """Say that the knobs are meant as they stand for this mode and model: none follows a default."""
        return self.model_copy(update={"knobs_of": f"{self.mode.value}:{self.model or ''}"})

    # --- the request --------------------------------------------------------------------------

    def to_request(self, knobs: SettingRanges) -> GenerationRequest:
        """What Generate asks for: only the knobs in use are said. Raises RequestError in words."""
        asked: dict[str, object] = {
            "mode": self.mode,
            "model": self.model,
            "prompt": self.prompt,
            "references": self.references,
            "character": self.character or None,
            **asked_by(self._asked(knobs)),
        }
        try:
            return GenerationRequest.model_validate(asked)
        except ValidationError as problem:
            raise _in_words(problem) from problem

    def _asked(self, knobs: SettingRanges) -> Iterator[Asked]:
        """What each control in use asks for."""
        fields = self.knobs_shown(knobs)
        like_nothing = self.get(SHAPE) == LIKE_REFERENCE and not self.references
        for name, control in CONTROLS.items():
            if FIELD_OF[name] in fields and not (control is SHAPE and like_nothing):
                yield control.ask(self.settings[name])
        yield self.add_ons.in_use(fields)

    def knobs_shown(self, knobs: SettingRanges) -> frozenset[str]:
        """Fields in use: influence only where a reference is a source, since it acts on nothing else."""
        roles = {reference.role or DEFAULT_ROLE[self.mode] for reference in self.references}
        return knobs.fields if Role.SOURCE in roles else knobs.fields - {"strength"}


_MODEL_FIELDS = {
    "chosen": "model",
    "earlier": "earlier_model",
    "picked": "model_picked",
    "begun": "model_begun",
    "knobs": "knobs_of",
}
"""What the model selector's value holds: key → field."""


def _choice_of_model(value: object) -> dict[str, object]:
    given = value if is_object(value) else dict[str, Any]()
    return {"model": None, **{name: given[key] for key, name in _MODEL_FIELDS.items() if key in given}}


def _settings_in(values: Mapping[str, object]) -> dict[str, Any]:
    """What the controls hold; one whose value is not understood begins anew."""
    read: dict[str, Any] = {}
    for name, control in CONTROLS.items():
        try:
            read[name] = control.read(values[name]) if name in values else control.start
        except ValidationError:
            read[name] = control.start
    return read


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
