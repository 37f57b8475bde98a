"""What the reading of one file may cost.

A file may hold any graph, and several of them. Every step along one is paid for, so that no shape of a graph
takes longer than a large honest one.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_STEPS = 250_000
"""Inputs and links that are looked at; a graph of a thousand nodes takes some ten thousand."""


class TooEntangled(ValueError):
    """The budget is spent."""


@dataclass(slots=True)
class Budget:
    """Steps that are left."""

    steps: int = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Pay for some. Raises TooEntangled."""
        self.steps -= steps
        if self.steps < 0:
            raise TooEntangled("the graph has more links than are followed")
