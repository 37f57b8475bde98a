"""What `python3 app.py` does before the studio starts: an environment that has everything, made once.

Where this Python has all packages, nothing is made and nothing slow is asked. Else `.venv` beside `app.py` is
made and filled, with progress on stderr, and the same command goes on inside it. Standard library only; knows
nothing of the studio.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from studio import collector, graphics

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
"""Of a checkout. In it lies, as `likeness-*.toml`, the pyproject.toml it was filled by."""

IMPORTED_AS = {
    "import-linter": "importlinter",
    "pillow": "PIL",
    "pytest-xdist": "xdist",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
}
"""Packages that are imported by another name than their own."""


class SetUpError(Exception):
    """The environment cannot be made; the message says what to do."""


def start(arguments: Sequence[str]) -> int:
    """Carry out `arguments` with everything in place. Gives the exit code, 2 where that fails."""
    command = [str(ROOT / "app.py"), *arguments]
    if arguments[:1] == ["test"]:
        return within("test", command, lambda: _test(arguments[1:]))
    return within("", command, lambda: _run(arguments))


def within(extra: str, command: Sequence[str], go_on: Callable[[], int]) -> int:
    """`go_on` where the packages of pyproject.toml, and of `extra`, are there; else `command` where they are.

    `command`: a script and its arguments, which comes here again. Gives the exit code, 2 where that fails.
    """
    try:
        elsewhere = _prepared(extra)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command goes on with the installation.", file=sys.stderr)
        return 130
    return _become([str(elsewhere), *command]) if elsewhere else go_on()


def _run(arguments: Sequence[str]) -> int:
    collector.pause()
    from studio.main import main

    code = main(list(arguments))
    collector.leave_all()
    return code


def _test(arguments: Sequence[str]) -> int:
    os.chdir(ROOT)
    return _become([sys.executable, "-m", "pytest", *arguments])


def imports(extra: str) -> list[str]:
    """What must be there, by the names it is imported by: of pyproject.toml, and of its `extra`."""
    asked = _asked_for((ROOT / "pyproject.toml").read_bytes(), extra)
    names = (_distribution(each) for each in asked)
    return sorted(IMPORTED_AS.get(name, name.replace("-", "_")) for name in names)


def _distribution(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0].lower() if found else requirement


def missing(names: Iterable[str]) -> list[str]:
    """Those that this Python cannot import; looks for them and imports none."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def _prepared(extra: str) -> Path | None:
    """None where this Python has everything now; else the one to start again with. Raises SetUpError."""
    wanted = imports(extra)
    lacking = missing(wanted)
    if Path(sys.prefix).resolve() == VENV.resolve():
        if lacking or _is_outdated(extra):
            _install(extra, wanted)
        return None
    if not lacking:
        return None
    if sys.prefix != sys.base_prefix:
        raise SetUpError(_lacking_words(lacking, extra))
    python = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        _make_venv(python)
    return python


def _lacking_words(lacking: Sequence[str], extra: str) -> str:
    what = f'".[{extra}]"' if extra else "."
    return (
        f"This environment ({sys.prefix}) lacks {', '.join(lacking)}. Run: python -m pip install -e {what} "
        "Or leave it, and start again: then Likeness makes one of its own."
    )


# --- the environment ------------------------------------------------------------------------------


def _make_venv(python: Path) -> None:
    """Raises SetUpError."""
    if missing(["ensurepip"]):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise SetUpError(
            f"This Python cannot make environments, for its package {package} is missing. Install it "
            f"(sudo apt install {package}), then give the same command again."
        )
    _say(f"Likeness makes an environment for itself in {VENV}, once.")
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdout=sys.stderr, check=False)
    if made.returncode or not python.exists():
        raise SetUpError(
            f"The environment {VENV} cannot be made; the reason is given above. Where that folder exists, "
            "delete it, then give the same command again."
        )


def _is_outdated(extra: str) -> bool:
    """Whether pyproject.toml asks for other packages than when this environment was filled, by us."""
    now = (ROOT / "pyproject.toml").read_bytes()
    try:
        then = _stamp(extra).read_bytes()
    except OSError:
        return False
    return now != then and _asked_for(now, extra) != _asked_for(then, extra)


def _stamp(extra: str) -> Path:
    return VENV / f"likeness-{extra or 'run'}.toml"


def _asked_for(pyproject: bytes, extra: str) -> set[str]:
    import tomllib

    project = tomllib.loads(pyproject.decode())["project"]
    return {*project["dependencies"], *project["optional-dependencies"].get(extra, ())}


def _install(extra: str, wanted: Iterable[str]) -> None:
    """Fill the environment we are in. Raises SetUpError where packages are still missing then."""
    _say("Likeness installs its packages. PyTorch is large: some minutes, and some gigabytes.")
    installed = _fill(extra)
    importlib.invalidate_caches()
    if missing(wanted):
        raise SetUpError(_unfilled_words())
    if not installed:
        return _say("The packages could not be brought up to date. Likeness starts with those that are here.")
    pyproject = (ROOT / "pyproject.toml").read_bytes()
    for done in {"", extra}:
        _stamp(done).write_bytes(pyproject)
    return _say("Installed.")


def _fill(extra: str) -> bool:
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0", "PIP_NO_INPUT": "1"}
    for command in fill_commands(extra, sys.platform, graphics.find()):
        if subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False).returncode:
            return False
    return True


def fill_commands(extra: str, system: str, card: graphics.GraphicsCard | None) -> Iterator[list[str]]:
    """What fills this environment: with uv where pip's PyTorch, as on Windows, knows no graphics card."""
    python = sys.executable
    what = ["-e", f".[{extra}]" if extra else "."]
    if missing(["pip"]):  # an environment that was not made to its end
        yield [python, "-m", "ensurepip", "--default-pip"]
    if system == "win32" and card and card.maker == "NVIDIA":
        yield [python, "-m", "pip", "install", "uv"]
        yield [python, "-m", "uv", "pip", "install", "--python", python, "--torch-backend=auto", *what]
    else:
        yield [python, "-m", "pip", "install", *what]


def _unfilled_words() -> str:
    words = (
        "The packages could not be installed; the reason is given above. With a network and room on the "
        "disk, the same command goes on where it stopped."
    )
    if sys.platform == "win32" and len(str(ROOT)) > 60:
        words += f" Windows allows no paths over 260 characters: move {ROOT} to C:\\Likeness, say."
    return words


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _become(command: list[str]) -> int:
    """Carry on as `command`. Windows has no such call: there this process waits, and lets it hear Ctrl-C."""
    if sys.platform != "win32":
        _exec(command)
    child = subprocess.Popen(command)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _exec(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(command[0], command)
