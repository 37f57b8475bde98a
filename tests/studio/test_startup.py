from __future__ import annotations

import dataclasses
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from studio import durable, main
from studio.settings import ROOT, Settings
from studio.startup import (
    StartError,
    bind,
    check_engine,
    claim_data_folder,
    empty_temp_folder,
    page_url,
)

LONGEST_PATH = 4096 if sys.platform == "linux" else 1024 if sys.platform == "darwin" else 260
HOLD_LOCK = """
import sys
from pathlib import Path
from studio.settings import Settings
from studio.startup import claim_data_folder
lock = claim_data_folder(Settings(data_dir=Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=0)


def test_a_data_folder_serves_one_studio_at_a_time(settings: Settings) -> None:
    command = [sys.executable, "-c", HOLD_LOCK, str(settings.data_dir)]
    other = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StartError, match="in use by another running studio"):
            claim_data_folder(settings)
        other.kill()
    claim_data_folder(settings).close()


def test_a_data_folder_that_is_a_file_is_refused(settings: Settings) -> None:
    settings.data_dir.write_text("not a folder")
    with pytest.raises(StartError, match="cannot be written"):
        claim_data_folder(settings)


@pytest.mark.posix("modes of folders")
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere; /proc stands in below"
)
def test_a_read_only_data_folder_is_refused(settings: Settings) -> None:
    settings.data_dir.mkdir(mode=0o500)
    with pytest.raises(StartError, match="cannot be written"):
        claim_data_folder(settings)


@pytest.mark.linux("needs /proc, a folder nobody can write to")
def test_a_data_folder_nobody_can_make_is_refused() -> None:
    with pytest.raises(StartError, match="cannot be written"):
        claim_data_folder(Settings(data_dir=Path("/proc/likeness")))


def test_what_an_earlier_run_left_in_the_upload_folder_is_gone(settings: Settings) -> None:
    leftover = settings.temp_dir / "ab" / "secret.png"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"x")
    empty_temp_folder(settings)
    assert settings.temp_dir.is_dir()
    assert not list(settings.temp_dir.iterdir())


def test_a_folder_whose_path_leaves_no_room_for_names_is_refused(tmp_path: Path) -> None:
    folder = tmp_path
    while len(str(folder)) < LONGEST_PATH - 300:
        folder = folder / ("x" * 100)
    folder = folder / ("x" * (LONGEST_PATH - len(str(folder)) - 40))
    with pytest.raises(StartError, match="too long"):
        empty_temp_folder(Settings(data_dir=folder))
    empty_temp_folder(Settings(data_dir=tmp_path / ("x" * 100)))


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with bind(settings) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {port} is already in use"):
            bind(dataclasses.replace(settings, port=port))


def test_an_address_of_another_machine_is_refused(settings: Settings) -> None:
    with pytest.raises(StartError, match=r"Cannot serve on 192\.0\.2\.1"):
        bind(dataclasses.replace(settings, host="192.0.2.1"))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::1", "http://[::1]:7860"),
        ("::", "http://[::1]:7860"),
        ("localhost", "http://localhost:7860"),
    ],
)
def test_the_url_is_one_a_browser_here_can_open(host: str, url: str) -> None:
    assert page_url(Settings(host=host), 7860) == url


def test_small_answers_are_sent_at_once() -> None:
    """asyncio sees to that (TCP_NODELAY) only where a socket says it is TCP; else answers take 40 ms."""
    with bind(Settings(port=0)) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_a_studio_whose_address_cannot_be_written_down_is_ready_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write_whole", full)
    main._tell_shells(Settings(data_dir=tmp_path), "http://127.0.0.1:7860")
    assert "--url" in caplog.text


def test_an_address_that_cannot_be_taken_back_ends_in_no_traceback(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.address.mkdir()
    main._tell_shells_no_more(settings)
    assert settings.address.is_dir()


def test_ray_is_asked_for_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    check_engine(Settings(engine="ray"))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StartError, match=r"not installed. Install it: .* -m pip install .*\[ray\]"):
        check_engine(Settings(engine="ray"))
    check_engine(Settings())
