"""What spreads slowly is told before it is usual, and work with a few bad rows is no illness."""
from __future__ import annotations

from sra_server.detect.creep import Creep, crept
from sra_server.domain.record import MINUTE

from .test_patience import HOUR, Service


def spread(shop: Service, rate: float, most: float, minutes: int) -> list[int]:
    """Let the failing part grow from one in a hundred; return after how many minutes it was told."""
    told = []
    for minute in range(minutes):
        share = 0.01 + (most - 0.01) * minute / minutes
        told += [minute] * bool(shop.writes(rate * (1 - share), rate * share, 60))
    return told


def test_in_its_first_hours_a_service_that_creeps_to_a_third_is_told_within_ten_minutes_of_a_fifth() -> None:
    for rate in (60, 200, 1000):
        for before in (20 * 60, 2 * HOUR):
            shop = Service()
            assert not shop.writes(rate * 0.99, rate * 0.01, before)
            told = spread(shop, rate, 0.3, 30)
            told += [30 + came // 60 for came in shop.writes(rate * 0.7, rate * 0.3, 900)]
            assert told and told[0] <= 20 + 10, (rate, before, told[:1])


def test_it_is_over_when_it_is_mended_and_told_again() -> None:
    shop = Service()
    shop.writes(99, 1, HOUR)
    assert spread(shop, 100, 0.4, 30)
    assert not shop.writes(99, 1, HOUR)[6:]
    assert spread(shop, 100, 0.4, 30)


def test_a_share_that_always_was_and_a_service_of_few_records_are_not_told() -> None:
    shop = Service()
    assert not shop.writes(75, 25, 4 * HOUR), "a quarter fails since it is known"
    idle = Service()
    idle.writes(6, 0, HOUR)
    assert not spread(idle, 6, 0.4, 30), "two errors a minute"


def test_more_work_with_bad_rows_is_no_creeping() -> None:
    for good, told in ((60, 1), (300, 0)):
        creep = Creep()
        for minute in range(60):
            creep = crept(creep, minute * MINUTE, 0, 60)
        for minute in range(60, 80):
            creep = crept(creep, minute * MINUTE, good // 3, good + good // 3)
        assert creep.told == told, "a quarter of a job of its own is that job's"
