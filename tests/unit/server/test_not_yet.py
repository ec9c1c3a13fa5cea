"""What matches and is not enough yet: evidence of what is open already, and nothing else."""
from __future__ import annotations

from dataclasses import replace

from sra_server.correlate.changes import TELL
from sra_server.detect.memory import Memory
from sra_server.detect.signatures import Signatures
from sra_server.domain.analysis import Offer
from sra_server.domain.case import SIGNALS, SILENCE, SUPPORTING, Case
from sra_server.domain.record import SECOND, Record
from sra_server.domain.signal import Signal

from .world import World, at, batch, probe, record

LOST = "order {} failed: cannot reach inventory at 127.0.0.1:8081: [Errno 111] Connection refused"
PANIC = "panic: runtime error: index out of range [3] with length 3"


def lost(second: float, service: str = "shop", host: str = "web-1") -> Record:
    return record(LOST.format(int(second * 10)), second, service=service, host=host)


def down(world: World, begin: int = 0, seconds: int = 4, *, speak: bool = True) -> None:
    """The check of the inventory fails, and for less time than a restart takes its caller says so, too."""
    for second in range(begin, begin + seconds):
        world.fold(batch(second + 0.5, *([lost(second + 0.2)] if speak else ()),
                         points=[probe(0.0, second + 0.4)], alive=["shop"]))


def test_what_callers_say_for_a_moment_is_evidence_of_what_a_check_found() -> None:
    world = World()
    down(world)
    incident = world.only()
    assert (incident.cls, incident.service, incident.severity) == ("service_crash", "inventory", "critical")
    told = [piece.text for change in world.changes for each in change.signals for piece in each.evidence]
    assert any("cannot reach inventory" in text for text in told)
    kept = world.state.cases[incident.id]
    said = next(each for each in kept.signals if each.service == "shop")
    assert (said.opens, said.severity, said.remedies) == (False, "low", ())
    assert said.fingerprint not in {*incident.fingerprints, *kept.fired}
    assert not any(change.worse for change in world.changes)
    written = [change.analysis for change in world.changes if change.analysis]
    assert any("cannot reach inventory" in claim.text for each in written for claim in each.claims)


def said_before(gap: float) -> list[str]:
    """Return what is told of a check that fails so long after its callers' only words, and says it alone."""
    world = World()
    world.fold(batch(1, lost(0.5), lost(0.7), alive=["shop"]))
    for second in (gap, gap + 1):
        world.fold(batch(second + 1, points=[probe(0.0, second + 0.9)], alive=["shop"]))
    assert world.only().service == "inventory"
    return [piece.text for change in world.changes for each in change.signals for piece in each.evidence]


def test_what_callers_said_just_before_the_check_is_evidence_as_well() -> None:
    assert any("cannot reach inventory" in text for text in said_before(2))


def test_what_was_said_long_before_is_evidence_of_nothing() -> None:
    assert not any("cannot reach inventory" in text for text in said_before(40))


def test_it_opens_nothing_and_brings_nothing_back() -> None:
    world = World()
    for second in (0, 200):
        world.fold(batch(second, lost(second), alive=["shop"]))
    assert world.incidents == {} and not world.state.cases
    down(world, 300, speak=False)
    for second in range(304, 340):
        world.fold(batch(second, points=[probe(1.0, second)], alive=["shop", "inventory"]))
    assert world.only().status == "resolved"
    world.fold(batch(345, lost(345), alive=["shop"]))
    assert world.only().status == "resolved"


def test_it_keeps_no_trouble_open() -> None:
    """A crash is over once it is quiet for two minutes; what its caller says meanwhile is no sign of it."""
    for speaks in (False, True):
        world = World()
        world.fold(batch(0, record(PANIC, 0, service="inventory")))
        for second in range(1, 140):
            said = [lost(second, "shop")] if speaks and second in (1, 70) else []
            world.fold(batch(second, *said, alive=["shop", "inventory"]))
        assert world.only().status == "resolved" and world.only().resolved_at == at(120)


def test_it_is_told_once_and_then_what_is_enough_takes_its_place() -> None:
    world = World()
    down(world, seconds=20)
    case = world.state.cases[world.only().id]
    assert [each.opens for each in case.signals if each.service == "shop"] == [True]
    carried = [change for change in world.changes if any(each.service == "shop" for each in change.signals)]
    assert len(carried) <= 2 + 20 * SECOND // TELL


def test_who_is_no_more_than_evidence_is_not_offered_to_be_restarted() -> None:
    world = World(offers=tuple(Offer(host="web-1", service=each, action="restart_service", platform="script",
                                     mode="live") for each in ("shop", "inventory")))
    down(world)
    written = [change.analysis for change in world.changes if change.analysis]
    assert {each.service for each in written[-1].recommendations} == {"inventory"}


def test_what_happens_every_day_is_evidence_of_nothing() -> None:
    memory, found = Memory(), []
    for minute in range(30):
        text = f"GET https://site{minute}.example.com/page failed: Connection timed out"
        found.append(Signatures().detect(memory, batch(minute * 60 + 30, record(text, minute * 60 + 29),
                                                       alive=["shop"] * 50)))
    assert [each.opens for each in found[0]] == [False]
    assert found[5:] == [[]] * 25


def test_a_storm_of_moments_gives_few() -> None:
    lines = [record(LOST.format(n), 0, service=f"s{n}") for n in range(300)]
    assert 0 < len(Signatures().detect(Memory(), batch(1, *lines))) < 50
    world = World()
    for second in range(4):
        world.fold(batch(second + 0.5, *(lost(second, f"s{n}") for n in range(300)),
                         points=[probe(0.0, second)]))
    case = world.state.cases[world.only().id]
    assert sum(not each.opens for each in case.signals) == SUPPORTING


def test_who_mistypes_a_password_is_evidence_of_nothing() -> None:
    text = "Failed password for ada from 192.0.2.7 port 40022 ssh2"
    assert Signatures().detect(Memory(), batch(1, record(text, 0, service="sshd", level=30))) == []


def test_no_two_troubles_are_one_by_what_is_evidence_alone() -> None:
    """The mailer calls the search in vain for longer; the shop said so for a moment, in another trouble."""
    def moment(second: int, service: str) -> Record:
        text = f"GET http://10.0.0.9:9200/ {second} failed: connection refused"
        return record(text, second, service=service)

    for speaks in (False, True):
        world = World()
        world.fold(batch(0, record(PANIC, 0)))
        for second in range(1, 25):
            lines = [moment(second, "mailer")] + ([moment(second, "shop")] if speaks and second < 4 else [])
            world.fold(batch(second, *lines))
        assert {each.service for each in world.incidents.values()} == {"shop", "mailer"}


def _sign(number: int, *, opens: bool) -> Signal:
    return Signal(detector="signature", fingerprint=f"f{number}", cls="error_burst", severity="low",
                  opens=opens, title="t", at=number, last_at=number)


def test_evidence_makes_room_for_what_is_told() -> None:
    case = Case(signals=(), fired={}, cleared={}, last_at=0, told_at=0, count=0).add(_sign(0, opens=True), 0)
    for number in range(1, 4):
        case = case.support(_sign(number, opens=False))
    for number in range(10, 9 + SIGNALS):
        case = case.add(_sign(number, opens=True), number)
    assert len(case.signals) == SIGNALS and all(each.opens for each in case.signals) and not case.more
    assert case.add(_sign(99, opens=True), 99).more == 1


def test_who_is_silent_is_named_however_much_evidence_there_is() -> None:
    case = Case(signals=(), fired={}, cleared={}, last_at=0, told_at=0, count=0).add(_sign(0, opens=True), 0)
    for number in range(1, 9):
        case = case.support(_sign(number, opens=False))
    assert len(case.signals) == 1 + SUPPORTING
    assert len(case.support(replace(_sign(9, opens=False), detector=SILENCE)).signals) == 2 + SUPPORTING


def test_one_failed_request_does_not_make_of_a_service_that_is_down_one_that_answers() -> None:
    world = World()
    for second in range(0, 40, 5):
        said = [record("Internal Server Error: /cart\nKeyError: 'x'", second, service="inventory")]
        world.fold(batch(second + 0.5, *(said if second == 20 else ()), points=[probe(0.0, second)]))
    assert [each.opens for each in world.state.cases[world.only().id].signals] == [True, False]
    assert (world.only().cls, "health check" in world.only().title) == ("service_crash", True)
