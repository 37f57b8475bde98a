from __future__ import annotations

from pathlib import Path

import pytest

from studio.cli import read_command
from studio.door import passwords
from studio.door.keys import KeyFile
from studio.door.opening import choose_password, open_door
from studio.settings import Settings
from studio.startup import StartError, check_certificate

PASSWORD = "correct horse battery"
TOKEN = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_COST", {"n": 16, "r": 1, "p": 1})


def settings(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder / "data", **more)  # type: ignore[arg-type]


def says(*lines: str):
    left = iter(lines)
    return lambda _: next(left)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "LOCALHOST."])
def test_this_machine_alone_has_no_door_and_gets_no_file(tmp_path: Path, host: str) -> None:
    assert open_door(settings(tmp_path, host=host)) is None
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "more", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "192.168.1.7"}, {"host": "studio.lan"}]
)
def test_others_need_a_password_which_is_asked_for_once(tmp_path: Path, more: dict[str, str]) -> None:
    given = settings(tmp_path, **more)
    door = open_door(given, says("short", PASSWORD, "not the same", PASSWORD, PASSWORD))
    assert door
    assert passwords.matches(PASSWORD, door.keys.keys().password.record)  # type: ignore[union-attr]
    again = open_door(given, says())
    assert again
    assert again.keys.keys().password == door.keys.keys().password


def test_a_proxy_brings_others_too(tmp_path: Path) -> None:
    assert open_door(settings(tmp_path, trusted_proxies=("127.0.0.1/32",)), says(PASSWORD, PASSWORD))


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StartError) as said:
        open_door(settings(tmp_path, host="0.0.0.0"))
    for word in ("password`", "--password-file", "LIKENESS_PASSWORD", "--open-to-everyone"):
        assert word in str(said.value)
    assert "\n" not in str(said.value)


def test_who_never_types_one_is_not_asked_for_ever(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No password was chosen"):
        open_door(settings(tmp_path, host="0.0.0.0"), says("a", "b", "c"))


def test_open_to_everyone_is_said_and_does_not_go_with_a_password(tmp_path: Path) -> None:
    assert open_door(settings(tmp_path, host="0.0.0.0", open_to_everyone=True)) is None
    for more in ({"password": PASSWORD}, {"token": TOKEN}, {"password_file": tmp_path / "x"}):
        with pytest.raises(StartError, match="not both"):
            open_door(settings(tmp_path, host="0.0.0.0", open_to_everyone=True, **more))


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nand more"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_file_gives_the_password(tmp_path: Path, start: str, ending: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(f"{start}{PASSWORD}{ending}".encode())
    door = open_door(settings(tmp_path, password_file=path))
    assert door
    assert passwords.matches(PASSWORD, door.keys.keys().password.record)  # type: ignore[union-attr]


def test_another_file_ends_all_sessions_and_the_same_none(tmp_path: Path) -> None:
    given = settings(tmp_path, password=PASSWORD)
    _, cookie = open_door(given).keys.add_session("p")  # type: ignore[union-attr]
    assert open_door(given).keys.session(cookie)  # type: ignore[union-attr]
    changed = open_door(settings(tmp_path, password="another horse battery"))
    assert changed
    assert changed.keys.session(cookie) is None


@pytest.mark.parametrize(
    "more",
    [
        {"password": "short"},
        {"password": "x" * 2000},
        {"token": "short"},
        {"token": "ü" * 40},
        {"token": "a b" * 20},
        {"password": PASSWORD, "password_file": Path("x")},
        {"token": TOKEN, "token_file": Path("x")},
        {"password_file": Path("not-there")},
        {"token_file": Path("not-there")},
    ],
)
def test_what_cannot_be_used_is_said_without_saying_it(tmp_path: Path, more: dict[str, object]) -> None:
    with pytest.raises(StartError) as said:
        open_door(settings(tmp_path, **more))
    for value in more.values():
        assert isinstance(value, Path) or value not in str(said.value)


def test_a_file_that_holds_nothing_or_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for content in (b"", b"\n" + PASSWORD.encode(), b"\xff\xfe\x00"):
        path.write_bytes(content)
        with pytest.raises(StartError, match="secret"):
            open_door(settings(tmp_path, password_file=path))


def test_a_token_alone_closes_the_door(tmp_path: Path) -> None:
    door = open_door(settings(tmp_path, token=TOKEN))
    assert door
    assert door.by_token(TOKEN)
    assert door.by_token(TOKEN[:-1]) is None


def test_the_terminal_changes_the_password(tmp_path: Path) -> None:
    given = settings(tmp_path, host="0.0.0.0")
    choose_password(given, says(PASSWORD, PASSWORD))
    known = KeyFile(given.door)
    _, cookie = known.add_session("p")
    choose_password(given, says("another horse battery", "another horse battery"))
    assert known.session(cookie) is None


def test_secrets_are_read_from_the_environment_and_never_shown() -> None:
    command = read_command([], {"LIKENESS_PASSWORD": PASSWORD, "LIKENESS_TOKEN": TOKEN})
    assert (command.settings.password, command.settings.token) == (PASSWORD, TOKEN)
    assert PASSWORD not in repr(command)
    assert TOKEN not in repr(command)


@pytest.mark.parametrize("option", ["--password", "--token"])
def test_secrets_are_no_options(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_command([f"{option}={PASSWORD}"], {})
    with pytest.raises(SystemExit):
        read_command([option, PASSWORD], {})


def test_options_of_the_door_are_read() -> None:
    words = (
        "--open-to-everyone --name MyPC.local --name fd00::7 --root-path likeness/ --trusted-proxy 10.1.2.3"
    )
    found = read_command([*words.split(), "--trusted-proxy", "172.16.0.1/12"], {}).settings
    assert found.open_to_everyone
    assert found.names == ("mypc.local", "fd00::7")
    assert found.root_path == "/likeness"
    assert found.trusted_proxies == ("10.1.2.3/32", "172.16.0.0/12")
    same = read_command(
        [],
        {
            "LIKENESS_OPEN_TO_EVERYONE": "yes",
            "LIKENESS_NAME": "mypc.local, fd00::7",
            "LIKENESS_ROOT_PATH": "/likeness",
            "LIKENESS_TRUSTED_PROXY": "10.1.2.3 172.16.0.0/12",
        },
    ).settings
    assert same == found


@pytest.mark.parametrize(
    "words",
    [
        "--name a/b",
        "--name x:80",
        "--root-path /a//b",
        "--root-path /../x",
        "--root-path /a?b",
        "--trusted-proxy all",
    ],
)
def test_what_cannot_be_meant_is_named(words: str) -> None:
    with pytest.raises(StartError, match=words.split()[0]):
        read_command(words.split(), {})


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "cert.pem"
    bad.write_text("no certificate")
    for more in ({"tls_cert": bad}, {"tls_cert": tmp_path / "none.pem"}, {"tls_key": bad}):
        with pytest.raises(StartError, match=r"\.pem|--tls-cert"):
            check_certificate(settings(tmp_path, **more))
