"""What this studio has → the JSON that clients of `/sdapi/v1` expect. Pure.

Everything is plain values; `Made` and the records come from the studio's service.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from studio import __version__
from studio.collection.metadata import a1111
from studio.collection.metadata.reading import Findings
from studio.json_values import is_object
from studio.records import ImageRecord, JobRecord, JobStatus, ModelInfo
from studio.sdapi import translating
from studio.sdapi.fields import Sent
from studio.sdapi.translating import CHECKPOINT

Json = dict[str, Any]
PARAMETERS = "parameters"
"""The text of a picture's file that other tools read."""
SAMPLER = "Automatic"
"""The one there is to choose: each model's own."""
_PICTURES = frozenset({"init_images", "mask"})


@dataclass(frozen=True, slots=True)
class Made:
    """One finished picture: its record, the bytes of a PNG, and what they say of their making."""

    record: ImageRecord
    png: bytes
    infotext: str


def encoded(data: bytes) -> str:
    """Base64, as that API has pictures."""
    return base64.b64encode(data).decode("ascii")


def text_of(findings: Findings) -> str:
    """The `parameters` text of a picture; "" where it has none."""
    return dict(findings.raw).get(PARAMETERS, "")


def drawn(sent: Sent, job: JobRecord, made: Sequence[Made], told: Sequence[str], model: str) -> Json:
    """The answer to txt2img and img2img. `model`: its title; `told`: what was not used."""
    with_pictures = bool(getattr(sent, "include_init_images", False))
    return {
        "images": [encoded(each.png) for each in made] if getattr(sent, "send_images", True) else [],
        "parameters": _echo(sent, with_pictures=with_pictures),
        "info": json.dumps(_info(job, made, told, model)),
    }


def enlarged(job: JobRecord, made: Made, told: Sequence[str]) -> Json:
    """The answer to extra-single-image."""
    said = [f"{made.record.width}×{made.record.height} px", *told, *job.notices]
    return {"html_info": ". ".join(each.rstrip(".") for each in said), "image": encoded(made.png)}


def _echo(sent: Sent, *, with_pictures: bool) -> Json:
    """What was sent, but for structures of fields that are not known here."""
    hidden: frozenset[str] = frozenset() if with_pictures else _PICTURES
    known = sent.model_dump(exclude=set(sent.model_extra or ()) | hidden)
    extra = {name: value for name, value in (sent.model_extra or {}).items() if _is_plain(value)}
    known["override_settings"] = {
        name: value for name, value in known.get("override_settings", {}).items() if _is_plain(value)
    }
    return known | dict.fromkeys(hidden & set(type(sent).model_fields)) | extra


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, bool)) or (isinstance(value, (int, float)) and math.isfinite(value))


def _info(job: JobRecord, made: Sequence[Made], told: Sequence[str], model: str) -> Json:
    request = job.request
    words = [_words(each.record) for each in made] or [(request.prompt, request.negative_prompt)]
    seeds = [each.record.seed if each.record.seed is not None else request.seed for each in made]
    first = made[0].record if made else None
    return {
        "prompt": words[0][0],
        "all_prompts": [each[0] for each in words],
        "negative_prompt": words[0][1],
        "all_negative_prompts": [each[1] for each in words],
        "seed": seeds[0] if seeds else request.seed,
        "all_seeds": seeds,
        "subseed": -1,
        "all_subseeds": [-1] * len(made),
        "subseed_strength": 0,
        "width": first.width if first else request.width,
        "height": first.height if first else request.height,
        "sampler_name": _sampler(made[0].infotext) if made else SAMPLER,
        "cfg_scale": request.guidance_scale,
        "steps": request.num_inference_steps,
        "batch_size": request.num_images,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": model,
        "sd_model_hash": "",
        "sd_vae_name": None,
        "sd_vae_hash": "",
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": request.strength,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [each.infotext for each in made],
        "styles": [],
        "job_timestamp": f"{job.created_at:%Y%m%d%H%M%S}",
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"Likeness {__version__}",
        "likeness": {
            "job": job.id,
            "images": [each.record.id for each in made],
            "notices": list(job.notices),
            "ignored": list(told),
        },
    }


def _words(record: ImageRecord) -> tuple[str, str]:
    """Those this very picture was made with."""
    if record.request is None:
        return "", ""
    alone = record.request.alone(record.seed)
    read = alone.drawn[0] if alone.drawn else alone
    return read.prompt, read.negative_prompt


def _sampler(infotext: str) -> str:
    return dict(a1111.pairs(infotext.rpartition("\n")[2])).get("Sampler", SAMPLER)


# --- while it runs ---------------------------------------------------------------------------------


def progress(jobs: Sequence[JobRecord], preview: bytes | None) -> Json:
    """`jobs`: those asked for here that have not ended, the running one first."""
    job = next((each for each in jobs if each.status is JobStatus.RUNNING), None)
    step, steps, number = _steps(job) if job else (0, 0, 0)
    return {
        "progress": min(0.99, max(0.01, _share(job))) if job else 0.0,
        "eta_relative": (job.eta_seconds or 0.0) if job else 0.0,
        "state": {
            "skipped": False,
            "interrupted": bool(job and job.cancel_requested),
            "stopping_generation": False,
            "job": job.id if job else "",
            "job_count": len(jobs),
            "job_timestamp": f"{job.created_at:%Y%m%d%H%M%S}" if job else "0",
            "job_no": number,
            "sampling_step": step,
            "sampling_steps": steps,
        },
        "current_image": encoded(preview) if preview else None,
        "textinfo": job.phase if job else None,
    }


def _share(job: JobRecord) -> float:
    if job.total_steps:
        return job.step / job.total_steps
    return job.tile / job.tiles if job.tiles else 0.0


def _steps(job: JobRecord) -> tuple[int, int, int]:
    """(step, steps, number) of the picture that is being made."""
    each = job.total_steps // max(1, job.request.num_images)
    number = min(job.step // each, job.request.num_images - 1) if each else 0
    return job.step - number * each, each, number


# --- what there is ---------------------------------------------------------------------------------


def sd_models(models: Sequence[ModelInfo]) -> list[Json]:
    """Those that draw, by title."""
    here = translating.usable(models)
    return [
        {
            "title": translating.title(each, here),
            "model_name": each.id,
            "hash": None,
            "sha256": None,
            "filename": each.id,
            "config": None,
        }
        for each in here
    ]


def upscalers(models: Sequence[ModelInfo]) -> list[Json]:
    """Enlargers, as `hr_upscaler` and `upscaler_1` name them."""
    named = [(translating.title(each, models), each.id) for each in translating.enlargers(models)]
    return [
        {"name": name, "model_name": own, "model_path": None, "model_url": None, "scale": 4}
        for name, own in [("None", None), *named]
    ]


def loras(models: Sequence[ModelInfo]) -> list[Json]:
    """Those that go with any model that is here, as `<lora:…>` names them."""
    found = {
        each.id: each.name
        for model in translating.usable(models)
        for each in model.add_ons
        if each.kind == "lora"
    }
    return [{"name": name, "alias": name, "path": name, "metadata": {}} for name in found.values()]


def options(model: str) -> Json:
    """`model`: the title of the one to use."""
    return {
        CHECKPOINT: model,
        "sd_checkpoint_hash": "",
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "samples_format": "png",
        "samples_save": True,
    }


def memory(total: int, free: int) -> Json:
    """Of this machine, in bytes."""
    return {
        "ram": {"free": free, "used": total - free, "total": total},
        "cuda": {"error": "Told by GET /api/v1/health."},
    }


LISTS: dict[str, Any] = {
    "samplers": [{"name": SAMPLER, "aliases": [], "options": {}}],
    "schedulers": [
        {
            "name": "automatic",
            "label": "Automatic",
            "aliases": None,
            "default_rho": -1,
            "need_inner_model": False,
        }
    ],
    "sd-vae": [],
    "sd-modules": [],
    "latent-upscale-modes": [],
    "hypernetworks": [],
    "face-restorers": [],
    "realesrgan-models": [],
    "prompt-styles": [],
    "embeddings": {"loaded": {}, "skipped": {}},
    "scripts": {"txt2img": [], "img2img": []},
    "script-info": [],
    "cmd-flags": {},
}
"""Answers that are always the same: what this studio leaves to the model, or has none of."""


def png_info(findings: Findings) -> Json:
    """What a file says of its making: the text, everything by name, and the settings."""
    info, said = text_of(findings), findings.metadata
    settings: Json = {}
    if said is not None:
        pairs = {
            "Prompt": said.prompt,
            "Negative prompt": said.negative_prompt,
            "Steps": said.steps,
            "Sampler": said.sampler,
            "CFG scale": said.guidance,
            "Seed": said.seed,
            "Size-1": said.width,
            "Size-2": said.height,
            "Model": said.model,
            "Denoising strength": said.strength,
            "Tool": said.tool,
        }
        settings = {name: value for name, value in pairs.items() if value is not None} | dict(said.unmapped)
    return {"info": info, "items": dict(findings.raw), PARAMETERS: settings}


def refusal(code: str, words: str, errors: Iterable[Any] = ()) -> Json:
    """The body of every answer that is not a success."""
    listed = [each for each in errors if is_object(each)]
    return {"error": code, "detail": words, "body": "", "errors": listed or words}
