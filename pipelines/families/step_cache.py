"""How much of its work a quick draft leaves out: which steps are computed, which guessed from those before.

Pure arithmetic, torch-free; `pipelines.running.step_caches` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST_STEPS = 12
"""A model that needs fewer is distilled: each of its steps moves far, and none can be guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCache:
    """TaylorSeer in its lite form: of a guessed step, no block of the transformer is computed.

    What the transformer answers is drawn on from its last answers, by a Taylor series of `order`.
    """

    first: int = 3
    """Steps at the beginning that are computed: they decide on the layout."""
    every: int = 3
    """From then on every so-manieth is."""
    last: int = 2
    """Steps at the end that are: they make the details."""
    order: int = 1

    def computed(self, steps: int) -> tuple[int, ...]:
        """Which steps, from 0, of so many are computed."""
        return tuple(step for step in range(steps) if self._is_computed(step, steps))

    def guessed(self, steps: int) -> int:
        """How many steps of so many are not."""
        return steps - len(self.computed(steps))

    def in_words(self, steps: int) -> str:
        """As it stands in a picture's record."""
        return (
            f"TaylorSeer lite, order {self.order}: {len(self.computed(steps))} of {steps} steps computed "
            f"(the first {self.first}, every {_nth(self.every)} from then on, the last {self.last})"
        )

    def _is_computed(self, step: int, steps: int) -> bool:
        at_an_end = step < self.first or step >= steps - self.last
        return at_an_end or (step - self.first - 1) % self.every == 0


def _nth(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
