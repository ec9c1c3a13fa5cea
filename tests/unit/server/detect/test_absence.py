"""Who went silent: a host, not its services; not who said goodbye, not while nobody listened."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.detect.absence import Absence, due
from sra_server.detect.memory import Memory
from sra_server.domain.record import SECOND, Batch

from ..world import World, at, batch, point

DAY, STEP = 24 * 3600, 30


def listened(given: Batch, since: float = 1) -> Batch:
    return replace(given, listening=at(since))


def tick(seconds: float, since: float = 1) -> Batch:
    return listened(Batch(account_id="a", head=0, received_at=at(seconds)), since)


def speaking(world: World, begin: float, end: float, *, services: tuple[str, ...] = (),
             step: float = STEP) -> None:
    moment = begin
    while moment < end:
        world.fold(listened(batch(moment, points=[point("system.load1", 1.0, moment)], alive=services)))
        moment += step


def test_a_silent_host_is_one_incident_for_all_of_its_services_and_ends_when_it_speaks() -> None:
    world = World()
    speaking(world, 0, 900, services=("shop", "inventory"))
    for second in range(900, 1170, 2):
        world.fold(tick(second))
    assert not world.incidents
    for second in range(1170, 1200, 2):
        world.fold(tick(second))
    incident = world.only()
    assert (incident.host, incident.service, incident.severity) == ("web-1", "", "high")
    for second in range(1200, 4000, 60):
        world.fold(tick(second))
    assert world.only().status == "open"
    speaking(world, 4000, 4060)
    assert world.only().status == "resolved"


def test_a_closed_incident_of_a_host_that_is_gone_for_good_is_not_opened_anew() -> None:
    world = World()
    speaking(world, 0, 900)
    world.fold(tick(1300))
    first = world.only()
    world.incidents[first.id] = first.move("closed", at(1301))
    for second in range(1400, 9000, 100):
        world.fold(tick(second))
    assert len(world.incidents) == 1


def test_who_said_goodbye_is_not_missed_and_is_again_after_his_return() -> None:
    world = World()
    speaking(world, 0, 900)
    world.fold(listened(batch(901, points=[point("agent.up", 0.0, 901)])))
    world.fold(tick(5000))
    assert not world.incidents
    speaking(world, 5000, 5300)
    world.fold(tick(5900))
    assert world.only().host == "web-1"


@pytest.mark.parametrize("step", [120, 600])
def test_the_limit_follows_the_hosts_own_rhythm(step: int) -> None:
    world = World()
    speaking(world, 0, 20 * step, step=step)
    last = 19 * step
    world.fold(tick(last + 5 * step - 10))
    assert not world.incidents
    world.fold(tick(last + 5 * step + 10))
    assert len(world.incidents) == 1


def test_nobody_is_silent_while_nobody_listens() -> None:
    """A server that was down for hours gives everybody time; files are listened to by nobody."""
    world = World()
    speaking(world, 0, 900)
    world.fold(tick(9000, since=8900))
    assert not world.incidents
    world.fold(tick(9210, since=8900))
    assert len(world.incidents) == 1
    files = World()
    speaking(files, 0, 900)
    files.fold(Batch(account_id="a", head=0, received_at=at(9000)))
    assert not files.incidents


def test_few_measurements_are_no_rhythm() -> None:
    world = World()
    speaking(world, 0, 5 * STEP)
    world.fold(tick(5000))
    assert not world.incidents


def lived(world: World, pauses: tuple[tuple[float, float], ...] = (), until: float = DAY + 600) -> None:
    """The host measures and the service speaks each minute, but for its pauses."""
    for moment in range(0, int(until), 60):
        alive = () if any(begin <= moment < end for begin, end in pauses) else ("beat",)
        world.fold(listened(batch(moment, points=[point("system.load1", 1.0, moment)], alive=alive)))


def test_a_service_that_spoke_day_and_night_is_missed_once_and_comes_back() -> None:
    world = World(through_json=False)
    lived(world, ((DAY + 600, DAY + 1500),), until=DAY + 1800)
    incident = world.only()
    assert (incident.service, incident.status, incident.severity) == ("beat", "resolved", "medium")


def test_a_job_of_the_night_or_a_shop_that_sleeps_is_not_missed() -> None:
    world = World(through_json=False)
    lived(world, ((6 * 3600, 14 * 3600), (DAY + 6 * 3600, DAY + 14 * 3600)), until=DAY + 14 * 3600)
    assert not world.incidents


def test_time_is_due_when_the_next_would_be_missed() -> None:
    world = World()
    assert world.state.due is None
    speaking(world, 0, 900)
    assert world.state.due == at(870) + 300 * SECOND
    world.fold(tick(1300))
    assert world.state.due is None
    assert due(world.state.memory("absence")) is None


@pytest.mark.parametrize(("away", "told"), [(20, True), (90, False)])
def test_whose_silence_others_outlast_is_told_though_a_new_worker_listens(away: int, told: bool) -> None:
    """Batches of others, without a long pause, show that somebody took them in all the while."""
    world = World()
    speaking(world, 0, 900)
    begins = 1170 + away
    for second in (*range(900, 1170, 30), *range(begins, 1300, 30)):
        other = point("system.load1", 1.0, second, host="web-2")
        world.fold(listened(batch(second, points=[other]), since=1 if second < begins else begins))
    assert [each.host for each in world.incidents.values()] == (["web-1"] if told else [])
    for second in range(1300, begins + 340, 30):
        other = point("system.load1", 1.0, second, host="web-2")
        world.fold(listened(batch(second, points=[other]), since=begins))
    assert world.only().host == "web-1"


def test_what_an_older_release_remembered_of_its_looks_is_read() -> None:
    memory = Memory(10, clock=at(1000))
    memory.put("looked", [at(990)])
    spoken = listened(batch(1000, points=[point("system.load1", 1.0, 1000)]))
    assert Absence().detect(memory, spoken) == []
    assert memory.get("looked") == [at(1000), at(1000), at(1000)]
