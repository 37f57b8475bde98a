"""What a process says that is to be killed: one line for each change that begins, one for each promise."""

from __future__ import annotations

import sys

GONE = "-"
HERE = "here"


def opened() -> None:
    """It has started."""
    say("open")


def begin(what: str, subject: str) -> None:
    """A change of it begins: what was promised holds no more, nor does the new value yet."""
    say(f"begin {what} {subject}")


def done(what: str, subject: str, value: str) -> None:
    """It is promised. `GONE`: it is there no more."""
    say(f"done {what} {subject} {value}")


def say(words: str) -> None:
    """One write: a line is heard whole or not at all."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
