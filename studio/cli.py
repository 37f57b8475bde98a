"""The command line: options (each also `LIKENESS_<NAME>`), commands, and errors as one line.

Knows what can be asked for, not how it is done: `app.py` says that.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from pipelines.memory.plan import MemoryChoice, Precision
from studio.hosts import named_host
from studio.settings import PROGRAM, Settings
from studio.shell.options import SHELL_COMMANDS, add_shell
from studio.startup import StartError

Action = Literal[
    "serve", "doctor", "verify", "rebuild", "import", "export", "shell",
    "password", "token-add", "token-list", "token-revoke",
]  # fmt: skip
Format = Literal["png", "jpeg", "webp"]
_Choice = TypeVar("_Choice", MemoryChoice, Precision)
_DEFAULTS = {field.name: field.default for field in fields(Settings)}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Command:
    """What the person at the terminal asked for."""

    action: Action
    settings: Settings
    mend: bool = False
    folder: Path | None = None
    """To import."""
    ids: tuple[str, ...] = ()
    """To export, as `branch`, `starred`, `target` and what follows."""
    branch: str | None = None
    starred: bool = False
    target: Path | None = None
    clean: bool = False
    format: Format | None = None
    with_rights: bool = False
    name: str = ""
    """Of a token, or its id, as `days` it is to be good for."""
    days: int | None = None
    shell: argparse.Namespace | None = None
    """What was typed for a command of `studio.shell`; its name is `command`."""


_OWN = frozenset(field.name for field in fields(Command)) - {"action", "settings"}


def read_command(arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
    """Options win over the environment, the environment over defaults.

    Raises StartError for a value that cannot be used; argparse itself ends the program (code 2) for
    an unknown option.
    """
    typed = make_parser().parse_args(arguments)
    if typed.command in SHELL_COMMANDS:
        return Command("shell", _settings(vars(typed), environment), shell=typed)
    given = vars(typed)
    command = given.pop("command", None)
    todo = given.pop("todo", None)
    action: Action = todo or command or "serve"
    own = {name: given.pop(name) for name in tuple(given) if name in _OWN}
    own["ids"] = tuple(own.get("ids", ()))
    return Command(action, _settings(given, environment), **own)


def make_parser() -> argparse.ArgumentParser:
    """All options and commands."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Likeness: refine a character portrait step by step.",
        epilog="Each option can also be an environment variable LIKENESS_<NAME>, e.g. LIKENESS_DATA_DIR."
        + ("" if PROGRAM == "likeness" else f" `{PROGRAM} test` runs the tests."),
    )
    _add_options(parser, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="say what works on this machine")
    _add_options(doctor, default=argparse.SUPPRESS)
    collection = commands.add_parser("collection", help="import, export, check or rebuild the collection")
    _add_options(collection, default=argparse.SUPPRESS)
    _add_collection(collection.add_subparsers(dest="todo", metavar="TODO", required=True))
    _add_door(commands)
    add_shell(commands, _add_engine_options)
    return parser


def _add_door(commands: Any) -> None:
    """Who may come in: `password`, and the sub-commands of `token`."""
    password = commands.add_parser("password", help="choose the password; everybody has to log in again")
    token = commands.add_parser("token", help="make, list and revoke tokens for scripts")
    todos = token.add_subparsers(dest="todo", metavar="TODO", required=True)
    adding = todos.add_parser("add", help="make one; it is shown once")
    adding.add_argument("name", metavar="NAME", help="what it is for")
    adding.add_argument("--days", type=int, metavar="N", help="good for so long (until it is revoked)")
    listing = todos.add_parser("list", help="list them by name; none can be shown again")
    revoking = todos.add_parser("revoke", help="end one, at once")
    revoking.add_argument("name", metavar="NAME", help="its name or id")
    for parser, todo in ((adding, "add"), (listing, "list"), (revoking, "revoke")):
        parser.set_defaults(todo=f"token-{todo}")
    for parser in (password, token, adding, listing, revoking):
        _add_options(parser, default=argparse.SUPPRESS)


def _add_collection(commands: Any) -> None:
    """The sub-commands of `collection`, each with the common options after it, too."""
    verify = commands.add_parser("verify", help="check every file against its hash")
    verify.add_argument("--mend", action="store_true", help="put right what can be put right")
    rebuild = commands.add_parser("rebuild", help="make the database anew from the files")
    importing = commands.add_parser(
        "import", help="take in a folder with all below it; changes nothing there"
    )
    importing.add_argument("folder", type=Path, metavar="FOLDER")
    export = commands.add_parser("export", help="write pictures and a manifest to a zip")
    add = export.add_argument
    add("ids", nargs="*", metavar="ID", help="of the pictures to export")
    add("--branch", metavar="ID", help="a picture with all it came from and all that came of it")
    add("--starred", action="store_true", help="all pictures with a star")
    add("--to", dest="target", type=Path, required=True, metavar="FILE", help="the zip to write")
    add("--clean", action="store_true", help="without any metadata in the files")
    add("--format", choices=("png", "jpeg", "webp"), help="instead of the stored files")
    add("--rights", dest="with_rights", action="store_true", help="rights in the manifest")
    for parser in (verify, rebuild, importing, export):
        _add_options(parser, default=argparse.SUPPRESS)


def _add_options(parser: argparse.ArgumentParser, default: Any) -> None:
    add = parser.add_argument
    add("--host", default=default, help="address to serve on (127.0.0.1: this machine only)")
    add("--port", default=default, help="port to serve on (7860; 0: any free one)")
    _add_engine_options(parser, default)
    add(
        "--open",
        dest="open_browser",
        action=argparse.BooleanOptionalAction,
        default=default,
        help="open the page in a browser (it does in a terminal of a desktop)",
    )
    add(
        "--sdapi",
        action="store_const",
        const="true",
        default=default,
        help="answer clients of AUTOMATIC1111's web UI at /sdapi/v1",
    )
    _add_door_options(parser, default)


def _add_door_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """How others come in. A password itself is never an option: everybody on a machine sees those."""
    add = parser.add_argument
    add("--password-file", default=default, metavar="FILE", help="its first line opens the studio")
    add("--token-file", default=default, metavar="FILE", help="its first line is a token for scripts")
    add(
        "--open-to-everyone",
        action="store_const",
        const="true",
        default=default,
        help="ask nobody for a password, whoever can reach the address",
    )
    add("--name", dest="names", action="append", default=default, help="a further name to be opened under")
    add("--tls-cert", default=default, metavar="FILE", help="serve https with this certificate (PEM)")
    add("--tls-key", default=default, metavar="FILE", help="its key, where that is a file of its own")
    add("--root-path", default=default, metavar="PATH", help="where a proxy has the studio, as /likeness")
    add(
        "--trusted-proxy",
        dest="trusted_proxies",
        action="append",
        default=default,
        metavar="ADDRESS",
        help="a proxy (or network) to believe who asks; can be repeated",
    )


def _add_engine_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """What a studio needs that serves nobody but this call."""
    add = parser.add_argument
    add("--data-dir", default=default, help="folder of the collection (likeness-data)")
    add("--models", default=default, help="the catalogue (models.yaml)")
    add(
        "--model-roots",
        action="append",
        default=default,
        metavar="FOLDER",
        help="use the models of another tool's folder where they are (ComfyUI, AUTOMATIC1111, Forge, "
        "InvokeAI, SwarmUI, Fooocus), or of an extra_model_paths.yaml; can be repeated",
    )
    add("--device", default=default, help="auto, cpu, cuda, cuda:N or mps")
    add("--memory", default=default, help=f"how models are kept in memory: {', '.join(MemoryChoice)}")
    add("--precision", default=default, help=f"numbers that models compute in: {', '.join(Precision)}")
    add("--engine", default=default, help="local, or ray: a worker on each card of several machines")
    add("--ray-address", default=default, metavar="ADDRESS", help="the cluster: local, auto or host:port")
    add("--ray-cpus", default=default, metavar="N", help="cores for each worker without a card (all)")
    add(
        "--ray-fetch",
        action="store_const",
        const="true",
        default=default,
        help="workers may download models that they lack",
    )


def _settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    defaults = _DEFAULTS | {"open_browser": sits_before_a_screen(environment)}

    def value(name: str, variable: str) -> Any:
        option = given.get(name)
        from_environment = environment.get(f"LIKENESS_{variable}") or None
        return option if option is not None else from_environment or defaults[name]

    return Settings(
        host=str(value("host", "HOST")),
        port=_port(value("port", "PORT")),
        data_dir=Path(value("data_dir", "DATA_DIR")).expanduser(),
        models=Path(value("models", "MODELS")).expanduser(),
        model_roots=_folders(value("model_roots", "MODEL_ROOTS")),
        device=_device(str(value("device", "DEVICE"))),
        memory=_choice(MemoryChoice, "memory", str(value("memory", "MEMORY"))),
        precision=_choice(Precision, "precision", str(value("precision", "PRECISION"))),
        **_ray(value),
        open_browser=_boolean(value("open_browser", "OPEN"), "LIKENESS_OPEN"),
        open_to_everyone=_boolean(value("open_to_everyone", "OPEN_TO_EVERYONE"), "LIKENESS_OPEN_TO_EVERYONE"),
        sdapi=_boolean(value("sdapi", "SDAPI"), "LIKENESS_SDAPI"),
        names=tuple(map(_name, _listed(value("names", "NAME")))),
        trusted_proxies=tuple(map(_network, _listed(value("trusted_proxies", "TRUSTED_PROXY")))),
        root_path=_root_path(str(value("root_path", "ROOT_PATH"))),
        tls_cert=_file(value("tls_cert", "TLS_CERT")),
        tls_key=_file(value("tls_key", "TLS_KEY")),
        password_file=_file(value("password_file", "PASSWORD_FILE")),
        token_file=_file(value("token_file", "TOKEN_FILE")),
        password=environment.get("LIKENESS_PASSWORD", ""),
        token=environment.get("LIKENESS_TOKEN", ""),
    )


def _ray(value: Callable[[str, str], Any]) -> dict[str, Any]:
    engine = str(value("engine", "ENGINE"))
    if engine not in ("local", "ray"):
        raise StartError(f"The engine must be local or ray, not {engine!r}.")
    address = str(value("ray_address", "RAY_ADDRESS"))
    if not re.fullmatch(r"local|auto|(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}", address):
        raise StartError(
            f"--ray-address takes local, auto or host:port, as 192.168.1.7:6379, not {address!r}."
        )
    cpus = value("ray_cpus", "RAY_CPUS")
    if cpus is not None and (not str(cpus).isdecimal() or int(cpus) < 1):
        raise StartError(f"--ray-cpus takes a number of cores from 1 on, not {cpus!r}.")
    fetch = _boolean(value("ray_fetch", "RAY_FETCH"), "LIKENESS_RAY_FETCH")
    if engine != "ray" and (address != "local" or cpus is not None or fetch):
        raise StartError("--ray-address, --ray-cpus and --ray-fetch need --engine ray.")
    return {
        "engine": engine,
        "ray_address": address,
        "ray_cpus": int(cpus) if cpus is not None else None,
        "ray_fetch": fetch,
    }


def sits_before_a_screen(environment: Mapping[str, str], system: str = sys.platform) -> bool:
    """Whether somebody started this in a terminal of a desktop, who wants to see the page next."""
    if not sys.stdout.isatty() or environment.keys() & {"CI", "SSH_CONNECTION"}:
        return False
    return system in ("win32", "darwin") or bool(environment.keys() & {"DISPLAY", "WAYLAND_DISPLAY"})


def _port(value: object) -> int:
    text = str(value)
    if not text.isdecimal() or int(text) > 65535:
        raise StartError(f"The port must be a number from 0 to 65535, not {text!r}.")
    return int(text)


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise StartError(f"The device must be auto, cpu, cuda, cuda:N or mps, not {value!r}.")
    return value


def _choice(known: type[_Choice], name: str, value: str) -> _Choice:
    try:
        return known(value)
    except ValueError as error:
        raise StartError(f"The {name} must be one of {', '.join(known)}, not {value!r}.") from error


def _boolean(value: object, variable: str) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise StartError(f"{variable} must be true or false, not {value!r}.")
    return text in _TRUE


def _file(value: object) -> Path | None:
    return Path(str(value)).expanduser() if value else None


def _folders(value: Any) -> tuple[Path, ...]:
    """An option that was given several times, or a variable in the way of PATH."""
    paths = value.split(os.pathsep) if isinstance(value, str) else value
    return tuple(Path(each).expanduser().absolute() for each in paths if each.strip())


def _listed(value: Any) -> Sequence[str]:
    """An option that was given several times, or a variable with commas."""
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


def _name(value: str) -> str:
    name = named_host(f"[{value}]" if ":" in value else value)
    if name is None:
        raise StartError(f"--name takes a host name or address without a port, not {value!r}.")
    return name


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError as error:
        raise StartError(
            f"--trusted-proxy takes an address or a network, as 192.168.1.2 or 172.16.0.0/12, not {value!r}."
        ) from error


def _root_path(value: str) -> str:
    path = value.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~/-]*", path) or any(
        p in ("", ".", "..") for p in path.split("/") if path
    ):
        raise StartError(f"--root-path is written as /likeness, not {value!r}.")
    return f"/{path}" if path else ""
