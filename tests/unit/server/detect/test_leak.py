"""Memory that grows and is given back, time and again, is no leak until it goes higher than it ever did."""
from __future__ import annotations

import json

from sra_server.detect.leak import Leak
from sra_server.detect.memory import Memory

from ..world import at, batch, point

HOUR, DAY = 3600, 86_400
MEMORY = "system.memory_percent"


class Host:
    """A host whose memory is filled and given back; when it was told, and how full it then was."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory, self.second, self.firing = memory or Memory(), 0, False
        self.told: list[float] = []
        self.cleared = 0

    def has(self, value: float) -> None:
        given = batch(self.second, points=[point(MEMORY, value, self.second)])
        for signal in Leak().detect(self.memory, given):
            if signal.state == "firing" and not self.firing:
                self.told.append(value)
            self.cleared += signal.state == "cleared"
            self.firing = signal.state == "firing"
        self.second += 30

    def grows(self, begin: float, end: float, hours: float) -> Host:
        """Grow in a line, with a little noise, and stay there for a moment."""
        steps = int(hours * HOUR / 30)
        for n in range(steps):
            self.has(begin + (end - begin) * n / steps + (n * 7 % 5 - 2) / 10)
        self.memory = Memory.from_json(json.loads(json.dumps(self.memory.to_json())))
        return self


def sawtooth(high: float, teeth: int, host: Host | None = None) -> Host:
    host = host or Host()
    for n in range(teeth):
        host.grows(60, high + n % 3 - 1, 4)
    return host.grows(60, 61, 0.5)


def test_a_process_that_is_started_anew_each_few_hours_is_told_twice() -> None:
    host = sawtooth(86, 12)
    assert len(host.told) == 2 and host.cleared == 2


def test_what_goes_higher_than_ever_is_told_while_there_is_room() -> None:
    host = sawtooth(86, 6)
    host.grows(60, 99, 7)
    assert len(host.told) == 3 and 86.5 < host.told[-1] < 92


def test_one_height_is_no_habit_and_the_highest_does_not_count_alone() -> None:
    host = sawtooth(94, 1)
    host = sawtooth(84, 3, host)
    assert len(host.told) == 2
    host.grows(60, 93, 6)
    assert len(host.told) == 3 and host.told[-1] < 90


def test_memory_that_was_used_up_was_not_got_over() -> None:
    assert len(sawtooth(98, 4).told) == 4


def test_what_is_firing_ends_where_memory_is_given_back() -> None:
    host = sawtooth(86, 1)
    assert (len(host.told), host.cleared) == (1, 1)


def test_a_habit_fades() -> None:
    host = sawtooth(86, 5)
    host.told.clear()
    for _ in range(16 * 24):
        host.second += HOUR - 60
        host.grows(60, 60.5, 0.02)
    assert len(sawtooth(86, 1, host).told) == 1


def test_a_hole_in_the_points_gives_nothing_back() -> None:
    host = Host()
    for _ in range(4):
        host.grows(60, 86, 4)
        host.second += HOUR
    assert len(host.told) == 4


def test_what_an_older_release_stored_is_read_and_the_memory_is_bounded() -> None:
    host = Host().grows(60, 85, 4)
    key, stored = host.memory.items()[0]
    assert len(stored) == 7 and stored[-1] == []
    older = Memory()
    older.put(key, stored[:5])
    again = Host(older)
    again.second, again.firing = host.second, host.firing
    # the older release told it, and what it told ends
    again.grows(60, 61, 0.5)
    assert again.cleared == 1 and len(again.memory.get(key)) == 7
    many = sawtooth(86, 12)
    last = many.memory.get(key)[-1]
    assert len(last) == 3 and all(minute > at(0) // 60_000_000 and 80 <= top < 95 for minute, top in last)
    # of a process no height is kept: it opens nothing
    memory = Memory()
    for n in range(40):
        given = point("process.memory_bytes", 90.0 if n % 2 else 40.0, n * 30, process="java")
        Leak().detect(memory, batch(n * 30, points=[given]))
    assert memory.items()[0][1][-1] == []
