"""More series than there is room for: those that were there first are watched well, the rest is counted."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sra_server.detect import Memory
from sra_server.detect.absence import GONE, Absence
from sra_server.detect.baseline import WATCHED, Baseline
from sra_server.detect.threshold import Threshold
from sra_server.domain.record import MINUTE, Batch, Point
from sra_server.domain.signal import Signal
from sra_server.state import State, unwatched

from ..world import World, at, batch, point

HOSTS = 400
FAULTS = {("h5", "system.cpu_percent", ""): 99.9, ("h399", "system.disk_percent", "/m3"): 99.5,
          ("h200", "system.memory_percent", ""): 98.0}
SERIES = (("system.cpu_percent", ""), ("system.memory_percent", ""), ("system.swap_percent", ""),
          ("system.load1_per_core", ""), ("system.iowait_percent", ""),
          *(("system.disk_percent", f"/m{n}") for n in range(4)),
          *(("system.inode_percent", f"/m{n}") for n in range(2)))


def sent(host: str, second: float) -> list[Point]:
    return [point(name, FAULTS.get((host, name, mount), 1.5), second, host=host,
                  **({"mount": mount} if mount else {})) for name, mount in SERIES]


@pytest.mark.parametrize("limit", [4096, 8192])
def test_faults_among_four_hundred_hosts_that_send_by_turns_are_told(limit: int) -> None:
    memory, found = Memory(limit, lasting=60 * MINUTE), {}
    for minute in range(5):
        memory.clock = at(minute * 60)
        for n in range(HOSTS):
            given = batch(minute * 60, points=sent(f"h{n}", minute * 60))
            for signal in Threshold().detect(memory, given):
                found[signal.host, signal.evidence[0].source, signal.subject] = signal
    assert {(host, subject) for host, _, subject in found} == {("h5", ""), ("h399", "/m3"), ("h200", "")}
    assert (memory.refused(), memory.evicted) == (0, 0)


def test_what_is_calm_and_new_leaves_room_for_what_is_not() -> None:
    memory = Memory(8, lasting=60 * MINUTE, clock=at(0))
    found: list[Signal] = []
    for second in range(0, 60, 10):
        calm = [point("system.cpu_percent", 5.0, second, host=f"h{n}") for n in range(10)]
        full = point("system.disk_percent", 99.5, second, host="h9", mount="/")
        found += Threshold().detect(memory, batch(second, points=[*calm, full]))
    assert {each.host for each in found} == {"h9"}
    assert (memory.refused(), memory.evicted) == (4, 0)


def spoken(memory: Memory, hosts: list[str], begin: float, end: float) -> list[Signal]:
    found: list[Signal] = []
    for second in range(int(begin), int(end), 30):
        memory.clock = at(second)
        points = [point("system.load1", 1.0, second, host=host) for host in hosts]
        found += Absence().detect(memory, replace(batch(second, points=points), listening=at(1)))
    return found


def test_one_silent_host_of_thousands_is_told() -> None:
    hosts = [f"h{n}" for n in range(4200)]
    state = State(clock=at(0))
    memory = state.memory("absence")
    assert not spoken(memory, hosts, 30, 450)
    found = spoken(memory, hosts[:7] + hosts[8:], 450, 900)
    assert [each.host for each in found] == ["h7"]


def test_a_silent_host_keeps_its_place_and_one_that_said_goodbye_does_not() -> None:
    memory = Memory(11, lasting=GONE, clock=at(0))
    hosts = [f"h{n}" for n in range(10)]
    spoken(memory, hosts, 30, 480)
    found = spoken(memory, [*hosts[1:], "new1", "new2"], 480, 930)
    assert [each.host for each in found] == ["h0"]
    assert memory.refused() == 2
    goodbye = replace(batch(930, points=[point("agent.up", 0.0, 930, host="h5")]), listening=at(1))
    assert not Absence().detect(memory, goodbye)
    found = spoken(memory, [*hosts[1:5], *hosts[6:], "new1"], 960, 1380)
    assert not found and memory.get("host|new1") and memory.get("host|h0") and not memory.get("host|h5")


def test_what_the_baseline_has_no_place_for_is_counted() -> None:
    memory = Memory()
    points = [point("latency", 1.0, 0, service=f"s{n}") for n in range(WATCHED + 5)]
    Baseline().detect(memory, batch(0, points=points))
    assert memory.refused() == 5


def test_what_is_not_watched_stands_in_the_text_of_the_state() -> None:
    world = World(through_json=False)
    world.fold(batch(0, points=[point("latency", 1.0, 0, service=f"s{n}") for n in range(WATCHED + 5)]))
    text = world.state.to_json()
    assert unwatched(text) == {"baseline": 5}
    assert unwatched(State.empty().to_json()) == unwatched(None) == unwatched("") == {}
    world.fold(Batch(account_id="a", head=2, received_at=at(2 * 3600)))
    assert unwatched(world.state.to_json()) == {}


def test_the_state_of_an_older_release_is_read() -> None:
    world = World()
    world.fold(batch(0, points=sent("h5", 0)))
    stored = json.loads(world.state.to_json())
    del stored["used"], stored["unwatched"]
    again = State.from_json(json.dumps(stored))
    assert again == world.state
    assert again.memory("threshold").used() == [[at(0) // MINUTE, len(SERIES)]]
