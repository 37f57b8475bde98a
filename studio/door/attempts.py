"""Slows guessing down: how many tries an address has, and all strangers together.

Each has a few at once and gets another one now and then. Who has none left is refused before anything is
computed, so that ten thousand tries a minute cost no more than saying no. An address that has come in before
does not wait for strangers.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

_MOST_ADDRESSES = 4096
_MOST_KNOWN = 64
_TOLD_EVERY = 60.0
_ALL = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tries at once, and another one every so many seconds."""

    at_once: int
    seconds: float


PER_ADDRESS = Allowance(5, 12.0)
IN_ALL = Allowance(20, 4.0)


class Attempts:
    """Counts the tries of a door. Threads may share it."""

    def __init__(
        self,
        per_address: Allowance = PER_ADDRESS,
        in_all: Allowance | None = IN_ALL,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._now = now
        self._guard = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tries that were left, and when; least recently used first."""
        self._known: OrderedDict[str, None] = OrderedDict()
        self._told_at = float("-inf")

    def take(self, address: str) -> float:
        """Use one up: 0, or the seconds until there is one again; then nothing is used."""
        key = place(address)
        with self._guard:
            counted = self._counted(key)
            wait = max(self._wait(each, allowance) for each, allowance in counted)
            if wait > 0:
                self._tell(key)
                return wait
            for each, allowance in counted:
                self._use(each, allowance)
            return 0.0

    def wait(self, address: str) -> float:
        """As `take`, but none is used up."""
        key = place(address)
        with self._guard:
            return max(self._wait(each, allowance) for each, allowance in self._counted(key))

    def right(self, address: str) -> None:
        """The try was right: the address is known from now on, and does not wait for strangers.

        It counts as a try all the same: who logs in again and again should send a token.
        """
        key = place(address)
        with self._guard:
            self._known[key] = None
            self._known.move_to_end(key)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def _counted(self, key: str) -> list[tuple[str, Allowance]]:
        """What a try of this address is taken from."""
        counted = [(key, self._per_address)]
        if self._in_all is not None and key not in self._known:
            counted.append((_ALL, self._in_all))
        return counted

    def _count(self, key: str, allowance: Allowance) -> float:
        left, at = self._left.get(key, (float(allowance.at_once), self._now()))
        return min(allowance.at_once, left + (self._now() - at) / allowance.seconds)

    def _wait(self, key: str, allowance: Allowance) -> float:
        return max(0.0, 1 - self._count(key, allowance)) * allowance.seconds

    def _use(self, key: str, allowance: Allowance) -> None:
        self._left[key] = (self._count(key, allowance) - 1, self._now())
        self._left.move_to_end(key)
        while len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)

    def _tell(self, key: str) -> None:
        if self._now() - self._told_at >= _TOLD_EVERY:
            self._told_at = self._now()
            log.warning("Many wrong passwords or tokens, the last from %s. They are slowed down.", key)


def place(address: str) -> str:
    """What counts as one address: of IPv6 the network of a house, whose machines choose the rest."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "an unknown address"
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))
