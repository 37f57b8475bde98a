"""FLUX.3 Image Klein: draws and edits in 16 steps, with up to ten references.

diffusers has it as blocks alone, without a pipeline class of the usual kind; the adapter in
`pipelines.running.families.modular` makes one of them. This file holds the tables (torch-free).
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.disk import layout
from pipelines.families.base import Family, as_it_is
from pipelines.families.checkpoints import by_reference, needed
from pipelines.families.options import StockOptions
from pipelines.families.route import Route
from pipelines.families.wording import EDITING
from pipelines.request import MAX_REFERENCES, Mode, Role

PIPELINE = "Flux3DistilledModularPipeline"


class Options(StockOptions):
    """What an entry of this family says."""


_DRAWN = Route(pipeline=PIPELINE, size_multiple=16, guidance_arg=None, negative_prompt=False).with_defaults(
    {"num_inference_steps": 16}
)
_EDITED = replace(
    _DRAWN,
    reference_arg="image",
    roles=(Role.SOURCE, Role.CHARACTER, Role.STYLE, Role.STRUCTURE),
    min_references=1,
    max_references=MAX_REFERENCES,
    size_source="reference",
    wording=EDITING,
)
ROUTES: dict[Mode, Route] = {Mode.TEXT_TO_IMAGE: _DRAWN, **by_reference(_EDITED)}


FAMILY = Family(
    routes=ROUTES,
    options=Options,
    narrow=as_it_is,
    needed_files=needed,
    base="flux3",
    folders={PIPELINE: {}},
    index=layout.MODULAR_INDEX,
)
