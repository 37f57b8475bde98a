"""The command line: options (each also `LIKENESS_<NAME>`), commands, and errors as one line.

Knows what can be asked for, not how it is done: `app.py` says that.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pipelines.memory import MemoryChoice
from studio.settings import Settings
from studio.startup import StartError

Action = Literal["serve", "doctor", "verify", "rebuild"]
_DEFAULTS = {field.name: field.default for field in fields(Settings)}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Command:
    """What the person at the terminal asked for."""

    action: Action
    settings: Settings


def read_command(arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
    """Options win over the environment, the environment over defaults.

    Raises StartError for a value that cannot be used; argparse itself ends the program (code 2) for
    an unknown option.
    """
    given = vars(_parser().parse_args(arguments))
    command = given.pop("command", None)
    todo = given.pop("todo", None)
    action: Action = "doctor" if command == "doctor" else todo or "serve"
    return Command(action, _settings(given, environment))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python app.py",
        allow_abbrev=False,
        description="Likeness: refine a character portrait step by step.",
        epilog="Each option can also be an environment variable LIKENESS_<NAME>, e.g. LIKENESS_DATA_DIR.",
    )
    _add_options(parser, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="say what works on this machine")
    _add_options(doctor, default=argparse.SUPPRESS)
    collection = commands.add_parser("collection", help="check or rebuild the collection")
    collection.add_argument(
        "todo",
        choices=("verify", "rebuild"),
        help="verify: check every file against its hash; rebuild: make the database anew from the files",
    )
    _add_options(collection, default=argparse.SUPPRESS)
    return parser


def _add_options(parser: argparse.ArgumentParser, default: Any) -> None:
    add = parser.add_argument
    add("--host", default=default, help="address to serve on (127.0.0.1: this machine only)")
    add("--port", default=default, help="port to serve on (7860; 0: any free one)")
    add("--data-dir", default=default, help="folder of the collection (likeness-data)")
    add("--models", default=default, help="the catalogue (models.yaml)")
    add("--device", default=default, help="auto, cpu, cuda, cuda:N or mps")
    add("--memory", default=default, help=f"how models are kept in memory: {', '.join(MemoryChoice)}")
    add(
        "--open",
        dest="open_browser",
        action=argparse.BooleanOptionalAction,
        default=default,
        help="open the page in a browser",
    )


def _settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    def value(name: str, variable: str) -> Any:
        option = given.get(name)
        from_environment = environment.get(f"LIKENESS_{variable}") or None
        return option if option is not None else from_environment or _DEFAULTS[name]

    return Settings(
        host=str(value("host", "HOST")),
        port=_port(value("port", "PORT")),
        data_dir=Path(value("data_dir", "DATA_DIR")).expanduser(),
        models=Path(value("models", "MODELS")).expanduser(),
        device=_device(str(value("device", "DEVICE"))),
        memory=_memory(str(value("memory", "MEMORY"))),
        open_browser=_boolean(value("open_browser", "OPEN")),
    )


def _port(value: object) -> int:
    text = str(value)
    if not text.isdecimal() or int(text) > 65535:
        raise StartError(f"The port must be a number from 0 to 65535, not {text!r}.")
    return int(text)


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise StartError(f"The device must be auto, cpu, cuda, cuda:N or mps, not {value!r}.")
    return value


def _memory(value: str) -> MemoryChoice:
    try:
        return MemoryChoice(value)
    except ValueError as error:
        raise StartError(f"The memory must be one of {', '.join(MemoryChoice)}, not {value!r}.") from error


def _boolean(value: object) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise StartError(f"LIKENESS_OPEN must be true or false, not {value!r}.")
    return text in _TRUE
