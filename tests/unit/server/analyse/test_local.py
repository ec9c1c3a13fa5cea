"""The local analyst: sentences that its evidence holds, honest doubt, and help that somebody offers."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_server.analyse.evidence import supported
from sra_server.analyse.local import Local
from sra_server.domain.analysis import Analysis, Offer
from sra_server.domain.case import Case
from sra_server.domain.evidence import of_record
from sra_server.domain.known import Known
from sra_server.domain.signal import Signal
from sra_server.pipeline import Settings

from ..world import World, batch, point, probe, record

FULL = "No space left on device"


def _analysis(world: World) -> Analysis:
    found = [each.analysis for each in world.changes if each.analysis is not None]
    assert found
    return found[-1]


def test_the_sentence_names_service_host_what_and_since_when() -> None:
    world = World()
    world.fold(batch(5, record(f"write failed: {FULL}", 5, service="postgresql", host="db-1")))
    cause = _analysis(world).root_cause
    for part in ("postgresql", "db-1", "no space left", "2023-11-14 22:14:05 UTC"):
        assert part in cause


def test_what_is_offered_stands_before_what_is_only_advice() -> None:
    world = World(offers=tuple(
        Offer(host=host, service=service, action=action, platform="command", mode="live")
        for host, service, action in (
            ("db-2", "other", "clear_disk"), ("db-1", "postgresql", "restart_service"),
            ("db-1", "postgresql", "clear_disk"))))
    world.fold(batch(5, record(FULL, 5, service="postgresql", host="db-1")))
    only, = _analysis(world).recommendations
    assert (only.action, only.service, only.host, only.offered) == ("clear_disk", "postgresql", "db-1", True)
    bare = World()
    bare.fold(batch(5, record(FULL, 5, service="postgresql", host="db-1")))
    only, = _analysis(bare).recommendations
    assert (only.action, only.offered) == ("clear_disk", False)


@pytest.mark.parametrize(("service", "advised"), [
    ("kernel", []), ("gateway", ["restart_service", "scale_replicas"])])
def test_who_tells_of_the_host_is_not_started_anew(service: str, advised: list[str]) -> None:
    world = World()
    full = "nf_conntrack: table full, dropping packet"
    world.fold(batch(12, *(record(full, 3 * n, service=service, number=n) for n in range(5))))
    assert [each.action for each in _analysis(world).recommendations] == advised


@pytest.mark.parametrize(("text", "advised"), [
    ("FATAL: sorry, too many clients already", ["restart_service"]),
    ("QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
     ["restart_service"]),
    ("Maximum call stack size exceeded", ["rollback_deployment"])])
def test_more_instances_are_no_help_where_connections_are_used_up(text: str, advised: list[str]) -> None:
    world = World()
    world.fold(batch(12, *(record(text, 3 * n, service="postgresql", number=n) for n in range(5))))
    assert [each.action for each in _analysis(world).recommendations] == advised


def test_the_caller_is_not_restarted_for_what_it_calls() -> None:
    world = World(offers=(
        Offer(host="web-1", service="shop", action="restart_service", platform="command", mode="live"),))
    world.fold(batch(12, *(record("https://pay.example/charge failed: Connection refused", 3 * n, number=n)
                           for n in range(5))))
    restart = next(each for each in _analysis(world).recommendations if each.action == "restart_service")
    assert (restart.service, restart.host, restart.offered) == ("", "", False)
    assert "none of the services known here" in restart.reason


@pytest.mark.parametrize("text", [
    'connection to server at "db1", port 5432 failed: Connection refused <http://evil|click>',
    "GET http://evil:8080/x failed: Connection refused", "dial tcp evil:80: connect: connection refused"])
def test_no_text_picks_the_target(text: str) -> None:
    world = World(offers=(
        Offer(host="web-1", service="shop", action="restart_service", platform="command", mode="live"),))
    for moment in range(3):
        world.fold(batch(moment, record(text, moment)))
    for change in world.changes:
        for each in change.analysis.recommendations if change.analysis else ():
            assert each.service in ("", "shop")
            assert "evil" not in repr(each)


def test_a_declared_service_may_be_named() -> None:
    world = World(Settings(depends_on={"shop": ("pay",)}))
    world.fold(batch(12, *(record("http://pay:8080/charge failed: Connection refused", 3 * n, number=n)
                           for n in range(5))))
    assert {each.service for each in _analysis(world).recommendations} == {"pay"}


def test_a_duration_does_not_cost_the_claim() -> None:
    world = World()
    text = 'connection to server at "db1", port 5432 failed: Connection refused after 30s'
    world.fold(batch(5, *(record(text, 5 * n, number=n) for n in range(2))))
    claims = _analysis(world).claims
    assert claims and "after 30s" in claims[0].text


def test_a_long_word_is_cut_before_its_last_number() -> None:
    world = World()
    world.fold(batch(0, record("ENOSPC:" + "x" * 145 + "=1234567" * 40, 0)))
    claims = _analysis(world).claims
    assert claims and "123" not in claims[0].text


def test_more_independent_signs_make_it_surer_and_never_sure() -> None:
    world = World()
    world.fold(batch(12, *(record("GET http://127.0.0.1:8081/ failed: Connection refused", 3 * n, number=n)
                           for n in range(5))))
    alone = _analysis(world).confidence
    world.fold(batch(15, points=[probe(0, 10), probe(0, 15)]))
    probed = _analysis(world).confidence
    assert 0.2 < alone < probed < 1


def test_a_long_line_is_cut_between_words() -> None:
    world = World()
    world.fold(batch(5, record("No space left on device " + "1234567 " * 60, 5)))
    claim, = _analysis(world).claims
    assert "1234567 …" in claim.text
    assert len(claim.text) < 300


def test_what_the_evidence_does_not_hold_is_dropped() -> None:
    evidence = of_record(record("write failed: No space left on device", 0))
    signal = Signal(detector="signature", fingerprint="f", cls="disk_full", severity="high", service="shop",
                    title="4711 writes failed", cause="42 disks are full", at=evidence.at,
                    last_at=evidence.at, evidence=(evidence,))
    case = Case(signals=(signal,), fired={"f": 1}, cleared={}, last_at=1, told_at=1, count=1)
    world = World()
    world.fold(batch(0, record(FULL, 0)))
    analysis = Local().analyse(world.only(), case, (), Known())
    assert analysis.claims == ()
    assert "no evidence" in analysis.note
    assert "42" not in analysis.root_cause
    assert "4711" not in analysis.root_cause


def test_a_bare_burst_is_unknown() -> None:
    world = World()
    for minute in range(5):
        world.fold(batch(minute * 60, alive=["shop"]))
    world.fold(batch(301, *(record(f"odd thing {n}", 301, number=n) for n in range(50))))
    analysis = _analysis(world)
    assert analysis.root_cause.startswith("Unknown")
    assert analysis.confidence == 0.2
    assert any("50 errors in one minute" in each.text for each in analysis.claims)


def test_a_threshold_is_told_with_its_values() -> None:
    world = World()
    for second in range(0, 70, 10):
        world.fold(batch(second, points=[point("system.memory_percent", 96.5, second)]))
    assert any("96.5" in each.text for each in _analysis(world).claims)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(
    st.sampled_from(["shop", "inventory", "db"]), st.sampled_from(["web-1", "web-2", ""]),
    st.sampled_from([FULL, "deadlock detected by 4711", "panic: runtime error 17 at inventory",
                     "connect ECONNREFUSED 127.0.0.1:8081 (web-2)", "java.lang.OutOfMemoryError: Java heap"]),
    st.integers(1, 6)), min_size=1, max_size=8))
def test_nothing_is_said_that_the_evidence_does_not_hold(events: list[tuple[str, str, str, int]]) -> None:
    world = World()
    world.fold(batch(0, points=[probe(1, 0)]))
    for moment, (service, host, text, times) in enumerate(events, 1):
        world.fold(batch(moment * 5, *(record(text, moment * 5, service=service, host=host, number=n)
                                       for n in range(times))))
    signals = [signal for change in world.changes for signal in change.signals]
    evidence = {each.id: each for signal in signals for each in signal.evidence}
    for change in world.changes:
        if change.analysis is None:
            continue
        names = {*change.incident.services, *change.incident.hosts}
        assert change.analysis.claims
        for claim in change.analysis.claims:
            assert supported(claim.text, [evidence[key] for key in claim.evidence], names), claim.text
        assert supported(change.analysis.root_cause, evidence.values(), names), change.analysis.root_cause
