"""Picture files as other tools write them, made here by each tool's documented layout."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from tests.studio import comfy_drawn
from tests.studio.fixtures import encoded, noise

A1111 = (
    "a portrait of Ana, <lora:oil_paint:0.7> red hair\nsecond line\n"
    "Negative prompt: blurry, hands\n"
    "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 512x768, "
    "Model hash: abc123, Model: tiny, Denoising strength: 0.55, Clip skip: 2, "
    'Lora hashes: "oil_paint: 99aa", Version: v1.10.1'
)
FORGE = (
    "a fox\nSteps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, "
    "Seed: 7, Size: 896x1152, Model: flux1-dev, Version: f2.0.1v1.10.1"
)
GRAPH: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42,
            "steps": 30,
            "cfg": 7.5,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["10", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub/dream.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 832, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {
            "lora_name": "ink.safetensors",
            "strength_model": 0.6,
            "strength_clip": 1,
            "model": ["4", 0],
        },
    },
}
FLUX_GRAPH: dict[str, Any] = {
    "1": {"class_type": "RandomNoise", "inputs": {"noise_seed": 99}},
    "2": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "3": {
        "class_type": "BasicScheduler",
        "inputs": {"scheduler": "simple", "steps": 8, "denoise": 1.0, "model": ["4", 0]},
    },
    "4": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors"}},
    "5": {"class_type": "BasicGuider", "inputs": {"model": ["4", 0], "conditioning": ["6", 0]}},
    "6": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.0, "conditioning": ["7", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0]}},
    "8": {"class_type": "PrimitiveString", "inputs": {"value": "a lighthouse"}},
    "9": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": ["1", 0],
            "guider": ["5", 0],
            "sampler": ["2", 0],
            "sigmas": ["3", 0],
            "latent_image": ["10", 0],
        },
    },
    "10": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
    "11": {"class_type": "SaveImage", "inputs": {"images": ["9", 0]}},
}
WORKFLOW: dict[str, Any] = {
    "nodes": [
        {
            "id": 3,
            "type": "KSampler",
            "widgets_values": [42, "randomize", 30, 7.5, "euler", "normal", 1],
            "inputs": [
                {"name": "model", "link": 1},
                {"name": "positive", "link": 2},
                {"name": "negative", "link": 3},
                {"name": "latent_image", "link": 4},
            ],
        },
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["dream.safetensors"], "inputs": []},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [640, 832, 1]},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a castle"], "inputs": []},
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["fog"], "inputs": []},
        {"id": 9, "type": "SaveImage", "widgets_values": ["x"], "inputs": [{"name": "images", "link": 5}]},
    ],
    "links": [
        [1, 4, 0, 3, 0, "MODEL"],
        [2, 6, 0, 3, 1, "CONDITIONING"],
        [3, 7, 0, 3, 2, "CONDITIONING"],
        [4, 5, 0, 3, 3, "LATENT"],
        [5, 3, 0, 9, 0, "IMAGE"],
    ],
}
INVOKE_3 = {
    "generation_mode": "txt2img",
    "positive_prompt": "a harbour",
    "negative_prompt": "rain",
    "width": 768,
    "height": 512,
    "seed": 5,
    "cfg_scale": 5.5,
    "steps": 28,
    "scheduler": "dpmpp_2m",
    "strength": 0.4,
    "model": {"key": "k", "hash": "h", "name": "Juggernaut", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"name": "grain"}, "weight": 0.3}],
    "app_version": "5.6.0",
}
INVOKE_2 = {
    "model": "stable diffusion",
    "model_weights": "sd15",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "a mill [snow]", "weight": 1.0}],
        "steps": 50,
        "cfg_scale": 7.5,
        "seed": 11,
        "width": 512,
        "height": 512,
        "sampler": "k_lms",
        "type": "txt2img",
    },
}
DREAM = '"a mill [snow]" -s 50 -S 11 -W 512 -H 448 -C 7.5 -A k_lms -f 0.75'
NOVELAI = {
    "prompt": "1girl, solo",
    "steps": 28,
    "height": 1216,
    "width": 832,
    "scale": 5.0,
    "seed": 3141,
    "uc": "lowres",
    "sampler": "k_euler_ancestral",
    "strength": 0.7,
    "noise_schedule": "karras",
}
FOOOCUS = {
    "prompt": "a tower",
    "negative_prompt": "text",
    "steps": 30,
    "guidance_scale": 4.0,
    "sharpness": 2.0,
    "resolution": "(896, 1152)",
    "base_model": "juggernautXL.safetensors",
    "base_model_hash": "aa",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "77",
    "performance": "Speed",
    "loras": [["offset.safetensors", 0.1, "bb"]],
    "metadata_scheme": "fooocus",
    "version": "Fooocus v2.5.5",
}
SWARM = {
    "sui_image_params": {
        "prompt": "a bridge",
        "negativeprompt": "cars",
        "model": "OfficialStableDiffusion/sd_xl",
        "seed": 2042,
        "steps": 22,
        "cfgscale": 6.0,
        "width": 1024,
        "height": 768,
        "sampler": "euler",
        "scheduler": "normal",
        "initimagecreativity": 0.6,
        "loras": ["film"],
        "loraweights": ["0.8"],
        "swarm_version": "0.9.6",
    },
    "sui_extra_data": {"date": "2026-01-02", "generation_time": "3 sec"},
}
DRAW_THINGS = {
    "c": "a garden",
    "uc": "people",
    "model": "flux_1_dev_q8p.ckpt",
    "sampler": "Euler A Trailing",
    "scale": 3.5,
    "seed": 606,
    "size": "1024x832",
    "steps": 12,
    "strength": 1,
    "lora": [{"model": "haze", "weight": 0.5}],
    "seed_mode": "Scale Alike",
    "v2": {"hiresFix": False},
}


def png(*, compressed: bool = False, **texts: str) -> bytes:
    """A PNG with these texts; `_` in a name stands for itself, `__` for a minus sign."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name.replace("__", "-"), text, zip=compressed)
    return encoded(noise(), pnginfo=info)


def exif(comment: bytes | None = None, **tags: str) -> bytes:
    """An EXIF block with a UserComment and other tags by name."""
    block = Image.Exif()
    for name, text in tags.items():
        block[ExifTags.Base[name]] = text
    if comment is not None:
        block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return block.tobytes()


def unicode_comment(text: str, codec: str = "utf-16-be") -> bytes:
    """A UserComment as most tools write it."""
    return b"UNICODE\0" + text.encode(codec)


def with_exif(kind: str, block: bytes) -> bytes:
    """A JPEG, WebP or PNG with an EXIF block."""
    return encoded(noise(), kind, exif=block)


def draw_things_xmp(said: dict[str, Any] | None = None) -> str:
    """Its XMP packet."""
    text = escape(json.dumps(DRAW_THINGS if said is None else said))
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/">'
        "<xmp:CreatorTool>Draw Things</xmp:CreatorTool>"
        f'<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt>'
        "</exif:UserComment>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def xmp_png(packet: str) -> bytes:
    """A PNG with an XMP packet."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    return encoded(noise(), pnginfo=info)


def novelai_texts(said: dict[str, Any] | None = None) -> dict[str, str]:
    """Its PNG texts."""
    return {
        "Title": "AI generated image",
        "Description": "1girl, solo",
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V3 AAAA",
        "Comment": json.dumps(NOVELAI if said is None else said),
    }


def stealth(text: str, *, packed: bool = True, channels: str = "A", bits_said: int | None = None) -> bytes:
    """A PNG whose lowest bits hold a text, column by column; `bits_said`: another length than it has."""
    body = gzip.compress(text.encode()) if packed else text.encode()
    kind = ("png" if channels == "A" else "rgb") + ("comp" if packed else "info")
    said = len(body) * 8 if bits_said is None else bits_said
    stream = f"stealth_{kind}".encode() + struct.pack(">I", said) + body
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))
    width, height = 160, 160
    pixels = np.full((height, width, 4), 254, np.uint8)
    planes = [3] if channels == "A" else [0, 1, 2]
    flat = pixels[:, :, planes].transpose(1, 0, 2).reshape(-1).copy()
    flat[: len(bits)] = (flat[: len(bits)] & 0xFE) | bits
    pixels[:, :, planes] = flat.reshape(width, height, len(planes)).transpose(1, 0, 2)
    return encoded(Image.fromarray(pixels, "RGBA"))


def chunk(kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    """One PNG chunk, with a wrong sum where one is given."""
    checked = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checked)


def with_chunks(*chunks: bytes) -> bytes:
    """A PNG with chunks right after its header."""
    plain = encoded(noise())
    return plain[:33] + b"".join(chunks) + plain[33:]


def everything() -> dict[str, bytes]:
    """One valid file of every kind, by name."""
    return {
        "a1111.png": png(parameters=A1111),
        "a1111-compressed.png": png(parameters=A1111, compressed=True),
        "a1111.jpg": with_exif("JPEG", exif(unicode_comment(A1111))),
        "a1111.webp": with_exif("WEBP", exif(unicode_comment(A1111, "utf-16-le"))),
        "forge.png": png(parameters=FORGE),
        "comfyui.png": png(prompt=json.dumps(GRAPH), workflow=json.dumps(WORKFLOW)),
        "comfyui-flux.png": png(prompt=json.dumps(FLUX_GRAPH)),
        "comfyui-workflow.png": png(workflow=json.dumps(WORKFLOW)),
        "comfyui-subgraph.png": png(workflow=json.dumps(comfy_drawn.CASES["a subgraph in a subgraph"][0])),
        "comfyui.webp": with_exif("WEBP", exif(Model="prompt:" + json.dumps(GRAPH))),
        "invokeai-3.png": png(invokeai_metadata=json.dumps(INVOKE_3)),
        "invokeai-2.png": png(sd__metadata=json.dumps(INVOKE_2)),
        "invokeai-1.png": png(Dream=DREAM),
        "novelai.png": png(**novelai_texts()),
        "novelai-stealth.png": stealth(json.dumps(novelai_texts())),
        "a1111-stealth.png": stealth(A1111, packed=False),
        "a1111-stealth-rgb.png": stealth(A1111, channels="RGB"),
        "fooocus.png": png(parameters=json.dumps(FOOOCUS), fooocus_scheme="fooocus"),
        "fooocus.jpg": with_exif("JPEG", exif(unicode_comment(json.dumps(FOOOCUS)))),
        "swarmui.png": png(parameters=json.dumps(SWARM)),
        "swarmui.jpg": with_exif("JPEG", exif(unicode_comment(json.dumps(SWARM), "utf-16-le"))),
        "draw-things.png": xmp_png(draw_things_xmp()),
        "draw-things.jpg": encoded(noise(), "JPEG", xmp=draw_things_xmp().encode()),
    }


def opened(data: bytes) -> Image.Image:
    """The decoded picture."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image
