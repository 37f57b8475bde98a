"""Which workers the machines of a cluster can have, on what Ray says of its nodes."""

from __future__ import annotations

from typing import Any

import pytest

from studio.cluster import machines
from studio.cluster.machines import Machine
from tests.studio.cluster.clusters import real_setup


def node(name: str, host: str, *, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"NodeID": name * 8, "NodeManagerHostname": host, "Alive": alive, "Resources": resources}


def look(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], *nodes: dict[str, Any], **options: Any
) -> list[Machine]:
    monkeypatch.setattr(machines, "nodes", lambda: list(nodes))
    return machines.machines(real_setup("auto", **{"device": "auto"} | options), names)


def test_one_worker_for_each_card_and_else_for_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    there = look(
        monkeypatch, {}, node("a", "gpus", GPU=2.0, CPU=8.0), node("b", "plain", CPU=6.0), node("c", "head")
    )
    assert [(each.workers, each.threads, each.gpu) for each in there] == [
        (("gpus 1", "gpus 2"), 4, True),
        (("plain",), 6, False),
    ]


def test_cores_can_be_shared_out_and_cards_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    (shared,) = look(monkeypatch, {}, node("b", "plain", CPU=6.0), cpus=2)
    assert (shared.workers, shared.threads) == (("plain 1", "plain 2", "plain 3"), 2)
    (small,) = look(monkeypatch, {}, node("b", "plain", CPU=2.0), cpus=8)
    assert (small.workers, small.threads) == (("plain",), 2)
    (processor,) = look(monkeypatch, {}, node("a", "gpus", GPU=2.0, CPU=8.0), device="cpu")
    assert (processor.workers, processor.gpu) == (("gpus",), False)


def test_a_machine_keeps_its_name_for_as_long_as_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, str] = {}
    first, back = node("a", "desk", CPU=1.0), node("b", "desk", CPU=1.0)
    assert [each.name for each in look(monkeypatch, names, first)] == ["desk"]
    assert [each.name for each in look(monkeypatch, names, first, back)] == ["desk", "desk-bbbb"]
    gone = node("a", "desk", alive=False)
    assert [each.name for each in look(monkeypatch, names, gone, back)] == ["desk-bbbb"]
    assert [each.name for each in look(monkeypatch, names, gone, back, node("c", "desk", CPU=1.0))] == [
        "desk-bbbb",
        "desk",
    ]
