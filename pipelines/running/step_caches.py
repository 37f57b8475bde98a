"""Quick drafts: steps whose blocks are left out, by diffusers' TaylorSeer, around one call of a pipeline.

On only while the call runs: a picture that is cancelled would leave what it remembered to the next one.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.events import Notice
from pipelines.memory.plan import MemoryPlan, Placement
from pipelines.planning.plan import Plan

if TYPE_CHECKING:
    from pipelines.running.contract import Emit

STREAMED = (
    "A quick draft does not go together with a model that comes to the card layer by layer; "
    "the picture is made in full."
)
COMPILED = "A quick draft does not go together with warming up; the picture is made in full."


def allowed(plan: Plan, memory: MemoryPlan, tell: Emit, *, warm_up: bool) -> Plan:
    """`plan`, without its quick draft where the way the model is kept allows none, which is told.

    Each layer that streams fetches the one after it, so none may be left out. Compiled blocks would be
    compiled once more with the cache around them, and once more without it.
    """
    if plan.step_cache is None:
        return plan
    streamed = memory.placement is Placement.GROUP_OFFLOAD and memory.streams
    if not (streamed or warm_up):
        return plan
    tell(Notice(STREAMED if streamed else COMPILED))
    return replace(plan, step_cache=None)


def record(plan: Plan) -> dict[str, str]:
    """What a picture's record says of the steps that were left out; nothing where none were."""
    cache = plan.step_cache
    return {} if cache is None else {"step_cache": cache.in_words(plan.effective_steps)}


@contextmanager
def drafted(pipeline: Any, plan: Plan) -> Generator[None]:
    """Within, the transformer of `pipeline` computes only the steps that `plan.step_cache` names."""
    cache = plan.step_cache
    if cache is None:
        yield
        return
    import torch
    from diffusers.hooks.taylorseer_cache import TaylorSeerCacheConfig

    config = TaylorSeerCacheConfig(
        cache_interval=cache.every,
        disable_cache_before_step=cache.first,
        disable_cache_after_step=plan.effective_steps - cache.last,
        max_order=cache.order,
        taylor_factors_dtype=torch.float32,
        use_lite_mode=True,
    )
    transformer = pipeline.transformer
    transformer.enable_cache(config)
    try:
        # Pipelines with two passes a step tell them apart themselves; the others have just this one.
        with transformer.cache_context("cond"):
            yield
    finally:
        transformer.disable_cache()
