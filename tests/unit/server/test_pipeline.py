"""The fold as a whole: the loop's story, killed anywhere, regrouped, stormed."""
from __future__ import annotations

import time
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sra_server.domain.analysis import Offer
from sra_server.domain.record import MINUTE, SECOND, Batch
from sra_server.pipeline import Settings, State, fold

from .world import START, World, at, batch, counted, probe, record

REFUSED = "GET http://127.0.0.1:8081/stock failed: Connection refused"
RESTART = Offer(host="web-1", service="inventory", action="restart_service", platform="command", mode="live")


def test_a_dead_dependency_is_one_incident_that_names_it() -> None:
    world = World(offers=(RESTART,))
    world.fold(batch(0, points=[probe(1, 0)], alive=["shop"]))
    for second in range(10, 19):
        world.fold(batch(second, record(REFUSED, second)))
    world.fold(batch(20, record(REFUSED, 20), points=[probe(0, 15), probe(0, 20)]))
    incident = world.only()
    assert (incident.cls, incident.service, incident.severity) == ("service_crash", "inventory", "critical")
    assert set(incident.services) == {"inventory", "shop"}
    assert [each.kind for each in world.changes] == ["opened", "attached"]
    assert "point to inventory" in world.changes[-1].reason
    analysis = world.changes[-1].analysis
    assert analysis is not None
    assert "inventory" in analysis.root_cause
    assert analysis.recommendations[0].action == "restart_service"
    assert analysis.recommendations[0].offered
    assert analysis.recommendations[0].host == "web-1"
    stored = {each.id for change in world.changes for signal in change.signals for each in signal.evidence}
    assert analysis.claims
    assert all(set(claim.evidence) <= stored for claim in analysis.claims)


def test_the_place_that_a_probe_watches_names_the_suspect_before_the_probe_fails() -> None:
    world = World()
    world.fold(batch(0, points=[probe(1, 0)]))
    world.fold(batch(11, *(record(REFUSED, second, number=second) for second in (3, 7, 11))))
    assert world.only().service == "inventory"
    assert "inventory is the likely cause" in (world.only().root_cause or "")


def test_an_address_of_the_own_machine_is_not_that_of_another_hosts_health_check() -> None:
    for host in ("web-1", "WEB-1", "web-2"):
        world = World()
        world.fold(batch(0, points=[probe(1, 0)]))
        if host == "web-2":  # where the check fails as well, at the same time
            world.fold(batch(2, points=[probe(0, second) for second in (1, 2)]))
        world.fold(batch(11, *(record(REFUSED, second, number=second, host=host) for second in (3, 7, 11))))
        told = [each for each in world.incidents.values() if "shop" in each.services]
        assert [each.service for each in told] == ["inventory" if host != "web-2" else "shop"]
        said = [piece.text for change in world.changes for each in change.signals for piece in each.evidence]
        assert any("health check of inventory looks" in text for text in said) is (host != "web-2")


def test_a_far_address_is_the_same_from_every_host() -> None:
    world = World()
    world.fold(batch(0, points=[probe(1, 0, target="http://10.0.0.9:8081/health")]))
    refused = REFUSED.replace("127.0.0.1", "10.0.0.9")
    world.fold(batch(11, *(record(refused, second, number=second, host="web-2") for second in (3, 7, 11))))
    assert world.only().service == "inventory"


def test_a_silent_service_that_is_called_by_its_name_is_the_suspect() -> None:
    world = World(offers=(RESTART,))
    world.fold(batch(0, alive=["inventory", "shop"]))
    text = "GET http://inventory:8081/stock failed: Connection timed out"
    world.fold(batch(5, *(record(text, 5, number=n) for n in range(10))))
    assert world.only().service == "inventory"
    analysis = world.changes[-1].analysis
    assert analysis is not None
    assert "inventory is the likely cause" in analysis.root_cause
    assert (analysis.recommendations[0].service, analysis.recommendations[0].offered) == ("inventory", True)


def test_evidence_leaves_no_heading_that_the_root_cause_contradicts() -> None:
    world = World()
    text = "GET http://inventory:8081/stock failed: Connection timed out"
    world.fold(batch(5, *(record(text, 5, number=n) for n in range(10))))
    assert world.only().service == "shop", "nobody knows yet who inventory is"
    world.fold(batch(10, alive=["inventory"]))
    (told,) = world.fold(batch(12, record("deadlock detected", 12)))
    assert not any(each.opens for each in told.signals)
    assert (told.incident.root_cause or "").startswith("inventory is the likely")
    assert told.incident.service == "inventory" and "inventory" in told.incident.title
    assert told.incident.services == ("shop", "inventory") and told.incident.severity == "high"


def test_what_comes_late_does_not_reopen() -> None:
    world = World()
    world.fold(batch(0, record("panic: runtime error: nil", 0)))
    for second in range(10, 130, 10):
        world.fold(batch(second, alive=["shop"]))
    ended = world.only().resolved_at
    assert ended is not None
    late = record("panic: runtime error: nil", 100, number=9)
    world.fold(replace(batch(0, late), received_at=ended + 5 * SECOND))
    assert world.only().status == "resolved"
    world.fold(batch(200, record("panic: runtime error: nil", 200)))
    assert world.only().status == "open"


def test_it_resolves_when_the_probe_passes_and_the_errors_end() -> None:
    world = World()
    world.fold(batch(0, points=[probe(0, 0), probe(0, 5)]))
    world.fold(batch(6, *(record(REFUSED, 6, number=n) for n in range(3))))
    for second in (20, 25):
        world.fold(batch(second, points=[probe(1, second)], alive=["shop"]))
    assert world.only().status == "open"
    for second in range(30, 75, 5):
        world.fold(batch(second, points=[probe(1, second)], alive=["shop"]))
    assert world.only().status == "resolved"
    assert "passes again" in world.changes[-1].reason


def test_quiet_without_life_resolves_nothing() -> None:
    world = World()
    world.fold(batch(0, record("panic: runtime error: nil", 0)))
    for second in range(10, 2000, 60):
        world.fold(batch(second, alive=["another"]))
    assert world.only().status == "open"


def test_a_start_line_alone_is_no_recovery() -> None:
    world = World()
    world.fold(batch(0, record("panic: runtime error: nil", 0)))
    world.fold(batch(2, alive=["shop"]))
    for second in range(10, 400, 10):
        world.fold(batch(second))
    assert world.only().status == "open"
    world.fold(batch(400, alive=["shop"]))
    assert world.only().status == "resolved"


def test_the_same_trouble_reopens_and_flapping_is_held_down() -> None:
    world = World()
    moment = 0.0
    for _ in range(3):
        world.fold(batch(moment, record("panic: runtime error: nil", moment)))
        for step in range(10, 600, 10):
            world.fold(batch(moment + step, alive=["shop"]))
            if world.only().status == "resolved":
                break
        moment += step + 30
    assert [each.kind for each in world.changes] == ["opened", "resolved", "reopened", "resolved", "reopened",
                                                     "resolved"]
    waits = [b.at - a.at for a, b in zip(world.changes[::2], world.changes[1::2], strict=True)]
    assert waits[0] < waits[1] < waits[2]


def test_a_storm_of_distinct_errors_is_one_incident() -> None:
    world = World()
    for minute in range(5):
        world.fold(batch(minute * 60, alive=["shop"]))
    for part in range(10):
        moment = 300 + part
        world.fold(batch(moment, *(record(f"module {part}-{n} broke in its own way", moment, number=n)
                                   for n in range(1000))))
    incident = world.only()
    assert incident.cls == "error_burst"
    assert incident.root_cause is not None
    assert incident.root_cause.startswith("Unknown")
    assert (incident.confidence or 1) <= 0.3
    assert len(world.state.to_json()) < 100_000


def test_a_storm_of_services_is_one_bounded_incident_in_bounded_time() -> None:
    world = World()
    began = time.process_time()
    world.fold(batch(0, *(record("No space left on device", 0, service=f"service-{n}", number=n)
                          for n in range(2000))))
    assert time.process_time() - began < 10
    incident = world.only()
    assert incident.signals == 2000
    assert max(len(incident.services), len(incident.fingerprints), len(incident.firing)) <= 200
    assert len(world.state.cases[incident.id].signals) <= 32


def test_information_alone_never_opens_an_incident() -> None:
    world = World()
    for second in range(60):
        world.fold(batch(second, *(record("panic: no space left on device", second, level=20, number=n)
                                   for n in range(50))))
    assert not world.incidents


def test_in_a_backlog_only_texts_speak() -> None:
    state = State.empty()
    late = batch(0, record("no space left on device", 0), points=[probe(0, 0), probe(0, 5)])
    now = at(0) + 11 * MINUTE
    _, changes = fold(state, late, (), (), now, Settings(), lambda: "i1")
    assert [each.incident.cls for each in changes] == ["disk_full"]
    _, changes = fold(state, late, (), (), at(1), Settings(), lambda: "i1")
    assert len(changes[0].incident.fingerprints) == 2


def test_the_state_that_was_given_is_not_changed() -> None:
    world = World(through_json=False)
    world.fold(batch(0, record(REFUSED, 0), points=[probe(0, 0)]))
    before = world.state.to_json()
    given = world.state
    world.fold(batch(3, record(REFUSED, 3), record("no space left on device", 3), points=[probe(0, 5)]))
    assert given.to_json() == before


TEXTS = st.sampled_from([REFUSED, "no space left on device", "deadlock detected", "Failed password for root",
                         "something odd", "panic: runtime error: nil", "inventory is slow today"])
EVENTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["shop", "inventory", "sshd"]), TEXTS,
                            st.integers(1, 12), st.sampled_from([-1, 0, 1])), min_size=1, max_size=25)


def _batches(events: list[tuple[int, str, str, int, int]], alive: tuple[str, ...] = ("shop",)) -> list[Batch]:
    moment, made = 0, []
    for gap, service, text, times, up in events:
        moment += gap
        lines = [record(text, moment, service=service, number=n) for n in range(times)]
        points = [] if up < 0 else [probe(up, moment)]
        made.append(batch(moment, *lines, points=points, alive=alive))
    return made


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_killed_anywhere_gives_the_same_changes(events: list[tuple[int, str, str, int, int]]) -> None:
    alone, killed = World(through_json=False), World(through_json=True)
    for each in _batches(events):
        assert alone.fold(each) == killed.fold(each)
    assert alone.state.to_json() == killed.state.to_json()


SLOW_TOO = [(0, "shop", REFUSED, 2, -1), (2, "shop", "inventory is slow today", 12, -1),
            (0, "shop", REFUSED, 1, -1)]
PASSES = [(1, "sshd", "something odd", 1, up) for up in (0, 0, 1, 1, 1)]


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(2, 5))
@example(SLOW_TOO, 3).via("of the same moment, what was read first was written first")
@example(PASSES, 5).via("a health check that failed and passes again within one batch")
def test_regrouped_batches_open_the_same_incidents(events: list[tuple[int, str, str, int, int]],
                                                   size: int) -> None:
    """Tolerance: joined within 10 s of receipt; times of noticing and numbers of changes may vary.

    Who shows life writes none of the errors: of lines of information only the minute is known, so how many
    of them lie between two failures is not, and whether they are a share too small to be told may vary.
    """
    single, joined = World(Settings(quiet=3600 * SECOND)), World(Settings(quiet=3600 * SECOND))
    made = _batches(events, ("till",))
    for each in made:
        single.fold(each)
    group: list[Batch] = []
    for each in [*made, None]:
        full = len(group) >= size
        if group and (each is None or full or each.received_at - group[0].received_at > 10 * SECOND):
            records = tuple(r for one in group for r in one.records)
            quiet = tuple(c for one in group for c in one.counts if c.level < 30)
            joined.fold(replace(group[-1], records=records, counts=(*quiet, *counted(records)),
                                points=tuple(p for one in group for p in one.points)))
            group = []
        if each is not None:
            group.append(each)

    def marks(world: World) -> set[str]:
        return {mark for each in world.incidents.values() for mark in each.fingerprints
                if not mark.startswith("burst")}

    assert marks(single) == marks(joined)


def test_a_tick_has_no_content_and_changes_nothing_by_itself() -> None:
    world = World()
    assert world.fold(Batch(account_id="a", head=0, received_at=START)) == ()
    assert not world.state.live
    world.fold(batch(1, record("no space left on device", 1)))
    assert world.state.live
