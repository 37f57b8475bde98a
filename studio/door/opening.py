"""At the start: whether there is a door, and with which key. What is wrong is one line at the terminal."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

from studio.door.door import Door
from studio.door.keys import KeyFile
from studio.door.passwords import SHORTEST_TOKEN, first_line, weakness
from studio.hosts import is_loopback
from studio.settings import PROGRAM, Settings
from studio.startup import StartError

Ask = Callable[[str], str]
_TRIES = 3


def reaches_others(settings: Settings) -> bool:
    """Whether other computers can come to this studio: by its address, or through a proxy."""
    return not is_loopback(settings.host) or bool(settings.trusted_proxies)


def is_given(settings: Settings) -> bool:
    """Whether the start names a password or a token."""
    return bool(settings.password or settings.password_file or settings.token or settings.token_file)


def open_door(settings: Settings, ask: Ask | None = None) -> Door | None:
    """The door of this start; None where everybody who reaches the studio may use it.

    `ask` reads a password unseen; without it, one is asked for where a person sits at the terminal.
    Raises StartError.
    """
    if settings.open_to_everyone and is_given(settings):
        raise StartError("Give a password or token, or say --open-to-everyone: not both.")
    if settings.open_to_everyone or not (reaches_others(settings) or is_given(settings)):
        return None
    keys = KeyFile(settings.door)
    token = _given_token(settings)
    password = _given_password(settings)
    if password:
        keys.set_password(password)
    elif keys.keys().password is None and not token:
        keys.set_password(_asked(ask or _at_the_terminal()))
    return Door(keys, token)


def choose_password(settings: Settings, ask: Ask | None = None) -> None:
    """Another password, which ends all sessions. Raises StartError."""
    password = _given_password(settings) or _asked(ask or _at_the_terminal())
    KeyFile(settings.door).set_password(password)


def _given_password(settings: Settings) -> str:
    if settings.password and settings.password_file:
        raise StartError("Give the password in --password-file or in LIKENESS_PASSWORD, not in both.")
    path = settings.password_file
    password = first_line(path, "password") if path else settings.password
    if password and (words := weakness(password)):
        raise StartError(f"The password of {path or 'LIKENESS_PASSWORD'} cannot be used. {words}")
    return password


def _given_token(settings: Settings) -> str:
    if settings.token and settings.token_file:
        raise StartError("Give the token in --token-file or in LIKENESS_TOKEN, not in both.")
    path = settings.token_file
    token = first_line(path, "token") if path else settings.token
    if token and (
        len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token
    ):
        raise StartError(
            f"The token of {path or 'LIKENESS_TOKEN'} cannot be used: it needs {SHORTEST_TOKEN} characters "
            "or more, of ASCII and without spaces. `openssl rand -hex 32` makes one."
        )
    return token


def _at_the_terminal() -> Ask:
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise StartError(
            "Others can reach this studio, and it has no password yet. Choose one at a terminal with "
            f"`{PROGRAM} password`, give one with --password-file or LIKENESS_PASSWORD, "
            "or let everybody in with --open-to-everyone."
        )
    return getpass.getpass


def _asked(ask: Ask) -> str:
    """A password that was typed twice. Raises StartError."""
    for _ in range(_TRIES):
        try:
            password = ask("Choose a password for this studio (10 characters or more; it is not shown): ")
            words = weakness(password) or (ask("Once more: ") != password and "The two are not the same.")
        except EOFError:
            break
        if not words:
            return password
        sys.stderr.write(f"{words}\n")
    raise StartError("No password was chosen.")
