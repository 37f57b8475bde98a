from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from studio.door import passwords
from studio.door.keys import DAY, MOST_SESSIONS, MOST_TOKENS, KeyFile, Refused
from studio.startup import StartError
from tests.studio.door.door_for_tests import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> KeyFile:
    return KeyFile(tmp_path / "data" / "door.json", clock)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_COST", {"n": 16, "r": 1, "p": 1})


def test_nothing_that_opens_is_in_the_file(keys: KeyFile) -> None:
    keys.set_password("correct horse battery")
    _, token = keys.add_token("backup", None)
    _, cookie = keys.add_session("whoever")
    text = keys.path.read_text(encoding="utf-8")
    for secret in ("correct horse battery", token, token[12:], cookie, cookie.split(".")[1]):
        assert secret not in text
    assert keys.token(token)
    assert keys.session(cookie)


@pytest.mark.posix("looks at modes of files")
def test_only_its_owner_may_read_it(keys: KeyFile) -> None:
    keys.set_password("correct horse battery")
    assert keys.path.stat().st_mode & 0o077 == 0


def test_a_token_is_good_until_its_day_or_until_it_is_revoked(keys: KeyFile, clock: Clock) -> None:
    _, short = keys.add_token("short", 2)
    _, long = keys.add_token("long", None)
    clock.at += 2 * DAY - 1
    assert keys.token(short)
    clock.at += 1
    assert keys.token(short) is None
    assert keys.token(long)
    keys.revoke_token("long")
    assert keys.token(long) is None


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_set_right_by_hours_locks_nobody_out(keys: KeyFile, clock: Clock, hours: int) -> None:
    _, token = keys.add_token("script", 1)
    _, cookie = keys.add_session("p")
    clock.at += hours * 3600
    assert keys.token(token)
    assert keys.session(cookie)
    clock.at += DAY - hours * 3600
    assert keys.token(token) is None


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.upper(), lambda t: ""])
def test_nearly_a_token_is_none(keys: KeyFile, change) -> None:
    _, token = keys.add_token("backup", None)
    assert keys.token(change(token)) is None


@pytest.mark.parametrize("text", ["", "lk_", "lk__", "lk_00000000_", "\ud800", "x" * 100_000, "lk_\u0660\n"])
def test_what_is_no_token_is_none(keys: KeyFile, text: str) -> None:
    keys.add_token("backup", None)
    assert keys.token(text) is None
    assert keys.session(text) is None


@pytest.mark.parametrize(
    ("name", "days"), [("", None), ("x" * 65, None), ("a\nb", None), ("a", 0), ("a", -1), ("a", 4000)]
)
def test_what_cannot_be_made_is_refused(keys: KeyFile, name: str, days: int | None) -> None:
    with pytest.raises(Refused):
        keys.add_token(name, days)
    assert not keys.keys().tokens


def test_a_name_is_given_once_and_their_number_is_bounded(keys: KeyFile) -> None:
    keys.add_token("a", None)
    with pytest.raises(Refused, match="already"):
        keys.add_token("a", None)
    for n in range(MOST_TOKENS - 1):
        keys.add_token(f"n{n}", None)
    with pytest.raises(Refused, match="Revoke some"):
        keys.add_token("one more", None)
    with pytest.raises(Refused, match="no such"):
        keys.revoke_token("not there")


def test_sessions_end_and_are_bounded(keys: KeyFile, clock: Clock) -> None:
    _, first = keys.add_session("p")
    cookies = [keys.add_session("p")[1] for _ in range(MOST_SESSIONS)]
    assert keys.session(first) is None
    assert all(map(keys.session, cookies))
    assert len(keys.keys().sessions) == MOST_SESSIONS
    clock.at += 30 * DAY
    assert not any(map(keys.session, cookies))
    keys.add_session("p")
    assert len(keys.keys().sessions) == 1


def test_another_password_ends_all_sessions_and_the_same_one_none(keys: KeyFile) -> None:
    keys.set_password("correct horse battery")
    _, cookie = keys.add_session("p")
    keys.set_password("correct horse battery")
    assert keys.session(cookie)
    keys.set_password("another horse battery")
    assert keys.session(cookie) is None


def test_a_revoked_token_ends_the_sessions_it_opened(keys: KeyFile) -> None:
    token, _ = keys.add_token("phone", None)
    _, mine = keys.add_session(token.id)
    _, other = keys.add_session("p")
    keys.revoke_token("phone")
    assert keys.session(mine) is None
    assert keys.session(other)


def test_what_another_process_writes_is_known_at_once(keys: KeyFile, tmp_path: Path, clock: Clock) -> None:
    terminal = KeyFile(keys.path, clock)
    _, token = terminal.add_token("backup", None)
    assert keys.token(token)
    terminal.revoke_token("backup")
    assert keys.token(token) is None
    keys.path.unlink()
    assert not keys.keys().tokens


def test_who_writes_at_the_same_time_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "door.json"
    threads = [
        threading.Thread(target=lambda n=n: KeyFile(path).add_token(f"token {n}", None)) for n in range(16)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(KeyFile(path).keys().tokens) == 16


DEAR = {"salt": "00", "n": 10**9, "r": 8, "p": 1, "hash": "00"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"id": 3}',
        '{"id": "a", "password": {"id": "b", "record": {}}}',
        json.dumps({"id": "a", "password": {"id": "b", "record": DEAR}}),
        json.dumps({"id": "a", "password": {"id": "b", "record": DEAR | {"n": 2, "salt": ""}}}),
    ],
)
def test_a_file_that_is_not_ours_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "door.json"
    path.write_text(text)
    with pytest.raises(StartError, match=r"door\.json"):
        KeyFile(path).add_token("a", None)
    assert path.read_text() == text


def test_a_password_is_the_same_however_a_keyboard_writes_it() -> None:
    record = passwords.hashed("Schöne Grüße 12")
    assert passwords.matches("Scho\u0308ne Gru\u0308ße 12", record)
    assert passwords.matches("\uff33\uff43\uff48öne Grüße 12", record)
    assert not passwords.matches("Schone Gruße 12", record)
    assert not passwords.matches("\ud800", record)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025, "a\tb c d e f g", "nine char"])
def test_what_is_no_password(password: str) -> None:
    assert passwords.weakness(password)


@pytest.mark.parametrize("password", ["ten charac", "🐎" * 10, "пароль и ещё", "x" * 1024])
def test_what_is_one(password: str) -> None:
    assert passwords.weakness(password) is None
    assert passwords.matches(password, passwords.hashed(password))


def test_guessing_is_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    record = passwords.hashed("correct horse battery")
    assert record["n"] * record["r"] * record["p"] >= 2**15 * 8 * 3
