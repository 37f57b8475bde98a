"""What a Host header names, read as strictly as RFC 9110 and RFC 3986 write it, and where the page is.

Knows nothing of requests, of settings and of who may talk to the studio.
"""

from __future__ import annotations

import ipaddress
import re

_HOST = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9._~-]{0,252})))"
    r"(?::(?P<port>[0-9]{0,5}))?",
    re.ASCII,
)
"""`uri-host [":" port]`. Names of machines need none of the other characters that RFC 3986 has."""


def named_host(header: str) -> str | None:
    """The host a Host header names, in one spelling and without port or brackets; None: it names none."""
    found = _HOST.fullmatch(header)
    if found is None or int(found["port"] or 0) > 65535:
        return None
    if found["v6"] is None:
        return one_spelling(found["name"])
    address = one_spelling(found["v6"])
    return address if ":" in address and is_address(address) else None


def one_spelling(host: str) -> str:
    """Names in small letters and without the root's dot, addresses in their shortest form."""
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        return host.lower().removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach a server there."""
    if one_spelling(host) == "localhost":
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def is_address(host: str) -> bool:
    """Whether it is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def url_of(host: str, port: int, scheme: str = "http") -> str:
    """Address of the page there: brackets where IPv6 needs them, no port where it is the scheme's own."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port == {"http": 80, "https": 443}.get(scheme) else f":{port}")


def reachable(address: str) -> str:
    """An end of a connection as a browser can be told it: IPv4 as such, also where it came in over IPv6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return str(mapped or known)
