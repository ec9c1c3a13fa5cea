"""Facts as the wire tells them."""
from __future__ import annotations

import pytest

from sra_server import present
from sra_server.domain.record import MINUTE, SECOND
from sra_server.store.casefile import Written
from tests.unit.server import making
from tests.unit.server.making import NOW

WRITTEN = Written(analysis=making.analysis(making.recommendation(), cites=("r1-1-9",)), at=NOW)


@pytest.mark.parametrize(
    ("at", "text"), [(0, "1970-01-01T00:00:00+00:00"), (NOW + 1, "2027-01-15T08:00:00.000001+00:00")]
)
def test_instants_keep_their_microseconds(at: int, text: str) -> None:
    assert present.instant(at).isoformat() == text


def test_an_incident_says_class_and_leaves_out_what_is_unknown() -> None:
    shown = present.incident_out(making.incident(service="", host="")).model_dump(by_alias=True)
    assert shown["class"] == "database_failure"
    assert (shown["service"], shown["host"], shown["resolved_at"]) == (None, None, None)


def test_a_summary_leads_with_what_is_cited() -> None:
    pieces = [making.evidence(n) for n in range(1, 30)]
    shown = present.summary_out(
        making.incident(),
        written=WRITTEN,
        evidence=pieces,
        remedies=[making.remedy()],
        now=NOW + 2 * MINUTE - SECOND,
    )
    assert [piece.id for piece in shown.evidence][:2] == ["r1-1-9", "r1-1-1"]
    assert len(shown.evidence) == present.SUMMARY_EVIDENCE
    assert "the database refuses connections" in shown.summary
    assert "80% sure" in shown.summary
    assert shown.duration_minutes == 2.0
    assert shown.recommended_actions[0].remedy_id == "rem_1"
    assert shown.actions_taken == []


def test_the_end_stops_the_clock_and_is_told() -> None:
    over = making.incident(status="resolved", resolved_at=NOW + MINUTE - SECOND, resolution="disk replaced")
    shown = present.summary_out(over, written=None, evidence=[], remedies=[], now=NOW + 100 * MINUTE)
    assert shown.duration_minutes == 1.0
    assert shown.summary.endswith("Resolution: disk replaced")


@pytest.mark.parametrize(("waited", "words"), [
    (0, "asking web-1 for its plan; it hangs"), (20 * SECOND - 1, "asking web-1 for its plan; it hangs"),
    (20 * SECOND, "web-1 does not answer; it hangs"),
])
def test_a_plan_that_is_owed_is_said(waited: int, words: str) -> None:
    assert present.remedy_out(making.remedy(reason="it hangs"), NOW + waited).reason == words


def test_an_act_that_has_not_ended_shows_no_outcome() -> None:
    shown = present.remedy_out(making.planned(status="verifying", outcome={"acted_at": NOW}), NOW)
    assert shown.outcome is None
    assert shown.plan is not None
    assert shown.plan.steps[0].text == "/usr/local/bin/restart-checkout"
