"""Which signals are one trouble, what is its cause, and what proves its end."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sra_server.correlate import Rules, correlate
from sra_server.correlate.storm import MOST_OPEN
from sra_server.domain.effect import compatible
from sra_server.domain.evidence import Evidence
from sra_server.domain.incident import Incident
from sra_server.domain.known import Known
from sra_server.domain.lead import EXPLAINS, lead
from sra_server.domain.record import MINUTE, SECOND
from sra_server.domain.signal import CLASSES, Signal
from sra_server.pipeline import Settings

from .world import START, World, at, batch, point, probe, record

RULES = Rules(quiet=120 * SECOND, reopen=600 * SECOND)
FULL = "could not extend file: No space left on device"
NO_DATABASE = 'psycopg.OperationalError: connection to server at "10.0.0.5", port 5432 failed: refused'


def test_a_full_disk_under_a_database_is_the_cause_of_what_its_clients_say() -> None:
    world = World()
    world.fold(batch(0, *(record(NO_DATABASE, 0, number=n) for n in range(4))))
    world.fold(batch(5, record(FULL, 5, service="postgresql")))
    incident = world.only()
    assert incident.cls == "disk_full"
    assert incident.service == "postgresql"


def test_a_failing_probe_of_the_database_that_clients_miss_is_a_database_failure() -> None:
    world = World()
    target = "tcp://10.0.0.5:5432"
    world.fold(batch(0, points=[probe(1, 0, "orders-db", target)]))
    world.fold(batch(10, *(record(NO_DATABASE, 5 + 2 * n, number=n) for n in range(3)),
                     points=[probe(0, 5, "orders-db", target), probe(0, 10, "orders-db", target)]))
    incident = world.only()
    assert (incident.cls, incident.service) == ("database_failure", "orders-db")


SLOW = "[2026-11-25 06:42:10 +0000] [14] [CRITICAL] WORKER TIMEOUT (pid:15)"
REFUSED = 'limiting requests, excess: 10.008 by zone "one", client: 10.0.0.9, server: www.shop.internal'


@pytest.mark.parametrize(("text", "service", "cls"), [
    (SLOW, "shop", "cpu_overload"), (REFUSED, "nginx", "rate_limited")])
@pytest.mark.parametrize("probe_first", [True, False])
def test_what_a_service_says_itself_tells_more_than_that_its_health_check_fails(
        text: str, service: str, cls: str, probe_first: bool) -> None:
    world = World()
    failed = batch(12, points=[probe(0, 8, service), probe(0, 12, service)])
    said = batch(12, *(record(text, 3 + n * 0.03, service=service, number=n) for n in range(300)))
    for each in (failed, said) if probe_first else (said, failed):
        world.fold(each)
    incident = world.only()
    assert (incident.cls, incident.service) == (cls, service)


@pytest.mark.parametrize("text", [
    "upstream timed out (110: Connection timed out) while connecting to upstream",
    "panic: runtime error: nil"])
def test_a_service_that_only_misses_another_or_died_itself_is_down_if_its_health_check_fails(
        text: str) -> None:
    world = World()
    world.fold(batch(4, points=[probe(0, 0), probe(0, 4)]))
    world.fold(batch(5, *(record(text, 5, service="inventory", number=n) for n in range(5))))
    assert (world.only().cls, world.only().service) == ("service_crash", "inventory")


def test_what_is_no_longer_said_explains_no_health_check_that_still_fails() -> None:
    world = World()
    world.fold(batch(0, *(record(REFUSED, n * 0.03 - 9, service="nginx", number=n) for n in range(300))))
    for second in range(5, 60, 5):
        world.fold(batch(second, points=[probe(0, second, "nginx")]))
        assert world.only().cls == "rate_limited"
    for second in range(60, 100, 5):  # what goes on is told every half minute
        world.fold(batch(second, points=[probe(0, second, "nginx")]))
    assert world.only().cls == "service_crash"


def test_a_health_check_of_another_service_is_not_explained_by_what_this_one_says() -> None:
    world = World()
    world.fold(batch(4, points=[probe(0, 0), probe(0, 4)]))
    world.fold(batch(5, record(SLOW, 5, service="shop")))
    assert world.only().cls == "service_crash"


def test_a_declared_dependency_joins_two_services() -> None:
    settings = replace(World().settings, depends_on={"checkout": ("inventory",)})
    world = World(settings)
    world.fold(batch(0, record("panic: runtime error: nil", 0, service="inventory", host="b")))
    world.fold(batch(60, *(record("upstream timed out", 60, service="checkout", host="a", number=n)
                           for n in range(3))))
    assert world.only().service == "inventory"
    assert "checkout depends on inventory" in world.changes[-1].reason


@pytest.mark.parametrize("cause_first", [True, False])
def test_a_declared_chain_names_the_far_cause_whoever_complains_first(cause_first: bool) -> None:
    world = World(replace(World().settings, depends_on={"web": ("shop",), "shop": ("inventory",)}))
    cause = [record("panic: runtime error: nil", 0, service="inventory", host="b")]
    effect = [record("upstream timed out", 0, service="web", host="a", number=n) for n in range(3)]
    for second, lines in enumerate((cause, effect) if cause_first else (effect, cause)):
        world.fold(batch(second, *lines))
    assert (world.only().cls, world.only().service) == ("service_crash", "inventory")
    assert "web depends on shop, which depends on inventory" in world.changes[-1].reason


REFUSED_THERE = ("HTTPConnectionPool(host='inventory', port=8081): Max retries exceeded (Caused by "
                 "ReadTimeoutError: Read timed out. (read timeout=5)")


def _two(settings: Settings | None = None) -> World:
    """A crash, and a minute later a trouble elsewhere of which nobody knows that it comes from it."""
    world = World(settings)
    world.fold(batch(0, record("panic: runtime error: nil", 0, service="inventory", host="b")))
    world.fold(batch(60, *(record("upstream timed out", 57 + 1.5 * n, service="checkout", host="a")
                           for n in range(3))))
    assert [each.service for each in world.incidents.values()] == ["inventory", "checkout"]
    return world


def _tell(world: World, second: int, text: str = REFUSED_THERE) -> None:
    world.fold(batch(second, *(record(text, second - 3 + 1.5 * n, service="checkout", host="a")
                               for n in range(3))))


def test_two_incidents_become_one_once_it_is_said_that_they_are_one_trouble() -> None:
    world = _two()
    _tell(world, 95)
    first, second = world.incidents.values()
    assert (first.status, first.service, second.status) == ("open", "inventory", "resolved")
    assert set(second.fingerprints) <= set(first.fingerprints)
    assert first.signals == 7
    assert second.resolution == "part of incident i1: the errors of checkout point to inventory"
    told = {each.incident.id: each for each in world.changes[-2:]}
    assert "takes in incident i2: the errors of checkout point to inventory" in told["i1"].reason
    assert {each.service for each in told["i1"].signals} == {"checkout"}
    for moment in (130, 165):
        _tell(world, moment)
    assert [each.kind for each in world.changes if each.incident.id == "i2"] == ["opened", "resolved"]
    world.fold(batch(290, alive=["inventory", "checkout"]))
    assert {each.status for each in world.incidents.values()} == {"resolved"}


def test_what_was_taken_in_comes_back_with_what_took_it_in() -> None:
    world = _two()
    _tell(world, 95)
    world.fold(batch(220, alive=["inventory", "checkout"]))
    assert {each.status for each in world.incidents.values()} == {"resolved"}
    _tell(world, 250)
    assert {each.id: each.status for each in world.incidents.values()} == {"i1": "open", "i2": "resolved"}


def test_two_incidents_become_one_once_their_dependency_is_declared() -> None:
    world = _two()
    _tell(world, 95, "upstream timed out")
    assert {each.status for each in world.incidents.values()} == {"open"}
    world.settings = replace(world.settings, depends_on={"checkout": ("inventory",)})
    _tell(world, 130, "upstream timed out")
    first, second = world.incidents.values()
    assert (first.status, second.status) == ("open", "resolved")
    assert second.resolution == "part of incident i1: checkout depends on inventory"


def test_what_a_person_or_a_remedy_has_begun_with_is_not_taken_in() -> None:
    world = _two()
    world.incidents["i2"] = world.incidents["i2"].move("acknowledged", at(70))
    _tell(world, 95)
    assert {each.id: each.status for each in world.incidents.values()} == {
        "i1": "resolved", "i2": "acknowledged"}
    assert world.incidents["i2"].service == "inventory"
    both = _two()
    for key in ("i1", "i2"):
        both.incidents[key] = both.incidents[key].move("acknowledged", at(70))
    _tell(both, 95)
    assert {each.status for each in both.incidents.values()} == {"acknowledged"}


def test_a_cause_of_its_own_is_not_taken_in_by_what_its_host_complains_of() -> None:
    world = World()
    world.fold(batch(0, record("panic: runtime error: nil", 0, service="inventory", host="b")))
    world.fold(batch(60, record(FULL, 60, service="checkout", host="a")))
    for second in (70, 105, 140):
        _tell(world, second)
    assert [each.status for each in world.incidents.values()] == ["open", "open"]


def test_troubles_of_different_hosts_and_services_stay_apart() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="a", host="h1"), record(FULL, 0, service="b", host="h2")))
    assert len(world.incidents) == 2


def test_same_host_close_in_time_joins_only_what_can_be_one_trouble() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="db")))
    world.fold(batch(4, record("api.service: Main process exited, code=killed", 4, service="api")))
    assert world.only().cls == "disk_full"
    assert "same host web-1, 4 s apart, disk full precedes" in world.changes[-1].reason
    world.fold(batch(6, *(record("Failed password for root", 6, service="sshd", number=n)
                          for n in range(10))))
    assert sorted(each.cls for each in world.incidents.values()) == ["auth_failures", "disk_full"]


def test_a_host_that_runs_out_of_memory_is_one_incident_whichever_bound_it_passes_first() -> None:
    world = World()
    for second in range(0, 1800, 10):
        late = second >= 900
        world.fold(batch(second, points=[point("system.memory_percent", 97.0, second),
                                         point("system.swap_percent", 95.0 if late else 20.0, second),
                                         point("system.memory_percent", 97.0 if late else 50.0, second,
                                               host="web-2")]))
    assert sorted(each.hosts for each in world.incidents.values()) == [("web-1",), ("web-2",)]
    first = next(each for each in world.incidents.values() if each.hosts == ("web-1",))
    assert len(first.fingerprints) == 2


@pytest.mark.parametrize(("host", "kinds"), [("web-1", ["opened", "resolved", "reopened"]),
                                             ("web-2", ["opened", "resolved", "opened"])])
def test_what_was_over_comes_back_at_its_own_host_alone(host: str, kinds: list[str]) -> None:
    def burst(second: int, where: str) -> Signal:
        seen = Evidence(id=f"r{second}", kind="record", at=at(second), text="failed", source="a.log",
                        service="nginx", host=where)
        return Signal(detector="burst", fingerprint="burst|nginx", cls="error_burst", severity="medium",
                      title="99 errors in one minute", at=at(second), last_at=at(second), service="nginx",
                      evidence=(seen,))

    told, cases, known = [], {}, {}
    for second, signals, life in ((0, [burst(0, "web-1")], {}), (200, [], {"service|nginx": at(200)}),
                                  (300, [burst(300, host)], {})):
        cases, changes = correlate(signals, cases, tuple(known.values()), life, at(second), RULES,
                                   lambda: f"i{len(known) + 1}")  # noqa: B023
        told += [each.kind for each in changes]
        known |= {each.incident.id: each.incident for each in changes}
    assert told == kinds


def test_same_host_long_after_is_another_trouble() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="db")))
    world.fold(batch(45, record("panic: runtime error: nil", 45, service="api")))
    assert len(world.incidents) == 2


def test_many_places_in_trouble_at_once_are_one_storm_and_a_few_are_not() -> None:
    few, many = World(), World()
    few.fold(batch(0, *(record(FULL, 0, service=f"s{n}", host=f"h{n}") for n in range(4))))
    assert len(few.incidents) == 4
    for part in range(10):
        many.fold(batch(part, *(record(FULL, part, service=f"s{n}", host=f"h{n}")
                                for n in range(part * 100, part * 100 + 100))))
    assert "a storm: 100 places" in many.changes[0].reason
    assert many.only().signals == 1000
    assert sum(len(each.evidence) for change in many.changes for each in change.signals) <= 200


def test_troubles_that_pile_up_slowly_are_bounded_as_well() -> None:
    world = World(through_json=False)
    for n in range(MOST_OPEN + 20):
        world.fold(batch(n * 20, record(FULL, n * 20, service=f"s{n}", host=f"h{n}")))
    assert len(world.incidents) == MOST_OPEN
    assert f"{MOST_OPEN} troubles are open already" in world.changes[-1].reason


def test_a_probe_that_comes_and_goes_is_one_incident_told_a_few_times() -> None:
    world = World()
    for second in range(0, 1800, 5):
        up = 0 if second % 60 < 20 else 1
        world.fold(batch(second, points=[probe(up, second)], alive=["shop"]))
    world.only()
    told = [each.kind for each in world.changes if each.kind != "attached"]
    assert told == ["opened", "resolved", "reopened"]
    notes = [each.note for each in world.changes if each.note]
    assert 2 <= len(notes) <= 5
    assert "it flaps: it came back 3 times" in notes[0]
    for second in range(1800, 3000, 5):
        world.fold(batch(second, points=[probe(1, second)], alive=["shop"]))
    assert world.only().status == "resolved"


def test_a_threshold_that_comes_and_goes_slowly_is_held_for_longer_than_its_pause() -> None:
    world = World()
    for second in range(0, 7200, 10):
        full = 97.0 if second % 400 < 100 else 50.0
        world.fold(batch(second, points=[point("system.disk_percent", full, second, mount="/data")],
                         alive=["shop"]))
    world.only()
    told = [each.kind for each in world.changes if each.kind != "attached"]
    assert told == ["opened", "resolved", "reopened"]


def test_what_goes_on_is_not_told_each_time() -> None:
    world = World()
    for second in range(90):
        world.fold(batch(second, record(FULL, second)))
    assert 3 <= len(world.changes) <= 4
    assert world.state.cases[world.only().id].count == 90


@pytest.mark.parametrize("same_sign", [True, False])
def test_what_becomes_graver_is_told_at_once(same_sign: bool) -> None:
    sign = Signal(detector="signature", fingerprint="signature|full|db|a", cls="disk_full", severity="medium",
                  title="the disk is nearly full", at=START, last_at=START, service="db", host="a")
    cases, [opened] = correlate([sign], {}, (), {}, START, RULES, lambda: "i1")
    now = START + 2 * SECOND
    goes_on = replace(sign, at=now, last_at=now)
    cases, none = correlate([goes_on], cases, (opened.incident,), {}, now, RULES, lambda: "i2")
    assert none == [], "what goes on is told twice a minute"
    graver = replace(goes_on, severity="critical", fingerprint=sign.fingerprint if same_sign else "other|db")
    _, [change] = correlate([graver], cases, (opened.incident,), {}, now + SECOND, RULES, lambda: "i3")
    assert (change.kind, change.incident.severity, bool(change.worse)) == ("attached", "critical", True)
    _, again = correlate([graver], cases, (change.incident,), {}, now + 2 * SECOND, RULES, lambda: "i4")
    assert not any(each.worse for each in again)


def test_a_closed_incident_is_left_alone_and_a_firing_check_opens_anew() -> None:
    world = World()
    world.fold(batch(0, points=[probe(0, 0), probe(0, 5)]))
    first = world.only()
    world.incidents[first.id] = first.move("closed", at(6))
    world.fold(batch(10, points=[probe(0, 10)]))
    assert len(world.incidents) == 2


def test_a_threshold_does_not_clear_by_silence() -> None:
    world = World()
    for second in range(0, 100, 10):
        world.fold(batch(second, points=[point("system.disk_percent", 97.0, second, mount="/data")]))
    assert world.only().cls == "disk_full"
    for second in range(100, 2000, 60):
        world.fold(batch(second, alive=["shop"]))
    assert world.only().status == "open"
    for second in range(2000, 2100, 10):
        world.fold(batch(second, points=[point("system.disk_percent", 50.0, second, mount="/data")]))
    assert world.only().status == "resolved"


def test_password_guessing_ends_when_the_host_lives_without_it() -> None:
    world = World()
    world.fold(batch(0, *(record("Failed password for root", n, service="sshd", number=n) for n in range(6))))
    for second in range(10, 300, 10):
        world.fold(batch(second, alive=["cron"]))
    assert world.only().status == "resolved"


def test_an_incident_whose_case_was_lost_goes_on() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0)))
    lost = replace(world.state, cases={})
    world.state = lost
    changes = world.fold(batch(40, record(FULL, 40)))
    assert [each.kind for each in changes] == ["attached"]
    assert world.only().signals == 2


def test_the_input_is_never_changed() -> None:
    world = World(through_json=False)
    world.fold(batch(0, record(FULL, 0)))
    cases = dict(world.state.cases)
    incidents: tuple[Incident, ...] = (world.only(),)
    correlate([], cases, incidents, {"service|shop": at(500)}, at(500), RULES, lambda: "x")
    assert cases == dict(world.state.cases)
    assert incidents[0].status == "open"


def test_compatible_is_symmetric_and_every_class_is_ranked() -> None:
    assert set(EXPLAINS) == set(CLASSES)
    for one in CLASSES:
        for other in CLASSES:
            assert compatible(one, other) == compatible(other, one)
    assert not compatible("auth_failures", "disk_full")


def _signal(cls: str, service: str, *, detector: str = "signature", moment: int = START,
            **given: Any) -> Signal:
    return Signal(detector=detector, fingerprint=f"{detector}|{cls}|{service}", cls=cls, severity="high",
                  title="t", at=moment, last_at=moment, service=service, **given)


def test_a_weak_signal_joins_an_open_trouble_and_opens_and_reopens_none() -> None:
    weak = _signal("cpu_overload", "shop", opens=False, moment=START - SECOND)
    cases, changes = correlate([weak], {}, (), {}, START, RULES, lambda: "x")
    assert (cases, changes) == ({}, [])
    cases, [opened] = correlate([weak, _signal("service_crash", "shop")], {}, (), {}, START, RULES,
                                lambda: "x")
    assert opened.kind == "opened"
    # it is evidence alone: in the case, and no sign whose end must be waited for
    held = {each.fingerprint for each in cases["x"].signals}
    assert held == {weak.fingerprint, "signature|service_crash|shop"}
    assert set(opened.incident.firing) == set(cases["x"].fired) == {"signature|service_crash|shop"}
    over = opened.incident.move("resolved", START + SECOND)
    _, changes = correlate([weak], cases, (over,), {}, START + 60 * SECOND, RULES, lambda: "x")
    assert changes == []


@pytest.mark.parametrize("order", [0, 1])
def test_the_end_of_a_chain_is_the_cause_not_a_link(order: int) -> None:
    known = Known(depends_on={"web": ("shop",), "shop": ("inventory",)})
    chain = (_signal("external_api_down", "web"), _signal("external_api_down", "shop"),
             _signal("service_crash", "inventory", detector="probe", moment=START + MINUTE))
    found = lead(chain if order else tuple(reversed(chain)), known)
    assert found.service == "inventory"
    assert found.cls == "service_crash"


def test_two_that_blame_each_other_still_have_a_lead() -> None:
    known = Known(depends_on={"a": ("b",), "b": ("a",)})
    for first, second in (("a", "b"), ("b", "a")):
        both = (_signal("external_api_down", first),
                _signal("external_api_down", second, moment=START + SECOND))
        assert lead(both, known).service == lead(both[::-1], known).service == first
    graver = _signal("service_crash", "b", detector="probe", moment=START + MINUTE)
    assert lead((_signal("external_api_down", "a"), graver), known).service == "b"


@pytest.mark.parametrize("cls", ["database_failure", "deadlock", "disk_full"])
@pytest.mark.parametrize("client_first", [True, False])
def test_of_a_store_and_its_client_the_store_is_the_cause(cls: str, client_first: bool) -> None:
    client, store = _signal(cls, "crm"), _signal(cls, "mariadb", moment=START + SECOND)
    pair = (client, replace(store, at=START - SECOND)) if not client_first else (client, store)
    assert lead(pair, Known()).service == "mariadb"


def test_a_store_that_does_not_answer_is_what_its_client_misses() -> None:
    check = _signal("service_crash", "mariadb", detector="probe", moment=START + SECOND)
    found = lead((_signal("database_failure", "crm"), check), Known())
    assert (found.cls, found.service) == ("database_failure", "mariadb")


def test_of_two_stores_none_is_blamed_for_what_names_neither() -> None:
    found = lead((_signal("database_failure", "crm"), _signal("service_crash", "mariadb"),
                  _signal("service_crash", "redis")), Known())
    assert found.service == "crm"


def test_whom_a_store_names_is_its_client_and_not_the_cause() -> None:
    text = 'password authentication failed for user "shop"'
    said = Evidence(id="e", kind="record", at=START, text=text)
    refused = _signal("auth_failures", "postgresql", evidence=(said,))
    assert lead((refused, _signal("error_burst", "shop")), Known()).service == "postgresql"
    declared = Known(depends_on={"postgresql": ("shop",)})
    assert lead((refused, _signal("error_burst", "shop")), declared).service == "shop"


def test_who_says_himself_that_he_was_killed_goes_before_the_kernel_that_did_it() -> None:
    killed = _signal("memory_exhaustion", "kernel", moment=START - SECOND)
    assert lead((killed, _signal("memory_exhaustion", "shop")), Known()).service == "shop"
    assert lead((killed, _signal("service_crash", "shop")), Known()).cls == "memory_exhaustion"
