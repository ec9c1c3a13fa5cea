"""A burst is measured against the service's own past, by counts."""
from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from sra_server.detect.burst import Burst
from sra_server.detect.counting import rate, tail
from sra_server.detect.memory import Memory
from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Record
from sra_server.domain.signal import Signal

from ..world import START


def minutes(counts: list[int], *, first: int = 0, service: str = "shop", memory: Memory | None = None,
            parts: int = 1, written: int = 1, late: int = 0) -> list[Signal]:
    """Feed errors by the minute, each in so many parts; every part has `written` lines of information."""
    memory = memory if memory is not None else Memory()
    found: list[Signal] = []
    for index, errors in enumerate(counts, first):
        minute = START + index * MINUTE
        for part in range(parts):
            n = errors // parts + (1 if part < errors % parts else 0)
            given = [Count(minute=minute, service=service, host="h", level=20, n=written)]
            given += [Count(minute=minute, service=service, host="h", level=40, n=n)] if n else []
            one = Batch(account_id="a", head=1, received_at=minute + late, counts=tuple(given))
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


def test_a_batch_that_spans_two_minutes_tells_the_one_that_was_a_burst() -> None:
    memory, at = Memory(), START + 10 * MINUTE
    minutes([0] * 10, memory=memory)
    counts = (Count(at, "shop", "h", 40, 50), Count(at + MINUTE, "shop", "h", 40, 1))
    batch = Batch(account_id="a", head=1, received_at=at + MINUTE, counts=counts)
    assert [each.count for each in Burst().detect(memory, batch)] == [50]


def test_few_errors_are_none() -> None:
    assert not minutes([0] * 60 + [9])


def test_a_new_service_is_learned_quietly() -> None:
    assert not minutes([500, 500, 500])
    assert not minutes([40, 55, 30, 5, 0, 0, 1]), "what it depends on comes up late"
    assert not minutes([200, 90, 20, 0, 0, 0])


def test_a_service_that_was_broken_when_it_came_is_told_and_others_are_not() -> None:
    found = minutes([1200] * 15, parts=6)
    assert {each.severity for each in found} == {"medium"}
    assert (found[0].at, found[0].last_at) == (START, START + 3 * MINUTE)
    assert "since it is watched" in found[0].title and "not known" in found[0].evidence[0].text
    assert minutes([10] + [1200] * 8)[0].last_at == START + 4 * MINUTE, "the first is seldom a whole one"
    assert not minutes([50] * 15), "less than one a second"
    assert not minutes([100] * 15, written=150), "it does most things well"
    assert not minutes([1200] * 15, late=60 * MINUTE), "an old file tells nothing of now"


def test_what_it_was_born_with_is_over_when_it_is_mended_and_is_no_habit() -> None:
    memory = Memory()
    assert minutes([1200] * 15, memory=memory)
    assert not minutes([0] * 30, first=15, memory=memory)
    (again,) = minutes([200], first=45, memory=memory)
    assert again.title == "200 errors in one minute"


def test_how_many_are_many_depends_on_all_that_is_written() -> None:
    assert minutes([0] * 10 + [15] * 2, written=20)
    assert not minutes([0] * 10 + [15] * 2, written=3000)
    memory = Memory()
    minutes([0] * 10, written=3000, memory=memory)
    assert not minutes([15], first=10, memory=memory), "the rest of the minute is still to come"
    assert minutes([0] * 10 + [60] * 2, written=5900)
    assert minutes([0] * 10 + [100] * 2, written=90_000), "beyond one a second one in a thousand will do"
    assert not minutes([0] * 10 + [100] * 2, written=190_000)


def failing(client: str, errors: int, written: int) -> list[Signal]:
    """The second minute after ten quiet ones in which all errors are of one client."""
    memory = Memory()
    minutes([0] * 10, memory=memory, written=written)
    return [each for number in (10, 11) for each in _minute_of(memory, number, client, errors, written)]


def _minute_of(memory: Memory, number: int, client: str, errors: int, written: int) -> list[Signal]:
    at = START + number * MINUTE
    records = tuple(Record(id=str(n), at=at, level=40, message="failed", service="shop", host="h",
                           metadata={"client": client}) for n in range(errors))
    counts = tuple(Count(minute=at, service="shop", host="h", level=level, n=n)
                   for level, n in ((20, written), (40, errors)))
    return Burst().detect(memory, Batch(account_id="a", head=1, received_at=at, records=records,
                                        counts=counts))


def test_the_errors_of_one_client_are_its_own_while_others_are_served() -> None:
    assert not failing("203.0.113.9", 300, 400)
    assert failing("203.0.113.9", 300, 200), "most of all fails"
    assert failing("10.0.0.9", 300, 400), "everybody stands behind it"


def test_a_small_share_is_not_grave() -> None:
    (found,) = minutes([0] * 10 + [200] * 2, written=10_000)
    assert found.severity == "medium" and "2 % of what it writes" in found.evidence[0].text
    (found,) = minutes([0] * 10 + [200] * 2, written=1000)
    assert found.severity == "high"


@pytest.mark.parametrize("seed", range(3))
def test_who_is_loud_unevenly_is_used_to_it(seed: int) -> None:
    dice = random.Random(seed)
    assert not minutes([int(dice.expovariate(1 / 20)) for _ in range(1440)])
    dice = random.Random(seed)
    usual = [dice.randint(10, 100) for _ in range(300)]
    assert not minutes(usual)
    assert minutes([*usual, 1000])


@pytest.mark.parametrize("seed", range(3))
def test_who_errs_in_clumps_is_told_once_it_lasts(seed: int) -> None:
    dice = random.Random(seed)
    usual = [int(dice.gammavariate(0.3, 30)) for _ in range(600)]
    assert len(minutes(usual)) <= 5
    memory = Memory()
    minutes(usual, memory=memory)
    (first, *_) = minutes([150] * 10, first=600, memory=memory)
    assert first.at <= START + 605 * MINUTE


def test_a_tide_is_no_burst() -> None:
    dice = random.Random(1)
    tide = [1 + 0.95 * math.sin(n / 1440 * 2 * math.pi) for n in range(2880)]
    assert not minutes([sum(dice.random() < 0.2 * each for _ in range(60)) for each in tide], written=1000)


def test_a_brief_burst_that_comes_every_hour_is_told_three_times() -> None:
    hour = [*[0] * 59, 40]
    assert len(minutes(hour * 20)) == 3
    assert len(minutes(hour * 20 + [40] * 5)) == 3 + 4, "told again once it lasts longer than those did"
    assert len(minutes(hour * 20 + [0] * 59 + [200])) == 3 + 1, "and at once if it is higher"
    assert len(minutes([*[0] * 57, 40, 40, 40] * 5)) == 15, "three minutes are not brief"


def test_a_burst_that_lasts_becomes_habit_and_says_so() -> None:
    found = minutes([0] * 60 + [100] * 400)
    assert [each.state for each in found] == ["firing"] * (len(found) - 1) + ["cleared"]
    assert found[-1].at - found[0].at >= 180 * MINUTE
    ended = minutes([15] * 60 + [300] * 40 + [16] * 400)
    assert {each.state for each in ended} == {"firing"}, "it is over, and what is left is as it always was"


def test_what_earlier_releases_remember_is_read() -> None:
    memory = Memory()
    memory.put("shop", [START - 60 * MINUTE, START - MINUTE, 0, 51.2, 3.0, 5.0, 0, 0])
    assert minutes([30], memory=memory)
    memory.put("shop", [START - 60 * MINUTE, START - MINUTE, 40, 51.2, 3.0, 5.0, START - 5 * MINUTE, 0])
    assert minutes([30], memory=memory)


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


class _Read(tuple[Record, ...]):
    """Records that count how often they are read from the first to the last."""

    times = 0

    def __iter__(self) -> Iterator[Record]:
        type(self).times += 1
        return super().__iter__()


def test_in_a_storm_of_many_services_the_records_are_read_once_and_not_for_each_of_them() -> None:
    times = []
    for services in (2, 60):
        names = [f"s{n}" for n in range(services)]
        memory, at = Memory(), START + 10 * MINUTE
        for index in range(10):
            then = START + index * MINUTE
            quiet = tuple(Count(then, name, "h", 20, 1) for name in names)
            Burst().detect(memory, Batch(account_id="a", head=1, received_at=then, counts=quiet))
        lines = _Read(Record(id=f"{name}{n}", at=at + n, level=40, message="it broke", service=name, host="h")
                      for name in names for n in range(30))
        found = Burst().detect(memory, Batch(
            account_id="a", head=1, received_at=at, records=lines,
            counts=tuple(Count(at, name, "h", 40, 30) for name in names)))
        assert len(found) == services
        times.append(_Read.times)
        _Read.times = 0
    assert times[0] == times[1]


def test_a_burst_that_begins_late_in_a_minute_does_not_hide_its_next_one() -> None:
    memory = Memory()
    found = [each for second in range(0, 780, 93) for each in _errors_at(memory, second)]
    assert found == []
    # too few of them for what is left of the minute, and enough in the next
    found = [each for second in range(815, 900, 2) for each in _errors_at(memory, second)]
    assert found and found[0].at < START + 870 * SECOND


def test_a_writer_of_errors_at_a_steady_pace_has_no_burst() -> None:
    memory = Memory()
    assert [each for second in range(0, 1800, 3) for each in _errors_at(memory, second)] == []


def _errors_at(memory: Memory, second: int) -> list[Signal]:
    """Feed an error of a service that writes nothing else."""
    at = START + second * SECOND
    told = Record(id=f"r{second}", at=at, level=40, message="no plan of ward C3", service="shop", host="h",
                  source="a.log", line=second, metadata={})
    count = Count(minute=at - at % MINUTE, service="shop", host="h", level=40, n=1)
    return Burst().detect(memory, Batch(account_id="a", head=1, received_at=at + SECOND, records=(told,),
                                        counts=(count,)))
