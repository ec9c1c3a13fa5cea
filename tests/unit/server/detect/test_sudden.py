"""Few errors are told soon where there were none, if they go on for longer than a restart; no others are."""
from __future__ import annotations

import json

from sra_server.detect.burst import Burst
from sra_server.detect.memory import Memory
from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Record

from ..world import START, World, batch, record

HOUR = 3600


class Service:
    """Writes good lines and errors a minute, second by second, and remembers after how many it was told."""

    def __init__(self, text: str = "KeyError: 'zone'") -> None:
        self.memory, self.now, self.owed, self.text = Memory(), 0, [0.0, 0.0], text

    def writes(self, good: float, bad: float, seconds: int, *, step: int = 1) -> list[int]:
        came, begun = [], self.now
        while self.now < begun + seconds:
            counts: dict[tuple[int, int], int] = {}
            records: list[Record] = []
            for second in range(self.now, self.now + step):
                at = START + second * SECOND
                self.owed = [had + each / 60 for had, each in zip(self.owed, (good, bad), strict=True)]
                n = [int(each + 1e-9) for each in self.owed]
                self.owed = [had - each for had, each in zip(self.owed, n, strict=True)]
                for level, each in zip((20, 40), n, strict=True):
                    counts[at - at % MINUTE, level] = counts.get((at - at % MINUTE, level), 0) + each
                records += [Record(id=f"{second}-{each}", at=at, level=40, message=self.text, service="shop",
                                   host="h") for each in range(n[1])]
            self.now += step
            heard = tuple(Count(minute, "shop", "h", level, each)
                          for (minute, level), each in counts.items() if each)
            given = Batch(account_id="a", head=1, received_at=START + self.now * SECOND,
                          records=tuple(records), counts=heard)
            if any(each.state == "firing" for each in Burst().detect(self.memory, given)):
                came.append(self.now - begun)
        self.memory = Memory.from_json(json.loads(json.dumps(self.memory.to_json())))
        return came


def test_a_part_that_fails_is_told_within_twenty_seconds() -> None:
    for good, bad in ((60, 40), (200, 30), (20, 30), (0, 40)):
        shop = Service()
        assert not shop.writes(good + bad, 1 / 60, HOUR)
        assert 15 <= shop.writes(good, bad, 300)[0] <= 21, (good, bad)


def test_a_smaller_part_is_told_if_it_goes_on_for_a_minute() -> None:
    shop = Service()
    shop.writes(200, 0, HOUR)
    assert 45 <= shop.writes(190, 14, 300)[0] <= 65, "each request that is well writes two lines"
    shop = Service()
    shop.writes(600, 0, HOUR)
    assert not shop.writes(580, 14, 300), "one in forty"
    shop = Service()
    shop.writes(200, 0, HOUR)
    assert not shop.writes(190, 14, 40) + shop.writes(200, 0, 600), "it was over before"


def test_few_errors_are_told_as_soon_as_they_are_eight() -> None:
    shop = Service()
    shop.writes(30, 0, HOUR)
    assert shop.writes(10, 10, 300)[0] <= 50


def test_a_restart_is_no_trouble_and_neither_are_many_of_them() -> None:
    shop = Service()
    shop.writes(100, 0, HOUR)
    for _ in range(6):
        assert not shop.writes(10, 90, 15) + shop.writes(100, 0, 1200)
    assert shop.writes(60, 40, 120)[0] <= 40, "and what lasts longer is told beside them"


def test_a_job_that_fails_for_a_while_each_hour_is_a_habit() -> None:
    shop = Service()
    shop.writes(100, 0, HOUR)
    told = [bool(shop.writes(80, 20, 40) + shop.writes(100, 0, HOUR)) for _ in range(5)]
    assert told == [True, True, False, False, False]


def test_what_is_usual_rare_or_tried_again_is_not_told_so() -> None:
    shop = Service()
    shop.writes(95, 8, HOUR)
    assert not shop.writes(90, 12, HOUR), "it always fails a little"
    shop = Service()
    shop.writes(1000, 0, HOUR)
    assert not shop.writes(1000, 10, 120), "one in a hundred"
    shop = Service("lock not granted, will retry in 2 s")
    shop.writes(100, 0, HOUR)
    assert not shop.writes(100, 30, 45)
    shop = Service()
    shop.writes(100, 0, HOUR)
    assert not shop.writes(400, 60, 45), "an import with bad rows"


def test_a_new_service_and_a_job_have_no_past() -> None:
    shop = Service()
    shop.writes(100, 0, 5 * 60)
    assert not shop.writes(80, 20, 30)
    job = Service()
    job.writes(0.5, 0, HOUR)
    assert not job.writes(20, 12, 50)


def test_however_it_is_grouped_it_is_told_alike() -> None:
    for step in (1, 2, 5, 10):
        shop = Service()
        shop.writes(100, 0, HOUR, step=step)
        assert not shop.writes(10, 90, 10, step=step) + shop.writes(100, 0, 600, step=step), step
        assert shop.writes(60, 40, 100, step=step)[0] <= 20 + step, step


def test_the_fold_opens_one_incident_and_it_is_medium() -> None:
    world = World(through_json=False)
    for second in range(900):
        world.fold(batch(second + 1, record("served", second, level=20)))
    for second in range(900, 930):
        fails = second % 2
        world.fold(batch(second + 1, record("KeyError: 'zone'" if fails else "served", second,
                                            level=40 if fails else 20)))
    assert [(each.service, each.severity) for each in world.incidents.values()] == [("shop", "medium")]


def test_a_release_that_fails_from_its_restart_on_is_told_within_forty_seconds() -> None:
    for fails, least in ((40, 1), (15, 0)):
        world = World(through_json=False)
        for second in range(905):
            world.fold(batch(second + 1, record("served", second, level=20)))
        world.fold(batch(906, record("Handling signal: term", 905, level=30)))
        for second in range(906, 906 + fails):
            bad = second % 2
            world.fold(batch(second + 1, record("KeyError: 'zone'" if bad else "served", second,
                                                level=40 if bad else 20)))
        for second in range(906 + fails, 960):
            world.fold(batch(second + 1, record("served", second, level=20)))
        assert [each.cls for each in world.incidents.values()] == ["error_burst"] * least, fails


def test_a_service_of_the_night_is_told_within_a_minute_though_its_day_was_busy() -> None:
    auth = Service()
    auth.writes(200, 0.5, 4 * HOUR, step=10)
    auth.writes(60, 0.2, HOUR, step=10)
    auth.writes(10, 0.1, HOUR)
    assert auth.writes(0, 10, 120)[0] <= 60
