"""The nouns of the Models page and its REST calls: cards, downloads, add-ons. They know nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.catalog.catalog import Availability
from pipelines.licence import Licence
from pipelines.memory.plan import MemoryChoice
from pipelines.spec import Question

DownloadStatus = Literal[
    "queued", "checking", "downloading", "verifying", "done", "failed", "cancelled", "interrupted"
]
ACTIVE: frozenset[DownloadStatus] = frozenset({"queued", "checking", "downloading", "verifying"})
Origin = Literal["bundled", "hub", "folder", "file"]
FitVerdict = Literal["full", "offloaded", "quantised", "too_large", "impossible"]
AddOnKind = Literal["lora", "controlnet", "ip_adapter", "vae", "image_encoder", "text_encoder"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileProgress(_Record):
    """One file of a download, in bytes."""

    name: str
    size: int
    done: int


class DownloadProblem(_Record):
    """Why a download ended early, what to do, and where."""

    code: str
    message: str
    link: str | None = None


class Download(_Record):
    """A model on its way from the hub, or what is left of one that ended early."""

    model: str
    status: DownloadStatus
    done_bytes: int = 0
    total_bytes: int = 0
    bytes_per_second: float | None = None
    seconds_left: float | None = None
    files: tuple[FileProgress, ...] = ()
    error: DownloadProblem | None = None
    newest: bool = Field(default=False, description="It looks for a newer version of a model that is here.")

    @property
    def is_active(self) -> bool:
        """Waiting or running."""
        return self.status in ACTIVE


class Consent(_Record):
    """The artist agreed to a licence."""

    licence: str
    version: str = ""
    url: str | None = None
    agreed_at: datetime


class Fit(_Record):
    """How a model would run on this machine's accelerator."""

    verdict: FitVerdict
    label: str = Field(description="A few words: “whole in memory”.")
    reason: str
    pace: str | None = Field(default=None, description="What to expect in time, where that is long.")
    tiling: bool = Field(default=False, description="Large pictures are decoded in tiles.")
    estimated: bool = Field(default=False, description="From the size of the download, before it is here.")


class ModelVersion(_Record):
    """The commit of the hub at which a model is read."""

    commit: str
    held: Literal["catalogue", "studio", "no"] = Field(
        description="By models.yaml, by the studio since its download or first use, or not yet."
    )
    since: datetime | None = None


class MemorySetting(_Record):
    """How the artist wants a model kept in memory; request-independent, remembered per model."""

    choice: MemoryChoice = MemoryChoice.AUTO
    tiling: bool | None = Field(
        default=None, description="Decode large pictures in tiles: always, never, or null for where needed."
    )
    warm_up: bool = Field(
        default=False,
        description="Compile the model for this machine: quicker steps, but the first picture of each "
        "kind waits a minute or more.",
    )


class LoadOptions(MemorySetting):
    """How a job loads its model: the setting, and the commits (repository → commit) it is read at."""

    revisions: dict[str, str] = Field(default_factory=dict)


class ModelCard(_Record):
    """A model as the Models page shows it."""

    id: str
    label: str
    family: str = Field(description="Empty for one that reads pictures.")
    description: str
    modes: tuple[str, ...]
    answers: Question | None = Field(
        default=None, description="Of a model that reads pictures: which question; it has no modes."
    )
    edit: bool
    source: str
    page: str | None = Field(description="The model's page on the hub.")
    origin: Origin
    root: str | None = Field(default=None, description="The folder of another tool that it lies in.")
    available: Availability
    absent: dict[str, str] = Field(
        default_factory=dict, description="Modes that lack files although the model is ready, and why."
    )
    licence: Licence
    needs_consent: bool
    consent: Consent | None = None
    size_bytes: int = Field(description="On this disk; 0 where nothing of it is.")
    download_bytes: int | None = Field(description="About what a download brings; None: not known.")
    fit: Fit | None = Field(default=None, description="None: not known yet.")
    memory: MemorySetting = MemorySetting()
    memory_choices: dict[MemoryChoice, str] = Field(
        default_factory=dict[MemoryChoice, str],
        description="Ways to keep it that can be had here, with their labels.",
    )
    memory_refused: dict[MemoryChoice, str] = Field(
        default_factory=dict[MemoryChoice, str],
        description="Ways that cannot be had here, and why or what to do.",
    )
    version: ModelVersion | None = Field(
        default=None, description="None: not of the hub, or nothing of it here."
    )
    updatable: bool = Field(default=False, description="The newest version can be asked for.")
    default_for: tuple[str, ...] = ()
    removable: bool
    shared_with: tuple[str, ...] = Field(
        default=(), description="Models that use the same files and go, too."
    )
    download: Download | None = None


class AddOn(_Record):
    """A file of a models folder that goes with a model: LoRA, ControlNet, VAE, IP-Adapter, its encoder."""

    id: str
    name: str
    kind: AddOnKind
    base: str | None = Field(description="Family it was made for; None where its keys do not say.")
    base_label: str | None
    file: str = Field(description="Path inside the models folder, or inside `root`.")
    root: str | None = Field(default=None, description="The folder of another tool that it lies in.")
    size_bytes: int
    weight: float = Field(default=1.0, description="What its maker advises, else 1.")
    triggers: tuple[str, ...] = Field(default=(), description="Words that call it up.")


class Refused(_Record):
    """A file of the models folder that cannot be used, and why."""

    file: str
    reason: str


class ModelRoot(_Record):
    """The folder of another tool, whose models are used where they are."""

    path: str
    tool: str = Field(description="ComfyUI and the like; empty where it is none of those known.")
    state: Literal["ready", "looking", "away", "unreadable"] = Field(
        description="away: its drive is not there or does not answer; unreadable: it cannot be understood."
    )
    words: str = Field(default="", description="What is wrong with it, and what to do.")
    given: bool = Field(description="At the start, so that it cannot be forgotten here.")
    holds: dict[str, int] = Field(description="How many of each kind.")
    held: str = Field(description="The same in words.")
    again: int = Field(default=0, description="Files that an earlier folder has already.")
    refused: tuple[Refused, ...] = Field(
        default=(), description="What cannot be used, and why; the first 200."
    )
    refused_count: int = 0


class Library(_Record):
    """All of the Models page at once; `version` rises with every change."""

    version: int
    models: tuple[ModelCard, ...]
    readers: tuple[ModelCard, ...] = Field(default=(), description="Models that read pictures.")
    add_ons: tuple[AddOn, ...]
    refused: tuple[Refused, ...]
    models_folder: str | None
    model_roots: tuple[ModelRoot, ...] = Field(default=(), description="Folders of other tools.")
    cache_folder: str
    free_bytes: int
    device: str | None = None
    defaults: dict[str, str] = Field(default_factory=dict, description="Mode → model.")
