"""One entry of models.yaml as data, and how a location on the hub is written. Knows no family.

An entry is a model that makes pictures (`ModelSpec`) or one that reads them (`ReaderSpec`).

A part of a model lies inside the model's own folder, or at `hub://owner/name@commit/some/path`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.licence import Licence
from pipelines.modes import MODES, Mode

HUB = "hub://"
DROPPED = "file-"
"""How the ids of entries begin that stand for files of the models folder."""
SINGLE_FILE = ".safetensors"


AspectRatio = Annotated[str, Field(pattern=r"^[1-9][0-9]?:[1-9][0-9]?$")]


class Defaults(BaseModel):
    """What an entry may set per mode instead of the studio's own values."""

    model_config = ConfigDict(extra="forbid")

    guidance_scale: float | None = None
    num_inference_steps: int | None = None
    strength: float | None = None
    finish: int | None = None
    scale: int | None = None


class Entry(BaseModel):
    """What every entry of models.yaml says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    label: str = Field(min_length=1, max_length=64)
    source: str = Field(
        min_length=1, description="Folder (relative to models.yaml), or a hub id 'owner/name'."
    )
    revision: str | None = None
    description: str = ""
    licence: Licence = Field(description="name, url, commercial (yes, no, conditions), note; or a name.")
    download_gb: float | None = Field(
        default=None, gt=0, le=1000, description="About what its files weigh, in 10^9 bytes, parts included."
    )

    @field_validator("licence", mode="before")
    @classmethod
    def _named_licence(cls, value: Any) -> Any:
        """A plain string names the licence and says no more."""
        return {"name": value} if isinstance(value, str) else value


Question = Literal["caption", "face", "points", "words", "heads"]


EDITS = frozenset(mode for mode, row in MODES.items() if row.edits)
"""Modes of which a model has one at least that wears the badge “Edit”."""


class ReaderSpec(Entry):
    """A model that answers a question about pictures: a folder in transformers' format, safetensors only."""

    answers: Question = Field(
        description="caption: what is to be seen, in words; face: numbers that are alike for alike faces; "
        "points, words: what is meant by a click, by words, as a mask; heads: where they are."
    )


class Vocabulary(BaseModel):
    """All the words that a small model knows: the whole words of its tokenizer's table, and some more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=r"^[\w][\w./-]*\.json$", description="The table, inside the model's folder.")
    more: frozenset[str] = Field(default=frozenset(), description="Words it knows in several pieces.")
    about: str = Field(description="What it knows, in words: 'hair in all colours, glasses, hats'.")


class ModelSpec(Entry):
    """A model that makes pictures."""

    family: str
    config: str | None = Field(
        default=None,
        description="For a single .safetensors file: the folder or hub id whose configuration files fit it.",
    )
    parts: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="For a single file that is a network alone: where its other parts are, by component.",
    )
    file: str | None = Field(
        default=None,
        pattern=r"^[\w][\w./-]*\.safetensors$",
        description="For a source on the hub that is one file: its path there.",
    )
    variant: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9_]{1,16}$",
        description="Which weights of a hub model: 'fp16' and the like.",
    )
    modes: tuple[Mode, ...] = Field(min_length=1)
    resolution: int = Field(
        default=512, ge=64, le=4096, description="Side in px of the square the model was made for."
    )
    defaults: dict[Mode, dict[str, Any]] = Field(default_factory=dict[Mode, dict[str, Any]])
    options: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="For the family: sub-folders, adapter files, scales."
    )
    shapes: tuple[AspectRatio, ...] = Field(
        default=(), description="Aspect ratios it was made for, the first of them offered first; none: all."
    )
    words: Vocabulary | None = None
    examples: dict[Mode, tuple[str, ...]] = Field(
        default_factory=dict[Mode, tuple[str, ...]],
        description="Things to ask of it, in words it knows; where it says none, the studio's own are shown.",
    )
    sources: Literal["any", "drawings"] = Field(
        default="any", description="What it can refine: 'drawings' alone, where it knows no photographs."
    )
    framing: Literal["any", "whole"] = Field(
        default="any",
        description="What a mask is painted on: 'any' part of a picture around it, or the 'whole' picture, "
        "for a model that knows no parts of what it draws.",
    )
    no_use_for: tuple[Literal["negative_prompt", "num_inference_steps"], ...] = Field(
        default=(), description="Settings of its family that make no picture of its own better."
    )
    cautions: dict[Mode, str] = Field(
        default_factory=dict[Mode, str],
        description="Modes it does badly: what the artist is told of the result, in a sentence.",
    )
    add_ons: bool = Field(
        default=True,
        description="LoRAs and the like made for its family fit; False: it is a kind of its own.",
    )
    weights_gb: float | None = Field(
        default=None, gt=0, description="The same in 16 bits, where files are of 32."
    )
    quantised_with: Literal["bitsandbytes"] | None = None
    """The package that made its files small, and that reads them."""

    @field_validator("modes")
    @classmethod
    def _what_paints_in_masks_extends(cls, modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
        """Entries need not say so: the added canvas is a mask."""
        also = Mode.INPAINT in modes and Mode.OUTPAINT not in modes
        return (*modes, Mode.OUTPAINT) if also else modes

    @field_validator("modes", mode="after")
    @classmethod
    def _faces_too(cls, modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
        """What paints over a picture can do so with a part of it; no entry has to say that."""
        able = Mode.IMG2IMG in modes and Mode.FIX_FACE not in modes
        return (*modes, Mode.FIX_FACE) if able else modes

    @property
    def edit(self) -> bool:
        """It edits by instruction, or follows what reference pictures show.

        One that only paints over its source, along its outlines or inside a mask does not.
        """
        return not EDITS.isdisjoint(self.modes)


SomeEntry = TypeVar("SomeEntry", bound=Entry)


def split_hub(locator: str) -> tuple[str, str]:
    """`hub://owner/name@commit/some/path` as ('owner/name', 'some/path'); path and commit may be left out."""
    owner, name, *path = locator.removeprefix(HUB).split("/")
    return f"{owner}/{name.partition('@')[0]}", "/".join(path)


def hub_revision(locator: str) -> str | None:
    """The commit a location on the hub names; None for one that names none, and inside the model's folder."""
    name = locator.removeprefix(HUB).split("/")[1] if locator.startswith(HUB) else ""
    return name.partition("@")[2] or None


def pinned(spec: SomeEntry, commits: Mapping[str, str]) -> SomeEntry:
    """The entry with the commits (repository → commit) it is to be read at, where it names none itself."""
    if not commits:
        return spec
    changes: dict[str, Any] = {"revision": spec.revision or commits.get(spec.source)}
    if isinstance(spec, ModelSpec):
        changes["options"] = _at(spec.options, commits)
        changes["parts"] = _at(spec.parts, commits)
    return spec.model_copy(update=changes)


def _at(value: Any, commits: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_at(key, commits): _at(each, commits) for key, each in cast(dict[Any, Any], value).items()}
    if isinstance(value, list):
        return [_at(each, commits) for each in cast(list[Any], value)]
    if not isinstance(value, str) or not value.startswith(HUB) or hub_revision(value):
        return value
    repo, path = split_hub(value)
    return f"{HUB}{repo}@{commits[repo]}/{path}".rstrip("/") if repo in commits else value
