"""Graphs of ComfyUI, one construct each: what the artist asked for is found, or nothing is told."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import PngImagePlugin

from studio.collection.metadata import comfyui, reading
from studio.collection.metadata.comfyui.budget import MAX_STEPS, Budget, TooEntangled
from studio.collection.metadata.comfyui.graph import MAX_NODES, Graph
from studio.collection.metadata.foreign import ForeignMetadata
from tests.studio import (
    comfy_drawn,
    comfy_graphs,
    comfy_models,
    comfy_templates,
    comfy_values,
    comfy_workflows,
)
from tests.studio import foreign_files as files
from tests.studio.comfy_nodes import FULL, NEGATIVE, PROMPT, Expected, base, encode, kind, sampler
from tests.studio.fixtures import encoded, noise

CASES = {
    f"{module.__name__.rpartition('_')[2]}: {name}": case
    for module in (comfy_graphs, comfy_values, comfy_models, comfy_drawn, comfy_templates, comfy_workflows)
    for name, case in module.CASES.items()
}


def told(found: ForeignMetadata | None, wanted: Expected) -> Expected:
    assert found is not None
    loras = [(lora.name, lora.weight) for lora in found.loras]
    return {name: loras if name == "loras" else getattr(found, name) for name in wanted}


@pytest.mark.parametrize("name", CASES)
def test_a_graph_is_understood(name: str) -> None:
    graph, wanted = CASES[name]
    assert told(comfyui.from_document(json.loads(json.dumps(graph))), wanted) == wanted


GRAPH = json.dumps(base())
TAGGED = {"Make": f"Prompt:{GRAPH}", "ImageDescription": "Workflow:" + json.dumps({"nodes": [], "links": []})}
PLACES: dict[str, bytes] = {
    "png": files.png(prompt=GRAPH),
    "webp, as its own saver does": files.with_exif("WEBP", files.exif(Model=f"prompt:{GRAPH}")),
    "webp, in other tags": files.with_exif("WEBP", files.exif(**TAGGED)),
    "webp, drawn alone": files.with_exif(
        "WEBP", files.exif(ImageDescription="Workflow: " + json.dumps(comfy_drawn.CASES["plain"][0]))
    ),
    "jpeg, the graph itself": files.with_exif("JPEG", files.exif(files.unicode_comment(GRAPH))),
    "jpeg, both by name": files.with_exif(
        "JPEG", files.exif(files.unicode_comment(json.dumps({"prompt": base(), "workflow": {"nodes": []}})))
    ),
    "png, a damaged one beside a drawn one": files.png(
        prompt="{" + GRAPH[:99], workflow=json.dumps(comfy_drawn.CASES["plain"][0])
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_graph_is_found_where_it_lies(name: str) -> None:
    found = reading.read(PLACES[name])
    assert told(found.metadata, FULL) == FULL
    assert found.faults == ()


def test_what_a_host_states_goes_before_the_graph() -> None:
    beside = {
        "prompt": "a mill",
        "negativePrompt": "fog",
        "steps": 9,
        "cfgScale": 3,
        "seed": 5,
        "sampler": "Euler",
    }
    document = {**base(), "extra": {"airs": []}, "extraMetadata": json.dumps(beside)}
    data = files.with_exif("JPEG", files.exif(files.unicode_comment(json.dumps(document))))
    wanted = {**FULL, "prompt": "a mill", "negative_prompt": "fog", "steps": 9, "guidance": 3.0, "seed": 5}
    assert told(reading.read(data).metadata, wanted) == wanted


def test_nodes_that_give_both_sides_to_a_pipe_are_read_by_where_they_go() -> None:
    pair = kind("Pair", positive=PROMPT, negative=NEGATIVE)
    graph = base(n2=pair, n3=None, n5=sampler(positive=None, negative=None, pipe="@2"))
    for name in ("positive", "negative"):
        del graph["5"]["inputs"][name]
    assert told(comfyui.from_document(graph), FULL) == FULL


# --- bounds -----------------------------------------------------------------------------------------


def entangled(ends: int, links: int) -> dict[str, Any]:
    """Every end node is linked to `links` others, and these to each other."""
    graph = base()
    middle = {f"m{n}": {"class_type": "Mix", "inputs": {}} for n in range(links)}
    for node in middle.values():
        node["inputs"] = {f"i{n}": [f"m{n}", 0] for n in range(links)} | {"model": ["1", 0]}
    saves = {
        f"s{n}": {"class_type": "SaveImage", "inputs": {f"i{m}": [f"m{m}", 0] for m in range(links)}}
        for n in range(ends)
    }
    return {**graph, **middle, **saves}


def circle(length: int) -> dict[str, Any]:
    return {
        f"c{n}": {"class_type": "Reroute", "inputs": {"": [f"c{(n + 1) % length}", 0]}} for n in range(length)
    }


def doubling(depth: int) -> dict[str, Any]:
    """A text that is twice the one before, over and over."""
    joins = {
        f"t{n}": kind("StringConcatenate", string_a=f"@t{n + 1}", string_b=f"@t{n + 1}", delimiter="x" * 1000)
        for n in range(depth)
    }
    return {**base(n2=encode("@t0")), **joins, f"t{depth}": kind("PrimitiveString", value="y" * 10_000)}


def many_outputs(count: int) -> dict[str, Any]:
    """One node with a long text, asked for at ever other outputs."""
    combined = kind("Combine", **{f"conditioning_{n}": f"@2#{n}" for n in range(count)})
    return {**base(n2=encode("z" * 20_000)), "8": combined, "5": sampler(positive="@8")}


def switches(depth: int) -> dict[str, Any]:
    """Switches that choose by other switches."""
    made = {
        f"w{n}": kind("ComfySwitchNode", switch=f"@w{n + 1}", on_true=f"@w{n + 1}", on_false=f"@w{n + 1}")
        for n in range(depth)
    }
    return {**base(n5=sampler(model="@w0")), **made, f"w{depth}": kind("PrimitiveBoolean", value=True)}


def sigmas(count: int) -> dict[str, Any]:
    """Samplers that all end a long chain of steps."""
    chain = {f"g{n}": kind("SplitSigmas", sigmas=f"@g{n + 1}", step=1) for n in range(count)}
    made = {f"p{n}": kind("SamplerCustom", sampler="@g0", sigmas="@g0", model="@1") for n in range(count)}
    return {**base(), **chain, **made}


def nested(depth: int, wide: int) -> dict[str, Any]:
    """Subgraphs that hold several of the next one."""
    made = [
        {"id": f"d{n}", "nodes": [{"id": m, "type": f"d{n + 1}"} for m in range(wide)], "links": []}
        for n in range(depth)
    ]
    return {"nodes": [{"id": 1, "type": "d0"}], "links": [], "definitions": {"subgraphs": made}}


def getters(count: int) -> dict[str, Any]:
    nodes = [{"id": n, "type": "GetNode", "widgets_values": ["none"]} for n in range(count)]
    users = [{"id": count + n, "type": "Use", "inputs": [{"name": "x", "link": n}]} for n in range(count)]
    return {"nodes": nodes + users, "links": [[n, n, 0, count + n, 0, "X"] for n in range(count)]}


@pytest.mark.parametrize(
    "graph",
    [
        entangled(700, 300), entangled(50, 450), circle(4000), doubling(300), many_outputs(4000),
            switches(200), sigmas(2000),
        nested(8, 40), nested(60, 2), getters(2400),
    ],
    ids=["ends", "dense", "circle", "doubling", "outputs", "switches", "sigmas", "nested", "deep",
        "getters"],
)  # fmt: skip
def test_no_shape_of_a_graph_takes_long(graph: dict[str, Any]) -> None:
    begin = time.process_time()
    comfyui.from_document(graph)
    assert time.process_time() - begin < 8.0


def test_a_graph_with_too_many_links_says_so_and_a_large_one_is_read() -> None:
    found = comfyui.from_document(entangled(700, 300))
    assert found is not None
    assert dict(found.unmapped)["Graph"].endswith("more links than are followed.")
    assert told(comfyui.from_document(entangled(20, 100)), FULL) == FULL


def test_all_graphs_of_a_file_are_read_out_of_one_budget() -> None:
    heavy = json.dumps(entangled(300, 120), separators=(",", ":"))
    info = PngImagePlugin.PngInfo()
    for name in ("prompt", "workflow", "comment", "Comment"):
        info.add_text(name, heavy)
    tags = {"Make": f"prompt:{heavy}", "Model": f"workflow:{heavy}", "ImageDescription": f"prompt:{heavy}"}
    data = encoded(noise(), pnginfo=info, exif=files.exif(**tags))
    begin = time.process_time()
    found = reading.read(data)
    assert time.process_time() - begin < 8.0
    assert found.metadata is not None
    budget = Budget(MAX_STEPS // 20)
    assert comfyui.from_document(json.loads(heavy), budget) is not None
    assert budget.steps < 0


ODD: list[Any] = [
    None, True, -1, 2**70, 1e308, float("nan"), "", "x", [], {}, [1], ["1", 0], ["5", 99], ["zz", 0],
    [[], {}], {"content": None}, {"a": [1]}, "\ud800", [None, None], ["1", "0"], -10, -20, "4", 2, 4,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(graph: Any, chance: random.Random) -> Any:
    """With a few values that make no sense."""
    graph = copy.deepcopy(graph)
    for *way, last in chance.sample(list(places(graph)), 3):
        inner = graph
        for key in way:
            inner = inner[key] if isinstance(inner, dict | list) and _has(inner, key) else {}
        if isinstance(inner, dict | list) and _has(inner, last):
            inner[last] = copy.deepcopy(chance.choice(ODD))
    return graph


def _has(inner: Any, key: Any) -> bool:
    return key in inner if isinstance(inner, dict) else isinstance(key, int) and key < len(inner)


def test_no_graph_makes_the_reader_raise() -> None:
    chance = random.Random(7)
    for _ in range(1500):
        graph, _ = CASES[chance.choice(list(CASES))]
        repr(comfyui.from_document(changed(graph, chance))).encode()


def test_every_step_along_a_graph_is_paid_for() -> None:
    budget = Budget()
    graph = Graph.of(base(), budget)
    assert graph is not None
    list(graph.before(["7"]))
    assert budget.steps < MAX_STEPS
    budget.steps = 3
    with pytest.raises(TooEntangled):
        list(graph.before(["7"]))
    assert Graph.of({str(n): kind("Node") for n in range(MAX_NODES + 1)}) is None
