"""What comes with its hour, its own work or a moment is waited for; what is more than that is told."""
from __future__ import annotations

import json

from sra_server.detect.burst import Burst
from sra_server.detect.memory import Memory
from sra_server.domain.record import MINUTE, SECOND, Batch, Count

from ..world import START, World

_STEP = 20
HOUR, DAY = 3600, 86_400


class Service:
    """Writes so many good lines and errors a minute; remembers when it was told, in seconds."""

    def __init__(self) -> None:
        self.memory, self.now, self.owed = Memory(), 0, [0.0, 0.0]

    def writes(self, good: float, bad: float, seconds: float, step: int = _STEP) -> list[int]:
        """Return after how many seconds signals came."""
        came, begun = [], self.now
        while self.now < begun + seconds:
            owed = [had + each * step / 60 for had, each in zip(self.owed, (good, bad), strict=True)]
            n = [int(each + 1e-9) for each in owed]
            self.owed = [had - each for had, each in zip(owed, n, strict=True)]
            at = START + self.now * SECOND
            self.now += step
            counts = tuple(Count(at - at % MINUTE, "shop", "h", level, each)
                           for level, each in zip((20, 40), n, strict=True) if each)
            given = Batch(account_id="a", head=1, received_at=START + self.now * SECOND, counts=counts)
            if any(each.state == "firing" for each in Burst().detect(self.memory, given)):
                came.append(self.now - begun)
        self.memory = Memory.from_json(json.loads(json.dumps(self.memory.to_json())))
        return came

    def day(self, good: float, bad: float, minutes: float, hour: float = 2) -> list[int]:
        """Live to the hour of a new day, write so much there, and be well for an hour after."""
        midnight = -(-self.now // DAY) * DAY
        self.writes(60, 0, midnight + hour * HOUR - self.now - HOUR, step=60)
        self.writes(60, 0, HOUR)
        found = self.writes(good, bad, 60 * minutes)
        return [*found, *self.writes(60, 0, HOUR)]


def test_errors_of_a_moment_are_waited_for_where_most_is_well() -> None:
    shop = Service()
    shop.writes(200, 5, HOUR)
    assert not shop.writes(150, 60, 40) + shop.writes(200, 5, 600), "a container was replaced"
    assert 60 <= shop.writes(150, 60, 600)[0] <= 120, "it lasts"


def test_what_mostly_fails_is_told_at_once_and_not_after_a_blink() -> None:
    shop = Service()
    shop.writes(200, 0, HOUR)
    assert shop.writes(60, 140, 60)[0] <= 40
    shop.writes(200, 0, HOUR)
    assert not shop.writes(60, 140, 15, step=5) + shop.writes(200, 0, HOUR)


def test_errors_of_its_own_hour_are_quiet_once_they_were_got_over_twice() -> None:
    shop = Service()
    told = [bool(shop.day(54, 26, 20 + n % 3, hour=2 + n % 2 / 5)) for n in range(5)]
    assert told == [True, True, False, False, False]
    assert shop.day(54, 26, 20, hour=12), "not at another hour"
    assert shop.day(54, 52, 20), "nor twice as many"
    assert shop.day(20, 26, 20), "nor most of what is written"
    assert shop.day(54, 26, 120), "nor for hours"


def test_what_mostly_fails_each_night_is_no_habit() -> None:
    shop = Service()
    assert all(shop.day(2, 40, 15) for _ in range(6))


def test_a_small_part_of_work_on_top_is_waited_for_and_a_large_one_is_not() -> None:
    mailer = Service()
    assert not mailer.day(360, 40, 35), "a newsletter, the first time"
    assert mailer.day(360, 40, 80)[0] >= HOUR, "nobody sends for so long"
    assert mailer.day(160, 120, 20)[0] <= 120, "half of what comes on top"
    assert mailer.day(54, 12 + 8, 20), "nothing comes on top"


def test_a_failure_that_lasts_is_told_all_day_and_again_after_it() -> None:
    shop = Service()
    shop.writes(60, 0, HOUR)
    assert shop.writes(36, 24, DAY)[-1] > DAY - HOUR, "a part of who was well"
    shop.writes(60, 0, DAY, step=60)
    assert shop.writes(36, 24, HOUR)


def test_grouped_otherwise_and_through_a_restart_it_is_told_as_well() -> None:
    for step in (5, 30, 60):
        shop = Service()
        shop.writes(120, 4, HOUR, step=step)
        assert not shop.writes(90, 40, 35, step=step) + shop.writes(120, 4, 300, step=step)
        assert 60 <= shop.writes(90, 40, 300, step=step)[0] <= 120 + step


def test_what_an_older_release_told_goes_on_to_be_told() -> None:
    memory = Memory()
    memory.put("shop", [START - HOUR * SECOND, START, 30, 51.2, 3.0, 5.0, START - 5 * MINUTE, 0])
    counts = (Count(START, "shop", "h", 40, 9), Count(START, "shop", "h", 20, 60))
    assert Burst().detect(memory, Batch(account_id="a", head=1, received_at=START, counts=counts))


def test_the_fold_opens_one_incident_for_what_lasts_and_none_for_a_moment() -> None:
    world = World(through_json=False)
    for second in range(0, 2 * HOUR, _STEP):
        bad = 20 if 3000 <= second < 3040 or second >= 6000 else 0
        at = START + second * SECOND
        counts = tuple(Count(at - at % MINUTE, "shop", "h", level, n)
                       for level, n in ((20, 60 - bad), (40, bad)) if n)
        world.fold(Batch(account_id="a", head=second, received_at=at, counts=counts))
        assert second >= 6000 or not world.incidents
    assert world.only().cls == "error_burst"
