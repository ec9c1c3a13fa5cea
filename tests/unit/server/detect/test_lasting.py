# ruff: noqa: E501 - lines of logs are as long as they are
"""What says that it is over, when it is, is told once it has not said so for some seconds; a blink is quiet."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

from sra_server.detect.trial import arrived
from sra_server.domain.record import Record

from ..world import World, at, batch

Lines = list[tuple[float, str]]
KERNEL = "Mar  5 10:00:00 web-1 kernel: [ 812.123456] "
HUNG = f"{KERNEL}INFO: task php-fpm8.2:4711 blocked for more than 120 seconds."
CIFS = f"{KERNEL}CIFS: VFS: \\\\nas has not responded in 180 seconds. Reconnecting..."


def lost(server: str = "storage1", program: str = "nfs") -> str:
    return f"{KERNEL}{program}: server {server} not responding, still trying"


def back(server: str = "storage1", program: str = "nfs") -> str:
    return f"{KERNEL}{program}: server {server} OK"


def run(lines: Lines, until: int, *, every: int = 2) -> World:
    """Fold lines at their seconds, and ticks of time as the worker does; the kernel writes something now and then."""
    seconds: dict[int, list[Record]] = defaultdict(list)
    for nth, (second, line) in enumerate(lines):
        for each in arrived([line], source=f"{nth}"):
            seconds[int(second)].append(replace(each, at=at(second), id=f"{nth}-{second}"))
    world = World()
    for second in range(-1200, until + 1):
        written, alive = seconds.get(second, []), ["kernel"] if second % 15 == 0 else []
        if written or alive or (second >= -2 and second % every == 0):
            world.fold(batch(second, *written, alive=alive))
    return world


def opened(world: World) -> list[tuple[int, str]]:
    return [((each.at - at(0)) // 1_000_000, f"{each.incident.cls} {each.incident.severity}")
            for each in world.changes if each.kind == "opened"]


#: What the kernel really writes of a server that does not answer: a line for each task that waits, in one
#: second or in several, and one of each task when it answers again.
HANGS: dict[str, Lines] = {
    "one task": [(0, lost())],
    "two tasks at once": [(0, lost()), (1, lost())],
    "two tasks and what hangs": [(0, lost()), (1, lost()), (123, HUNG), (125, lost())],
    "locks": [(0, lost(program="lockd"))],
    "another answers": [(0, lost()), (1, lost("storage2")), (3, back("storage2"))],
    "it answers for a moment": [(0, lost()), (3, back()), (4, lost()), (5, lost())],
}


@pytest.mark.parametrize("name", HANGS)
def test_a_file_server_that_hangs_is_told_within_ten_seconds(name: str) -> None:
    found = opened(run(HANGS[name], 140))
    assert [what for _, what in found] == ["network_failure high"]
    assert found[0][0] <= (14 if name == "it answers for a moment" else 10)


@pytest.mark.parametrize("lines", [
    [(0, lost()), (3, back())],
    [(0, lost()), (0.5, lost()), (1, lost()), (6, back()), (6.1, back()), (6.2, back())],
    [(0, lost()), (0.2, lost("storage2")), (4, back("storage2")), (5, back())],
    [(0, lost(program="lockd")), (4, back(program="lockd"))],
    # of what never says that it is back nobody knows
    [(0, CIFS)],
])
def test_one_that_answers_within_some_seconds_is_a_blink(lines: Lines) -> None:
    assert opened(run(lines, 400)) == []


def test_what_came_late_and_all_at_once_is_judged_as_a_whole() -> None:
    assert opened(run([(0, lost()), (0, back())], 60)) == []


def test_a_server_that_answers_after_a_minute_ends_and_the_next_blink_is_none() -> None:
    world = run([(0, lost()), (60, back()), (400, lost()), (403, back())], 500)
    assert world.only().status == "resolved"
    assert [each.kind for each in world.changes if each.kind != "attached"] == ["opened", "resolved"]


def test_one_that_hangs_goes_on_until_it_answers_and_no_longer_than_a_window_where_that_was_missed() -> None:
    def ended(lines: Lines) -> list[int]:
        return [(each.at - at(0)) // 1_000_000 for each in run(lines, 700).changes if each.kind == "resolved"]

    [answered], [missed] = ended([(0, lost()), (200, back())]), ended([(0, lost())])
    assert 200 < answered <= 325
    assert 300 < missed <= 430


def test_a_second_server_that_hangs_is_told_in_the_open_incident_and_a_blink_is_not() -> None:
    first = [(30.0 * n, lost()) for n in range(10)]
    world = run([*first, (200, lost("storage2"))], 290)
    assert [each.news.partition(": ")[2] for each in world.changes if each.news] == ["also storage2"]
    world.only()
    assert not [each for each in run([*first, (200, lost("storage2")), (204, back("storage2"))], 290).changes if each.news]


def test_nothing_waits_without_a_bound() -> None:
    world = run([(n / 10, lost(f"nas{n}-x")) for n in range(200)], 40)
    world.only()
    assert len(world.state.detectors["signature"].get("lasting")) <= 64


def test_who_waits_is_asked_again_though_nothing_comes() -> None:
    world = World()
    assert world.state.due is None
    world.fold(batch(0, *(replace(each, at=at(0)) for each in arrived([lost()]))))
    due = world.state.due
    assert due is not None and at(5) <= due <= at(10)
    world.fold(batch(12))
    assert world.only().service == "kernel"
