"""The door as the server has it: whether a request may come in, logging in and out. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from studio.door.attempts import Allowance, Attempts
from studio.door.keys import KeyFile, Keys, Session
from studio.door.passwords import LONGEST, digest, matches
from studio.startup import StartError

log = logging.getLogger(__name__)

_WRONG_TOKENS = Allowance(30, 1.0)


class WrongKey(Exception):
    """It is neither the password nor a token."""


class TooManyTries(Exception):
    """`seconds` until there is another try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """Who has come in. `by`: the password or token that opened; `id`: of the session or token.

    `owner`: with the password or token of the start, so that other tokens may be made and revoked.
    `until` in seconds since 1970.
    """

    kind: Literal["session", "token", "studio"]
    id: str
    by: str
    owner: bool
    until: float | None = None


class Door:
    """One for a studio that others reach. `given`: a token of the studio's start, in a file or a variable."""

    def __init__(self, keys: KeyFile, given: str = "", attempts: Attempts | None = None) -> None:
        self.keys = keys
        self.own_key = secrets.token_urlsafe(32)
        """For this process itself, and for commands of whoever owns the data folder; new with each start."""
        self._own_digest = digest(self.own_key)
        self._given = digest(given) if given else None
        self._given_id = f"given-{self._given[:8]}" if self._given else ""
        self._attempts = attempts or Attempts()
        self._wrong_tokens = Attempts(_WRONG_TOKENS, in_all=None)
        self._one_by_one = ThreadPoolExecutor(1, thread_name_prefix="door")
        self._broken = ""

    @property
    def id(self) -> str:
        """Of this door: two studios under one name do not take each other's cookies."""
        return self._now().id

    def _now(self) -> Keys:
        """The keys; none where their file has become unreadable."""
        try:
            return self.keys.keys()
        except StartError as error:
            if str(error) != self._broken:
                self._broken = str(error)
                log.error("Nobody can come in: %s", error)
            return Keys(id="")

    # --- coming in ------------------------------------------------------------------------------

    def by_cookie(self, cookie: str) -> Entry | None:
        """Whoever has logged in, as long as what they logged in with is good."""
        if not self._now().sessions:
            return None
        session = self.keys.session(cookie)
        if session is None or not self._opens(session.by):
            return None
        return Entry("session", session.id, session.by, self._is_owner(session.by), session.until)

    def by_token(self, text: str) -> Entry | None:
        """A script, by its token."""
        hashed = digest(text)
        if hmac.compare_digest(hashed, self._own_digest):
            return Entry("studio", "", "studio", owner=True)
        if self._given is not None and hmac.compare_digest(hashed, self._given):
            return Entry("token", self._given_id, self._given_id, owner=True)
        token = self.keys.token(text) if self._now().tokens else None
        return token and Entry("token", token.id, token.id, owner=False, until=token.until)

    def still(self, entry: Entry) -> bool:
        """Whether who has come in may stay: for answers that do not end."""
        if entry.until is not None and self.keys.now() >= entry.until:
            return False
        if entry.kind == "session" and all(each.id != entry.id for each in self._now().sessions):
            return False
        return self._opens(entry.by)

    def wrong_token(self, address: str) -> float:
        """Count one: the seconds for which no more are looked at from there, else 0."""
        return self._wrong_tokens.take(address)

    def _opens(self, by: str) -> bool:
        if by == "studio" or self._is_owner(by):
            return True
        return any(each.id == by and self._is_good(each.until) for each in self._now().tokens)

    def _is_owner(self, by: str) -> bool:
        password = self._now().password
        return by == self._given_id != "" or (password is not None and by == password.id)

    def _is_good(self, until: float | None) -> bool:
        return until is None or self.keys.now() < until

    # --- logging in and out ---------------------------------------------------------------------

    async def login(self, secret: str, address: str) -> tuple[Session, str]:
        """A session for the password or a token, and what its cookie holds.

        Tries are counted before anything is computed, and computed one after the other. Raises WrongKey,
        TooManyTries.
        """
        wait = self._attempts.take(address)
        if wait > 0:
            raise TooManyTries(wait)
        by = await asyncio.get_running_loop().run_in_executor(self._one_by_one, self._opener, secret)
        if by is None:
            raise WrongKey
        self._attempts.right(address)
        return await asyncio.to_thread(self.keys.add_session, by)

    def wait(self, address: str) -> float:
        """The seconds until there is another try from there; 0: there is one."""
        return self._attempts.wait(address)

    def _opener(self, secret: str) -> str | None:
        if not secret or len(secret) > LONGEST:
            return None
        entry = self.by_token(secret)
        if entry is not None:
            return entry.by if entry.kind == "token" else None
        password = self._now().password
        return password.id if password is not None and matches(secret, password.record) else None

    def logout(self, entry: Entry, *, everywhere: bool) -> None:
        """End the session, or all of them."""
        if everywhere:
            self.keys.end_sessions(None)
        elif entry.kind == "session":
            self.keys.end_sessions(entry.id)
