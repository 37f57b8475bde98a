"""Mutated picture files against the reader of metadata and the reader of pictures.

`python -m tests.studio.fuzz 5000` tries that many, seeded, and prints what became of them.
"""

from __future__ import annotations

import collections
import json
import random
import sys
import time

from pipelines.errors import PictureRefused
from studio import images
from studio.collection.metadata import reading
from studio.exchange.clean import clean_copy
from tests.studio import foreign_files

SEEDS = foreign_files.everything()
_TELLING = (b"\0", b"\xff", b"\x7f", b"\x80", b"{", b"[", b'"', b":", b",", b"9" * 40, b"\xff\xff\xff\xff")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few changes of the kinds that break parsers: bits, bytes, runs cut, doubled, moved, a cut end."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) or 1)
        length = rng.choice((1, 2, 4, 8, 64))
        match rng.randrange(6):
            case 0 if changed:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + length] = rng.choice(_TELLING)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length] * rng.choice((1, 3))
            case 4:
                changed[at : at + 4] = rng.randrange(2**32).to_bytes(4, "big")
            case _ if rng.random() < 0.2:
                del changed[at:]
    return bytes(changed)


def try_one(data: bytes, seed: int) -> str:
    """What became of it. Raises only for a bug."""
    broken = mutated(data, random.Random(seed))
    found = reading.read(broken)
    try:
        taken = images.ingest(broken, 1_000_000)
    except PictureRefused:
        outcome = "no picture"
    else:
        outcome = "a picture"
        found = reading.read(broken, None, taken.pixels)
        clean_copy(broken, taken.facts.mime)
    said = found.metadata
    json.dumps([found.raw, found.faults, found.summary], ensure_ascii=False).encode("utf-8")
    return f"{outcome}, {'understood' if said else 'nothing understood'}"


def main(count: int) -> None:
    """Try `count` files and say what became of them."""
    names, outcomes = sorted(SEEDS), collections.Counter[str]()
    begun = time.monotonic()
    for seed in range(count):
        outcomes[try_one(SEEDS[names[seed % len(names)]], seed)] += 1
    for outcome, times in outcomes.most_common():
        sys.stdout.write(f"{times:6} {outcome}\n")
    sys.stdout.write(f"{count} files in {time.monotonic() - begun:.0f} s; none raised.\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
