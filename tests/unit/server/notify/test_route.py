"""Of which changes people are told."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.correlate import Rules, correlate
from sra_server.domain.record import SECOND
from sra_server.domain.signal import Severity, Signal
from sra_server.notify.route import graver

SIGN = Signal(detector="signature", fingerprint="signature|full|db|a", cls="disk_full", severity="low",
              title="the disk is nearly full", at=0, last_at=0, service="db", host="a")


@pytest.mark.parametrize(("severity", "silenced", "told"), [
    ("critical", "", True), ("high", "", True), ("medium", "", False),
    ("critical", "db", False), ("critical", "other", True)])
def test_people_are_told_of_what_becomes_grave_unless_that_part_is_silenced(
        severity: Severity, silenced: str, told: bool) -> None:
    rules = Rules(quiet=60 * SECOND, reopen=60 * SECOND)
    cases, [opened] = correlate([SIGN], {}, (), {}, 0, rules, lambda: "i1")
    _, [change] = correlate([replace(SIGN, severity=severity)], cases, (opened.incident,), {}, 1, rules,
                            lambda: "i2")
    assert not graver(opened)
    assert graver(replace(change, silenced=frozenset({silenced}))) is told


@pytest.mark.parametrize(("silenced", "first", "cause", "told"), [
    ("", "database_failure", "certificate_expired", True), ("shop", "database_failure", "disk_full", False),
    ("other", "database_failure", "disk_full", True),
    # everyday: that an upstream does not answer, and that it is the database, is the same from another side
    ("", "external_api_down", "database_failure", False)])
def test_people_are_told_what_explains_a_trouble_unless_that_is_silenced(
        silenced: str, first: str, cause: str, told: bool) -> None:
    rules = Rules(quiet=600 * SECOND, reopen=60 * SECOND)
    misses = replace(SIGN, fingerprint="signature|first|shop|a", cls=first, severity="high",
                     title="somebody cannot be reached", service="shop")
    because = replace(misses, fingerprint="signature|cause|shop|a", cls=cause, title="the cause",
                      at=8 * SECOND, last_at=8 * SECOND)
    cases, [opened] = correlate([misses], {}, (), {}, 0, rules, lambda: "i1")
    cases, [joins] = correlate([because], cases, (opened.incident,), {}, 8 * SECOND, rules, lambda: "i2")
    assert (joins.incident.cls, graver(joins)) == (cause, False)
    cases, changes = correlate([replace(misses, last_at=31 * SECOND)], cases, (joins.incident,), {},
                               31 * SECOND, rules, lambda: "i2")
    assert any(graver(replace(each, silenced=frozenset({silenced}))) for each in changes) is told
    later = replace(misses, last_at=36 * SECOND)
    last = changes[-1].incident if changes else joins.incident
    assert correlate([later], cases, (last,), {}, 36 * SECOND, rules, lambda: "i2")[1] == [], "once"
