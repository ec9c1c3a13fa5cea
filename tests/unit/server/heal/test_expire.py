"""What nobody came for ends by name, and nothing of it is called done or failed."""
from __future__ import annotations

from typing import Any

import pytest

from sra_server.domain.record import MINUTE
from sra_server.heal import expire
from sra_server.store import Store, incidents, remedies, timeline
from tests.unit.server import making
from tests.unit.server.making import NOW

DAY = 24 * 60 * MINUTE


@pytest.mark.parametrize(("given", "waited", "status", "word"), [
    ({"status": "proposed"}, DAY, "expired", "nobody decided"),
    ({"status": "proposed", "preapproved_by": "ann"}, 10 * MINUTE, "expired", "did not answer with a plan"),
    ({"status": "planned"}, DAY, "expired", "nobody decided"),
    ({"status": "approved"}, 10 * MINUTE, "expired", "did not come for it"),
    ({"status": "leased"}, 5 * MINUTE, "unknown", "never said that it began"),
    ({"status": "executing"}, 16 * MINUTE, "unknown", "never said how it ended"),
    ({"status": "verifying"}, 16 * MINUTE, "unknown", "never said how it ended"),
])
def test_each_wait_has_an_end(given: dict[str, Any], waited: int, status: str, word: str) -> None:
    remedy = making.planned(**given)
    assert expire.ended(remedy, NOW + waited - 1) is remedy
    after = expire.ended(remedy, NOW + waited)
    assert after.status == status
    assert word in (after.reason if status == "expired" else after.outcome["reason"])


@pytest.mark.parametrize("given", [{"status": "approved"}, {"status": "proposed", "preapproved_by": "ann"}])
def test_an_approval_ends_when_the_clock_is_set_back(given: dict[str, Any]) -> None:
    remedy = making.planned(**given)
    assert expire.ended(remedy, NOW - MINUTE // 2) is remedy
    assert expire.ended(remedy, NOW - DAY).status == "expired"


async def test_the_sweep_tells_the_incident(store: Store, account: str) -> None:
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change()], ())
        await remedies.create(conn, account, making.planned(status="leased", incident_id="inc_1"))
        assert await expire.sweep(conn, account, NOW + MINUTE) == []
        [gone] = await expire.sweep(conn, account, NOW + 6 * MINUTE)
        assert gone.outcome is not None
        assert (gone.status, gone.outcome["verdict"]) == ("unknown", "inconclusive")
        assert (await timeline.of(conn, account, "inc_1"))[-1].kind == "unknown"
        assert await expire.sweep(conn, account, NOW + 60 * MINUTE) == []
