from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from studio import doctor
from studio.doctor import Finding
from studio.graphics import GraphicsCard
from studio.settings import Settings
from tests.studio.test_server import run_app


@pytest.fixture
def settings(tmp_path: Path, tiny_models_yaml: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models=tiny_models_yaml, device="cpu", port=0)


def test_the_doctor_tells_device_memory_models_and_collection(settings: Settings) -> None:
    done = run_app(
        *("doctor", "--data-dir", str(settings.data_dir), "--models", str(settings.models)),
        *("--device", "cpu", "--port", "0"),
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "cpu",
        "GiB",
        "Tiny Portrait: ready",
        "Not Here: missing",
        "pictures checked",
        ", built for ",
    ):
        assert words in done.stdout
    assert not settings.database.exists()


def levels(findings: Iterable[Finding]) -> dict[str, str]:
    """The worst level by subject."""
    found: dict[str, str] = {}
    for finding in findings:
        if found.get(finding.subject) != "fail":
            found[finding.subject] = finding.level
    return found


def test_what_would_stop_the_studio_is_a_failure(settings: Settings, tmp_path: Path) -> None:
    only_missing = tmp_path / "models.yaml"
    only_missing.write_text(
        "models:\n  - {id: a, label: A, family: stable-diffusion, source: no/such/place, licence: none,"
        " modes: [text_to_image]}\n"
    )
    settings.database.parent.mkdir()
    settings.database.write_bytes(b"this is no database" * 1000)
    broken = Settings(data_dir=settings.data_dir, models=only_missing, device="cuda:77", port=0)
    findings = doctor.examine(broken)
    found = levels(findings)
    assert (found["device"], found["models"], found["collection"]) == ("fail", "fail", "fail")
    assert not doctor.can_run(findings)


@pytest.mark.linux("needs /proc, a folder nobody can write to")
def test_a_folder_that_cannot_be_written_and_a_bad_catalogue_are_failures(
    settings: Settings, tmp_path: Path
) -> None:
    bad = tmp_path / "models.yaml"
    bad.write_text("models: [")
    found = levels(
        doctor.examine(Settings(data_dir=Path("/proc/likeness"), models=bad, device="cpu", port=0))
    )
    assert (found["data folder"], found["models"]) == ("fail", "fail")


@pytest.mark.parametrize(
    ("card", "build", "system", "words"),
    [
        (None, "the processor", "linux", "No graphics card found"),
        (GraphicsCard("NVIDIA"), "the processor", "linux", "--torch-backend=auto"),
        (
            GraphicsCard("NVIDIA", "NVIDIA A10"),
            "the processor",
            "win32",
            "(NVIDIA A10), but this PyTorch is built for",
        ),
        (GraphicsCard("NVIDIA"), "CUDA 13.0", "linux", "Install or update the driver"),
        (GraphicsCard("AMD"), "the processor", "win32", "none for it on Windows"),
        (GraphicsCard("Apple"), "the processor and Apple graphics", "darwin", "macOS 14"),
    ],
)
def test_a_card_that_is_not_used_is_said_plainly(
    card: GraphicsCard | None, build: str, system: str, words: str
) -> None:
    assert words in doctor.unused_card_words(card, build, system)


def test_the_build_of_torch_is_told_without_loading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    built_for = doctor.torch_build()
    assert ("CUDA" in built_for) == bool(torch.version.cuda)
    assert ("ROCm" in built_for) == bool(torch.version.hip)
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text(
        "cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
    )
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: ModuleSpec(tmp_path / "torch"))
    assert doctor.torch_build() == "CUDA 13.0"


class ModuleSpec:
    def __init__(self, folder: Path) -> None:
        self.origin = str(folder / "__init__.py")


def test_the_doctor_tells_what_of_the_models_folder_cannot_be_used(settings: Settings) -> None:
    settings.models_dir.mkdir(parents=True)
    (settings.models_dir / "odd.safetensors").write_bytes(b"[]")
    told = [each for each in doctor._models(settings) if each.subject == "models folder"]
    assert [each.level for each in told] == ["note"]
    assert "odd.safetensors" in told[0].words


def test_the_doctor_says_who_may_come_in(tmp_path: Path) -> None:
    here = Settings(data_dir=tmp_path)
    said = {
        "this computer alone": here,
        "is chosen at the first start": dataclasses.replace(here, host="0.0.0.0"),
        "a password; 0 tokens": dataclasses.replace(here, password="correct horse battery"),
        "open to everyone": dataclasses.replace(here, host="0.0.0.0", open_to_everyone=True),
    }
    for words, settings in said.items():
        [finding] = doctor._door(settings)
        assert words in finding.words
        assert finding.level != "fail"
    here.door.write_text("{")
    [broken] = doctor._door(said["is chosen at the first start"])
    assert broken.level == "fail"


def test_the_cluster_is_told_where_one_is_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = dataclasses.replace(settings, engine="ray", ray_address="auto")
    (found,) = doctor._engine(asked)
    assert found.level == "ok"
    assert "cluster: auto" in found.words
    monkeypatch.setitem(sys.modules, "ray", None)
    (lacking,) = doctor._engine(asked)
    assert lacking.level == "fail"
    assert not list(doctor._engine(settings))
