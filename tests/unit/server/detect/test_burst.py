"""A burst is measured against the service's own past, by counts."""
from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest

from sra_server.detect.burst import Burst
from sra_server.detect.counting import rate, tail
from sra_server.detect.memory import Memory
from sra_server.domain.record import MINUTE, Batch, Count
from sra_server.domain.signal import Signal

from ..world import START


def minutes(counts: list[int], *, first: int = 0, service: str = "shop", memory: Memory | None = None,
            parts: int = 1) -> list[Signal]:
    """Feed errors by the minute, each in so many parts; every part also has one line of information."""
    memory = memory if memory is not None else Memory()
    found: list[Signal] = []
    for index, errors in enumerate(counts, first):
        minute = START + index * MINUTE
        for part in range(parts):
            n = errors // parts + (1 if part < errors % parts else 0)
            given = [Count(minute=minute, service=service, host="h", level=20, n=1)]
            given += [Count(minute=minute, service=service, host="h", level=40, n=n)] if n else []
            one = Batch(account_id="a", head=1, received_at=minute, counts=tuple(given))
            found += Burst().detect(memory, one)
            stored = Memory.from_json(json.loads(json.dumps(memory.to_json())))
            assert stored == memory
    return found


def test_many_errors_after_quiet_minutes_are_a_burst() -> None:
    found = minutes([0] * 10 + [30])
    assert [each.service for each in found] == ["shop"]
    assert "30 errors in one minute" in found[0].evidence[0].text


def test_it_is_seen_before_the_minute_is_over() -> None:
    assert minutes([0] * 10 + [60], parts=6)[0].count <= 20


def test_few_errors_are_none() -> None:
    assert not minutes([0] * 60 + [9])


def test_a_new_service_is_learned_quietly() -> None:
    assert not minutes([500, 500, 500])


def test_a_service_that_always_errs_is_used_to_it() -> None:
    dice = random.Random(1)
    assert not minutes([dice.randint(20, 60) for _ in range(500)])


def test_ten_times_the_usual_is_a_burst_even_there() -> None:
    dice = random.Random(1)
    assert minutes([dice.randint(20, 60) for _ in range(100)] + [400])


def test_it_goes_on_at_half_the_height_and_ends_below() -> None:
    memory = Memory()
    assert minutes([0] * 10 + [40], memory=memory)
    assert minutes([8], first=11, memory=memory)
    assert not minutes([1, 1, 1, 8], first=12, memory=memory)


def test_a_burst_is_not_learned_as_normal() -> None:
    memory = Memory()
    minutes([0] * 10 + [50] * 5 + [0] * 5, memory=memory)
    assert minutes([50], first=20, memory=memory)


def test_what_comes_much_too_late_is_not_of_now() -> None:
    memory = Memory()
    minutes([0] * 20, memory=memory)
    assert not minutes([100], first=3, memory=memory)


def test_the_number_of_services_is_bounded() -> None:
    memory = Memory(10)
    for n in range(30):
        minutes([0], service=f"s{n}", memory=memory)
    assert len(memory) == 10
    assert memory.evicted == 20


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_counts_raise_no_alarm_in_a_day(seed: int) -> None:
    dice = random.Random(seed)
    mean = dice.choice([0.1, 1, 5, 20])
    assert not minutes([sum(dice.random() < mean / 100 for _ in range(100)) for _ in range(1440)])


def test_the_tail_is_a_probability_that_falls() -> None:
    values = [tail(n, 5.0, 9.0, 60.0) for n in range(60)]
    assert all(0 <= each <= 1 for each in values)
    assert all(a >= b for a, b in pairwise(values))
    assert tail(1000, 0.0, 0.0, 100.0) < 1e-12
    assert rate(0.0, 99.0) < 0.01


def test_dispersion_makes_a_burst_less_surprising() -> None:
    assert tail(30, 60.0, 60.0, 60.0) < tail(30, 60.0, 1200.0, 60.0)
