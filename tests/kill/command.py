"""Rounds of one kind from the command line: `python -m tests.kill.steering --rounds 40 --seed 1`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def play(run: Callable[[Path, int], object], words: str | None, rounds: int) -> None:
    """`run` in a folder of its own, so many rounds unless others are asked for; prints its report."""
    parser = argparse.ArgumentParser(description=words)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="likeness-kill-") as name:
        sys.stdout.write(str(run(Path(name), arguments.rounds)))
