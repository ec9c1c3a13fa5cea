"""What was well and now only fails is broken, however little it writes, and each time again."""
from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sra_server.detect.burst import Burst
from sra_server.detect.memory import Memory
from sra_server.domain.record import MINUTE, SECOND, Batch, Count
from sra_server.domain.signal import Signal

from ..world import START

_STEP = 10


class Service:
    """Feeds batches of ten seconds, each with what is written in it, and remembers when signals came."""

    def __init__(self) -> None:
        self.memory, self.now, self.owed = Memory(), 0, [0.0, 0.0]

    def writes(self, good: float, bad: float, seconds: int) -> list[int]:
        """Write so many records a minute for some time; return after how many seconds signals came."""
        came, begun = [], self.now
        while self.now < begun + seconds:
            self.owed = [owed + each * _STEP / 60 for owed, each in zip(self.owed, (good, bad), strict=True)]
            n = [int(each + 1e-9) for each in self.owed]
            self.owed = [owed - each for owed, each in zip(self.owed, n, strict=True)]
            at = START + self.now * SECOND
            self.now += _STEP
            counts = tuple(Count(at - at % MINUTE, "shop", "h", level, each)
                           for level, each in zip((20, 40), n, strict=True) if each)
            if self.hears(counts):
                came.append(self.now - begun)
        return came

    def hears(self, counts: tuple[Count, ...]) -> list[Signal]:
        batch = Batch(account_id="a", head=1, received_at=START + self.now * SECOND, counts=counts)
        found = Burst().detect(self.memory, batch)
        assert Memory.from_json(json.loads(json.dumps(self.memory.to_json()))) == self.memory
        return found


def test_a_service_of_few_requests_that_only_fails_is_told() -> None:
    for rate in (3, 8, 10):
        shop = Service()
        assert not shop.writes(rate, 0, 2 * 3600)
        came = shop.writes(0, rate, 3 * 3600)
        assert came and came[0] <= 300, rate
        assert came[-1] > 3 * 3600 - 60, "and as long as it lasts"
        assert not shop.writes(rate, 0.2, 3600)[3:], "not when it is over"


def test_a_new_service_that_was_well_and_only_fails_is_told_within_a_minute() -> None:
    for rate in (90, 180):
        shop = Service()
        assert not shop.writes(rate, 0, 30)
        assert shop.writes(0, rate, 180)[0] <= 60


def test_a_new_service_that_fails_after_its_first_lines_is_learned_quietly() -> None:
    shop = Service()
    shop.writes(180, 0, 10)
    assert not shop.writes(0, 50, 120)


def test_who_goes_on_to_serve_has_no_outage() -> None:
    shop = Service()
    shop.writes(8, 0, 2 * 3600)
    assert shop.writes(8, 8, 3600)[0] >= 30, "half fails beside as much as ever: a burst of few, no outage"
    shop = Service()
    shop.writes(0.5, 0, 2 * 3600)
    assert not shop.writes(0, 6, 300), "it was not expected to write"


def test_where_only_errors_are_written_from_now_on_nothing_fails() -> None:
    shop = Service()
    shop.writes(100, 4, 2 * 3600)
    assert not shop.writes(0, 4, 3 * 3600)


def test_who_mostly_errs_or_errs_in_runs_is_not_told() -> None:
    shop = Service()
    shop.writes(3, 8, 2 * 3600)
    assert not shop.writes(0, 11, 600)
    shop = Service()
    assert not any(shop.writes(8, 0, 600) + shop.writes(0, 8, 140) for _ in range(10))
    shop.writes(8, 0, 600)
    came = shop.writes(0, 8, 600)
    assert came and came[0] > 240, "only when it lasts much longer than those did"


def test_an_outage_that_comes_again_is_told_each_time() -> None:
    shop = Service()
    shop.writes(120, 0, 3600)
    for _ in range(12):
        assert shop.writes(0, 120, 90)
        shop.writes(120, 0, 810)


def test_a_burst_in_which_most_failed_is_no_habit() -> None:
    shop = Service()
    shop.writes(120, 0, 3600)
    for _ in range(8):
        assert shop.writes(45, 75, 60)
        shop.writes(120, 0, 840)


def test_a_stumble_of_a_new_service_is_learned_quietly() -> None:
    shop = Service()
    shop.writes(180, 0, 30)
    assert not shop.writes(0, 180, 20) + shop.writes(180, 0, 60)


def test_an_outage_of_few_requests_is_not_learned() -> None:
    shop = Service()
    for _ in range(4):
        shop.writes(10, 0, 1800)
        assert shop.writes(0, 10, 300)


def test_the_more_usual_errors_are_the_longer_must_a_run_be() -> None:
    shop = Service()
    shop.writes(4, 4, 2 * 3600)
    came = shop.writes(0, 8, 900)
    assert came and came[0] > 240


def test_a_step_from_half_to_all_is_news() -> None:
    shop = Service()
    shop.writes(120, 0, 3600)
    assert shop.writes(60, 60, 3 * 24 * 3600)[-1] > 71 * 3600, "half fails: that is no habit in hours"
    shop.writes(60, 60, 2 * 3600)
    assert not shop.writes(60, 60, 600), "usual by now"
    assert shop.writes(0, 120, 600)[0] <= 60


def test_an_old_file_tells_no_outage() -> None:
    shop, found = Service(), []
    for number in range(60):
        level = 20 if number < 30 else 40
        counts = (Count(START - (600 - number) * MINUTE, "shop", "h", level, 5),)
        shop.now += _STEP
        found += shop.hears(counts)
    assert not found


def test_three_days_of_nothing_but_errors_are_how_it_is() -> None:
    shop = Service()
    shop.writes(6, 0, 3600)
    assert shop.writes(0, 6, 3 * 24 * 3600)[-1] > 71 * 3600, "nobody was there from Friday evening to Monday"
    shop.writes(0, 6, 600)
    assert not shop.writes(0, 6, 3600)


def _past(rates: list[int], cuts: list[int]) -> Service:
    """Return a service that wrote well, of which the minutes between two cuts came as one batch."""
    shop, waiting = Service(), []
    for number, good in enumerate(rates):
        waiting.append(Count(START + number * MINUTE, "shop", "h", 20, good))
        shop.now = (number + 1) * 60
        if number in cuts or number == len(rates) - 1:
            assert not shop.hears(tuple(each for each in waiting if each.n))
            waiting = []
    return shop


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=30, max_size=150), st.lists(st.integers(0, 149), max_size=20),
       st.sampled_from((4, 6, 12)))
def test_a_quiet_past_is_the_same_as_one_batch_and_as_many(rates: list[int], cuts: list[int],
                                                           rate: int) -> None:
    rates = [*rates, 1]
    minutes, some, one = (_past(rates, each) for each in (list(range(len(rates))), cuts, []))
    came = minutes.writes(0, rate, 900)
    assert some.writes(0, rate, 900) == came
    assert one.writes(0, rate, 900) == came


def test_hours_that_were_well_in_one_batch_with_the_first_error_are_a_past() -> None:
    shop = Service()
    shop.now = 2 * 3600
    counts = [Count(START + n * MINUTE, "shop", "h", 20, 6) for n in range(120)]
    shop.hears((*counts, Count(START + 119 * MINUTE, "shop", "h", 40, 1)))
    came = shop.writes(0, 6, 900)
    assert came and came[0] <= 240


def _job(shop: Service, every: int, times: int, last: int, first: int = 20) -> list[int]:
    """Run a job so often, which tells that it begins and how it ended; return when signals came."""
    came, begun = [], shop.now
    for _ in range(times):
        for level in (first, last):
            at = START + shop.now * SECOND
            shop.now += 2
            if shop.hears((Count(at - at % MINUTE, "shop", "h", level, 1),)):
                came.append(shop.now - begun)
        shop.now += every - 4
    return came


def test_a_job_that_fails_each_time_is_told_though_it_still_begins() -> None:
    for every in (60, 300):
        shop = Service()
        assert not _job(shop, every, 48, 20)
        came = _job(shop, every, 48, 40)
        assert came and came[0] <= 13 * every
        assert not _job(shop, every, 20, 20)[3:]


def test_a_job_that_fails_now_and_then_is_not_told() -> None:
    shop = Service()
    _job(shop, 60, 48, 20)
    for _ in range(6):
        assert not _job(shop, 60, 6, 40)
        _job(shop, 60, 10, 20)
