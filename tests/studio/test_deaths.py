from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from studio.engine import deaths
from studio.settings import ROOT

IGNORING = "import signal, sys; from studio.engine.deaths import ignore_keys; ignore_keys();"


@pytest.mark.parametrize(
    ("exitcode", "words"),
    [
        (3, "ended unexpectedly (exit code 3)."),
        (-9, "memory ran out"),
        (-4, "this processor does not have"),
        (-11, "crashed (SIGSEGV)."),
        (-99, "crashed (signal 99)."),
        (0xC0000005, "crashed: it reached for memory that is not its own (0xC0000005)."),
        (0xC0000005 - 2**32, "0xC0000005"),
        (0xC0000017, "memory ran out"),
        (0xC000001D, "this processor does not have"),
        (0xC0000135, "is missing on this computer"),
        (0xC0000420, "crashed (0xC0000420)."),
    ],
)
def test_every_end_is_put_into_words(exitcode: int, words: str) -> None:
    assert words in deaths.words(exitcode)


def test_a_real_crash_has_a_name() -> None:
    crash = "import os, signal; os.abort()"
    code = subprocess.run([sys.executable, "-c", crash], capture_output=True, check=False).returncode
    assert deaths.words(code).startswith("crashed")


def test_the_signals_are_those_that_the_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {signal.SIGINT, signal.SIGTERM} <= set(deaths.end_signals())

    class Windows:
        __members__ = {"SIGINT": 2, "SIGBREAK": 21, "SIGTERM": 15}  # noqa: RUF012

        def __class_getitem__(cls, name: str) -> int:
            return cls.__members__[name]

    monkeypatch.setattr(signal, "Signals", Windows)
    assert deaths.end_signals() == (2, 21, 15)


def test_ctrl_c_is_left_to_the_studio() -> None:
    code = f"{IGNORING} signal.raise_signal(signal.SIGINT); sys.stdout.write('goes on')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "goes on"
