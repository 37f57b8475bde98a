"""Which studio a command talks to: one that is named, that runs on the data folder, or that is started."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from studio.settings import Settings
from studio.shell.client import OUT_OF_REACH, USAGE, Client, ShellError

READY = "Likeness is ready at "
_END_SECONDS = 30.0
_MAIN = "import sys; from studio.main import main; sys.exit(main())"


@contextmanager
def reached(settings: Settings, url: str | None) -> Generator[Client]:
    """A client of the studio. One that is started for this call ends with it. Raises ShellError."""
    running = _named(settings, url) if url else _running(settings)
    if running is not None:
        with running as client:
            client.get("/health")
            yield client
        return
    with _started(settings) as own, Client(own) as client:
        yield client


def _named(settings: Settings, url: str) -> Client:
    return Client(url, _token(settings), settings.tls_cert)


def _token(settings: Settings) -> str:
    path = settings.token_file
    try:
        text = path.read_text(encoding="utf-8-sig") if path else settings.token
    except (OSError, UnicodeDecodeError) as error:
        raise ShellError(f"The token file {path} cannot be read.", USAGE) from error
    token = text.partition("\n")[0].strip()
    if not (token.isascii() and token.isprintable()):
        raise ShellError("The token holds characters that no token has.", USAGE)
    return token


def _running(settings: Settings) -> Client | None:
    """The studio that runs on this data folder; None where none answers.

    The key of its start lies beside its address, for whoever may read the data folder."""
    try:
        text = settings.address.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    url, key, certificate = (*text.split("\n"), "", "")[:3]
    with contextlib.suppress(ShellError):
        known = Client(url, key, Path(certificate) if certificate else None)
        with contextlib.suppress(ShellError):
            known.get("/health")
            return known
        known.close()
    return None


@contextmanager
def _started(settings: Settings) -> Generator[str]:
    """A studio of this call's own, on a free port of this machine; its address."""
    print("No studio runs on this data folder: one starts for this call.", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *_options(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            env=_environment(),
        )
        assert process.stdout is not None
        try:
            yield _address(process.stdout) or _fail(process, errors.fileno())
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            process.kill()
            process.stdout.close()
            process.wait()


def _options(settings: Settings) -> Iterable[str]:
    named = {
        "data-dir": settings.data_dir, "models": settings.models, "device": settings.device,
        "memory": settings.memory, "host": "127.0.0.1", "port": 0,
    }  # fmt: skip
    return ("--no-open", *(f"--{name}={value}" for name, value in named.items()))


def _environment() -> dict[str, str]:
    """Without what closes a studio or opens it to others: this one is for the call alone."""
    ours = re.compile(r"LIKENESS_(PASSWORD|TOKEN|TLS|TRUSTED|NAME|ROOT|OPEN_TO)")
    return {name: value for name, value in os.environ.items() if not ours.match(name)}


def _address(lines: Iterable[str]) -> str | None:
    ready = next((line for line in lines if line.startswith(READY)), None)
    return ready and ready.removeprefix(READY).strip()


def _fail(process: subprocess.Popen[str], errors: int) -> str:
    process.wait(_END_SECONDS)
    with open(errors, encoding="utf-8", errors="replace", closefd=False) as said:
        said.seek(0)
        last = said.read().strip().splitlines()[-1:] or ["It said nothing."]
    raise ShellError(f"No studio could be started: {last[0]}", OUT_OF_REACH)
