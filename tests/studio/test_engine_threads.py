from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.engine.threads import allowed_cpus, wait_passively


@pytest.fixture
def many_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)


def groups(folder: Path, own: str, **quotas: str) -> tuple[Path, Path]:
    """A /proc/self/cgroup and a tree in which the folders named by `quotas` have a cpu.max."""
    (folder / "cgroup").write_text(f"4:memory:/else\n0::/{own}\n")
    for name, text in quotas.items():
        place = folder / "tree" / name.replace("__", "/").replace("root", "")
        place.mkdir(parents=True, exist_ok=True)
        (place / "cpu.max").write_text(text)
    return folder / "cgroup", folder / "tree"


@pytest.mark.usefixtures("many_cpus")
@pytest.mark.parametrize(
    ("own", "quotas", "cpus"),
    [
        ("", {"root": "400000 100000\n"}, 4),
        ("", {"root": "max 100000\n"}, 16),
        ("", {"root": "50000 100000\n"}, 1),
        ("", {"root": "250000 100000\n"}, 2),
        ("a/b", {"a": "300000 100000\n", "a__b": "max 100000\n"}, 3),
        ("a/b", {"a": "300000 100000\n", "a__b": "200000 100000\n", "root": "max 100000"}, 2),
        ("a", {"b": "100000 100000\n"}, 16),
        ("../../etc", {"root": "nonsense"}, 16),
        ("", {"root": "1 0"}, 16),
        ("", {}, 16),
    ],
)
def test_the_smallest_quota_on_the_way_to_the_root_counts(
    tmp_path: Path, own: str, quotas: dict[str, str], cpus: int
) -> None:
    assert allowed_cpus(*groups(tmp_path, own, **quotas)) == cpus


def test_affinity_counts_where_it_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5}, raising=False)
    assert allowed_cpus(*groups(tmp_path, "", root="400000 100000")) == 2
    assert allowed_cpus(tmp_path / "nowhere", tmp_path / "nothing") == 2


def test_threads_wait_passively_unless_the_environment_says_otherwise() -> None:
    plain: dict[str, str] = {"PATH": "/bin"}
    wait_passively(plain)
    assert plain["OMP_WAIT_POLICY"] == "PASSIVE"
    assert {"GOMP_SPINCOUNT", "KMP_BLOCKTIME"} <= plain.keys()
    own = {"OMP_WAIT_POLICY": "ACTIVE"}
    wait_passively(own)
    assert own == {"OMP_WAIT_POLICY": "ACTIVE"}
