"""What one row of the table of settings says: a field of the request, its words, its controls on the page.

Pure data and small functions; the rows stand in `settings`. Knows no component of any page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar, cast

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, TypeAdapter

from pipelines.families.limits import Limits
from pipelines.request import GenerationRequest

T = TypeVar("T")
Number = TypeVar("Number", int, float)
Asked = Mapping[str, Any]
"""Fields of a request and their values, as plain data; not all of them need be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A number in a range, both ends included."""

    range: Callable[[Limits], tuple[float, float]]
    step: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One of a few values."""

    options: Callable[[Limits], Sequence[tuple[str, str]]]
    """(words, value) in the order they are offered."""
    closed: bool = True
    """No other value can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words of the artist's own; more than `lines` can be typed where it is more than one."""

    lines: int = 1


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingControl(Generic[T]):
    """One control of the page. Its value, a T, may be put otherwise than the request puts it."""

    name: str
    """Of the control in what a tab remembers."""
    label: str
    help: str
    """One sentence, shown under the label."""
    kind: Slider | Choices | Text | Switch
    value: type[T]
    start: T
    """What it holds on a page just opened."""
    ask: Callable[[T], Asked]
    """What the request says where the control holds this. Raises RequestError in words."""
    said: Callable[[Asked], T | None]
    """What the control holds for fields that say this; None: they say nothing of it."""
    element: str = ""
    """Its id on the page; none: the name with hyphens."""

    @property
    def elem_id(self) -> str:
        """Its id on the page."""
        return self.element or self.name.replace("_", "-")

    def read(self, given: object) -> T:
        """`given` as a value of the control. Raises ValidationError for what is none."""
        return _adapter(self.value).validate_python(given)

    def plain(self, value: object) -> object:
        """The value as JSON has it."""
        return _adapter(self.value).dump_python(self.read(value), mode="json")

    def standard(self, defaults: Asked) -> T:
        """What it begins with for a model with these defaults."""
        said = self.said(defaults)
        return self.start if said is None else said

    def fitted(self, value: T, limits: Limits) -> T:
        """The value, or the nearest one that can be used within `limits`."""
        if isinstance(self.kind, Slider):
            low, high = self.kind.range(limits)
            return self.read(min(max(cast(float, value), low), high))
        if isinstance(self.kind, Choices) and self.kind.closed:
            known = [self.read(given) for _, given in self.kind.options(limits)]
            return value if value in known or not known else known[0]
        return value


@cache
def _adapter(value: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(value, config=ConfigDict(allow_inf_nan=False))


class Compared(StrEnum):
    """How a setting is compared with that of another picture."""

    BY_VALUE = "by value"
    IN_ITS_OWN_WAY = "in its own way"
    NOT_AT_ALL = "not at all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of the request, as everything around the request sees it."""

    field: str
    controls: tuple[SettingControl[Any], ...] = ()
    """On the page, under Additional settings."""
    place: str = ""
    """Id of the part of the page that sets it, where it has no control there."""
    group: str = ""
    """Id of what holds the controls, where they are shown and hidden together."""
    label: str = ""
    """As a heading; none: the control's, else the field's own name."""
    word: str = ""
    """Within a sentence; none: the label in small letters."""
    plural: bool = False
    """The label is one: “Steps go”, not “goes”."""
    number_label: str = ""
    """What its number is called, where that is the reverse of what the page shows."""
    in_words: Callable[[Any], str | None] | None = None
    """A value as artists read it; None: as it is."""
    compared: Compared = Compared.BY_VALUE
    derived: bool = False
    """Worked out from the others when the request is completed: what is used again works it out anew."""
    varied: bool = False
    """Artists turn it from one try to the next, to see what it does."""
    parameter: str = ""
    """Its name in the text `parameters` of a PNG, where other tools know it."""

    @property
    def heading(self) -> str:
        """Its name at the beginning of a line."""
        return self.label or (self.controls[0].label if self.controls else spelled(self.field))

    @property
    def called(self) -> str:
        """Its name within a sentence."""
        return self.word or self.heading.lower()

    @property
    def number(self) -> Slider | None:
        """Its slider, where that holds the request's own number."""
        if len(self.controls) != 1 or self.controls[0].name != self.field:
            return None
        kind = self.controls[0].kind
        return kind if isinstance(kind, Slider) else None


def spelled(field: str) -> str:
    """A field's name as a heading: 'Aspect ratio'."""
    return field.replace("_", " ").capitalize()


def bounds(model: type[BaseModel], field: str) -> tuple[float | None, float | None]:
    """Least and most of a number in `model`, both included; None: none is set."""
    info = model.model_fields.get(field)
    marks = info.metadata if info else []
    low = next((mark.ge for mark in marks if isinstance(mark, Ge)), None)
    high = next((mark.le for mark in marks if isinstance(mark, Le)), None)
    return cast("float | None", low), cast("float | None", high)


# --- the usual kinds of controls ------------------------------------------------------------------


def number(
    field: str,
    start: Number,
    label: str,
    help: str,  # noqa: A002
    *,
    step: float,
    limits: Callable[[Limits], tuple[float, float]] | None = None,
    element: str = "",
) -> SettingControl[Number]:
    """A slider for a number of the request, within `limits` of the model, else within the request's own."""
    low, high = bounds(GenerationRequest, field)
    if limits is None and (low is None or high is None):
        raise ValueError(f"the request sets no bounds to {field}")
    own = (low or 0, high or 0)
    return SettingControl(
        name=field,
        label=label,
        help=help,
        kind=Slider(range=limits or (lambda _: own), step=step),
        value=type(start),
        start=start,
        ask=lambda value: {field: value},
        said=lambda asked: asked.get(field),
        element=element,
    )


def part(
    field: str,
    key: str,
    start: T,
    label: str,
    help: str,  # noqa: A002
    kind: Slider | Choices | Text | Switch,
    *,
    value: type[T] | None = None,
) -> SettingControl[T]:
    """A control for one `key` of a field that is an object itself; named 'field_key'."""
    return SettingControl(
        name=f"{field}_{key}",
        label=label,
        help=help,
        kind=kind,
        value=value or type(start),
        start=start,
        ask=lambda value: {field: {key: value}},
        said=lambda asked: _within(asked.get(field), key),
    )


def _within(value: Asked | None, key: str) -> Any:
    return value.get(key) if value else None
