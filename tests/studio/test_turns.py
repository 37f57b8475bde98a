"""Threads that write take turns in the order in which they asked."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from studio import database as database_module
from studio.database import Database
from studio.turns import FairLock


def test_the_order_is_that_of_asking() -> None:
    turns, order = FairLock(), list[int]()

    def take(number: int) -> None:
        with turns:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    with turns:
        for number, thread in enumerate(threads):
            thread.start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))


def test_a_thread_that_would_wait_for_itself_is_told(tmp_path: Path) -> None:
    turns = FairLock()
    with turns, pytest.raises(RuntimeError, match="nested"):
        turns.__enter__()
    with turns:
        pass


def test_a_failing_block_gives_its_turn_on() -> None:
    turns = FairLock()
    with pytest.raises(ZeroDivisionError), turns:
        raise ZeroDivisionError
    with turns:
        pass


def test_the_studio_waits_for_itself_longer_than_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    database = Database(tmp_path / "likeness.db")
    done = threading.Event()

    def write() -> None:
        with database.transaction() as session:
            session.execute(text("PRAGMA user_version = 7"))
        done.set()

    with database.transaction():
        thread = threading.Thread(target=write)
        thread.start()
        assert not done.wait(0.5)
    assert done.wait(10)
    database.close()
