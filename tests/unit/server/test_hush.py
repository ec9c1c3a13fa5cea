"""Which incidents are held back: only those of which a silence covers every sign that is not over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sra_server.domain.case import Case
from sra_server.domain.incident import Incident
from sra_server.domain.known import Known
from sra_server.domain.record import SECOND
from sra_server.domain.signal import Signal
from sra_server.domain.silence import Silence
from sra_server.hush import Scene, hushed, remembered
from sra_server.state import State
from tests.unit.server import making
from tests.unit.server.making import NOW

FULL = making.signal(fingerprint="full", cls="disk_full", service="backup", title="No space left on device")
PANIC = making.signal(fingerprint="panic", cls="service_crash", title="panic")
HEAP = making.signal(fingerprint="heap", cls="memory_exhaustion", service="search", title="Java heap")
SEARCH_FULL = replace(FULL, fingerprint="full2", service="search", host="web-2")
BURST = making.signal(fingerprint="burst", cls="error_burst", service="backup", title="many errors")
OOM = replace(HEAP, fingerprint="oom", service="backup")
NAMES = making.signal(
    making.evidence(text="cannot reach backup: connection refused"),
    fingerprint="names",
    cls="external_api_down",
    title="connection refused",
)
NEEDS = Known(depends_on={"checkout": ("backup",)})


def silence(service: str = "", **given: Any) -> Silence:
    return Silence(
        **{
            "id": f"sil_{service}",
            "service": service,
            "host": "",
            "cls": "",
            "why": f"work on {service}",
            "created_by": "ann",
            "created_at": NOW,
            "starts_at": NOW,
            "ends_at": NOW + 60 * SECOND,
            **given,
        }
    )


BACKUP, CHECKOUT, SEARCH = silence("backup"), silence("checkout"), silence("search")


def case(*signals: Signal, **given: Any) -> Case:
    values: dict[str, Any] = {
        "signals": signals,
        "fired": {each.fingerprint: NOW for each in signals},
        "cleared": {},
        "last_at": NOW,
        "told_at": NOW,
        "count": 1,
    }
    return Case(**{**values, **given})


def about(*signals: Signal, **given: Any) -> Incident:
    lead = signals[0]
    keys = tuple(each.fingerprint for each in signals)
    values: dict[str, Any] = {
        "cls": lead.cls,
        "service": lead.service,
        "host": lead.host,
        "services": tuple(dict.fromkeys(each.service for each in signals)),
        "hosts": tuple(dict.fromkeys(each.host for each in signals)),
        "fingerprints": keys,
        "firing": keys,
    }
    return making.incident(**{**values, **given})


def step(
    incident: Incident,
    known: Case | None,
    *silences: Silence,
    before: Incident | None = None,
    at: int = NOW,
    surroundings: Known | None = None,
) -> list[Any]:
    scene = Scene(
        silences=silences,
        cases={incident.id: known} if known else {},
        known=surroundings or Known(),
        quiet=10 * SECOND,
    )
    change = making.change("attached" if before else "opened", incident=incident, at=at)
    return hushed([change], {before.id: before} if before else {}, scene, at)


@pytest.mark.parametrize(
    ("signals", "silences", "held"),
    [
        ((FULL,), (BACKUP,), True),
        ((FULL,), (), False),
        ((FULL,), (SEARCH,), False),
        # what is merely beside it on the same host
        ((FULL, PANIC), (BACKUP,), False),
        ((FULL, PANIC), (CHECKOUT,), False),
        ((FULL, PANIC), (BACKUP, CHECKOUT), True),
        ((FULL, PANIC, HEAP), (BACKUP, CHECKOUT), False),
        ((FULL, PANIC, HEAP), (silence(host="web-1"),), True),
        ((FULL, SEARCH_FULL), (silence(host="web-1"),), False),
        ((FULL, SEARCH_FULL), (silence(cls="disk_full"),), True),
        ((FULL, PANIC), (silence(cls="disk_full"),), False),
        # what a class brings about in its own service, and what it does not
        ((FULL, BURST), (silence(cls="disk_full"),), True),
        ((FULL, OOM), (silence("backup", cls="disk_full"),), False),
        # who says that he suffers from what is silenced; and a cause that is not silenced
        ((FULL, NAMES), (BACKUP,), True),
        ((FULL, NAMES), (CHECKOUT,), False),
    ],
)
def test_it_is_held_back_while_every_sign_is_covered(
    signals: tuple[Signal, ...], silences: tuple[Silence, ...], held: bool
) -> None:
    opened = step(about(*signals), case(*signals), *silences)[0]
    assert (opened.incident.silenced_by is not None) is held


def test_who_only_depends_on_what_is_silenced_may_be_ill_by_itself() -> None:
    opened = step(about(FULL, PANIC), case(FULL, PANIC), BACKUP, surroundings=NEEDS)[0]
    assert opened.incident.silenced_by is None


def test_the_mark_is_of_the_silence_that_ends_first() -> None:
    short = silence("checkout", ends_at=NOW + 5 * SECOND)
    marked = step(about(FULL, PANIC), case(FULL, PANIC), BACKUP, short)[0].incident
    assert (marked.silenced_by, marked.silenced_until) == (short.id, NOW + 5 * SECOND)


def test_an_incident_opened_with_both_says_which_part_is_silenced() -> None:
    [opened] = step(about(FULL, PANIC), case(FULL, PANIC), BACKUP)
    assert opened.partly == (
        "not silenced: checkout (panic); silenced until 2027-01-15 08:01:00 UTC: backup (work on backup)"
    )
    assert opened.reason.endswith(opened.partly) and opened.silenced == {"backup"}


def test_a_sign_that_joins_and_is_not_covered_ends_the_quiet_at_once() -> None:
    before = step(about(FULL), case(FULL), BACKUP)[0].incident
    joined = replace(about(FULL, PANIC), **{
        name: getattr(before, name)
        for name in ("silenced_by", "silenced_at", "silenced_until", "silenced_why")
    })
    later = step(joined, case(FULL, PANIC), BACKUP, before=before, at=NOW + SECOND)
    assert [each.kind for each in later] == ["attached", "unsilenced"]
    assert later[1].reason.startswith("not silenced: checkout (panic); silenced until")
    assert later[1].silenced == {"backup"}


def test_a_sign_that_is_over_need_not_be_covered_once_it_has_been_for_a_while() -> None:
    cleared = case(FULL, PANIC, cleared={"panic": NOW})
    incident = about(FULL, PANIC)
    held = [
        step(incident, cleared, BACKUP, at=NOW + seconds * SECOND)[0].incident.silenced_by
        for seconds in (0, 9, 10)
    ]
    assert held == [None, None, "sil_backup"]


def test_where_all_signs_are_over_all_count_until_the_end() -> None:
    cleared = case(FULL, PANIC, cleared={"panic": NOW, "full": NOW})
    assert step(about(FULL, PANIC), cleared, BACKUP, at=NOW + 30 * SECOND)[0].incident.silenced_by is None


def test_a_sign_from_before_it_was_resolved_does_not_count_when_it_is_back() -> None:
    incident = about(FULL, PANIC, firing=("full",))
    assert step(incident, case(FULL, PANIC), BACKUP)[0].incident.silenced_by == "sil_backup"


def test_of_signs_that_nobody_kept_every_service_must_be_covered() -> None:
    lost = about(FULL, PANIC)
    assert step(lost, None, BACKUP)[0].incident.silenced_by is None
    assert step(lost, None, BACKUP, CHECKOUT)[0].incident.silenced_by is not None
    assert step(lost, case(FULL, more=1), BACKUP)[0].incident.silenced_by is None
    assert step(about(FULL), None, silence("backup", host="web-1"))[0].incident.silenced_by is not None


def test_a_long_note_is_cut() -> None:
    many = [replace(PANIC, fingerprint=f"p{n}", service=f"shop-{n}") for n in range(9)]
    note = step(about(FULL, *many), case(FULL, *many), BACKUP)[0].partly
    assert "shop-4 (panic) and 4 more; silenced" in note and "shop-5" not in note


LEVEL = replace(FULL, detector="threshold", fingerprint="threshold|full")


def ends(sign: Signal, after: int, fired: int = 0, **given: Any) -> list[Any]:
    """What is told `after` seconds into a silence of a minute that covers a sign beside one that is loud."""
    incident, known = about(sign, PANIC), case(sign, PANIC, **given)
    scene = Scene(silences=(BACKUP,), cases={incident.id: known}, quiet=10 * SECOND)
    cases = remembered(scene.cases, [incident], scene, NOW)
    stored = State.from_json(State(cases=cases).to_json()).cases[incident.id]
    again = {**stored.fired, sign.fingerprint: NOW + fired * SECOND}
    scene = replace(scene, cases={incident.id: replace(stored, fired=again)})
    return hushed([], {incident.id: incident}, scene, NOW + after * SECOND)


def test_when_the_silence_of_one_part_ends_a_level_that_still_holds_is_told() -> None:
    [over] = ends(LEVEL, 60)
    assert (over.kind, over.silenced) == ("unsilenced", {"checkout"})
    assert over.reason == ("the silence of backup (No space left on device) is over (work on backup), "
                           "and the trouble is not")
    assert ends(LEVEL, 59) == []
    assert ends(LEVEL, 60, cleared={LEVEL.fingerprint: NOW}) == []


def test_a_text_of_that_part_is_told_when_it_comes_again_after_the_silence() -> None:
    assert ends(FULL, 61) == []
    assert [each.kind for each in ends(FULL, 61, fired=61)] == ["unsilenced"]


def test_what_was_told_of_a_part_is_not_told_again_and_what_was_not_is_kept() -> None:
    incident, known = about(LEVEL, FULL, PANIC), case(LEVEL, FULL, PANIC)
    scene = Scene(silences=(BACKUP,), cases={incident.id: known}, quiet=10 * SECOND)
    for second, told, kept in ((0, 0, {"full", LEVEL.fingerprint}), (60, 1, {"full"}), (61, 0, {"full"})):
        at = NOW + second * SECOND
        assert len(hushed([], {incident.id: incident}, scene, at)) == told
        scene = replace(scene, cases=remembered(scene.cases, [incident], scene, at))
        assert set(scene.cases[incident.id].hushed) == kept
