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


@pytest.mark.parametrize(("silenced", "told"), [("", True), ("shop", False), ("other", True)])
def test_people_are_told_what_explains_a_trouble_unless_that_is_silenced(silenced: str, told: bool) -> None:
    rules = Rules(quiet=600 * SECOND, reopen=60 * SECOND)
    misses = replace(SIGN, fingerprint="signature|database_unreachable|shop|a", cls="database_failure",
                     severity="high", title="the database cannot be reached", service="shop")
    expired = replace(misses, fingerprint="signature|expired|shop|a", cls="certificate_expired",
                      title="a certificate has expired", at=8 * SECOND, last_at=8 * SECOND)
    cases, [opened] = correlate([misses], {}, (), {}, 0, rules, lambda: "i1")
    cases, [joins] = correlate([expired], cases, (opened.incident,), {}, 8 * SECOND, rules, lambda: "i2")
    assert (joins.incident.cls, graver(joins)) == ("certificate_expired", False)
    cases, [change] = correlate([replace(misses, last_at=31 * SECOND)], cases, (joins.incident,), {},
                                31 * SECOND, rules, lambda: "i2")
    assert graver(replace(change, silenced=frozenset({silenced}))) is told
    later = replace(misses, last_at=40 * SECOND)
    _, changes = correlate([later], cases, (change.incident,), {}, 40 * SECOND, rules, lambda: "i2")
    assert changes == [], "once"
