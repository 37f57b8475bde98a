"""A job as somebody waits for it: how far it is as progress, and its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from studio.assistants.calls import StudioCalls

ENDED = ("done", "failed", "cancelled")
_ASK_SECONDS = 0.3
_CANCEL_SECONDS = 10.0
Progress = Callable[[float, float | None, str], Awaitable[None]]
"""(done, of so many, in words)"""


async def ended(calls: StudioCalls, job_id: str, tell: Progress, *, own: bool) -> dict[str, Any]:
    """The job once it has ended. `own`: it is cancelled with the waiting for it."""
    try:
        told: tuple[float, str] | None = None
        while True:
            job = await calls.get(f"/jobs/{job_id}")
            words = str(job["phase"] or job["status"])
            done, of = (job["tile"], job["tiles"]) if job["tiles"] else (job["step"], job["total_steps"])
            if (done, words) != told:
                told = done, words
                await tell(done, of or None, words)
            if job["status"] in ENDED:
                return job
            await anyio.sleep(_ASK_SECONDS)
    except anyio.get_cancelled_exc_class():
        if own:
            with anyio.move_on_after(_CANCEL_SECONDS, shield=True):
                await calls.post(f"/jobs/{job_id}/cancel")
        raise
