"""In a process of its own: what is frozen stays so."""

from __future__ import annotations

import subprocess
import sys

from studio.settings import ROOT

CODE = """
import gc, weakref
from studio import collector

class Cycle:
    def __init__(self):
        self.itself = self

def is_collected():
    one = weakref.ref(Cycle())
    gc.collect()
    return one() is None

collector.pause()
before = Cycle()
kept = weakref.ref(before)
print(gc.isenabled())
collector.settle()
del before
print(gc.isenabled(), is_collected(), kept() is None)
collector.leave_all()
"""


def test_what_was_there_is_passed_over_and_what_comes_later_is_collected() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True", "True", "False"], done.stderr
