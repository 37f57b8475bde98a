"""What a second try computes again: the studio's models beside bare diffusers, counted, not timed.

`python -m benchmarks.second_try` loads tiny models of every family twice, once as the studio does and once
without any memory, makes a picture, changes one thing, and counts what is computed for the changed one: texts
through text encoders, pictures through vision-language models, autoencoders and image encoders, and tokens of
references through the transformer. Every picture must be equal in each bit to one made with nothing
remembered, and to that of the stock pipeline called with words and pictures.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.planning.complete import complete
from pipelines.planning.plan import Plan, plan
from pipelines.request import GenerationRequest, Mode, Role
from pipelines.running import loading
from pipelines.running.contract import LoadSettings, RoleImage
from pipelines.running.families import load
from pipelines.running.families.call import accepts
from pipelines.running.remembered import ResultCache

SEED = 7
COUNTS = (1, 2, 4, 10)
SIDE = 64
PARTS = ("texts", "VL pictures", "VAE", "image encoder")
TOKENS = "reference tokens"
CALLS = (
    ("tiny", "smart_edit"), ("tiny", "character_reference"), ("tiny", "controlnet"), ("tiny", "inpaint"),
    ("tiny-sdxl", "character_reference"), ("tiny-sdxl", "img2img"),
    ("tiny-klein", "smart_edit"), ("tiny-klein", "img2img"), ("tiny-klein-base", "smart_edit"),
    ("tiny-klein-kv", "smart_edit"), ("tiny-dev", "smart_edit"), ("tiny-flux3", "smart_edit"),
    ("tiny-z-image", "img2img"), ("tiny-z-image", "controlnet"),
    ("tiny-flux1", "img2img"), ("tiny-flux1", "character_reference"),
    ("tiny-kontext", "smart_edit"), ("tiny-fill", "inpaint"),
    ("tiny-qwen-edit", "smart_edit"), ("tiny-qwen-image", "img2img"), ("tiny-qwen-whole", "smart_edit"),
    ("tiny-joyimage", "smart_edit"),
)  # fmt: skip
"""One call for each way in which a family looks at words and pictures."""

Change = Callable[[dict[str, Any]], dict[str, Any] | None]
"""A request's fields → those of the second try; None where there is nothing of the kind to change."""


def _swapped(fields: dict[str, Any]) -> dict[str, Any] | None:
    references = fields["references"]
    last = max(at for at, each in enumerate(references) if each.get("role") != "mask")
    return {
        "references": [*references[:last], {**references[last], "image_id": "other"}, *references[last + 1 :]]
    }


def _reordered(fields: dict[str, Any]) -> dict[str, Any] | None:
    references = fields["references"]
    if len(references) < 2 or references[1].get("role") == "mask":
        return None
    return {"references": [references[1], references[0], *references[2:]]}


def _reweighted(fields: dict[str, Any]) -> dict[str, Any] | None:
    return {"references": [{**fields["references"][0], "weight": 0.4}, *fields["references"][1:]]}


CHANGES: dict[str, Change] = {
    "same again": lambda fields: {},
    "new seed": lambda fields: {"seed": SEED + 1},
    "one word": lambda fields: {"prompt": "a hand"},
    "one reference": _swapped,
    "their order": _reordered,
    "a weight": _reweighted,
    "the size": lambda fields: {"height": SIDE + 32},
}


@dataclass
class Tried:
    """A second try: what it computed, what bare diffusers does, and whether all pictures were equal."""

    ours: Counter[str]
    bare: Counter[str]
    like_cold: bool
    like_bare: bool


@dataclass
class Rig:
    """The tiny models in `folder`, each with and without a memory, one model at a time."""

    folder: Path
    makers: dict[str, tuple[str, Callable[[Path], Path]]]
    catalog: Catalog = field(init=False)
    store: ResultCache = field(default_factory=ResultCache)
    _loaded: tuple[str, Any, Any] | None = None

    def __post_init__(self) -> None:
        entries = [entry.format(folder=self.folder / name) for name, (entry, _) in self.makers.items()]
        path = self.folder / "models.yaml"
        path.write_text("models:\n" + "".join(entries), encoding="utf-8")
        self.catalog = load_catalog(path)

    def models(self, name: str) -> tuple[Any, Any]:
        """(with memory, without)."""
        if self._loaded is None or self._loaded[0] != name:
            folder = self.folder / name
            if not folder.exists():
                self.makers[name][1](folder)
            self.store.clear()
            self._loaded = name, self._load(name, self.store), self._load(name, ResultCache(0))
        return self._loaded[1:]

    def _load(self, name: str, store: ResultCache) -> Any:
        spec = self.catalog.get(name)
        modes = frozenset(spec.modes)
        return load(spec, LoadSettings(self.folder / name, modes, "cpu", torch.float32, remembered=store))

    def fields(self, name: str, mode: str, references: int) -> dict[str, Any] | None:
        """The first try with so many references; None where the model takes fewer."""
        route = self.catalog.route(name, Mode(mode))
        masked = mode == "inpaint"
        most = 1 if masked else route.role_limit(route.roles[0])
        if references > most:
            return None
        given: list[dict[str, Any]] = [{"image_id": f"face{number}"} for number in range(references)]
        if masked:
            given.append({"image_id": "mask", "role": "mask"})
        negative = {"negative_prompt": "beard"} if route.negative_prompt else {}
        return {
            "model": name, "mode": mode, "prompt": "a face", "seed": SEED, "num_inference_steps": 2,
            "width": SIDE, "height": SIDE, "references": given, **negative,
            "result_size": "model", "keep": {"enabled": False},
        }  # fmt: skip

    def planned(self, fields: dict[str, Any]) -> tuple[Plan, list[RoleImage]]:
        """The plan of a request, and its pictures."""
        request = GenerationRequest.model_validate(fields)
        sizes = {each["image_id"]: (SIDE, SIDE) for each in fields["references"]}
        request = complete(request, self.catalog, sizes, lambda: SEED).request
        planned = plan(request, self.catalog.route(fields["model"], request.mode))
        images = [
            RoleImage(picture(image_id), role, weight, number)
            for number, (role, image_id, weight) in enumerate(planned.references, start=1)
        ]
        return planned, images


def picture(name: str) -> Image.Image:
    """A picture of its own for each name."""
    if name == "mask":
        return Image.fromarray(
            np.repeat([[0, 255]], SIDE // 2, axis=1).repeat(SIDE, 0).astype("uint8")
        ).convert("RGB")
    coarse = np.random.default_rng(list(name.encode())).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.NEAREST)


def tries(rig: Rig, name: str, mode: str, references: int) -> dict[str, Tried]:
    """Every second try of a call, by what changed."""
    first = rig.fields(name, mode, references)
    if first is None:
        return {}
    weighs = rig.catalog.route(name, Mode(mode)).reference_weights
    found = {}
    for label, change in CHANGES.items():
        changed = change(first)
        if changed is not None and (label != "a weight" or weighs):
            found[label] = _tried(rig, name, first, {**first, **changed})
    return found


def _tried(rig: Rig, name: str, first: dict[str, Any], second: dict[str, Any]) -> Tried:
    ours, bare = rig.models(name)
    rig.store.clear()
    _make(ours, *rig.planned(first))
    with counting(ours, second) as computed:
        warm = _make(ours, *rig.planned(second))
    rig.store.clear()
    cold = _make(ours, *rig.planned(second))
    call = _prepared(bare, *rig.planned(second))
    with counting(bare, second) as always:
        latents = _bare(call, *rig.planned(second))
    return Tried(computed, always, all(map(torch.equal, warm, cold)), torch.equal(warm[0], latents))


def _prepared(model: Any, planned: Plan, images: Sequence[RoleImage]) -> Any:
    return model.prepare(planned, images, lambda event: None)


def _make(model: Any, planned: Plan, images: Sequence[RoleImage]) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents and picture, as the runner makes them."""
    call = _prepared(model, planned, images)
    latents = call.denoise(planned.seeds[0], lambda step, of, latents: None)
    return latents, torch.from_numpy(np.array(call.decode(latents)))


@torch.no_grad()
def _bare(call: Any, planned: Plan, images: Sequence[RoleImage]) -> torch.Tensor:
    """Latents of the stock pipeline, asked with words and pictures as its documentation says."""
    told = {key: value for key, value in call.arguments.items() if "_embeds" not in key}
    told["prompt"] = planned.composed_prompt
    pipeline = call._pipeline
    embeds, length = call.arguments.get("prompt_embeds"), {}
    if isinstance(embeds, torch.Tensor) and accepts(pipeline, "max_sequence_length"):
        length = {"max_sequence_length": embeds.shape[1]}  # words are filled up to as many tokens
    if "negative_prompt_embeds" in call.arguments:
        if accepts(pipeline, "negative_prompt"):
            told["negative_prompt"] = planned.negative_prompt
        else:
            told["negative_prompt_embeds"] = pipeline.encode_prompt(planned.negative_prompt, **length)[0]
    if "ip_adapter_image_embeds" in call.arguments:
        told["ip_adapter_image"] = [image.image for image in images if image.role is not Role.MASK]
    generator = [torch.Generator("cpu").manual_seed(planned.seeds[0])]
    return pipeline(**{**length, **told}, generator=generator, return_dict=False)[0]


@contextmanager
def counting(model: Any, fields: dict[str, Any]) -> Iterator[Counter[str]]:
    """Counts what the networks of `model` compute meanwhile."""
    own = fields["width"] * fields["height"] // 256
    counted: Counter[str] = Counter()
    hooks = []
    for network in _networks(model):
        for part, module, count in _counters(network, own):

            def hook(
                _: Any, args: Any, kwargs: Any, part: str = part, count: Callable[..., int] = count
            ) -> None:
                counted[part] += count(*args, **kwargs)

            hooks.append(module.register_forward_pre_hook(hook, with_kwargs=True))
    try:
        yield counted
    finally:
        for each in hooks:
            each.remove()


def _networks(model: Any) -> list[Any]:
    found = [*model.components.values()]
    for stock in model._stock.values():
        found += stock.pipeline.components.values()
    return [*{id(each): each for each in found if isinstance(each, torch.nn.Module)}.values()]


def _counters(network: Any, own: int) -> Iterator[tuple[str, Any, Callable[..., int]]]:
    kind = type(network).__name__
    if "Autoencoder" in kind:
        yield "VAE", network.encoder, lambda pixels, *_, **__: len(pixels)
    elif "VisionModel" in kind:
        yield "image encoder", network, lambda pixels, *_, **__: len(pixels)
    elif "Transformer2D" in kind or "Transformer3D" in kind:
        yield TOKENS, network, lambda *args, **kwargs: _beyond(own, *args, **kwargs)
    elif not kind.startswith(("UNet", "ControlNet")) and "ControlNet" not in kind:
        yield "texts", network, lambda *_, **__: 1
        eyes = getattr(getattr(network, "model", None), "visual", None)
        if eyes is not None:
            yield "VL pictures", eyes, lambda *args, grid_thw=None, **__: len(grid_thw)


def _beyond(own: int, *args: Any, **kwargs: Any) -> int:
    """Tokens of pictures beyond those of the one that is made."""
    if (apart := kwargs.get("image_cond_hidden_states")) is not None:  # FLUX.3 keeps them by themselves
        return apart.shape[1]
    hidden = kwargs.get("hidden_states", args[0] if args else None)
    return max(0, hidden.shape[1] - own) if isinstance(hidden, torch.Tensor) and hidden.ndim != 4 else 0


def report(results: dict[tuple[str, str], dict[int, dict[str, Tried]]]) -> str:
    """A table: what bare diffusers computes at every try, and what the studio does after each change.

    Tokens of references stand by themselves: of bare diffusers, and of the same again in the studio.
    """
    lines = [f"| model, mode | N | bare diffusers, every try | {' | '.join(CHANGES)} | {TOKENS} |"]
    lines.append("|---" * (len(CHANGES) + 4) + "|")
    for (name, mode), by_count in results.items():
        whole = [counts for counts in by_count.values() if counts]
        numbers = "·".join(str(n) for n, counts in by_count.items() if counts)
        bare = _cell([each["same again"].bare for each in whole])
        cells = [
            _cell([each[label].ours for each in whole if label in each])
            if any(label in each for each in whole)
            else "–"
            for label in CHANGES
        ]
        cells.append(_tokens([each["same again"] for each in whole]))
        lines.append(f"| {name.removeprefix('tiny-')}, {mode} | {numbers} | {bare} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _tokens(tried: list[Tried]) -> str:
    bare, ours = (
        [counts[TOKENS] for counts in way] for way in zip(*((e.bare, e.ours) for e in tried), strict=True)
    )
    return f"{'·'.join(map(str, bare))} → {'·'.join(map(str, ours))}" if any(bare) else "–"


def _cell(counts: list[Counter[str]]) -> str:
    said = []
    for part in PARTS:
        numbers = [each[part] for each in counts]
        if any(numbers):
            same = len(set(numbers)) == 1
            said.append(f"{part} {numbers[0] if same else '·'.join(map(str, numbers))}")
    return ", ".join(said) or "0"


def unequal(results: dict[tuple[str, str], dict[int, dict[str, Tried]]]) -> list[str]:
    """The tries whose picture was another than without a memory, or than bare diffusers'."""
    return [
        f"{name} {mode}, {count} references, {label}: {which}"
        for (name, mode), by_count in results.items()
        for count, tried in by_count.items()
        for label, each in tried.items()
        for which, equal in (("cold", each.like_cold), ("bare", each.like_bare))
        if not equal
    ]


def tiny_rig(folder: Path) -> Rig:
    """The tiny models of the tests."""
    from diffusers.pipelines.joyimage import image_processor as joyimage
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus

    from tests import tiny_models
    from tests.pipelines.running.families.conftest import MAKERS

    pipeline_qwenimage_edit_plus.VAE_IMAGE_SIZE = pipeline_qwenimage_edit_plus.CONDITION_IMAGE_SIZE = (
        SIDE * SIDE
    )
    joyimage.BUCKETS[1024] = [(64, 64), (64, 128), (128, 64)]
    plain = tiny_models.MODELS_YAML.split("  - id: tiny-plain")[0].removeprefix("models:\n")
    entry = plain.replace("{{", "{{{{").replace("}}", "}}}}").format(source="{folder}")
    return Rig(folder, {"tiny": (entry, tiny_models.make_tiny_portrait_model), **MAKERS})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", help="only these")
    parser.add_argument("--references", nargs="*", type=int, default=COUNTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    loading.quieten_libraries()
    results = {}
    with tempfile.TemporaryDirectory(prefix="likeness-second-try-") as folder:
        rig = tiny_rig(Path(folder))
        for name, mode in CALLS:
            if options.models is None or name in options.models:
                results[name, mode] = {n: tries(rig, name, mode, n) for n in options.references}
    print(report(results))
    print(
        "\n".join(unequal(results))
        or "All pictures are equal in every bit, to cold ones and to bare diffusers'."
    )


if __name__ == "__main__":
    main()
