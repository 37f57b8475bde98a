"""ComfyUI: the executed graph in `prompt`, or the drawn one in `workflow`.

A graph has no prompt or seed of its own, so the way back from the saved picture is walked: to the
sampler, and from there to words, model, noise and size. Best effort: nodes nobody knows are walked through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studio.collection.metadata import comfyui_workflow, foreign
from studio.collection.metadata.foreign import ForeignMetadata, Lora

MAX_NODES = 5_000
_MAX_HOPS = 16
_WORDS = (
    "text",
    "text_g",
    "text_l",
    "t5xxl",
    "clip_l",
    "prompt",
    "string",
    "text_positive",
    "positive_prompt",
)
_VALUES = ("value", "seed", "noise_seed", "int", "float", "number", "text", "string", "Text", "Value")
_MODELS = ("ckpt_name", "unet_name", "model_name", "model_path", "base_ckpt_name", "gguf_name")
_ENDS = ("Save", "Preview")


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where the file has no graph of ComfyUI's."""
    executed = foreign.json_object(_text(texts, "prompt", "exif:Model"))
    return from_document(executed) or from_document(
        foreign.json_object(_text(texts, "workflow", "exif:Make"))
    )


def from_document(document: Mapping[str, Any]) -> ForeignMetadata | None:
    """From either graph's JSON; None where it is neither."""
    nodes = _nodes(document) or _nodes(comfyui_workflow.as_prompt(document))
    return said_by(nodes) if nodes else None


def said_by(nodes: Mapping[str, dict[str, Any]]) -> ForeignMetadata:
    """From the nodes of an executed graph by their ids."""
    graph = _Graph(nodes)
    sampler = graph.sampler()
    if sampler is None:
        return ForeignMetadata(tool="ComfyUI", unmapped=(("Graph", f"{len(nodes)} nodes without a sampler"),))
    guidance = graph.guidance(sampler)
    width, height = graph.size(sampler)
    return ForeignMetadata(
        tool="ComfyUI",
        prompt=graph.words(sampler, "positive", "conditioning"),
        negative_prompt=graph.words(sampler, "negative"),
        seed=foreign.whole(graph.of(sampler, "seed", "noise_seed")),
        steps=foreign.whole(graph.of(sampler, "steps")),
        guidance=guidance,
        sampler=foreign.name_of(graph.of(sampler, "sampler_name")),
        width=width,
        height=height,
        model=graph.model(sampler),
        strength=foreign.number(graph.of(sampler, "denoise")),
        loras=graph.loras(sampler),
        unmapped=graph.further(sampler),
    )


def _text(texts: Mapping[str, str], name: str, place: str) -> str:
    """In WebP the graph lies in an EXIF tag, with its name before it."""
    mark = f"{name}:"
    tagged = texts.get(place, "")
    return texts.get(name) or (tagged.removeprefix(mark) if tagged.startswith(mark) else "")


def _nodes(document: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    found = {
        str(key): {"class_type": str(node["class_type"])[:200], "inputs": node["inputs"]}
        for key, node in document.items()
        if isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)
    }
    return found if len(found) <= MAX_NODES else {}


@dataclass(frozen=True, slots=True)
class _Graph:
    """Nodes by id; an input is a value, or `[id, output]` of the node it comes from."""

    nodes: Mapping[str, dict[str, Any]]

    def sampler(self) -> str | None:
        """The one that did most of the work: of the highest denoise, nearest to the saved picture."""
        ends = [key for key, node in self.nodes.items() if node["class_type"].startswith(_ENDS)]
        near = dict.fromkeys(key for end in ends for key in self._before(end) if self._samples(key))
        found = list(near) or [key for key in self.nodes if self._samples(key)]
        return max(found, key=self._denoise, default=None)

    def of(self, key: str, *names: str) -> Any:
        """A value of the sampler, or of the nodes right before it that feed noise, steps and sampler."""
        places = [key, *self._linked(key, "noise", "sigmas", "sampler", "guider")]
        found = (self._value(place, name) for name in names for place in places)
        return next((value for value in found if value is not None), None)

    def words(self, key: str, *names: str) -> str:
        """The words on the way to an input, each once, in the order of the walk."""
        guider = self._linked(key, "guider")
        begins = [b for place in (key, *guider) for b in self._linked(place, *names)]
        found: dict[str, None] = {}
        for begin in begins:
            for node in self._before(begin, via=names):
                found.update(dict.fromkeys(self._own_words(node)))
        return foreign.words("\n".join(found))

    def guidance(self, key: str) -> float | None:
        """FLUX has a node of its own for it; else the sampler's `cfg`."""
        scale = foreign.number(self.of(key, "cfg", "guidance"))
        guider = self._linked(key, "guider")
        begins = [b for place in (key, *guider) for b in self._linked(place, "positive", "conditioning")]
        for node in (n for begin in begins for n in self._before(begin)):
            own = foreign.number(self._value(node, "guidance"))
            if own is not None and scale in (None, 1.0):
                return own
        return scale

    def model(self, key: str) -> str | None:
        """The first file of weights on the way of `model`."""
        found = (self._value(node, name) for node in self._models(key) for name in _MODELS)
        return next((name for value in found if (name := foreign.name_of(value))), None)

    def loras(self, key: str) -> tuple[Lora, ...]:
        """All add-ons on the way of `model`."""
        return foreign.loras(pair for node in self._models(key) for pair in self._own_loras(node))

    def size(self, key: str) -> tuple[int | None, int | None]:
        """Of the empty latent the sampler began with."""
        begins = self._linked(key, "latent_image", "latent", "samples")
        for node in (n for begin in begins for n in self._before(begin)):
            width, height = (foreign.whole(self._value(node, side)) for side in ("width", "height"))
            if width and height:
                return width, height
        return None, None

    def further(self, key: str) -> tuple[tuple[str, str], ...]:
        """What cannot be carried over: the schedule, other samplers, and how much of a graph there is."""
        others = [k for k in self.nodes if k != key and self._samples(k)]
        classes = {node["class_type"] for node in self.nodes.values()}
        said = {
            "Scheduler": self.of(key, "scheduler"),
            "Further samplers": len(others) or None,
            "Nodes": ", ".join(sorted(classes)),
        }
        return foreign.rest(said, ())

    def _samples(self, key: str) -> bool:
        inputs = self.nodes[key]["inputs"]
        plain = {"sampler_name", "steps"} <= set(inputs) and "model" in inputs
        return plain or {"sampler", "sigmas"} <= set(inputs) or {"noise", "guider"} <= set(inputs)

    def _denoise(self, key: str) -> float:
        value = foreign.number(self.of(key, "denoise"))
        return 1.0 if value is None else value

    def _models(self, key: str) -> Iterator[str]:
        guider = self._linked(key, "guider")
        for begin in (b for place in (key, *guider) for b in self._linked(place, "model")):
            yield from self._before(begin, via=("model", "lora_stack"))

    def _own_words(self, key: str) -> Iterator[str]:
        for name in _WORDS:
            text = foreign.words(self._value(key, name))
            if text:
                yield text

    def _own_loras(self, key: str) -> Iterator[tuple[Any, Any]]:
        inputs = self.nodes[key]["inputs"]
        if "lora_name" in inputs:
            yield inputs["lora_name"], self._value(key, "strength_model")
        for value in inputs.values():  # nodes that hold several
            if isinstance(value, dict) and value.get("on", True) is True:
                yield value.get("lora"), value.get("strength")

    def _value(self, key: str, name: str) -> Any:
        """An input's value, also where it comes from a node that only holds it."""
        value = self.nodes[key]["inputs"].get(name)
        for _ in range(_MAX_HOPS):
            source = self._source(value)
            if source is None:
                return None if isinstance(value, list) else value
            inputs = self.nodes[source]["inputs"]
            value = next((inputs[n] for n in (name, *_VALUES) if n in inputs), None)
        return None

    def _linked(self, key: str, *names: str) -> list[str]:
        inputs = self.nodes[key]["inputs"]
        return [source for name in names if (source := self._source(inputs.get(name))) is not None]

    def _source(self, value: Any) -> str | None:
        """The node a link points to."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
            return str(value[0]) if str(value[0]) in self.nodes else None
        return None

    def _before(self, key: str, via: tuple[str, ...] = ()) -> Iterator[str]:
        """The node and all before it, nearest first; by the inputs named in `via` alone where it has any."""
        seen, waiting = {key}, [key]
        for node in waiting:
            yield node
            inputs = self.nodes[node]["inputs"]
            chosen = [inputs[name] for name in via if name in inputs] or list(inputs.values())
            for source in map(self._source, chosen):
                if source is not None and source not in seen:
                    seen.add(source)
                    waiting.append(source)
