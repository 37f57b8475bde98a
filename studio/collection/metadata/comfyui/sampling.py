"""Which of a graph's samplers made the picture, and with what numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.comfyui.graph import PIPES, Graph

_SAVES = re.compile(r"save|image ?output|websocket", re.IGNORECASE)
_SHOWS = re.compile(r"preview", re.IGNORECASE)
_FEEDS = ("noise", "sigmas", "sampler", "guider")
_CONDITIONS = re.compile(r"cond|positive|pipe|ctx", re.IGNORECASE)
_LATENTS = re.compile(
    r"^(?!.*(cond|positive|negative|model|clip|vae|control|mask|style|lora))", re.IGNORECASE
)
_SIZES = (("width", "height"), ("empty_latent_width", "empty_latent_height"), ("Width", "Height"))
_PRESETS = ("dimensions", "resolution", "preset", "aspect_ratio", "size", "size_selected", "ratio")
_PRESET = re.compile(r"(?<!\d)(\d{3,5})\s?[x×]\s?(\d{3,5})(?!\d)")
_GUIDANCE = ("cfg", "cfg_conds", "cfg_scale", "guidance_scale", "true_gs", "guidance")


@dataclass(slots=True)
class Sampling:
    """The samplers of one graph."""

    graph: Graph
    _denoise: dict[str, float] = field(default_factory=dict[str, float])

    def main(self) -> str | None:
        """The one that did most of the work: of the highest denoise, nearest to the saved picture.

        One that goes on with what another began adds no noise, so its seed means nothing.
        """
        found = self._near(_SAVES) or self._near(_SHOWS) or [k for k in self.graph.nodes if self._samples(k)]
        found = found or [key for key in self.graph.before(self._ends(_SAVES)) if self._asks(key)][:1]
        begin = [key for key in found if self._adds_noise(key)] or found
        chosen = max(begin, key=self._strength, default=None)
        return chosen and (self._cascaded(chosen) or chosen)

    def others(self, key: str) -> int:
        """How many further samplers there are."""
        return sum(other != key and self._samples(other) for other in self.graph.nodes)

    def of(self, key: str, *names: str) -> Any:
        """A value of the sampler, or of the nodes that feed noise, steps and sampler."""
        places = tuple(self._places(key))
        found = (self.graph.value(place, name) for name in names for place in places)
        return next((value for value in found if value is not None), None)

    def guides(self, key: str) -> tuple[str, ...]:
        """The sampler and its guider: what has model and conditions."""
        return (key, *(link.key for _, link in self.graph.links(key, ("guider",))))

    def name(self, key: str) -> str | None:
        """Of the sampler; some are nodes of their own."""
        said = foreign.name_of(self.of(key, "sampler_name"))
        kinds = [self.graph.nodes[link.key].kind for _, link in self.graph.links(key, ("sampler",))]
        return said or next((kind for kind in kinds if kind.startswith("Sampler")), None)

    def guidance(self, key: str) -> float | None:
        """FLUX has a node of its own for it; else the sampler's `cfg`."""
        scale = foreign.number(self.of(key, *_GUIDANCE))
        names = ("positive", "conditioning", "cond1", "base_positive")
        begins = [link.key for place in self.guides(key) for _, link in self.graph.links(place, names)]
        if scale in (None, 1.0):
            for node in self._conditions(begins):
                own = foreign.number(self.graph.value(node, "guidance"))
                if own is not None:
                    return own
        return scale

    def size(self, key: str) -> tuple[int | None, int | None]:
        """Of the empty latent the sampler began with; some have a size of their own."""
        for node in chain(self._latents(key), (key,)):
            for names in _SIZES:
                width, height = (foreign.whole(self.graph.value(node, side)) for side in names)
                if width and height:
                    return width, height
            for value in map(self.graph.nodes[node].inputs.get, _PRESETS):
                found = _PRESET.search(value[:100]) if isinstance(value, str) else None
                if found:
                    return int(found[1]), int(found[2])
        return None, None

    # --- inside ------------------------------------------------------------------------------------

    def _ends(self, kinds: re.Pattern[str]) -> list[str]:
        return [key for key, node in self.graph.nodes.items() if kinds.search(node.kind)]

    def _near(self, kinds: re.Pattern[str]) -> list[str]:
        return [key for key in self.graph.before(self._ends(kinds)) if self._samples(key)]

    def _asks(self, key: str) -> bool:
        """A service that makes the whole picture out of a prompt."""
        node = self.graph.nodes[key]
        return "prompt" in node.inputs and (
            "seed" in node.inputs or isinstance(node.inputs.get("model"), str)
        )

    def _samples(self, key: str) -> bool:
        """Known by what it takes: there are hundreds of samplers."""
        node = self.graph.nodes[key]
        self.graph.spend()
        if node.has("sampler", "sigmas") or node.has("noise", "guider"):
            return True
        seeded = any(name in node.inputs for name in ("seed", "noise_seed"))
        fed = any(
            isinstance(node.inputs.get(name), list) for name in ("model", "base_model", "guider", *PIPES)
        )
        return fed and "steps" in node.inputs and (seeded or "sampler_name" in node.inputs)

    def _adds_noise(self, key: str) -> bool:
        if self.graph.value(key, "add_noise") in ("disable", False):
            return False
        links = self.graph.links(key, ("noise",))
        return not any("disable" in self.graph.nodes[link.key].kind.casefold() for _, link in links)

    def _strength(self, key: str) -> float:
        """How much of the picture it made, from 0 to 1."""
        if key not in self._denoise:
            said = foreign.number(self.of(key, "denoise", "denoise_strength"))
            start, steps = (foreign.number(self.of(key, name)) for name in ("start_at_step", "steps"))
            late = min(start / steps, 1.0) if start and steps and start > 0 < steps else 0.0
            self._denoise[key] = (1.0 if said is None else said) - late
        return self._denoise[key]

    def _cascaded(self, key: str) -> str | None:
        """Stable Cascade: the stage that reads the prompt, where this is the one that only enlarges it."""
        begins = [link.key for _, link in self.graph.links(key, ("positive",))]
        for node in self._conditions(begins):
            stages = [link.key for _, link in self.graph.links(node, ("stage_c",))]
            if stages:
                return next((k for k in self.graph.before(stages) if k != key and self._samples(k)), None)
        return None

    def _places(self, key: str) -> Iterator[str]:
        """The sampler, then what feeds it, nearest first."""
        yield key
        for name in _FEEDS:
            seen = {key}
            at = key
            while links := self.graph.links(at, (name,)):
                at = links[0][1].key
                if at in seen:
                    break
                seen.add(at)
                yield at

    def _conditions(self, begins: list[str]) -> Iterator[str]:
        return self._along(begins, _CONDITIONS)

    def _latents(self, key: str) -> Iterator[str]:
        names = (
            "latent_image",
            "latent",
            "samples",
            "latent_opt",
            "optional_latent",
            "image",
            "pixels",
            *PIPES,
        )
        begins = [link.key for _, link in self.graph.links(key, names)]
        yield from self._along(begins, _LATENTS)

    def _along(self, begins: list[str], names: re.Pattern[str]) -> Iterator[str]:
        """These nodes and those that feed them, nearest first; only inputs whose names match are followed."""
        waiting = list(dict.fromkeys(begins))
        seen = set(waiting)
        for key in waiting:
            yield key
            for name, link in self.graph.links(key):
                if link.key not in seen and names.search(name):
                    seen.add(link.key)
                    waiting.append(link.key)
