"""What must hold before anything slow is loaded: a data folder that is ours, and a free port.

Failures are `StartError`: one line for the person at the terminal. Knows nothing of the service,
of Gradio or of what is kept in the data folder.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import socket
import ssl
import sys
import tempfile
from pathlib import Path

from studio import durable
from studio.settings import Settings, install_extra

_LONGEST_NAME = 140
"""Characters below the data folder, with room to spare: sidecars/ab/.<64 of SHA-256>.json.<32>.part."""


class StartError(Exception):
    """The studio cannot start; the message is one clear line. Ends the program with code 2."""


def claim_data_folder(settings: Settings) -> durable.Lock:
    """Make the data folder and lock it for this process.

    The lock is held until it is closed or the process ends, however it ends.
    Raises StartError where the folder cannot be written or another studio uses it.
    """
    folder = settings.data_dir
    try:
        durable.make_folder(folder)
        return durable.Lock(folder / "likeness.lock", wait=False)
    except OSError as error:
        raise StartError(f"The data folder {folder} cannot be written: {error.strerror}.") from error
    except durable.LockedElsewhere as error:
        raise StartError(
            f"The data folder {folder} is in use by another running studio. "
            "Close that one, or choose another folder with --data-dir."
        ) from error


def empty_temp_folder(settings: Settings) -> None:
    """Leave an empty folder for uploads; whatever an earlier run left there is gone."""
    try:
        with contextlib.suppress(PermissionError):  # open in another program: gone at a later start
            durable.delete_tree(settings.temp_dir)
        durable.make_folder(settings.temp_dir)
    except OSError as error:
        raise StartError(
            f"The data folder {settings.data_dir} cannot be written: {error.strerror}."
        ) from error
    if not has_room_for_names(settings.temp_dir):
        raise StartError(long_path_words(settings.data_dir))


def has_room_for_names(folder: Path) -> bool:
    """Whether the longest names the studio makes fit below `folder`, which exists: tried, and undone."""
    longest = folder / f"{'0' * _LONGEST_NAME}"
    try:
        longest.touch()
        durable.delete(longest)
    except OSError as error:
        return error.errno not in (errno.ENAMETOOLONG, errno.ENOENT, errno.EINVAL)
    return True


def long_path_words(folder: Path) -> str:
    """What to do where `has_room_for_names` says no."""
    words = f"The path of the data folder {folder} is too long for this system. Choose a shorter one with"
    return f"{words} --data-dir."


def bind(settings: Settings) -> socket.socket:
    """A bound socket, not yet listening. Port 0 takes any free one. Raises StartError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Only of a socket that says it is TCP does asyncio send small answers at once, else 40 ms later.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform == "win32":  # there, SO_REUSEADDR would let two programs have the same port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise StartError(_why_not_bound(settings, error)) from error
    os.set_inheritable(sock.fileno(), False)
    return sock


def _why_not_bound(settings: Settings, error: Exception) -> str:
    taken = (errno.EADDRINUSE, errno.EACCES) if sys.platform == "win32" else (errno.EADDRINUSE,)
    if isinstance(error, OSError) and error.errno in taken:  # Windows keeps some ports for itself
        return (
            f"Port {settings.port} is already in use. Close the other program, or choose another with --port."
        )
    reason = getattr(error, "strerror", None) or error
    return f"Cannot serve on {settings.host}:{settings.port}: {reason}."


def page_url(settings: Settings, port: int) -> str:
    """Where a browser on this machine finds the page."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{settings.scheme}://{host}:{port}" + (f"{settings.root_path}/" if settings.root_path else "")


def check_certificate(settings: Settings) -> None:
    """Raises StartError where https cannot be served with what was given."""
    if settings.tls_cert is None:
        if settings.tls_key is not None:
            raise StartError("--tls-key needs --tls-cert, the certificate it belongs to.")
        return
    for path in filter(None, (settings.tls_cert, settings.tls_key)):
        if not path.is_file():
            raise StartError(f"There is no file {path}.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_cert, settings.tls_key, _no_phrase
        )
    except (OSError, ValueError) as error:
        raise StartError(
            f"{settings.tls_cert} and its key cannot be used for https: {error}. "
            "Both must be PEM, belong together, and the key must not need a passphrase."
        ) from error


def check_engine(settings: Settings) -> None:
    """Raises StartError where the packages of the engine are not installed."""
    if settings.engine == "ray" and importlib.util.find_spec("ray") is None:
        raise StartError(
            f"--engine ray needs the package Ray, which is not installed. Install it: {install_extra('ray')}"
        )


def _no_phrase() -> str:
    raise ValueError("the key needs a passphrase")


def is_writable(folder: Path) -> bool:
    """Whether files can be made in `folder`, or in the nearest parent that exists: tried, and undone."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            return True
    except OSError:
        return False
