"""Under which addresses other computers of the house find the studio."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress

import psutil

from studio.hosts import is_loopback, url_of
from studio.settings import Settings

_ELSEWHERE = "192.0.2.1"
"""Nobody's address: asking for the way there sends nothing."""


def addresses_of_this_machine() -> tuple[str, ...]:
    """IPv4 in the networks it is in; first the one that leads out of the house. Loopback is none."""
    found = [
        each.address
        for name, addresses in psutil.net_if_addrs().items()
        if (state := psutil.net_if_stats().get(name)) is not None and state.isup
        for each in addresses
        if each.family is socket.AF_INET
    ]
    usable = [each for each in (*_way_out(), *found) if _is_usable(each)]
    return tuple(dict.fromkeys(usable))


def _is_usable(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return not (known.is_loopback or known.is_unspecified or known.is_link_local)


def _way_out() -> Iterable[str]:
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((_ELSEWHERE, 9))
        yield way.getsockname()[0]


def house_urls(settings: Settings, port: int) -> tuple[str, ...]:
    """Where others find the page, best first; none where the studio serves this machine alone."""
    if settings.host in ("0.0.0.0", "::"):
        hosts = addresses_of_this_machine()
    else:
        hosts = () if is_loopback(settings.host) else (settings.host,)
    below = f"{settings.root_path}/" if settings.root_path else ""
    return tuple(url_of(each, port, settings.scheme) + below for each in hosts)
