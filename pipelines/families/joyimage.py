"""JoyAI-Image-Edit-Plus: edits by instruction with up to five pictures.

The model looks at whole pictures and is told in words what each is for. This file holds the tables
(torch-free); `joyimage_model` holds what runs, imported on load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.families.base import Family, LoadedModel, LoadSettings
from pipelines.families.checkpoints import by_reference, needed
from pipelines.families.options import StockOptions
from pipelines.request import Mode, Role
from pipelines.route import Route
from pipelines.wording import EDITING

if TYPE_CHECKING:
    from pipelines.spec import ModelSpec


class Options(StockOptions):
    """What an entry of this family says."""


_EDITED = Route(
    pipeline="JoyImageEditPlusPipeline",
    reference_arg="images",
    roles=(Role.SOURCE, Role.CHARACTER, Role.STYLE, Role.STRUCTURE),
    min_references=1,
    max_references=5,
    size_multiple=16,
    size_source="reference",
    wording=EDITING,
    loras=False,
).with_defaults({"guidance_scale": 4.0, "num_inference_steps": 30})
ROUTES = by_reference(_EDITED)


def narrow(route: Route, mode: Mode, options: Options) -> Route:
    """The route as it is: no option changes it."""
    del mode, options
    return route


def load(spec: ModelSpec, settings: LoadSettings) -> LoadedModel:
    """Read the weights. Raises ModelUnavailable. Imports torch and diffusers."""
    from pipelines.families import joyimage_model

    return joyimage_model.load(spec, Options.model_validate(spec.options), settings)


FAMILY = Family(
    routes=ROUTES,
    options=Options,
    narrow=narrow,
    parts=needed,
    load=load,
    folders={"JoyImageEditPlusPipeline": {}},
)
