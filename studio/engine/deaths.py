"""What may end a process of the studio from outside: keys, signals, crashes; and how to say it.

Knows the numbers of POSIX and of Windows; nothing of what the process did.
"""

from __future__ import annotations

import signal

_KEYS = ("SIGINT", "SIGBREAK")
"""Ctrl-C, and Ctrl-Break of Windows: both reach every process of the terminal."""
_ENDS = (*_KEYS, "SIGTERM", "SIGHUP")

_MEMORY = "was ended by the system, most often because memory ran out."
_UNINSTALLED = "could not start: a part of PyTorch or of its driver is missing on this computer"
_OLD_PROCESSOR = "crashed: PyTorch uses an instruction that this processor does not have"
_POSIX = {
    "SIGKILL": _MEMORY,
    "SIGILL": f"{_OLD_PROCESSOR} (SIGILL).",
    "SIGTERM": "was ended by another program.",
}
_WINDOWS = {
    0xC0000005: "crashed: it reached for memory that is not its own (0xC0000005).",
    0xC0000017: _MEMORY,
    0xC000012D: _MEMORY,
    0xC000001D: f"{_OLD_PROCESSOR} (0xC000001D).",
    0xC0000135: f"{_UNINSTALLED} (0xC0000135).",
    0xC0000139: f"{_UNINSTALLED} (0xC0000139).",
    0xC0000142: f"{_UNINSTALLED} (0xC0000142).",
    0xC000013A: "was ended with Ctrl-C or by closing its window.",
    0xC00000FD: "crashed: its stack ran over (0xC00000FD).",
    0xC0000374: "crashed: its memory was damaged (0xC0000374).",
    0xC0000409: "crashed and was stopped before it did damage (0xC0000409).",
}
"""NTSTATUS, which Windows gives as the exit code of what did not end by itself."""


def words(exitcode: int) -> str:
    """What ends 'The image worker …', of an exit code as `multiprocessing` gives it."""
    status = exitcode & 0xFFFFFFFF
    if 0xC0000000 <= status < 0xD0000000:
        return _WINDOWS.get(status, f"crashed (0x{status:08X}).")
    if exitcode < 0:
        return _of_signal(-exitcode)
    return f"ended unexpectedly (exit code {exitcode})."


def _of_signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return _POSIX.get(name, f"crashed ({name}).")


def end_signals() -> tuple[signal.Signals, ...]:
    """Those that this system has of all that ask a program to end."""
    return _here(_ENDS)


def ignore_keys() -> None:
    """Leave Ctrl-C and Ctrl-Break to the studio, which ends this process itself."""
    for each in _here(_KEYS):
        signal.signal(each, signal.SIG_IGN)


def _here(names: tuple[str, ...]) -> tuple[signal.Signals, ...]:
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)
