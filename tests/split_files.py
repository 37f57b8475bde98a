"""Models as ComfyUI and Forge keep them: the network, its text encoders and its VAE in files of their own.

A pipeline in diffusers' format is written anew under the names that its makers gave, in any kind of numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Tensors = dict[str, Any]
Numbers = Callable[[Tensors], Tensors]
PARTS = {"text_encoder": "text_encoders", "text_encoder_2": "text_encoders", "vae": "vae"}
"""Component → ComfyUI's folder."""


def write(folder: Path, root: Path, name: str, numbers: Numbers, *, gguf: bool = False) -> Path:
    """The model in diffusers' `folder` as files of ComfyUI's models folder `root`; where its network lies."""
    from safetensors.torch import save_file

    for part, place in PARTS.items():
        if (folder / part).is_dir():
            (root / place).mkdir(parents=True, exist_ok=True)
            tensors = component(folder / part)
            tensors = tensors if part == "vae" else numbers(tensors)  # nobody makes a VAE smaller
            save_file(tensors, root / place / f"{name}-{part}.safetensors")
    network = named_by_makers(component(folder / "transformer"))
    (root / "diffusion_models").mkdir(parents=True, exist_ok=True)
    at = root / "diffusion_models" / f"{name}.{'gguf' if gguf else 'safetensors'}"
    if gguf:
        write_gguf(network, at)
    else:
        save_file(numbers(network), at)
    return at


def component(folder: Path) -> Tensors:
    """All tensors of a component in diffusers' format."""
    found: Tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= read(path)
    return found


def read(path: Path) -> Tensors:
    """All tensors of a file, which may be written anew."""
    from safetensors.torch import load

    return load(path.read_bytes())


def named_by_makers(tensors: Tensors) -> Tensors:
    """Z-Image and FLUX.2 as they came.

    Qwen-Image came with diffusers' names, and FLUX.1 is passed around with them, too: diffusers reads its
    makers' at its own width alone, which is no tiny model's.
    """
    if "cap_embedder.0.weight" in tensors:
        return _z_image(tensors)
    return _flux2(tensors) if "single_stream_modulation.linear.weight" in tensors else tensors


_FLUX2 = (
    (r"^x_embedder", "img_in"),
    (r"^context_embedder", "txt_in"),
    (r"^time_guidance_embed\.timestep_embedder\.linear_1", "time_in.in_layer"),
    (r"^time_guidance_embed\.timestep_embedder\.linear_2", "time_in.out_layer"),
    (r"_modulation(_img|_txt)?\.linear", r"_modulation\1.lin"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
    (r"^proj_out", "final_layer.linear"),
    (r"^single_transformer_blocks", "single_blocks"),
    (r"^transformer_blocks", "double_blocks"),
    (r"attn\.to_qkv_mlp_proj", "linear1"),
    (r"^(single_blocks\.\d+)\.attn\.to_out", r"\1.linear2"),
    (r"^(single_blocks\.\d+)\.attn\.norm_q", r"\1.norm.query_norm"),
    (r"^(single_blocks\.\d+)\.attn\.norm_k", r"\1.norm.key_norm"),
    (r"attn\.norm_added_q", "txt_attn.norm.query_norm"),
    (r"attn\.norm_added_k", "txt_attn.norm.key_norm"),
    (r"attn\.norm_q", "img_attn.norm.query_norm"),
    (r"attn\.norm_k", "img_attn.norm.key_norm"),
    (r"attn\.to_out\.0", "img_attn.proj"),
    (r"attn\.to_add_out", "txt_attn.proj"),
    (r"ff_context\.linear_in", "txt_mlp.0"),
    (r"ff_context\.linear_out", "txt_mlp.2"),
    (r"ff\.linear_in", "img_mlp.0"),
    (r"ff\.linear_out", "img_mlp.2"),
    (r"(norm\.(?:query|key)_norm)\.weight", r"\1.scale"),
)
"""diffusers' names → those of FLUX.2's makers, one after the other."""


def _flux2(tensors: Tensors) -> Tensors:
    import torch

    made: Tensors = {}
    for name, tensor in tensors.items():
        new = name
        for pattern, words in _FLUX2:
            new = re.sub(pattern, words, new)
        if new.startswith("final_layer.adaLN"):  # scale and shift the other way round
            made[new] = torch.cat(tensor.chunk(2)[::-1])
        elif match := re.search(r"attn\.(to_q|add_q_proj)\.", new):
            three = [tensors[name.replace(match[1], match[1].replace("q", part))] for part in "qkv"]
            stream = "img" if match[1] == "to_q" else "txt"
            made[new.replace(match[0], f"{stream}_attn.qkv.")] = torch.cat(three)
        elif not re.search(r"attn\.(to_[kv]|add_[kv]_proj)\.", new):
            made[new] = tensor
    return made


def _z_image(tensors: Tensors) -> Tensors:
    import torch

    made: Tensors = {}
    for name, tensor in tensors.items():
        new = name.replace("all_final_layer.2-1.", "final_layer.").replace(
            "all_x_embedder.2-1.", "x_embedder."
        )
        new = new.replace(".attention.to_out.0.", ".attention.out.")
        new = re.sub(r"\.attention\.norm_([qk])\.", r".attention.\1_norm.", new)
        if ".attention.to_q." in new:
            three = [tensors[name.replace(".to_q.", f".to_{part}.")] for part in "qkv"]
            made[new.replace(".to_q.", ".qkv.")] = torch.cat(three)
        elif ".attention.to_k." not in new and ".attention.to_v." not in new:
            made[new] = tensor
    return made


def plainly(dtype: str) -> Numbers:
    """All numbers in one kind of torch's."""

    def convert(tensors: Tensors) -> Tensors:
        import torch

        kind = getattr(torch, dtype)
        return {name: tensor.to(kind).contiguous() for name, tensor in tensors.items()}

    return convert


def fp8_scaled(end: str, marker: str | None = None) -> Numbers:
    """Matrices in 8 bits with a number beside each by which they are multiplied; all else in bf16."""

    def convert(tensors: Tensors) -> Tensors:
        import torch

        made: Tensors = {} if marker is None else {marker: torch.zeros(2, dtype=torch.float8_e4m3fn)}
        for name, tensor in tensors.items():
            if tensor.ndim == 2 and name.endswith(".weight") and "embed" not in name:
                scale = tensor.float().abs().max().clamp(min=1e-6) / 448
                made[name] = (tensor.float() / scale).to(torch.float8_e4m3fn)
                made[name.removesuffix(".weight") + end] = scale.clone()
            else:
                made[name] = tensor.to(torch.bfloat16).contiguous()
        return made

    return convert


def write_gguf(tensors: Tensors, path: Path) -> None:
    """Matrices whose rows allow it as Q8_0, all else in 32 bits."""
    import gguf

    writer = gguf.GGUFWriter(path, arch="test")
    for name, tensor in tensors.items():
        numbers = tensor.float().numpy()
        kind = gguf.GGMLQuantizationType.F32
        if numbers.ndim == 2 and numbers.shape[1] % 32 == 0 and name.endswith(".weight"):
            kind = gguf.GGMLQuantizationType.Q8_0
            numbers = gguf.quants.quantize(numbers, kind)
        writer.add_tensor(name, numbers, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def cached(cache: Path, repo: str, folders: Mapping[str, Path]) -> None:
    """Components of a repository as the hub's client keeps them. `folders`: component → where it is now."""
    import shutil

    place = cache / ("models--" + repo.replace("/", "--"))
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / "main").write_text("a" * 40, "utf-8")
    for component, folder in folders.items():
        shutil.copytree(folder, place / "snapshots" / ("a" * 40) / component, dirs_exist_ok=True)


def index_of(folder: Path) -> dict[str, Any]:
    """Of a model in diffusers' format."""
    return json.loads((folder / "model_index.json").read_text("utf-8"))
