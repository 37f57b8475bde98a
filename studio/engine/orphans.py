"""A worker never outlives its studio: what the system offers beside the closing of the pipe.

The pipe's end is noticed by a thread of Python. A worker that is stopped, or stuck in native code that
lets no other thread run, cannot notice anything; these two ends do not need it to.
"""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys

STUCK_SECONDS = 300
"""Python has not run for so long: the studio has given the worker up long ago, or is gone."""

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Linux: the system kills this process when the thread that made it ends. Elsewhere nothing."""
    parent = multiprocessing.parent_process()
    if sys.platform != "linux" or parent is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent.pid:  # it ended before it could be asked for
        os._exit(0)


def end_when_stuck() -> None:
    """Call every few seconds: once the calls stop coming, a thread that is not Python's ends the process."""
    if sys.stderr is not None:  # started without a terminal: nothing is told, and nothing ends it
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True, file=sys.stderr)
