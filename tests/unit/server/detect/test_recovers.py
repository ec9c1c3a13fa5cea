"""What may be over in a moment is low as long as it stands alone; said again, it is told as what it is."""
from __future__ import annotations

import pytest

from .test_single import _each, _told

BEGIN = "2024-03-05T10:00:00.000Z "
#: A line that may be a moment, one in like words that is told at once, and the class and the severity.
PAIRS = {
    "a queue": (f"{BEGIN}WARN queue depth 1100 exceeds limit 1000",
                f"{BEGIN}WARN queue depth 250000 exceeds limit 1000", "queue_backlog high"),
    "workers": (f"{BEGIN}WARN all workers are busy, request {{n}} waited 300 ms",
                f"{BEGIN}WARN all workers are busy", "cpu_overload high"),
    "a node": (f"{BEGIN}WARN raft ready handling: 0.62s [append=0.00s, sync=0.6s]; node might be overloaded",
               f"{BEGIN}WARN server is overloaded, request refused", "cpu_overload high"),
    "an event loop": (f"{BEGIN}WARN event loop blocked for 1213 ms",
                      f"{BEGIN}WARN event loop blocked for 61213 ms", "cpu_overload high"),
    "a worker": (f"{BEGIN}WARN worker 4 was killed by signal 9, starting another",
                 f"{BEGIN}ERROR shop was killed by signal 9", "service_crash critical"),
    "a leader": (f"{BEGIN}WARN lost leader, electing",
                 f"{BEGIN}WARN lost leader 8211 at term 7", "network_failure critical"),
    "files": (f"{BEGIN}ERROR too many open files, closed 200 idle ones",
              f"{BEGIN}ERROR too many open files", "error_burst critical"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_is_low_and_several_are_told(name: str) -> None:
    moment, _, opened = PAIRS[name]
    assert _told(_each(moment, 1, 1)) == [f"{opened.split()[0]} low"]
    assert _told(_each(moment, 3, 0.4), within=10) == [opened]


@pytest.mark.parametrize("name", PAIRS)
def test_the_real_thing_is_told_at_once(name: str) -> None:
    _, real, opened = PAIRS[name]
    assert _told(_each(real, 1, 1), within=10) == [opened]
