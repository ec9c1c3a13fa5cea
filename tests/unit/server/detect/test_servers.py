"""A server that stays lost to its balancer is told once; a deployment of one after the other is not told.

The lines are HAProxy's own: twelve servers replaced one by one (some of them by way of maintenance or drain),
one that stays away, a reload, all away, all back; once with `option log-health-checks` and once without.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.parse import LineReader
from sra_server.detect.memory import Memory
from sra_server.detect.servers import Servers
from sra_server.domain.record import SECOND, Batch, Record
from tests.unit.server.world import START, World, batch, counted, point

DATA = Path(__file__).resolve().parents[3] / "data" / "haproxy"
Told = list[tuple[float, str]]


def recorded(name: str, begin: str = "", end: str = "# stays down") -> Told:
    """Return seconds and messages of a part of a recording, from its first line on."""
    found: Told = []
    inside, first = not begin, 0
    for line in (DATA / f"{name}.log").read_text().splitlines():
        if line.startswith("#"):
            inside = (inside or line == begin) and line != end
        elif inside:
            at = LineReader().read(line).at or 0
            first = first or at
            found.append(((at - first) / SECOND, line.partition("]: ")[2]))
    return found


#: How a file of rsyslog, the same with priorities, and what a container writes look like.
FORMS = {"file": "Nov 29 16:00:00 lb-1 haproxy[7]: {}", "priority": "<{1}>Nov 29 16:00:00 haproxy[7]: {0}",
         "stdout": "{}"}


def read(told: Told, form: str = "file") -> list[Record]:
    reader, found = LineReader(service="haproxy", host="lb-1"), []
    for number, (second, text) in enumerate(told):
        urgent = " DOWN" in text and text.startswith("Server")
        parsed = reader.read(FORMS[form].format(text, 129 if urgent else 134 if '"GET' in text else 133))
        level = level_of(parsed.message, parsed.level, parsed.format, parsed.metadata)
        found.append(Record(id=f"r{number}", at=START + int(second * SECOND), level=NUMBER[level],
                            message=parsed.message, service="haproxy", host="lb-1",
                            metadata={**parsed.metadata}))
    return found


def batches(records: Iterable[Record], seconds: int, *, alive: bool = True) -> Iterable[Batch]:
    """Yield what was written, second by second, and what the host measures."""
    by_second: dict[int, list[Record]] = {}
    for each in records:
        by_second.setdefault((each.at - START) // SECOND, []).append(each)
    for second in range(seconds):
        lines = by_second.get(second, [])
        points = [point("system.cpu_percent", 5, second, host="lb-1")] if alive and second % 10 == 0 else []
        if lines or points:
            yield replace(batch(second + 0.999, *lines, points=points), counts=counted(lines))


def folded(told: Told, seconds: int, form: str = "file", *, alive: bool = True) -> World:
    world = World(through_json=False)
    for each in batches(read(told, form), seconds, alive=alive):
        world.fold(each)
    return world


def down(name: str, second: float, left: int = 11) -> tuple[float, str]:
    why = 'Layer4 connection problem, info: "Connection refused", check duration: 0ms'
    return second, (f"Server shop/{name} is DOWN, reason: {why}. {left} active and 0 backup servers left. "
                    "0 sessions active, 0 requeued, 0 remaining in queue.")


def up(name: str, second: float) -> tuple[float, str]:
    return second, (f"Server shop/{name} is UP, reason: Layer7 check passed, code: 200, check duration: 0ms. "
                    "12 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["plain", "health"])
def test_a_deployment_of_one_server_after_the_other_is_quiet(name: str, form: str) -> None:
    assert folded(recorded(name), 600, form).incidents == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["plain", "health"])
def test_who_stays_away_after_it_is_told_once(name: str, form: str) -> None:
    deployed = recorded(name)
    last = deployed[-1][0]
    gone = [(last + second, text) for second, text in recorded(name, "# stays down", "# reload")]
    lost = min(second for second, text in gone if " is DOWN" in text)
    found = folded(deployed + gone, int(last) + 900, form).only()
    assert (found.cls, found.severity, found.service) == ("external_api_down", "medium", "haproxy")
    assert START + (lost + 88) * SECOND <= found.created_at <= START + (lost + 105) * SECOND
    assert "shop/app5" in (found.root_cause or "")
    assert found.status == "open"


def test_a_second_server_that_is_lost_while_the_first_is_away_is_named() -> None:
    world = folded([down("app1", 0), down("app2", 300, 10)], 600)
    world.only()
    assert [each.note.partition(": ")[2] for each in world.changes if each.note] == ["also shop/app2"]


def test_the_incident_ends_when_the_server_is_back() -> None:
    world = folded([down("app1", 0), up("app1", 300)], 900)
    assert world.only().status == "resolved"


@pytest.mark.parametrize("out", [
    "Server shop/app1 is going DOWN for maintenance. 11 active and 0 backup servers left.",
    "Server shop/app1 was DOWN and now enters maintenance.",
    "Server shop/app1 enters drain state. 11 active and 0 backup servers online.",
    "Server shop/app1 remains in forced drain mode.",
    "Server shop/app1 is DOWN, changed from CLI. 11 active and 0 backup servers left.",
])
def test_whom_somebody_takes_out_is_not_lost(out: str) -> None:
    assert folded([(0, out)], 600).incidents == {}
    assert folded([down("app1", 0), (5, out)], 600).incidents == {}
    assert folded([down("app1", 0), (300, out)], 900).only().status == "resolved"


def test_a_reload_begins_anew_and_who_is_still_lost_goes_on_to_be() -> None:
    stopped = "Proxy shop stopped (cumulated conns: FE: 0, BE: 202)."
    assert folded([down("app1", 0), (40, stopped)], 600).incidents == {}
    again = folded([down("app1", 0), (40, stopped), down("app1", 41)], 600).only()
    assert again.created_at <= START + 105 * SECOND
    each_minute = [one for n in range(9) for one in ((60 * n + 40, stopped), down("app1", 60 * n + 41))]
    assert folded([down("app1", 0), *each_minute], 560).only().status == "open"
    assert folded([down("app1", 0), (300, stopped)], 900).only().status == "resolved"


def test_nothing_is_told_while_nothing_is_heard_of_the_balancers_host() -> None:
    elsewhere = batch(200, points=[point("system.cpu_percent", 5, 200, host="db-1")])
    memory = Memory()
    for each in (*batches(read([down("app1", 0)]), 1, alive=False), elsewhere):
        assert Servers().detect(memory, each) == []
    assert Servers().detect(memory, batch(201, points=[point("system.cpu_percent", 5, 201, host="lb-1")]))


def test_where_returns_are_never_written_nobody_is_told() -> None:
    deploys = [down(f"app{n}", 40 * day + 3 * n) for day in range(3) for n in range(12)]
    assert folded(deploys, 900).incidents == {}


def test_servers_that_need_long_to_start_are_waited_for() -> None:
    slow = [one for n in range(12) for one in (down(f"app{n}", 400 * n), up(f"app{n}", 400 * n + 150))]
    late = 400 * 12
    world = folded([*slow, down("app3", late)], late + 600)
    moments = [(each.at - START) // SECOND for each in world.changes if each.kind in ("opened", "reopened")]
    assert moments[:2] == [90, 490]
    assert moments[2:] == [late + 230]


def test_a_loss_that_is_written_twice_is_one() -> None:
    told = [down("app1", 0), (0.1, "(7) : " + down("app1", 0)[1])]
    assert folded(told, 300).only().severity == "medium"


def test_what_is_remembered_is_bounded_and_quick() -> None:
    memory = Memory()
    for n in range(2000):
        Servers().detect(memory, batch(n / 100, *read([down(f"app{n}", n / 100)])))
    assert len(memory) <= 520

