from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipelines.memory.plan import MemoryChoice, Precision
from studio.cli import read_command, sits_before_a_screen
from studio.settings import Settings
from studio.startup import StartError


def test_without_options_the_defaults_of_settings_hold() -> None:
    command = read_command([], {})
    assert command.action == "serve"
    assert command.settings == Settings()


def test_every_option_is_read() -> None:
    arguments = [
        "--host",
        "::1",
        "--port",
        "0",
        "--data-dir",
        "/tmp/pictures",
        "--models",
        "other.yaml",
        "--device",
        "cuda:1",
        "--precision",
        "bfloat16",
        "--memory",
        "fp8",
        "--model-roots",
        "/mnt/ComfyUI",
        "--model-roots",
        "/mnt/my models",
        "--open",
    ]
    settings = read_command(arguments, {}).settings
    assert settings == Settings(
        host="::1",
        port=0,
        data_dir=Path("/tmp/pictures"),
        models=Path("other.yaml"),
        device="cuda:1",
        memory=MemoryChoice.FP8,
        precision=Precision.BFLOAT16,
        model_roots=(Path("/mnt/ComfyUI").absolute(), Path("/mnt/my models").absolute()),
        open_browser=True,
    )


def test_every_option_is_also_an_environment_variable() -> None:
    environment = {
        "LIKENESS_HOST": "::1",
        "LIKENESS_PORT": "8000",
        "LIKENESS_DATA_DIR": "/tmp/pictures",
        "LIKENESS_MODELS": "other.yaml",
        "LIKENESS_DEVICE": "mps",
        "LIKENESS_MEMORY": "group_offload",
        "LIKENESS_PRECISION": "float32",
        "LIKENESS_OPEN": "yes",
        "LIKENESS_MODEL_ROOTS": os.pathsep.join(["/mnt/ComfyUI", "/mnt/my models"]),
    }
    assert read_command([], environment).settings == Settings(
        host="::1",
        port=8000,
        data_dir=Path("/tmp/pictures"),
        models=Path("other.yaml"),
        device="mps",
        memory=MemoryChoice.GROUP_OFFLOAD,
        precision=Precision.FLOAT32,
        model_roots=(Path("/mnt/ComfyUI").absolute(), Path("/mnt/my models").absolute()),
        open_browser=True,
    )


def test_an_option_wins_over_the_environment() -> None:
    environment = {"LIKENESS_PORT": "8000", "LIKENESS_OPEN": "true"}
    settings = read_command(["--port", "9000", "--no-open"], environment).settings
    assert (settings.port, settings.open_browser) == (9000, False)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_command([], {"LIKENESS_PORT": "", "LIKENESS_OPEN": ""}).settings == Settings()


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        (["doctor"], "doctor"),
        (["collection", "verify"], "verify"),
        (["collection", "rebuild"], "rebuild"),
        (["collection", "import", "/tmp/pictures"], "import"),
        (["collection", "export", "abc", "--to", "out.zip"], "export"),
    ],
)
def test_commands_take_options_before_and_after_them(arguments: list[str], action: str) -> None:
    for words in (["--data-dir", "/tmp/x", *arguments], [*arguments, "--data-dir", "/tmp/x"]):
        command = read_command(words, {})
        assert command.action == action
        assert command.settings.data_dir == Path("/tmp/x")


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"LIKENESS_PORT": "http"}, "port"),
        ({"LIKENESS_PORT": "70000"}, "port"),
        ({"LIKENESS_PORT": "-1"}, "port"),
        ({"LIKENESS_DEVICE": "gpu"}, "device"),
        ({"LIKENESS_MEMORY": "little"}, "memory"),
        ({"LIKENESS_PRECISION": "double"}, "precision"),
        ({"LIKENESS_OPEN": "maybe"}, "LIKENESS_OPEN"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(environment: dict[str, str], word: str) -> None:
    with pytest.raises(StartError, match=word):
        read_command([], environment)


def test_an_unknown_option_ends_the_program_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_command(["--prot=1"], {})
    assert ended.value.code == 2
    assert "--prot" in capsys.readouterr().err


def test_what_the_commands_of_the_collection_are_told() -> None:
    folder = read_command(["collection", "import", "pictures"], {})
    assert folder.folder == Path("pictures")
    words = "collection export a b --to out.zip --clean --format jpeg --rights"
    export = read_command(words.split(), {})
    assert (export.ids, export.target, export.clean) == (("a", "b"), Path("out.zip"), True)
    assert (export.format, export.with_rights, export.branch) == ("jpeg", True, None)
    assert read_command(["collection", "verify", "--mend"], {}).mend
    assert not read_command(["collection", "verify"], {}).mend


@pytest.mark.parametrize(
    "words", ["collection", "collection import", "collection export a", "collection burn"]
)
def test_a_command_that_lacks_something_ends_the_program_with_code_2(words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        read_command(words.split(), {})
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("environment", "system", "terminal", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "linux", True, False),
        ({}, "win32", True, True),
        ({}, "darwin", True, True),
        ({}, "darwin", False, False),
        ({"CI": "true"}, "win32", True, False),
        ({"SSH_CONNECTION": "1", "DISPLAY": "localhost:10"}, "linux", True, False),
    ],
)
def test_the_page_is_opened_where_somebody_looks(
    environment: dict[str, str], system: str, terminal: bool, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert sits_before_a_screen(environment, system) == opens


def test_what_is_said_decides_over_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    desktop = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}
    monkeypatch.setattr(sys, "platform", "linux")
    assert read_command([], desktop).settings.open_browser
    assert not read_command(["--no-open"], desktop).settings.open_browser
    assert not read_command([], desktop | {"LIKENESS_OPEN": "no"}).settings.open_browser


def test_a_cluster_is_named_in_full() -> None:
    typed = ["--engine", "ray", "--ray-address", "192.168.1.7:6379", "--ray-cpus", "4", "--ray-fetch"]
    settings = read_command(typed, {}).settings
    assert (settings.engine, settings.ray_address) == ("ray", "192.168.1.7:6379")
    assert (settings.ray_cpus, settings.ray_fetch) == (4, True)
    environment = {"LIKENESS_ENGINE": "ray", "LIKENESS_RAY_ADDRESS": "auto"}
    assert read_command([], environment).settings.ray_address == "auto"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--engine", "cloud"], "must be local or ray"),
        (["--engine", "ray", "--ray-address", "somewhere"], "takes local, auto or host:port"),
        (["--engine", "ray", "--ray-cpus", "0"], "from 1 on"),
        (["--ray-address", "auto"], "need --engine ray"),
    ],
)
def test_a_cluster_that_cannot_be_meant_is_refused(typed: list[str], words: str) -> None:
    with pytest.raises(StartError, match=words):
        read_command(typed, {})
