"""Write the trained parts as one folder in diffusers' own format, half precision, safetensors only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPImageProcessor

from training.card import HISTORY, TRAINED, last_line
from training.models import ADAPTERS, PortraitModel, adapter_state, build_scheduler
from training.presets import Preset


def preview_factors(latents: torch.Tensor, pictures: torch.Tensor) -> dict[str, list]:
    """Least-squares map from scaled latents (N, C, h, w) to RGB in [-1, 1], for live previews."""
    small = torch.nn.functional.interpolate(pictures, size=latents.shape[-2:], mode="area")
    x = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1]).double().numpy()
    y = small.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    solution, *_ = np.linalg.lstsq(np.concatenate([x, np.ones((len(x), 1))], axis=1), y, rcond=None)
    return {"latent_rgb_factors": solution[:-1].round(5).tolist(), "bias": solution[-1].round(5).tolist()}


def bare_unet(preset: Preset, model: PortraitModel) -> UNet2DConditionModel:
    """The editing network without its adapters, as its own model."""
    from training.models import build_unet

    unet = build_unet(preset)
    state = {
        k: v
        for k, v in model.unet.state_dict().items()
        if not k.startswith("encoder_hid_proj") and "processor" not in k
    }
    unet.load_state_dict(state)
    return unet


def export(
    preset: Preset,
    folder: Path,
    vae: AutoencoderKL,
    model: PortraitModel,
    controlnet: ControlNetModel,
    preview: dict[str, list],
) -> None:
    """Write every part of the model but its tokenizer into `folder`; `vae` has its scaling factor."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {"unet": bare_unet(preset, model), "vae": vae, "controlnet": controlnet}
    half |= {"text_encoder": model.text_encoder, "image_encoder": model.image_encoder}
    for name, part in half.items():
        dtype = next(part.parameters()).dtype
        part.half().save_pretrained(folder / name, safe_serialization=True)
        part.to(dtype)
    build_scheduler().save_pretrained(folder / "scheduler")
    side = preset.unet.image_px
    CLIPImageProcessor(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side},
        image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2,
    ).save_pretrained(folder / "feature_extractor")  # fmt: skip
    (folder / "ip_adapter").mkdir(exist_ok=True)
    for i, name in enumerate(ADAPTERS):
        state = {k: v.half().contiguous() for k, v in adapter_state(model.unet, i).items()}
        save_file(state, folder / "ip_adapter" / f"{name}.safetensors", metadata={"format": "pt"})
    (folder / "preview.json").write_text(json.dumps(preview, indent=1) + "\n")
    (folder / "model_index.json").write_text(json.dumps(_model_index(), indent=2) + "\n")


def _model_index() -> dict[str, object]:
    return {
        "_class_name": "StableDiffusionInstructPix2PixPipeline",
        "_diffusers_version": "0.42.1",
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
        "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }


def from_checkpoints(preset: Preset, work: Path, folder: Path) -> None:
    """Export what the stages under `work` have reached; an untrained ControlNet is one that does nothing."""
    from training.compose import BackgroundBank
    from training.corpus import FigureStore
    from training.latents import LatentSet, shoot
    from training.models import build_controlnet
    from training.train_adapters import load_references
    from training.train_autoencoder import trained_vae
    from training.train_controlnet import trained_model

    data, vae = LatentSet(work), trained_vae(preset, work)
    vae.register_to_config(scaling_factor=round(data.scaling_factor(), 5))
    model, _ = trained_model(preset, work, "cpu")
    load_references(model, work)
    controlnet = build_controlnet(preset, model.unet)
    if (work / "controlnet.pt").exists():
        state = torch.load(work / "controlnet.pt", map_location="cpu", weights_only=True)["states"]["ema"]
        controlnet.load_state_dict(state)
    store = FigureStore(work / "corpus" / f"figures{preset.px}.npy", preset.px)
    bank = BackgroundBank(preset.px, cache=work / f"grounds{preset.px}.npy")
    chosen = list(range(0, len(data), max(1, len(data) // 256)))[:256]
    pictures = shoot([data.shots[i] for i in chosen], store, bank, "cpu")
    latents = data.latents[chosen].float() * vae.config.scaling_factor
    shutil.copytree(work / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    export(preset, folder, vae, model, controlnet, preview_factors(latents, pictures))
    curves = {name: work / f"{name}.jsonl" for name in TRAINED}
    history = {name: last_line(curve) for name, curve in curves.items() if curve.exists()}
    (folder / HISTORY).write_text(json.dumps(history, indent=1) + "\n")
