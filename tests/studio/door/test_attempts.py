from __future__ import annotations

import logging
import time

import pytest

from studio.door.attempts import Allowance, Attempts, place
from tests.studio.door.door_for_tests import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(Allowance(5, 12.0), Allowance(20, 4.0), clock)


def taken(attempts: Attempts, address: str, count: int) -> int:
    return sum(attempts.take(address) == 0 for _ in range(count))


def test_an_address_has_a_few_tries_and_then_one_now_and_then(attempts: Attempts, clock: Clock) -> None:
    assert taken(attempts, "192.0.2.1", 10) == 5
    assert attempts.take("192.0.2.1") == pytest.approx(12)
    clock.at += 11
    assert attempts.take("192.0.2.1") == pytest.approx(1)
    clock.at += 1.001
    assert taken(attempts, "192.0.2.1", 10) == 1


def test_to_be_refused_costs_no_further_wait(attempts: Attempts, clock: Clock) -> None:
    taken(attempts, "192.0.2.1", 5000)
    clock.at += 12.001
    assert attempts.take("192.0.2.1") == 0


def test_all_addresses_together_have_an_end(attempts: Attempts) -> None:
    assert sum(taken(attempts, f"192.0.2.{n}", 5) for n in range(200)) == 20


def test_who_came_in_before_does_not_wait_for_strangers(attempts: Attempts) -> None:
    assert attempts.take("192.0.2.7") == 0
    attempts.right("192.0.2.7")
    for n in range(100):
        taken(attempts, f"198.51.100.{n}", 5)
    assert attempts.take("203.0.113.1") > 0
    assert taken(attempts, "192.0.2.7", 10) == 4


def test_right_tries_count_too(attempts: Attempts) -> None:
    assert taken(attempts, "192.0.2.1", 5) == 5
    attempts.right("192.0.2.1")
    assert attempts.take("192.0.2.1") > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:eeee:dddd:cccc"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%wlan0"),
        ("nonsense\nWARNING all is well", ""),
    ],
)
def test_what_counts_as_one_address(one: str, other: str) -> None:
    assert place(one) == place(other)
    assert "\n" not in place(one)


def test_another_house_is_another_address() -> None:
    assert place("2001:db8:1:2::1") != place("2001:db8:1:3::1")


def test_what_is_remembered_is_bounded(attempts: Attempts) -> None:
    many = Attempts(Allowance(5, 12.0), in_all=None)
    for n in range(6000):
        many.take(f"10.0.{n // 250}.{n % 250}")
        many.right(f"10.1.{n // 250}.{n % 250}")
    for n in range(6000):
        many.take(f"10.0.{n // 250}.{n % 250}")
    assert len(many._left) <= 4096
    assert len(many._known) <= 64


def test_it_is_told_once_a_minute_and_not_ten_thousand_times(
    attempts: Attempts, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        taken(attempts, "192.0.2.1", 3000)
        clock.at += 61
        taken(attempts, "192.0.2.1", 3000)
    assert len(caplog.records) == 2


def test_saying_no_costs_next_to_nothing() -> None:
    attempts = Attempts()
    began = time.process_time()
    assert taken(attempts, "192.0.2.1", 10_000) <= 6
    assert time.process_time() - began < 2
