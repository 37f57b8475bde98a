"""What the chosen model lets the artist set in the chosen mode: a reading of `ModelInfo`.

Pure. The page shows a control only where it stands in `Knobs.fields`. Knows no model by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.families.limits import Limits
from pipelines.families.route import STUDIO_DEFAULTS
from pipelines.request import ControlKind, Mode, Role
from studio.records import ModelInfo

_OPEN = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Controls of one model in one mode; ranges are inclusive."""

    fields: frozenset[str] = frozenset(_OPEN.fields)
    guidance: tuple[float, float] = _OPEN.guidance_scale
    steps: tuple[int, int] = _OPEN.num_inference_steps
    max_references: int = _OPEN.max_references
    roles: tuple[Role, ...] = ()
    reference_weights: bool = False
    control_kinds: tuple[ControlKind, ...] = ()
    defaults: dict[str, float] = field(default_factory=lambda: dict(STUDIO_DEFAULTS))

    @property
    def influence(self) -> float:
        """Default influence in percent: what the default strength leaves of the reference."""
        return influence_of(self.defaults["strength"])


def influence_of(strength: float) -> float:
    """Percent of the reference that stays."""
    return round(100.0 * (1.0 - strength), 4)


def strength_of(influence: float) -> float:
    """Share of the reference that may change."""
    return round(1.0 - influence / 100.0, 6)


def find_model(models: Iterable[ModelInfo], model_id: str | None) -> ModelInfo | None:
    """The model of that id, or None."""
    return next((model for model in models if model.id == model_id), None)


def knobs_of(model: ModelInfo | None, mode: Mode) -> Knobs:
    """Knobs of `model` in `mode`; the studio's own where the model says nothing."""
    if model is None or mode.value not in model.limits:
        return Knobs()
    limits = model.limits[mode.value]
    return Knobs(
        fields=frozenset(limits.fields),
        guidance=limits.guidance_scale,
        steps=limits.num_inference_steps,
        max_references=limits.max_references,
        reference_weights=limits.reference_weights,
        roles=limits.roles,
        control_kinds=limits.control_kinds,
        defaults={**STUDIO_DEFAULTS, **model.defaults.get(mode.value, {})},
    )
