"""A planned restart is quiet; one that does not come back, and every crash, is told in time."""

from __future__ import annotations

import pytest

from sra_server.correlate.stops import GRACE, LONGEST, STANDING, STARTS
from sra_server.domain.record import Record
from sra_server.pipeline import Settings

from .world import World, batch, point, probe, record

SECOND = 1_000_000
STOP = "received fast shutdown request"
LOST = "psycopg.OperationalError: connection to server at \"127.0.0.1\", port 5432 failed: Connection refused"


def stopped(seconds: float, text: str = STOP, service: str = "postgresql", host: str = "web-1") -> Record:
    return record(text, seconds, service=service, host=host, level=30)


def lost(seconds: float, service: str = "shop", host: str = "web-1") -> Record:
    return record(LOST, seconds, service=service, host=host, number=int(seconds * 10))


def told(world: World, *, until: int, back: int | None = None, begin: int = 0) -> float | None:
    """Lose a connection each second; `back` is when the database answers again; return when it is told."""
    for second in range(begin, until):
        answers = back is not None and second >= back
        lines = () if answers else (lost(second + 0.5),)
        points = [probe(float(answers), second, "postgresql", "127.0.0.1:5432")] if second % 5 == 0 else []
        world.fold(batch(second + 1, *lines, points=points, alive=["postgresql"] if answers else ["shop"]))
        if world.incidents:
            return second + 1
    return None


def test_a_restart_is_quiet_however_often_its_clients_complain() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    assert told(world, back=9, until=200) is None


def test_when_it_is_back_one_late_complaint_is_not_added_to_those_of_the_restart() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    world.fold(batch(1, lost(0.3), lost(0.6)))
    world.fold(batch(5, points=[probe(1, 5, "postgresql", "127.0.0.1:5432")]))
    world.fold(batch(70, lost(70)))
    assert not world.incidents
    world.fold(batch(75, lost(75)))
    assert world.incidents, "two that are 4 s apart are a new trouble"


def test_one_that_is_slow_to_come_back_may_take_longer_as_long_as_it_is_heard_of() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    assert told(world, until=8) is None
    world.fold(batch(8, alive=["postgresql"]))
    assert told(world, begin=8, until=17) is None
    world.fold(batch(17, alive=["postgresql"]))
    assert told(world, begin=17, until=25, back=25) is None
    assert told(world, begin=25, until=200, back=25) is None


def test_what_speaks_and_does_not_serve_is_told_at_the_end_of_the_longest_grace() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    for second in range(120):
        world.fold(batch(second + 1, lost(second + 0.5), alive=["postgresql"]))
        if world.incidents:
            break
    # two that are 4 s apart, of which the first is still excused
    assert LONGEST // SECOND < second + 1 <= LONGEST // SECOND + 6


def test_a_stop_without_return_is_told_after_the_grace_with_the_stop_in_its_evidence() -> None:
    world = World()
    stop = stopped(0)
    world.fold(batch(0, stop))
    when = told(world, until=60)
    assert when is not None
    assert GRACE // SECOND < when <= GRACE // SECOND + 2
    opened = world.changes[0]
    assert "postgresql was stopped and is not back" in opened.reason
    assert stop.id in {each.id for signal in opened.signals for each in signal.evidence}
    assert opened.incident.cls == "database_failure"


UNIT = "Stopping shop.service - Shop..."
REFUSES = ('*7 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, '
           'server: shop, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8080/", host: "shop"')


def unit_told(*, speaks: int | None, up: int | None, stop: str = UNIT, until: int = 90) -> int | None:
    """Deploy the only backend of a proxy, which says at most that it starts; return when it is told."""
    world = World()
    world.fold(batch(0, stopped(0, stop, service="shop")))
    for second in range(1, until):
        serves = up is not None and second >= up
        lines = () if serves else (record(REFUSES, second + 0.5, service="nginx", number=second),)
        alive = ["nginx", "shop"] if serves or second == speaks else ["nginx"]
        world.fold(batch(second + 1, *lines, alive=alive))
        if world.incidents:
            return second + 1
    return None


def test_a_unit_that_says_that_it_starts_is_given_its_time() -> None:
    assert unit_told(speaks=5, up=25) is None
    assert unit_told(speaks=5, up=42) is None


def test_a_unit_that_does_not_come_up_is_told_after_its_time() -> None:
    when = unit_told(speaks=5, up=None)
    assert when is not None and STARTS // SECOND < when <= STARTS // SECOND + 12


def test_a_unit_that_says_nothing_more_is_told_as_ever() -> None:
    when = unit_told(speaks=None, up=None)
    assert when is not None and when <= GRACE // SECOND + 12


def test_what_stopped_by_another_word_than_systemds_is_told_as_ever() -> None:
    when = unit_told(speaks=5, up=None, stop="received fast shutdown request")
    assert when is not None and when < LONGEST // SECOND


NO_BROKER = "pika.exceptions.AMQPConnectionError: Connection to 10.0.0.8:5672 failed: Connection refused"


def broker_told(stop: str, *, back: int | None, until: int = 60) -> int | None:
    """Stop a broker, which is silent until it is back; return when its client's complaints are told."""
    world = World()
    world.fold(batch(0, stopped(0, stop, service="rabbitmq")))
    for second in range(0, until, 3):
        answers = back is not None and second >= back
        lines = () if answers else (record(NO_BROKER, second + 0.5, service="intake", number=second),)
        world.fold(batch(second + 1, *lines, alive=["rabbitmq"] if answers else ["intake"]))
        if world.incidents:
            return second + 1
    return None


def test_a_broker_may_be_silent_for_longer_while_it_starts() -> None:
    assert broker_told("RabbitMQ is asked to stop...", back=18) is None


def test_a_broker_that_does_not_come_back_is_told_soon_after() -> None:
    when = broker_told("RabbitMQ is asked to stop...", back=None)
    assert when is not None and 20 <= when <= 25


def test_a_broker_of_which_no_stop_was_read_is_told_as_ever() -> None:
    when = broker_told("RabbitMQ serves 40 queues", back=None)
    assert when is not None and when <= 10


APART = ("Slave I/O: error reconnecting to master 'copy@10.0.0.5:3306' - retry-time: 5  maximum-retries: "
         "100000  message: Can't connect to server on '10.0.0.5' (111 \"Connection refused\")")


@pytest.mark.parametrize(("seconds", "told"), [([0], False), ([0, 5], False), ([0, 280], False),
                                               ([0, 5, 10], True), ([0, 60], True)])
def test_a_replica_without_its_primary_is_told_when_it_asked_again_in_vain(
        seconds: list[int], told: bool) -> None:
    world = World()
    for second in seconds:
        world.fold(batch(second + 1, record(APART, second, service="mariadb-replica", number=second)))
    assert bool(world.incidents) is told


REFUSED = "(gw_backend.c.274) establishing connection failed: socket: tcp:10.0.0.9:8700: Connection refused"
ALL_DOWN = "(gw_backend.c.960) all handlers for /rate/13? on  are down."


@pytest.mark.parametrize(("seconds", "told"), [([0, 0.1, 1], False), ([0, 2, 4, 6, 8], True)])
def test_a_backend_that_is_restarted_refuses_for_a_moment(seconds: list[float], told: bool) -> None:
    world = World()
    for at in seconds:
        world.fold(batch(at + 0.5, record(REFUSED, at, service="lighttpd", number=1),
                         record(ALL_DOWN, at, service="lighttpd", number=2)))
    assert bool(world.incidents) is told


def test_without_a_stop_what_goes_on_for_four_seconds_is_enough() -> None:
    assert told(World(), until=60) == 5


def test_a_health_check_that_goes_on_failing_is_told_though_nobody_else_complains() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    for second in (3, 8):
        world.fold(batch(second, points=[probe(0, second, "postgresql", "127.0.0.1:5432")]))
        assert not world.incidents
    world.fold(batch(13, points=[probe(0, 13, "postgresql", "127.0.0.1:5432")]))
    assert world.only().service == "postgresql"


@pytest.mark.parametrize("crash", [
    "database system was interrupted; last known up at 2024-03-05 10:00:00 UTC",
    "server process (PID 77) was terminated by signal 9: Killed",
    "PANIC:  could not locate a valid checkpoint record",
])
def test_a_crash_is_told_at_once_and_ends_the_grace_of_a_stop(crash: str) -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    world.fold(batch(2, lost(1), lost(2)))
    assert not world.incidents
    world.fold(batch(3, record(crash, 3, service="postgresql", level=50)))
    assert world.only().status == "open"
    world.fold(batch(5, lost(5)))
    assert "shop" in world.only().services, "and its clients are heard"


def test_what_says_more_than_that_nobody_answers_never_waits() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    world.fold(batch(1, record("could not extend file: No space left on device", 1)))
    assert world.only().cls == "disk_full"


def test_a_stop_excuses_nobody_on_another_host_and_nothing_before_it() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    world.fold(batch(5, lost(1, host="db-9"), lost(5, host="db-9")))
    assert world.only().hosts == ("db-9",)
    world = World()
    world.fold(batch(10, lost(1), lost(5), stopped(10)))
    assert "shop" in world.only().services


def test_a_dependency_on_another_host_is_excused_if_it_is_declared() -> None:
    for depends_on, opened in (({"shop": ("postgresql",)}, 0), ({}, 1)):
        world = World(Settings(depends_on=depends_on))
        world.fold(batch(0, stopped(0, host="db-9")))
        world.fold(batch(5, lost(1), lost(5)))
        assert len(world.incidents) == opened


def test_the_errors_of_a_restart_are_no_burst_and_those_without_are() -> None:
    for restart in (True, False):
        world = World()
        for minute in range(6):
            world.fold(batch(60 * minute, record("a quiet line", 60 * minute, level=20)))
        if restart:
            world.fold(batch(361, stopped(361)))
        many = [record(f"what is that {number}", 362, number=number) for number in range(40)]
        world.fold(batch(363, *many))
        assert bool(world.incidents) is not restart


def test_stops_are_bounded_and_old_ones_are_forgotten() -> None:
    world = World()
    for number in range(STANDING + 20):
        world.fold(batch(number / 100, stopped(number / 100, service=f"s{number}")))
    assert len(world.state.stops) == STANDING
    world.fold(batch(1000, stopped(1000)))
    assert [key for key, _ in world.state.stops.items()] == ["postgresql|web-1"]


def test_another_worker_that_goes_on_in_the_middle_of_the_grace_tells_the_same() -> None:
    for back in (7, None):
        told_at = []
        for through_json in (True, False):
            world = World(through_json=through_json)
            world.fold(batch(0, stopped(0)))
            told_at.append(told(world, until=90, back=back))
        assert told_at[0] == told_at[1]
        assert (told_at[0] is None) is (back == 7)


def test_a_backlog_that_comes_all_at_once_is_judged_by_its_own_times() -> None:
    world = World()
    everything = [stopped(0), *(lost(second) for second in range(1, 60))]
    world.fold(batch(70, *everything))
    assert world.only().cls == "database_failure"


def test_what_is_back_or_cannot_be_what_is_missed_is_not_blamed() -> None:
    mysql = "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on '127.0.0.1:3306'\")"
    for service, missed, alive, blamed in (
            ("redis", LOST, [3.0], False), ("postgresql", LOST, [3.0], False), ("postgresql", LOST, [], True),
            ("redis", mysql, [], False)):
        world = World()
        world.fold(batch(0, stopped(0, service=service)))
        for second in alive:
            world.fold(batch(second, alive=[service]))
        for second in (60, 62, 64):
            world.fold(batch(second, record(missed, second, number=second)))
        said = [change.reason for change in world.changes if "was stopped and is not back" in change.reason]
        assert bool(said) is blamed, (service, missed, alive)


def test_a_restart_joins_no_other_trouble_of_its_host() -> None:
    for back in (9, None):
        world = World()
        for second in range(0, 400, 10):
            world.fold(batch(second, points=[point("system.memory_percent", 97, second)]))
        [incident] = world.incidents.values()
        assert incident.cls == "memory_exhaustion"
        world.fold(batch(400, stopped(400)))
        for second in range(400, 460):
            answers = back is not None and second >= 400 + back
            lines = () if answers else (lost(second + 0.5),)
            world.fold(batch(second + 1, *lines, points=[point("system.memory_percent", 97, second)],
                             alive=["postgresql"] if answers else ["shop"]))
        seen = {each.cls for each in world.incidents.values()} | {
            signal.cls for change in world.changes for signal in change.signals}
        assert ("database_failure" in seen) is (back is None)


def test_a_stored_stop_of_an_earlier_shape_is_read() -> None:
    world = World()
    world.fold(batch(0, stopped(0)))
    world.state.stops.put("postgresql|web-1", world.state.stops.get("postgresql|web-1")[:5])
    assert told(world, until=60) is not None
    assert "postgresql was stopped and is not back" in world.changes[0].reason
