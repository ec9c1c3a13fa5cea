"""Worse: of what joins an open incident people are told what they do not know of yet."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.correlate.worse import far_larger
from sra_server.domain.case import Case
from sra_server.domain.evidence import Evidence
from sra_server.domain.incident import Incident
from sra_server.domain.known import Known
from sra_server.domain.lead import lead
from sra_server.domain.record import SECOND
from sra_server.domain.signal import Signal

from .world import World, at, batch, record

NO_SLOTS = "FATAL:  sorry, too many clients already"
PANIC = "panic: runtime error: index out of range [3] with length 3"
FULL = "write failed: No space left on device"


def told(world: World) -> list[list[str]]:
    return [sorted(each.worse) for each in world.changes if each.worse]


def test_a_service_that_is_hit_later_is_told_and_of_several_at_once_one() -> None:
    names = ("billing", "search", "basket")
    world = World(replace(World().settings, depends_on={name: ("postgresql",) for name in names}))
    hit = {150: "billing", 170: "search", 300: "basket"}
    for second in range(320):
        world.fold(batch(second, record(NO_SLOTS, second, service="postgresql"), *(
            record(NO_SLOTS, second, service=name, host=f"h-{name}") for since, name in hit.items()
            if second in range(since, since + 5))))
    assert len(world.incidents) == 1
    assert told(world) == [[f"signature|database_connections_exhausted|{name}|h-{name}"]
                           for name in ("billing", "basket")]


@pytest.mark.parametrize(("second", "incidents"), [(60, 2), (10, 1)])
def test_what_has_its_own_cause_opens_unless_people_have_just_been_woken(second: int, incidents: int) -> None:
    world = World()
    for moment in range(90):
        panics = [record(PANIC, moment, service="zeta")] if moment == second else []
        world.fold(batch(moment, record(FULL, moment, service="zeta"), *panics))
    assert len(world.incidents) == incidents


def signal(detector: str, moment: int, count: int, **more: object) -> Signal:
    said = Evidence(id=f"e{moment}", kind="record", at=at(moment), text="a text")
    return replace(Signal(detector=detector, fingerprint=f"{detector}|x|nginx|", cls="error_burst",
                          severity="medium", title="a title", at=at(moment), last_at=at(moment),
                          service="nginx", count=count, evidence=(said,)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "severity", "larger"), [
    (700, "medium", True), (300, "medium", False), (700, "high", False)])
def test_many_more_errors_than_what_is_open_are_high(count: int, severity: str, larger: bool) -> None:
    known = signal("signature", 0, 200)
    case = Case(signals=(known,), fired={known.fingerprint: at(0)}, cleared={}, last_at=at(0), told_at=at(0),
                count=200)
    incident = Incident(
        id="i1", title="t", cls="database_failure", severity="critical", status="open", service="postgresql",
        host="", services=("postgresql",), hosts=(), fingerprints=(), firing=(), started_at=at(0),
        created_at=at(0), updated_at=at(0), last_signal_at=at(0))
    found = far_larger(incident, case, signal("burst", 240, count, severity=severity), at(0) + 240 * SECOND)
    assert (found is not None and found.severity == "high") == larger


@pytest.mark.parametrize(("later", "cls"), [(150, "external_api_down"), (30, "cpu_overload")])
def test_who_was_busy_and_is_gone_now_is_not_busy(later: int, cls: str) -> None:
    busy = signal("signature", 0, 5, cls="cpu_overload")
    gone = Evidence(id="g", kind="record", at=at(later), text="connect() failed (111: Connection refused)")
    missed = signal("signature", later, 900, cls="external_api_down", unanswered=True, evidence=(gone,),
                    fingerprint="signature|upstream_down|nginx|")
    assert lead((busy, missed), Known()).cls == cls


def test_a_known_text_says_more_of_the_cause_than_that_there_are_many_errors() -> None:
    missed = signal("signature", 0, 5, cls="external_api_down", unanswered=True)
    many = signal("burst", 600, 500, last_at=at(600))
    assert lead((missed, many), Known()).signal == missed
    known = signal("signature", 60, 5)
    assert lead((signal("burst", 0, 500), known), Known()).signal == known
