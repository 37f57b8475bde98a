"""What opens the door, in `door.json`: the password's hash, tokens and sessions by their hashes.

The terminal may change the file while a studio runs, which notices at once. One file, written as a whole;
whoever changes it holds its lock meanwhile. Without the file nothing opens.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio import durable
from studio.door.passwords import TOKEN_MARK, digest, hashed, is_record, matches
from studio.startup import StartError

T = TypeVar("T")

SESSION_DAYS = 30
MOST_SESSIONS = 100
"""Beyond these, the oldest ends."""
MOST_TOKENS = 100
DAY = 86_400.0


class Refused(Exception):
    """A token cannot be made or ended; the words say why."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Password(_Kept):
    """`id` is another for each password: what was opened with the one before ends."""

    id: str
    record: dict[str, Any]


class Token(_Kept):
    """A key for scripts, without what it is. Times in seconds since 1970."""

    id: str
    name: str
    digest: str
    made_at: float
    until: float | None = None


class Session(_Kept):
    """A browser that is logged in, by the password or token `by`."""

    id: str
    digest: str
    by: str
    made_at: float
    until: float


class Keys(_Kept):
    """All of the file. `id`: this door's, of no secret."""

    id: str = Field(default_factory=lambda: secrets.token_hex(4))
    password: Password | None = None
    tokens: tuple[Token, ...] = ()
    sessions: tuple[Session, ...] = ()


class KeyFile:
    """Reads `door.json` when it has changed, and changes it. Threads and processes may share it."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self.now = now
        self._stamp: tuple[int, int, int] | None = None
        self._keys = Keys()

    def keys(self) -> Keys:
        """As they are now. Raises StartError where the file holds something else."""
        stamp = self._look()
        if stamp is None:
            return Keys(id=self._keys.id)
        if stamp != self._stamp:
            self._keys, self._stamp = self._read(), stamp
        return self._keys

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Keys:
        try:
            keys = Keys.model_validate_json(self.path.read_bytes())
        except OSError as error:
            raise StartError(f"{self.path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise StartError(self._broken()) from error
        if keys.password is not None and not is_record(keys.password.record):
            raise StartError(self._broken())
        return keys

    def _broken(self) -> str:
        return (
            f"{self.path} does not hold what the studio wrote there. "
            "Delete it to choose a new password; all tokens and sessions end."
        )

    def change(self, how: Callable[[Keys], tuple[Keys, T]]) -> T:
        """Write what `how` makes of the keys, without those that are over; what else it gives comes back.

        Raises StartError, OSError, and whatever `how` raises.
        """
        durable.make_folder(self.path.parent)
        with durable.Lock(self.path.with_suffix(".lock")):
            keys, answer = how(self._without_ended(self.keys()))
            text = json.dumps(keys.model_dump(), ensure_ascii=False, indent=1)
            durable.write_whole(self.path, [text.encode()])
        return answer

    def _without_ended(self, keys: Keys) -> Keys:
        now = self.now()
        sessions = tuple(each for each in keys.sessions if now < each.until)
        return keys.model_copy(update={"sessions": sessions})

    # --- the password ---------------------------------------------------------------------------

    def set_password(self, password: str) -> None:
        """Take another; all sessions end. One that is the same already changes nothing."""
        known = self.keys().password
        if known is not None and matches(password, known.record):
            return
        made = Password(id=secrets.token_hex(4), record=hashed(password))
        self.change(lambda keys: (keys.model_copy(update={"password": made, "sessions": ()}), None))

    # --- tokens ---------------------------------------------------------------------------------

    def add_token(self, name: str, days: int | None) -> tuple[Token, str]:
        """A new one, and what it is, which is kept nowhere. Raises Refused."""
        name = name.strip()
        if not 0 < len(name) <= 64 or not name.isprintable():
            raise Refused("A token needs a name of 1 to 64 characters.")
        if days is not None and not 0 < days <= 3650:
            raise Refused("A token is good for 1 to 3650 days.")
        token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        text = f"{TOKEN_MARK}{token_id}_{secret}"
        until = self.now() + days * DAY if days is not None else None
        token = Token(id=token_id, name=name, digest=digest(text), made_at=self.now(), until=until)

        def add(keys: Keys) -> tuple[Keys, None]:
            if any(each.name == name for each in keys.tokens):
                raise Refused(f"There is a token “{name}” already. Revoke it, or choose another name.")
            if len(keys.tokens) >= MOST_TOKENS:
                raise Refused(f"There are {MOST_TOKENS} tokens. Revoke some first.")
            return keys.model_copy(update={"tokens": (*keys.tokens, token)}), None

        self.change(add)
        return token, text

    def revoke_token(self, name: str) -> Token:
        """End the token of this name or id, and what was opened with it. Raises Refused."""

        def revoke(keys: Keys) -> tuple[Keys, Token]:
            gone = next((each for each in keys.tokens if name in (each.id, each.name)), None)
            if gone is None:
                raise Refused("There is no such token.")
            left = tuple(each for each in keys.tokens if each is not gone)
            sessions = tuple(each for each in keys.sessions if each.by != gone.id)
            return keys.model_copy(update={"tokens": left, "sessions": sessions}), gone

        return self.change(revoke)

    def token(self, text: str) -> Token | None:
        """The token that this is; None: it is none, or no more."""
        token_id = text.removeprefix(TOKEN_MARK).partition("_")[0]
        found = next((each for each in self.keys().tokens if each.id == token_id), None)
        if found is None or not hmac.compare_digest(digest(text), found.digest):
            return None
        return found if found.until is None or self.now() < found.until else None

    # --- sessions -------------------------------------------------------------------------------

    def add_session(self, by: str) -> tuple[Session, str]:
        """A new one, and what its cookie holds."""
        session_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        now = self.now()
        until = now + SESSION_DAYS * DAY
        session = Session(id=session_id, digest=digest(secret), by=by, made_at=now, until=until)

        def add(keys: Keys) -> tuple[Keys, None]:
            kept = (*keys.sessions, session)[-MOST_SESSIONS:]
            return keys.model_copy(update={"sessions": kept}), None

        self.change(add)
        return session, f"{session_id}.{secret}"

    def end_sessions(self, session_id: str | None) -> None:
        """End one, or all."""

        def end(keys: Keys) -> tuple[Keys, None]:
            left = tuple(each for each in keys.sessions if session_id is not None and each.id != session_id)
            return keys.model_copy(update={"sessions": left}), None

        self.change(end)

    def session(self, cookie: str) -> Session | None:
        """The session of a cookie; None: there is none, or it has ended. Whether its key still opens, the
        door knows."""
        session_id, _, secret = cookie.partition(".")
        found = next((each for each in self.keys().sessions if each.id == session_id), None)
        if found is None or not hmac.compare_digest(digest(secret), found.digest):
            return None
        return found if self.now() < found.until else None
