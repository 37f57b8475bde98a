"""Take up an exported model, so that the stages go on from it where their own checkpoints are not at hand.

Writes a checkpoint for each stage whose weights the folder holds and that has none yet. Such a stage then
trains its minutes anew, from half its learning rate, on top of what the weights have seen (`training.json`).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from training.card import HISTORY
from training.descent import Descent, Schedule
from training.models import ADAPTERS, Adapters, PortraitModel, adapter_parts
from training.presets import Preset
from training.train_encoder import Sight


def part(kind: Any, folder: Path, name: str) -> Any:
    """A part of the exported folder, in float32."""
    return kind.from_pretrained(folder / name, dtype=torch.float32, local_files_only=True)


def read_model(preset: Preset, folder: Path, work: Path) -> PortraitModel:
    """The network, both encoders and both adapters of an exported folder, as the stages train them."""
    words, ours = folder / "tokenizer", work / "tokenizer"
    if not ours.exists():
        shutil.copytree(words, ours)
    if (ours / "vocab.json").read_text() != (words / "vocab.json").read_text():
        raise ValueError(f"{ours} is not the tokenizer that {folder} was trained with: delete it")
    model = PortraitModel(preset, CLIPTokenizer.from_pretrained(ours, local_files_only=True))
    network = part(UNet2DConditionModel, folder, "unet").state_dict()
    missing, unexpected = model.unet.load_state_dict(network, strict=False)
    if unexpected or any("processor" not in k and not k.startswith("encoder_hid_proj") for k in missing):
        raise ValueError(f"the network in {folder} has another shape than preset {preset.name} makes")
    model.text_encoder = part(CLIPTextModel, folder, "text_encoder")
    model.image_encoder = part(CLIPVisionModelWithProjection, folder, "image_encoder")
    for i, name in enumerate(ADAPTERS):
        state = load_file(folder / "ip_adapter" / f"{name}.safetensors")
        for key, tensor in adapter_parts(model.unet, i).items():
            tensor.data.copy_(state[key])
    return model


def adopt(preset: Preset, folder: Path, work: Path) -> None:
    """Write `autoencoder.pt`, `unet.pt`, `encoder.pt`, `adapters.pt` and `controlnet.pt` under `work`."""
    work.mkdir(parents=True, exist_ok=True)
    model = read_model(preset, folder, work)
    stages: dict[str, tuple[torch.nn.Module, Schedule]] = {
        "autoencoder": (part(AutoencoderKL, folder, "vae"), preset.autoencoder),
        "unet": (model, preset.unet),
        "encoder": (Sight(model.image_encoder), preset.encoder),
        "adapters": (Adapters(model), preset.adapters),
        "controlnet": (part(ControlNetModel, folder, "controlnet"), preset.controlnet),
    }
    history: dict[str, dict[str, Any]] = json.loads((folder / HISTORY).read_text())
    for name, (module, schedule) in stages.items():
        if (work / f"{name}.pt").exists():
            continue
        seen = history.get(name, {"step": 0, "seconds": 0.0})
        descent = Descent(name, module, schedule, work, preset)
        descent.budget.begin_leg(seen["step"], seen["seconds"])
        descent.checkpoint.save(seen["step"])
        if name in history:
            (work / f"{name}.jsonl").write_text(json.dumps(seen) + "\n")
