"""What the chosen model lets the artist set in the chosen mode: a reading of `ModelInfo`.

Pure. The page shows a control only where it stands in `Knobs.fields`. Knows no model by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.request import MAX_REFERENCES, ControlKind, Mode, Role
from studio.records import ModelInfo

STUDIO_DEFAULTS: dict[str, float] = {"guidance_scale": 3.5, "num_inference_steps": 20, "strength": 0.75}
"""What every mode starts with unless its model says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Controls of one model in one mode; ranges are inclusive."""

    fields: frozenset[str] = frozenset(
        {"prompt", "num_inference_steps", "seed", "num_images", "aspect_ratio"}
    )
    guidance: tuple[float, float] = (1.0, 20.0)
    steps: tuple[int, int] = (1, 150)
    max_references: int = MAX_REFERENCES
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
    low, high = limits.get("guidance_scale", (1.0, 20.0))
    fewest, most = limits.get("num_inference_steps", (1, 150))
    return Knobs(
        fields=frozenset(limits.get("fields", Knobs().fields)),
        guidance=(float(low), float(high)),
        steps=(int(fewest), int(most)),
        max_references=int(limits.get("max_references", MAX_REFERENCES)),
        reference_weights=bool(limits.get("reference_weights", False)),
        roles=tuple(Role(role) for role in limits.get("roles", ())),
        control_kinds=tuple(ControlKind(kind) for kind in limits.get("control_kinds", ())),
        defaults={**STUDIO_DEFAULTS, **_numbers(model.defaults.get(mode.value, {}))},
    )


def _numbers(values: dict[str, object]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, int | float)}
