# ruff: noqa: E501 - lines of logs are as long as they are
"""Work that stands still and a peer that stays away are told; a pause and a peer that is replaced are not."""
from __future__ import annotations

import pytest

from .test_single import _each, _told

STILL = "2024-03-05 10:00:00,123 - payroll.run - WARNING - no progress for 120 s, still waiting for tax service"
ASKS = "2024-03-05 10:00:00,123 - payroll.run - WARNING - no progress for 120 s, waiting for user input"
AKKA = ("2024-03-05 10:00:00.123 WARN  akka.remote.artery.Association akka://fleet - Outbound message stream to [akka://fleet@10.0.1.12:25520] failed. "
        "Restarting it. Handshake with [akka://fleet@10.0.1.12:25520] did not complete within 20000 ms")


@pytest.mark.parametrize(("line", "times", "step", "opened"), [
    (STILL, 5, 40, ["external_api_down medium"]), (STILL, 2, 40, []), (ASKS, 9, 40, []),
    (AKKA, 5, 20, ["network_failure high"]), (AKKA, 2, 20, []), (AKKA, 9, 0.2, []),
])
def test_what_goes_on_is_told_and_a_pause_is_not(line: str, times: int, step: float, opened: list[str]) -> None:
    assert _told(_each(line, times, step)) == opened
