"""What the chosen model lets the artist set in the chosen mode: a reading of `ModelInfo`.

Pure. The page shows a control only where it stands in `SettingRanges.fields`. Knows no model by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.families.limits import Limits
from pipelines.families.route import STUDIO_DEFAULTS
from pipelines.families.settings import SHAPE
from pipelines.request import Mode
from studio.records import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRanges:
    """Settings of one model in one mode: which are in use, within which limits, and what they begin with."""

    limits: Limits = field(default_factory=Limits)
    defaults: Mapping[str, float | str] = field(default_factory=lambda: {**STUDIO_DEFAULTS})

    @property
    def fields(self) -> frozenset[str]:
        """Fields of the request that do something."""
        return frozenset(self.limits.fields)


def find_model(models: Iterable[ModelInfo], model_id: str | None) -> ModelInfo | None:
    """The model of that id, or None."""
    return next((model for model in models if model.id == model_id), None)


def knobs_of(model: ModelInfo | None, mode: Mode) -> SettingRanges:
    """Knobs of `model` in `mode`; the studio's own where the model says nothing."""
    if model is None or mode.value not in model.limits:
        return SettingRanges()
    limits = model.limits[mode.value]
    usual = {SHAPE.name: limits.shapes[0]} if limits.shapes else {}
    defaults = {**STUDIO_DEFAULTS, **usual, **model.defaults.get(mode.value, {})}
    return SettingRanges(limits=limits, defaults=defaults)
