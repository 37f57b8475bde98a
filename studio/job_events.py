"""What a running job tells of itself, as its record shows it."""

from __future__ import annotations

from pipelines.events import (
    ControlImage,
    Event,
    Notice,
    Phase,
    PhaseChanged,
    PreviewReady,
    StepProgress,
    TileProgress,
)
from studio.job_table import Job


def follow(job: Job, event: Event) -> bool:
    """Take the event into the job; False where that changes nothing that is shown."""
    match event:
        case PhaseChanged(phase):
            _enter(job, phase)
        case StepProgress(step, total):
            _enter(job, Phase.DENOISING)
            job.progress.reach(step, total)
            job.update(step=step, total_steps=total)
        case TileProgress(tile, tiles):
            if not job.record.total_steps:  # else the steps are what is measured by
                job.progress.reach(tile, tiles)
            job.update(tile=tile, tiles=tiles)
        case PreviewReady(picture):
            job.preview = picture
            job.update(preview=job.record.preview + 1)
        case Notice(text) if text not in job.record.notices:
            job.update(notices=(*job.record.notices, text))
        case ControlImage(png):
            job.control_image = png
            job.update(has_control_image=True)
        case _:
            return False
    job.update(eta_seconds=job.progress.eta())
    return True


def _enter(job: Job, phase: Phase) -> None:
    if job.progress.phase is not phase:
        job.progress.enter(phase)
        job.update(phase=phase, tile=0, tiles=0)


def preview_type(picture: bytes) -> str:
    """MIME type of a preview."""
    if picture.startswith(b"RIFF"):
        return "image/webp"
    return "image/jpeg" if picture.startswith(b"\xff\xd8") else "image/png"
