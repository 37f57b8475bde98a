"""One frozen Settings, made once from command line and environment and passed in; never a global."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipelines.catalog.root_paths import RootPaths
from pipelines.memory.plan import MemoryChoice, Precision

ROOT = Path(__file__).resolve().parent.parent
"""Of a checkout: folder of app.py and models.yaml. Of an installed package: where the packages are."""

_PACKAGED = Path(__file__).with_name("models.yaml")
CATALOGUE = _PACKAGED if _PACKAGED.is_file() else ROOT / "models.yaml"
"""The catalogue that comes with the studio."""
PRESETS = CATALOGUE.with_name("presets.yaml")
"""The presets that come with it."""

_FROM_CHECKOUT = "py app.py" if sys.platform == "win32" else "python3 app.py"
PROGRAM = "likeness" if _PACKAGED.is_file() else _FROM_CHECKOUT
"""How this studio is called at the terminal, for words that say what to run."""
REINSTALL = f"{sys.executable} -m pip install " + ("-U likeness" if _PACKAGED.is_file() else f"-e {ROOT}")
"""Brings back packages that are missing or broken."""


def install_extra(name: str) -> str:
    """The command that brings the packages of an extra to this very studio."""
    what = f"likeness[{name}]" if _PACKAGED.is_file() else f"{ROOT}[{name}]"
    return f'{sys.executable} -m pip install {"" if _PACKAGED.is_file() else "-e "}"{what}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this studio was started. See `studio.cli` for the options and their environment names."""

    host: str = "127.0.0.1"
    port: int = 7860
    data_dir: Path = Path("likeness-data")
    models: Path = CATALOGUE
    model_roots: tuple[Path, ...] = ()
    """Folders of other tools whose models are used where they are; see `pipelines.catalog.tools`."""
    device: str = "auto"
    memory: MemoryChoice = MemoryChoice.AUTO
    """How models are kept that have no setting of their own."""
    precision: Precision = Precision.AUTO
    """In which numbers models compute."""
    engine: Literal["local", "ray"] = "local"
    """Where pictures are made: by one worker of this machine, or by those of a Ray cluster."""
    ray_address: str = "local"
    """The cluster: "local" starts one of this machine alone, "auto" finds one that runs, or host:port."""
    ray_cpus: int | None = None
    """Cores for each worker of a machine without a graphics card; None: all it has."""
    ray_fetch: bool = False
    """Machines of the cluster may download models that the studio has and they have not."""
    open_browser: bool = False
    open_to_everyone: bool = False
    """Serve others without asking for a password."""
    sdapi: bool = False
    """Answer clients of AUTOMATIC1111's web UI at `/sdapi/v1`."""
    names: tuple[str, ...] = ()
    """Further names the studio may be opened under, as a Host header has them, in small letters."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose `X-Forwarded-For` and `-Proto` are believed."""
    root_path: str = ""
    """Where a proxy has the studio: "" or "/likeness", without a slash at the end."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    password: str = field(default="", repr=False)
    """Of the variable, never of the command line; so is `token`."""
    token: str = field(default="", repr=False)
    max_upload_bytes: int = 64 * 2**20
    max_pixels: int = 64_000_000
    """Pictures of more pixels are refused before they are decoded."""

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "likeness.db"

    @property
    def address(self) -> Path:
        """Where the studio that runs on this data folder answers; there while it runs.

        Its lines: the page, the key of this start where there is a door, the certificate of https.
        """
        return self.data_dir / "likeness.address"

    @property
    def door(self) -> Path:
        """What opens the studio to others: hashes of passwords, tokens and sessions; see `studio.door`."""
        return self.data_dir / "door.json"

    @property
    def scheme(self) -> str:
        """http or https, as the studio itself serves."""
        return "https" if self.tls_cert else "http"

    @property
    def images_dir(self) -> Path:
        """Content-addressed image files, `ab/abcdef….png`."""
        return self.data_dir / "images"

    @property
    def sidecars_dir(self) -> Path:
        """Texts that lay beside imported pictures, `ab/abcdef….json`."""
        return self.data_dir / "sidecars"

    @property
    def cards_dir(self) -> Path:
        """What character cards brought beside pictures, `ab/abcdef…` by SHA-256."""
        return self.data_dir / "cards"

    @property
    def imports_dir(self) -> Path:
        """How far each import of a folder has come."""
        return self.data_dir / "imports"

    @property
    def journal(self) -> Path:
        """What the artist said about pictures, one line per change; see `collection.journal`."""
        return self.data_dir / "journal.jsonl"

    @property
    def character_journal(self) -> Path:
        """Characters and designs, one line per change; see `collection.character_journal`."""
        return self.data_dir / "characters.jsonl"

    @property
    def trash_days(self) -> Path:
        """How many days pictures have been seen in the trash; see `collection.days`."""
        return self.data_dir / "trash.json"

    @property
    def thumbnails_dir(self) -> Path:
        """WebP thumbnails; may be deleted at any time."""
        return self.data_dir / "thumbnails"

    @property
    def working_dir(self) -> Path:
        """Upright 8-bit RGB copies of pictures that are stored otherwise; may be deleted at any time."""
        return self.data_dir / "working"

    @property
    def model_pictures_dir(self) -> Path:
        """What refinements are put together again from; may be deleted at any time."""
        return self.data_dir / "model-pictures"

    @property
    def readings_dir(self) -> Path:
        """What models said of pictures; may be deleted at any time."""
        return self.data_dir / "readings"

    @property
    def models_dir(self) -> Path:
        """Where artists put their own checkpoints, LoRAs and diffusers folders."""
        return self.data_dir / "models"

    @property
    def root_paths(self) -> RootPaths:
        """The folders of other tools: of this start, those added on the page, what is known of files."""
        file, known = self.data_dir / "model-roots.json", self.data_dir / "known-files.json"
        return RootPaths(self.model_roots, file, known)

    @property
    def wildcards_dir(self) -> Path:
        """Lists that prompts name, one choice in each line; the artist's own."""
        return self.data_dir / "wildcards"

    @property
    def shipped_presets(self) -> Path:
        """Those beside the catalogue, else those that come with the studio."""
        beside = self.models.with_name(PRESETS.name)
        return beside if beside.is_file() else PRESETS

    @property
    def own_presets(self) -> Path:
        """The artist's own, and shipped ones as the artist has changed them."""
        return self.data_dir / PRESETS.name

    @property
    def temp_dir(self) -> Path:
        """Gradio's upload folder; emptied at start."""
        return self.data_dir / "temp"
