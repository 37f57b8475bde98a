"""Small LoRAs for tiny models, written by diffusers' own save from adapters that peft made."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def make(model: Path, path: Path, *, seed: int = 0, words: bool = False, sign: float = 1.0) -> Path:
    """A LoRA for the denoiser of the diffusers folder `model`; `words`: for its text encoder, too.

    `sign` -1 makes the one that takes the other back.
    """
    import torch

    pipeline = _pipeline(model)
    name = "unet" if hasattr(pipeline, "unet") else "transformer"
    torch.manual_seed(seed)
    layers = {f"{name}_lora_layers": _layers(getattr(pipeline, name), ["to_q", "to_v"], sign)}
    if words:
        layers["text_encoder_lora_layers"] = _layers(pipeline.text_encoder, ["q_proj", "v_proj"], sign)
    path.parent.mkdir(parents=True, exist_ok=True)
    type(pipeline).save_lora_weights(path.parent, weight_name=path.name, **layers)
    return path


def _pipeline(model: Path) -> Any:
    from diffusers import DiffusionPipeline, Flux3DistilledModularPipeline

    if (model / "model_index.json").exists():
        return DiffusionPipeline.from_pretrained(model)
    pipeline = Flux3DistilledModularPipeline.from_pretrained(model)
    pipeline.load_components(names=["transformer"])
    return pipeline


def _layers(network: Any, targets: list[str], sign: float) -> dict[str, Any]:
    from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model

    config = LoraConfig(r=2, lora_alpha=2, target_modules=targets, init_lora_weights=False)
    inject_adapter_in_model(config, network)
    state = {key: tensor * 3 for key, tensor in get_peft_model_state_dict(network).items()}
    return {key: tensor * sign if "lora_B" in key else tensor for key, tensor in state.items()}
