"""The words that come in at an input: through text encoders, conditionings and nodes that work on text.

A node may hold the wanted and the unwanted words at once; which of them are meant is told by the output that
is linked, or by the input the walk began at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from studio.collection.metadata import foreign
from studio.collection.metadata.comfyui.graph import PIPES, Graph, Link, Node

_MAX_DEPTH = 100
_MAX_TEXTS = 64
_CHARS = 25
"""Characters that cost as much as one step along the graph."""
POSITIVE = ("positive", "conditioning", "cond1", "cond", "pos", "base_positive")
NEGATIVE = ("negative", "neg", "uncond", "neg_conditioning", "negative_conditioning", "base_negative")
_TEXTS = (
    "populated_text", "text", "text_g", "text_l", "t5xxl", "clip_g", "clip_l", "llama", "mt5xl", "bert",
    "qwen25_7b", "prompt", "prompt_g", "prompt_l", "positive", "positive_prompt", "text_positive",
    "positive_text", "user_prompt",
    "pos", "string", "value", "wildcard_text",
)  # fmt: skip
"""Inputs that hold words, the most telling first."""
_UNWANTED = re.compile(r"(^|_)neg(ative)?(_|$)|^uc$")
_WANTED = re.compile(r"(^|_)pos(itive)?(_|$)")
_CONDITIONS = re.compile(r"^(conditioning|cond)([_ ]?(\d+|to|from|a|b))?$", re.IGNORECASE)
_NO_WORDS = re.compile(
    r"model|clip|vae|image|pixel|mask|latent|sample|control_net|controlnet|style|lora|seed|width|height|noise",
    re.IGNORECASE,
)
"""Inputs that never bring words; a sampler or loader behind them has words of its own."""
_SETTINGS = re.compile(r"normali[sz]ation|interpretation|ascore|weight|strength|scale|token", re.IGNORECASE)
"""Inputs beside words that say how they are read, in words that are none of the prompt."""
_WRITES = re.compile(
    r"ollama|llm|gpt|gemini|florence|joy ?caption|captioner|tagger|interrogat|qwen\d*_?vl",
    re.IGNORECASE,
)
"""Nodes that write words themselves, by a model; what they are told is no prompt of the picture."""
_ASKS = re.compile(r"^(api_?key|max_(new_)?tokens|temperature|top_p)$", re.IGNORECASE)
"""Inputs that only such nodes have, whatever they are called."""
_PARTS = re.compile(r"^(text|string|str|prompt|input|concat|txt)[ _]?([a-z]|\d{1,2})$", re.IGNORECASE)
_JOINS = re.compile(r"concat|join|combine|merge|append|StringFunction", re.IGNORECASE)
_BETWEEN = ("delimiter", "separator", "delim", "sep")
_TAGGED = re.compile(r"wildcard|LoraTag|Power Prompt|LoraManager|LoRA Text", re.IGNORECASE)
"""Nodes that take `<lora:…>` out of their text; for all others it is words."""


@dataclass(slots=True)
class GraphTexts:
    """The words of one graph; what a node says is worked out once."""

    graph: Graph
    tagged: dict[foreign.ForeignLora, None] = field(default_factory=dict[foreign.ForeignLora, None])
    """LoRAs that were named in the texts."""
    _known: dict[tuple[Link, bool], tuple[str, ...]] = field(
        default_factory=dict[tuple[Link, bool], tuple[str, ...]]
    )

    def at(self, key: str, *, wanted: bool) -> str:
        """What comes in at a sampler or guider, each text once."""
        names = POSITIVE if wanted else NEGATIVE
        links = self.graph.links(key, names[:1]) or self.graph.links(key, names)
        links = links or self.graph.links(key, PIPES)
        if links:
            return self._one((text for _, link in links for text in self._said(link, wanted, 0)), "\n")
        own = ("prompt", "positive_prompt") if wanted else ("negative_prompt",)
        inputs = self.graph.nodes[key].inputs
        return self._one(
            (t for n in (*names, *own) if n in inputs for t in self._texts(inputs[n], wanted, 0)), "\n"
        )

    def _texts(self, value: Any, wanted: bool, depth: int) -> tuple[str, ...]:
        """The words of an input's value."""
        found = self.graph.resolved(value)
        if isinstance(found, Link):
            return self._said(found, wanted, depth + 1)
        said = foreign.words(found)
        self.graph.spend(len(said) // _CHARS)
        return (said,) if said else ()

    def _one(self, texts: Iterable[str], between: str) -> str:
        """Several texts as one, each once. Costs by its length: texts can be doubled over and over."""
        joined = between.join(dict.fromkeys(filter(None, texts)))
        self.graph.spend(len(joined) // _CHARS)
        return foreign.words(joined)

    def _said(self, link: Link, wanted: bool, depth: int) -> tuple[str, ...]:
        known = (link, wanted)
        if known not in self._known:
            self._known[known] = ()  # for a graph that runs in circles
            if depth < _MAX_DEPTH:
                self.graph.spend(1 + len(self.graph.nodes[link.key].inputs))
                texts = self._of_node(link, wanted, depth)
                self._known[known] = tuple(islice(dict.fromkeys(texts), _MAX_TEXTS))
        return self._known[known]

    def _of_node(self, link: Link, wanted: bool, depth: int) -> Sequence[str]:
        node = self.graph.nodes[link.key]
        writes = _WRITES.search(node.kind) or any(_ASKS.match(str(name)) for name in node.inputs)
        if writes or "zeroout" in node.kind.casefold():
            return ()
        joined = self._joined(node, wanted, depth)
        if joined is not None:
            return (joined,)
        names = self._names(link, wanted)
        own = self._own(node, [n for n in _TEXTS if n in names], wanted, depth)
        further = [n for n in names if _CONDITIONS.match(n) or _sided(n) or n.casefold() in PIPES]
        texts = [
            *own,
            *self._through(node, [n for n in further if n not in _TEXTS or not own], wanted, depth),
        ]
        if not texts:
            left = [n for n in names if n not in _TEXTS and n not in further and not _NO_WORDS.search(n)]
            linked = [name for name in left if isinstance(node.inputs[name], list)]
            texts = [*self._through(node, linked, wanted, depth), *_remembered(node)][:_MAX_TEXTS]
        return self._without_tags(texts) if _TAGGED.search(node.kind) else texts

    def _names(self, link: Link, wanted: bool) -> list[str]:
        """The inputs that belong to the asked side of a node."""
        node = self.graph.nodes[link.key]
        names = [name for name in map(str, node.inputs) if not _SETTINGS.search(name)]
        unwanted = [name for name in names if _UNWANTED.search(name)]
        other = [name for name in names if name in _TEXTS or _WANTED.search(name) or _CONDITIONS.match(name)]
        if not unwanted:
            return names
        if not other:
            return names
        if self._side(link, wanted, exact=len(unwanted) == 1 and len(other) == 1):
            return [name for name in names if name not in unwanted]
        return unwanted

    def _side(self, link: Link, wanted: bool, *, exact: bool) -> bool:
        """Whether the output of a node with both sides gives the wanted words.

        The first of two outputs is the wanted one, unless the node gives on a model, too, or its links tell.
        """
        node = self.graph.nodes[link.key]
        uses = self.graph.uses(link.key)
        used = [{out for out, name in uses if side.search(name)} for side in (_WANTED, _UNWANTED)]
        names_say = bool(used[0] and used[1] and not used[0] & used[1])
        gives_all = any(name in node.inputs for name in ("model", "ckpt_name", *PIPES))
        gives_all = gives_all or any(name in PIPES for _, name in uses)
        return wanted if names_say or gives_all or not exact or link.output > 1 else link.output == 0

    def _own(self, node: Node, names: Sequence[str], wanted: bool, depth: int) -> list[str]:
        """The texts a node encodes; the same words for two encoders are told once.

        Where the words for this picture were drawn from a pattern, these are meant and not the pattern.
        """
        drawn = self._texts(node.inputs.get("populated_text"), wanted, depth)
        if drawn:
            return list(drawn)
        found: list[str] = []
        for name in names:
            for text in self._texts(node.inputs[name], wanted, depth):
                if not any(text in other for other in found):
                    found.append(text)
        return found

    def _through(self, node: Node, names: Sequence[str], wanted: bool, depth: int) -> Iterator[str]:
        for name in names:
            yield from self._texts(node.inputs[name], wanted, depth)

    def _joined(self, node: Node, wanted: bool, depth: int) -> str | None:
        """The one text that a node makes of several; None where it does not."""
        parts = sorted((m[2].zfill(2), n) for n in map(str, node.inputs) if (m := _PARTS.match(n)))
        between = next((node.inputs[name] for name in _BETWEEN if name in node.inputs), None)
        if node.has("find", "replace") or node.inputs.get("action") == "replace":
            return self._replaced(node, [name for _, name in parts], wanted, depth)
        if not parts or (between is None and not _JOINS.search(node.kind)):
            return None
        texts = [self._one(self._texts(node.inputs[name], wanted, depth), " ") for _, name in parts]
        plain = (
            between if isinstance(between, str) else ", " if node.inputs.get("tidy_tags") == "yes" else " "
        )
        joined = plain[:_CHARS].replace("\\n", "\n").join(text for text in texts if text)
        self.graph.spend(len(joined) // _CHARS)
        return foreign.words(joined)

    def _replaced(self, node: Node, parts: Sequence[str], wanted: bool, depth: int) -> str:
        named = [n for n in ("string", "text") if n in node.inputs]
        names = [*named[:1], "find", "replace"] if node.has("find", "replace") else parts
        texts = [self._one(self._texts(node.inputs[name], wanted, depth), " ") for name in names][:3]
        if len(texts) < 3 or not texts[1]:
            return texts[0] if texts else ""
        most = foreign.MAX_WORDS // max(1, len(texts[2]))
        return foreign.words(texts[0].replace(texts[1], texts[2], most))

    def _without_tags(self, texts: Sequence[str]) -> list[str]:
        found = [foreign.without_loras(text) for text in texts]
        self.tagged.update(dict.fromkeys(lora for _, loras in found for lora in loras))
        return [text for text, _ in found if text]


def _sided(name: str) -> bool:
    return bool(_WANTED.search(name) or _UNWANTED.search(name))


def _remembered(node: Node) -> list[str]:
    """What a node that shows texts has shown last; used where the text itself cannot be known."""
    if "show" not in node.kind.casefold():
        return []
    shown: Mapping[str, Any] = node.inputs
    return [text for name in ("text_0", "text_1", "text2") if (text := foreign.words(shown.get(name)))][:1]
