"""JoyAI-Image-Edit-Plus: edits by instruction with up to five pictures.

The model looks at whole pictures and is told in words what each is for. This file holds the tables
(torch-free); what runs is `pipelines.running.families.joyimage`.
"""

from __future__ import annotations

from pipelines.families.base import Family, as_it_is
from pipelines.families.checkpoints import by_reference, needed
from pipelines.families.options import StockOptions
from pipelines.families.route import Route
from pipelines.families.wording import EDITING
from pipelines.request import Role


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


FAMILY = Family(
    routes=ROUTES,
    options=Options,
    narrow=as_it_is,
    needed_files=needed,
    folders={"JoyImageEditPlusPipeline": {}},
)
