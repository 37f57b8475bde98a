"""As `comfy_graphs`: drawn graphs without an executed one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.studio.comfy_nodes import FULL, INK, NEGATIVE, PROMPT, Expected, inked

Drawn = dict[str, Any]
BYPASSED, MUTED = 4, 2
NAMES: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
}
KINDS = {
    "model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "latent_image": "LATENT",
        "samples": "LATENT",
    "clip": "CLIP", "vae": "VAE", "images": "IMAGE", "conditioning": "CONDITIONING",
}  # fmt: skip
OUTPUTS: dict[str, tuple[str, ...]] = {
    "KSampler": ("LATENT",), "CLIPTextEncode": ("CONDITIONING",), "CheckpointLoaderSimple": ("MODEL",
        "CLIP", "VAE"),
    "EmptyLatentImage": ("LATENT",), "LoraLoader": ("MODEL", "CLIP"), "VAEDecode": ("IMAGE",),
        "ConditioningZeroOut": ("CONDITIONING",),
}  # fmt: skip


def node(key: int, kind: str, *values: Any, mode: int = 0, **links: str | None) -> Drawn:
    """A drawn node. `links`: input → `"node"` or `"node#output"`; None for an input that is open."""
    slots = [
        {"name": n.rstrip("_"), "type": KINDS.get(n, "*"), "link": to,
            **({"widget": {"name": n}} if n in NAMES.get(kind, ()) else {})}
        for n, to in links.items()
    ]  # fmt: skip
    outputs = [{"name": each, "type": each} for each in OUTPUTS.get(kind, ())]
    return {
        "id": key,
        "type": kind,
        "mode": mode,
        "inputs": slots,
        "outputs": outputs,
        "widgets_values": list(values),
    }


def drawing(*nodes: Drawn, **more: Any) -> Drawn:
    """The whole drawing; gives the links their numbers."""
    return {"nodes": _numbered(nodes, links := []), "links": links, "version": 0.4, **more}


def _numbered(
    nodes: Sequence[Drawn], links: list[Any], start: int = 100, *, objects: bool = False
) -> list[Drawn]:
    kinds = {str(each["id"]): [o["type"] for o in each["outputs"]] for each in nodes}
    done = []
    for each in nodes:
        slots = []
        for at, slot in enumerate(each["inputs"]):
            number = None
            if slot["link"] is not None:
                origin, _, output = slot["link"].partition("#")
                given = kinds.get(origin, [])
                carried = given[int(output or 0)] if int(output or 0) < len(given) else slot["type"]
                number = start + len(links)
                parts = [number, int(origin), int(output or 0), each["id"], at, carried]
                names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
                links.append(dict(zip(names, parts, strict=True)) if objects else parts)
            slots.append({**slot, "link": number})
        done.append({**each, "inputs": slots})
    return done


def subgraph(
    key: str, ports: Sequence[str], outputs: Sequence[str], *nodes: Drawn, ends: Sequence[str] = ()
) -> Drawn:
    """A definition; inside, `-10#n` is its input number n, and `ends` are what its outputs come from."""
    links: list[Any] = []
    inner = _numbered(nodes, links, 500, objects=True)
    for at, end in enumerate(ends):
        origin, _, output = end.partition("#")
        links.append(
            {"id": 900 + at, "origin_id": int(origin), "origin_slot": int(output or 0), "target_id": -20,
                "target_slot": at, "type": outputs[at]}
        )  # fmt: skip
    return {
        "id": key, "name": key, "nodes": inner, "links": links, "inputs": [{"name": each,
            "type": "*"} for each in ports],
        "outputs": [{"name": each, "type": each} for each in outputs], "inputNode": {"id": -10},
            "outputNode": {"id": -20},
    }  # fmt: skip


def checkpoint(name: str = "base.safetensors", key: int = 1) -> Drawn:
    return node(key, "CheckpointLoaderSimple", name)


def text(key: int, words: str, clip: str | None = "1#1", **links: str | None) -> Drawn:
    return node(key, "CLIPTextEncode", words, clip=clip, **links)


def sampler(key: int = 5, *, seed: int = 77, mode: int = 0, **links: str | None) -> Drawn:
    given: dict[str, str | None] = {
        "model": "1",
        "positive": "2",
        "negative": "3",
        "latent_image": "4",
        **links,
    }
    return node(key, "KSampler", seed, "randomize", 22, 6.5, "euler", "normal", 1, mode=mode, **given)


def plain(*more: Drawn) -> list[Drawn]:
    """Nodes of a plain drawing; those of `more` stand in for the ones of their number."""
    nodes = [
        checkpoint(), text(2, PROMPT), text(3, NEGATIVE), node(4, "EmptyLatentImage", 832, 1216, 1),
            sampler(),
        node(6, "VAEDecode", samples="5", vae="1#2"), node(7, "SaveImage", "x", images="6"),
    ]  # fmt: skip
    by_key = {each["id"]: each for each in (*nodes, *more)}
    return list(by_key.values())


def lora(key: int, name: tuple[str, float], model: str = "1", mode: int = 0, clip: str = "1#1") -> Drawn:
    return node(key, "LoraLoader", name[0], name[1], 1.0, mode=mode, model=model, clip=clip)


def named(each: Drawn) -> Drawn:
    """As newer editors save it: every field is among the inputs."""
    linked = {slot["name"] for slot in each["inputs"]}
    fields = [
        {"name": n, "type": "*", "link": None, "widget": {"name": n}}
        for n in NAMES.get(each["type"], ())
        if n not in linked
    ]
    return {**each, "inputs": [*each["inputs"], *fields]}


def instance(key: int, kind: str, values: Sequence[Any], proxies: Sequence[tuple[str, str]] | None = None,
             mode: int = 0, fields: Sequence[str] = (), outputs: Sequence[str] = ("IMAGE",),
                 **links: str | None) -> Drawn:  # fmt: skip
    made = node(key, kind, *values, mode=mode, **links)
    made["inputs"] += [{"name": name, "type": "*", "link": None, "widget": {"name": name}} for name in fields]
    made["outputs"] = [{"name": each, "type": each} for each in outputs]
    made["properties"] = {} if proxies is None else {"proxyWidgets": [list(each) for each in proxies]}
    return made


MADE = subgraph(
    "made", ("words", "width", "seed", "ckpt"), ("IMAGE",),
    {**checkpoint("inner.safetensors"), "inputs": [{"name": "ckpt_name", "type": "COMBO", "link": "-10#3",
        "widget": {"name": "ckpt_name"}}]},
    text(2, "inner words", text="-10#0"), text(3, NEGATIVE), node(4, "EmptyLatentImage", 512, 1216, 1,
        width="-10#1"),
    node(5, "KSampler", 1, "fixed", 22, 6.5, "euler", "normal", 1, model="1", positive="2", negative="3",
        latent_image="4", seed="-10#2"),
    node(6, "VAEDecode", samples="5", vae="1#2"), ends=("6",),
)  # fmt: skip
PROXIES = (("-1", "words"), ("-1", "width"), ("-1", "seed"), ("5", "control_after_generate"), ("-1", "ckpt"))
TYPED = (PROMPT, 832, 77, None, "base.safetensors")
NESTED = subgraph(
    "nested", ("words",), ("IMAGE",), instance(20, "made", TYPED, PROXIES, words="-10#0"), ends=("20",),
)  # fmt: skip
STYLED = subgraph("styled", ("model",), ("MODEL",), lora(2, INK, "-10#0", clip="-10#0"), ends=("2",))
SAVED = node(7, "SaveImage", "x", images="10")


def within(*subgraphs: Drawn) -> Drawn:
    return {"definitions": {"subgraphs": list(subgraphs)}}


CASES: dict[str, tuple[Drawn, Expected]] = {
    "plain": (drawing(*plain()), FULL),
    "plain, fields named": (drawing(*map(named, plain())), FULL),
    "a LoRA": (drawing(*plain(lora(8, INK), sampler(model="8"))), inked(INK)),
    "a LoRA that is bypassed": (drawing(*plain(lora(8, INK, mode=BYPASSED), sampler(model="8"))), FULL),
    "one of two that is bypassed": (
        drawing(*plain(lora(8, INK), lora(9, ("off", 1.0), "8", BYPASSED), sampler(model="9"))), inked(INK),
    ),
    "a second pass that is muted": (
        drawing(*plain(sampler(8, seed=5, mode=MUTED, latent_image="5"), node(9, "VAEDecode", mode=MUTED,
            samples="8", vae="1#2"),
                       node(10, "SaveImage", "y", mode=MUTED, images="9"))),
        FULL,
    ),
    "a second pass that is bypassed": (
        drawing(*plain(node(8, "KSampler", 5, "fixed", 9, 3.0, "euler", "normal", 1, mode=BYPASSED,
            model="1", positive="3", negative="3",
                            latent_image="5"), node(6, "VAEDecode", samples="8", vae="1#2"))),
        FULL,
    ),
    "a muted negative": (
        drawing(*plain({**text(3, NEGATIVE), "mode": MUTED})), {**FULL, "negative_prompt": ""},
    ),
    "reroutes": (drawing(*plain(node(8, "Reroute", _="1"), node(9, "Reroute", _="8"), sampler(model="9"))),
        FULL),
    "a primitive": (
        drawing(*plain(node(8, "PrimitiveNode", 77, "fixed"), node(9, "PrimitiveNode", PROMPT),
                       node(5, "KSampler", 1, "fixed", 22, 6.5, "euler", "normal", 1, model="1",
                           positive="2", negative="3", latent_image="4",
                            seed="8"), text(2, "old", text="9"))),
        FULL,
    ),
    "set and get": (
        drawing(*plain(node(8, "SetNode", "m", model="1"), node(9, "GetNode", "m"), node(10, "SetNode", "p",
            conditioning="2"),
                       node(11, "GetNode", "p"), sampler(model="9", positive="11"))),
        FULL,
    ),
    "anything everywhere": (
        drawing(*plain(node(8, "Anything Everywhere", anything="1"), node(9, "Anything Everywhere",
            anything="1#1"),
                       node(10, "Anything Everywhere", anything="1#2"), sampler(model=None), text(2, PROMPT,
                           None), text(3, NEGATIVE, None),
                       node(6, "VAEDecode", samples="5", vae=None))),
        FULL,
    ),
    "three things everywhere": (
        drawing(*plain(node(8, "Anything Everywhere3", anything="1", anything2="1#1", anything3="1#2"),
            sampler(model=None),
                       text(2, PROMPT, None), text(3, NEGATIVE, None))),
        FULL,
    ),
    "prompts everywhere": (
        drawing(*plain(node(8, "Prompts Everywhere", positive="2", negative="3"), sampler(positive=None,
            negative=None))), FULL,
    ),
    "a seed everywhere": (
        drawing(*plain(node(8, "Seed Everywhere", 77, "fixed"),
                       {**node(5, "SomeSampler", model="1", positive="2", negative="3", latent_image="4"),
                           "widgets_values": {"steps": 22, "cfg": 6.5},
                        "inputs": [*sampler()["inputs"], {"name": "seed", "type": "INT", "link": None}]})),
        FULL,
    ),
    "a subgraph, filled in from outside": (
        drawing(instance(10, "made", TYPED, PROXIES), SAVED, **within(MADE)), FULL,
    ),
    "a subgraph with fields of its own": (
        drawing(instance(10, "made", (PROMPT, 832, 77, "randomize", "base.safetensors"), fields=("words",
            "width", "seed", "ckpt")), SAVED,
                **within(MADE)),
        FULL,
    ),
    "a subgraph that is linked to": (
        drawing(instance(10, "made", TYPED, PROXIES, words="11"), node(11, "PrimitiveStringMultiline",
            PROMPT), SAVED, **within(MADE)), FULL,
    ),
    "a subgraph nobody filled in": (
        drawing(instance(10, "made", ()), SAVED, **within(MADE)),
        {**FULL, "prompt": "inner words", "width": 512, "seed": 1, "model": "inner.safetensors"},
    ),
    "a field inside that was set from outside": (
        drawing(instance(10, "made", (PROMPT, 832, 77, "base.safetensors", 31), (*PROXIES[:3], PROXIES[4],
            ("5", "steps"))), SAVED, **within(MADE)),
        {**FULL, "steps": 31},
    ),
    "a subgraph in a subgraph": (
        drawing(instance(10, "nested", (PROMPT,), (("-1", "words"),)), SAVED, **within(MADE, NESTED)), FULL,
    ),
    "a subgraph that gives the model": (
        drawing(*plain(instance(8, "loads", ("base.safetensors",), (("-1", "name"),), outputs=("MODEL",
            "CLIP")), sampler(model="8"),
                       text(2, PROMPT, "8#1")),
                **within(subgraph("loads", ("name",), ("MODEL", "CLIP"),
                                  {**checkpoint("x.safetensors"), "inputs": [{"name": "ckpt_name",
                                      "type": "COMBO", "link": "-10#0", "widget": {"name": "ckpt_name"}}]},
                                  lora(2, INK), ends=("2", "2#1")))),
        inked(INK),
    ),
    "a subgraph on the way": (
        drawing(*plain(instance(8, "styled", (), outputs=("MODEL",), model="1"), sampler(model="8")),
            **within(STYLED)), inked(INK),
    ),
    "a subgraph that is bypassed": (
        drawing(*plain(instance(8, "styled", (), outputs=("MODEL",), mode=BYPASSED, model="1"),
            sampler(model="8")), **within(STYLED)), FULL,
    ),
    "a subgraph that is used twice": (
        drawing(instance(10, "made", TYPED, PROXIES), instance(11, "made", ("other", 64, 1, None,
            "o.safetensors"), PROXIES, mode=MUTED), SAVED,
                **within(MADE)),
        FULL,
    ),
    "power lora loader": (
        drawing(*plain(node(8, "Power Lora Loader (rgthree)", {}, {"type": "header"}, {"on": True,
            "lora": INK[0], "strength": INK[1]},
                            {"on": False, "lora": "off", "strength": 1}, {}, "", model="1", clip="1#1"),
                                sampler(model="8"))),
        inked(INK),
    ),
    "a lora stack": (
        drawing(*plain(node(8, "CR LoRA Stack", "On", INK[0], INK[1], 1.0, "Off", "off", 1.0, 1.0, "Off",
            "None", 1.0, 1.0),
                       node(9, "CR Apply LoRA Stack", model="1", lora_stack="8"), sampler(model="9"))),
        inked(INK),
    ),
    "a text of a node nobody knows": (
        drawing(*plain({**node(8, "Fancy Text", PROMPT, "auto"), "outputs": [{"name": "S",
            "type": "STRING"}]}, text(2, "", text="8"))), FULL,
    ),
    "a loader nobody knows": (
        drawing(*plain({**node(1, "Fancy Loader", "auto", "base.safetensors"),
            "outputs": [{"type": t} for t in ("MODEL", "CLIP", "VAE")]})), FULL,
    ),
    "a loader of a folder": (
        drawing(*plain({**node(1, "Fancy DiT Loader", "base", 0, "auto"),
                        "outputs": [{"type": t} for t in ("MODEL", "CLIP", "VAE")]})),
        {**FULL, "model": "base"},
    ),
    "a file of something else on the way": (
        drawing(*plain({**node(8, "FaceLoader", "face.safetensors", model="1"),
                        "outputs": [{"type": "MODEL"}]},
                       sampler(model="8"))),
        FULL,
    ),
    "a mark between conditions is no text": (
        drawing(*plain({**node(8, "StyleApply", 1.0, "multiply", conditioning="2"),
                        "outputs": [{"type": "CONDITIONING"}]}, sampler(positive="8"))),
        FULL,
    ),
    "a sampler nobody knows": (
        drawing(*plain(node(5, "FancySampler", "fast", 77, "fixed", 22, 6.5, "euler", "normal", 0.9, 3,
            model="1",
                            positive="2", negative="3", latent_image="4"))),
        {**FULL, "sampler": "euler", "strength": 0.9},
    ),
    "easy nodes": (
        drawing(node(1, "easy a1111Loader", "base.safetensors", "Baked VAE", -1, INK[0], INK[1], 1,
            "832 x 1216", 832,
                     1216, PROMPT, NEGATIVE, 1),
                node(2, "easy preSampling", 22, 6.5, "euler", "normal", 1, 77, "fixed", pipe="1"),
                node(3, "easy kSampler", "Preview", 0, "x", pipe="2"), node(7, "SaveImage", "x",
                    images="3#1")),
        inked(INK),
    ),
    "an advanced sampler": (
        drawing(*plain(node(5, "KSamplerAdvanced", "enable", 77, "fixed", 22, 6.5, "euler", "normal", 0,
            10000, "disable", model="1", positive="2",
                            negative="3", latent_image="4"))),
        FULL,
    ),
    "a sampler put together": (
        drawing(*plain(node(5, "SamplerCustomAdvanced", noise="20", guider="21", sampler="22", sigmas="23",
            latent_image="4"),
                       node(20, "RandomNoise", 77, "fixed"), node(21, "CFGGuider", 6.5, model="1",
                           positive="2", negative="3"),
                       node(22, "KSamplerSelect", "euler"), node(23, "BasicScheduler", "simple", 22, 1.0,
                           model="1"))),
        FULL,
    ),
    "a negative that is zeroed": (
        drawing(*plain(node(8, "ConditioningZeroOut", conditioning="2"), sampler(negative="8"))), {**FULL,
            "negative_prompt": ""},
    ),
    "a switch": (
        drawing(*plain(node(8, "ComfySwitchNode", False, on_false="2", on_true="3"),
            sampler(positive="8"))), FULL,
    ),
    "efficient loader": (
        drawing(node(1, "Efficient Loader", "base.safetensors", "Baked VAE", -1, INK[0], INK[1], 1.0,
            PROMPT, NEGATIVE, "none", "comfy", 832, 1216, 1),
                node(5, "KSampler (Efficient)", 77, None, 22, 6.5, "euler", "normal", 1, "auto", "true",
                    model="1", positive="1#1", negative="1#2",
                     latent_image="1#3"), node(7, "SaveImage", "x", images="5#5")),
        inked(INK),
    ),
}  # fmt: skip
