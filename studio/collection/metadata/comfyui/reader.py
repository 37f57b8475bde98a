"""ComfyUI: the executed graph in `prompt`, or the drawn one in `workflow`.

A graph has no prompt or seed of its own, so the way back from the saved picture is walked: to the
sampler, and from there to words, model, noise and size. Best effort: nodes nobody knows are walked through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.comfyui import drawn
from studio.collection.metadata.comfyui.budget import Budget, TooEntangled
from studio.collection.metadata.comfyui.graph import Graph
from studio.collection.metadata.comfyui.models import Models
from studio.collection.metadata.comfyui.sampling import Sampling
from studio.collection.metadata.comfyui.words import GraphTexts
from studio.collection.metadata.foreign import ForeignMetadata

_TOOL = "ComfyUI"
_TAGS = ("exif:Make", "exif:Model", "exif:ImageDescription", "exif:UserComment", "exif:Software")
_WHOLE = ("exif:UserComment", "exif:ImageDescription", "comment", "Comment")
"""Where the graph may lie without a name before it."""


def read(texts: Mapping[str, str]) -> ForeignMetadata | None:
    """None where the file has no graph of ComfyUI's; of several, the first that has a sampler.

    Raises what broken JSON raises, where there is nothing else.
    """
    found, damage, budget = None, None, Budget()
    for text in _documents(texts):
        try:
            said = from_document(foreign.json_object(text), budget)
        except (ValueError, RecursionError) as error:
            damage = error
            continue
        if said is not None and (said.prompt or said.seed is not None):
            return said
        found = found or said
    if found is None and damage is not None:
        raise damage
    return found


def from_document(document: Mapping[str, Any], budget: Budget | None = None) -> ForeignMetadata | None:
    """From either graph's JSON, or JSON that holds both; None where it is neither."""
    budget = budget or Budget()
    inner = (foreign.json_object(document.get(name)) for name in ("prompt", "workflow"))
    try:
        for each in (document, *inner):
            graph = Graph.of(each, budget) or Graph.of(drawn.as_prompt(each, budget), budget)
            if graph is not None:
                return _stated(_said(graph), document)
    except TooEntangled as problem:
        return ForeignMetadata(tool=_TOOL, unmapped=(("Graph", f"Not read: {problem}."),))
    return None


def _said(graph: Graph) -> ForeignMetadata:
    sampling, words = Sampling(graph), GraphTexts(graph)
    key = sampling.main()
    if key is None:
        summary = f"{len(graph.nodes)} nodes without a sampler"
        return ForeignMetadata(tool=_TOOL, unmapped=(("Graph", summary),))
    guides = sampling.guides(key)
    models = Models.of(graph, guides)
    width, height = sampling.size(key)
    return ForeignMetadata(
        tool=_TOOL,
        prompt=_first(words.at(place, wanted=True) for place in guides),
        negative_prompt=_first(words.at(place, wanted=False) for place in guides),
        seed=foreign.whole(sampling.of(key, "seed", "noise_seed")),
        steps=foreign.whole(sampling.of(key, "steps")),
        guidance=sampling.guidance(key),
        sampler=sampling.name(key),
        width=width,
        height=height,
        model=models.name(),
        strength=foreign.number(sampling.of(key, "denoise", "denoise_strength")),
        loras=_together(models.loras(), words.tagged),
        unmapped=_further(graph, sampling, key),
    )


def _together(
    loaded: Sequence[foreign.ForeignLora], tagged: Iterable[foreign.ForeignLora]
) -> tuple[foreign.ForeignLora, ...]:
    """Some nodes load what their text names, and give the text on."""
    named = (lora for lora in tagged if foreign.told_once((*loaded, lora))[len(foreign.told_once(loaded)) :])
    return (*loaded, *named)[: foreign.MAX_LORAS]


def _first(texts: Iterator[str]) -> str:
    return next((text for text in texts if text), "")


def _further(graph: Graph, sampling: Sampling, key: str) -> tuple[tuple[str, str], ...]:
    """What cannot be carried over: the schedule, other samplers, and how much of a graph there is."""
    said = {
        "Scheduler": sampling.of(key, "scheduler"),
        "Further samplers": sampling.others(key) or None,
        "Nodes": ", ".join(sorted({node.kind for node in graph.nodes.values()})),
    }
    return foreign.rest(said, ())


def _documents(texts: Mapping[str, str]) -> Iterator[str]:
    """Every text that may be a graph, the executed ones first."""
    for name in ("prompt", "workflow"):
        yield texts.get(name, "")
        for place in _TAGS:
            mark, _, rest = texts.get(place, "").partition(":")
            if mark.strip().casefold() == name:
                yield rest
    for place in _WHOLE:
        text = texts.get(place, "")
        if "class_type" in text or '"nodes"' in text:
            yield text


def _stated(said: ForeignMetadata, document: Mapping[str, Any]) -> ForeignMetadata:
    """Hosts put what was asked beside the graph; it goes before what the graph is taken to say."""
    beside = foreign.json_object(document.get("extraMetadata"))
    stated = {
        "prompt": foreign.words(beside.get("prompt")),
        "negative_prompt": foreign.words(beside.get("negativePrompt")),
        "seed": foreign.whole(beside.get("seed")),
        "steps": foreign.whole(beside.get("steps")),
        "guidance": foreign.number(beside.get("cfgScale")),
        "sampler": foreign.name_of(beside.get("sampler")),
    }
    return dataclasses.replace(
        said, **{name: value for name, value in stated.items() if value not in (None, "")}
    )
