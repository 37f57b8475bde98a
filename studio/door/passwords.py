"""Passwords and tokens as such: what is good enough, and what is kept of them: hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from pathlib import Path
from typing import Any

from studio.startup import StartError

SHORTEST = 10
LONGEST = 1024
"""Characters of a password. Longer ones are refused unread: hashing them costs."""
SHORTEST_TOKEN = 32
TOKEN_MARK = "lk_"
"""What tokens of the studio begin with, so that one that lies about is known for what it is."""
_COST = {"n": 2**15, "r": 8, "p": 3}
"""Of scrypt: 32 MiB and some tenths of a second for each try."""
_LARGEST_COST = 2**20 * 8 * 16
"""Of a record that is read: `n * r * p`."""


def normal(password: str) -> str:
    """One spelling of what is typed: keyboards write an é in two ways, and wide letters in two."""
    return unicodedata.normalize("NFKC", password)


def weakness(password: str) -> str | None:
    """Why it cannot be the password, in words; None where it can."""
    text = normal(password)
    if len(text) < SHORTEST:
        return f"A password needs {SHORTEST} characters or more."
    if len(password) > LONGEST:
        return f"A password can have {LONGEST:,} characters at most."
    if any(unicodedata.category(each) == "Cc" for each in text):
        return "A password cannot hold control characters, such as tabs or line ends."
    return None


def hashed(password: str) -> dict[str, Any]:
    """What is kept of a password; `matches` reads it."""
    salt = secrets.token_bytes(16)
    return {"salt": salt.hex(), **_COST, "hash": _scrypt(password, salt, _COST).hex()}


def matches(password: str, record: dict[str, Any]) -> bool:
    """Whether it is the password of the record. Takes some tenths of a second, right or wrong."""
    cost = {name: int(record[name]) for name in _COST}
    found = _scrypt(password, bytes.fromhex(record["salt"]), cost)
    return hmac.compare_digest(found, bytes.fromhex(record["hash"]))


def is_record(record: dict[str, Any]) -> bool:
    """Whether `matches` can read it, at a bearable cost."""
    try:
        kept = bytes.fromhex(record["salt"]), bytes.fromhex(record["hash"])
        n, r, p = (int(record[name]) for name in ("n", "r", "p"))
    except (KeyError, TypeError, ValueError):
        return False
    return all(kept) and n > 1 and r > 0 and p > 0 and n * r * p <= _LARGEST_COST


def _scrypt(password: str, salt: bytes, cost: dict[str, int]) -> bytes:
    room = 2 * 128 * cost["n"] * cost["r"] + 2**20
    text = normal(password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, maxmem=room, dklen=32, **cost)


def digest(secret: str) -> str:
    """What is kept of a secret that is random and long: guessing it is hopeless without salt and cost."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def first_line(path: Path, what: str) -> str:
    """The password or token in a file. Raises StartError; the words never hold what is in it."""
    try:
        line = path.read_text(encoding="utf-8-sig").partition("\n")[0].strip()
    except UnicodeDecodeError as error:
        raise StartError(f"The {what} file {path} is not text in UTF-8.") from error
    except OSError as error:
        raise StartError(f"The {what} file {path} cannot be read: {error.strerror}.") from error
    if not line:
        raise StartError(f"The first line of the {what} file {path} is empty.")
    return line
