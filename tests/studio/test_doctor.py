from __future__ import annotations

from pathlib import Path

import pytest

from studio import doctor
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
    for words in ("cpu", "GiB", "Tiny Portrait: ready", "Not Here: missing", "pictures checked", "torch"):
        assert words in done.stdout
    assert not settings.database.exists()


def levels(settings: Settings) -> dict[str, str]:
    """The worst level by subject."""
    found: dict[str, str] = {}
    for finding in doctor.examine(settings):
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
    found = levels(broken)
    assert (found["device"], found["models"], found["collection"]) == ("fail", "fail", "fail")
    assert not doctor.can_run(doctor.examine(broken))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, a folder nobody can write to")
def test_a_folder_that_cannot_be_written_and_a_bad_catalogue_are_failures(
    settings: Settings, tmp_path: Path
) -> None:
    bad = tmp_path / "models.yaml"
    bad.write_text("models: [")
    found = levels(Settings(data_dir=Path("/proc/likeness"), models=bad, device="cpu", port=0))
    assert (found["data folder"], found["models"]) == ("fail", "fail")
