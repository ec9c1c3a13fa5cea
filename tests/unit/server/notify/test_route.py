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
