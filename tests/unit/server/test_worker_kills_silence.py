"""A worker that dies while a host is silent delays that it is told, and changes nothing else.

Whoever begins to listen gives everybody the time to speak (docs/decisions/061), so a new worker tells of a
silence later: at most by the time that a host has, after the last death. While others of the account go on
speaking it is told in time, for they show that somebody listened.
"""
from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sra_server.domain.incident import Incident
from sra_server.domain.record import SECOND
from sra_server.store import Store, casefile, incidents, timeline
from sra_server.worker import FIRST_LOOK, PATIENCE

from .test_worker_kills import STATEMENT, Sent, Step, Story, check, flap, logins, restart

WAIT = 55
#: So many waits are enough for whoever listens only from now on.
ENOUGH = (FIRST_LOOK + PATIENCE) // (WAIT * SECOND) + 2
#: A new worker tells of it so much later at most.
LISTENS = (FIRST_LOOK + PATIENCE) // SECOND + WAIT
HOST = Sent(gap=10, measured="db-1")
BEFORE = st.one_of(st.builds(logins, st.integers(1, 4)), st.builds(check, st.integers(0, 3)),
                   st.builds(flap, st.integers(12, 30)), st.builds(restart, st.booleans()))


def silence(waits: int, others: bool, returns: bool) -> list[Step]:
    """A host has a rhythm and falls silent, for good or not; others go on speaking, or nobody does."""
    spoken = (Sent(gap=1, text="well", level=20),) if others else ()
    return [Step(sent=(HOST,) * 14), Step(sent=(HOST,)), *[Step(sent=spoken, wait=WAIT)] * waits,
            *[Step(sent=spoken, wait=WAIT, spared=True)] * ENOUGH,
            *([Step(sent=(HOST,), spared=True), Step(wait=30, spared=True), Step(wait=30, spared=True)]
              if returns else [])]


async def gist(story: Story) -> list[dict[str, Any]]:
    """Return what became of each incident, but for when it was told."""
    result = []
    async with story.store.reading() as conn:
        for each in sorted(await incidents.active(conn, story.account, resolved_since=0), key=_order):
            entries = await timeline.of(conn, story.account, each.id)
            pieces = await casefile.evidence_of(conn, story.account, each.id)
            result.append({
                "what": (each.cls, each.severity, each.title, each.service, each.host, each.status,
                         each.fingerprints, each.firing, each.started_at, each.root_cause),
                "kinds": [entry.kind for entry in entries],
                "evidence": [(piece.at, re.sub(r"for \d+ s", "for long", piece.text)) for piece in pieces],
            })
    return result


def _order(incident: Incident) -> tuple[int, tuple[str, ...]]:
    return incident.started_at, incident.fingerprints


async def told_at(story: Story) -> int:
    """Return when the host's silence was noticed."""
    async with story.store.reading() as conn:
        [found] = [each for each in await incidents.active(conn, story.account, resolved_since=0)
                   if each.host == "db-1"]
    return found.created_at


@settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data(), before=st.one_of(st.just([]), BEFORE), waits=st.integers(1, 9), others=st.booleans(),
       returns=st.booleans())
async def test_the_same_silence_is_told_perhaps_later(store: Store, data: Any, before: list[Step], waits: int,
                                                      others: bool, returns: bool) -> None:
    steps = [*before, *silence(waits, others, returns)]
    alone = Story(store)
    await alone.tell(steps)
    places = [(number, index) for number, trail in alone.passed.items() if not steps[number].spared
              for index, place in enumerate(trail) if number > len(before) + 1 or place != STATEMENT]
    drawn = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4), label="deaths")
    deaths: dict[int, list[int]] = {}
    for number, index in drawn:
        deaths.setdefault(number, []).append(index)
    disturbed = Story(store, deaths=deaths)
    await disturbed.tell(steps)

    assert disturbed.killed
    expected = await gist(alone)
    assert [each["what"][4] for each in expected].count("db-1") == 1
    assert await gist(disturbed) == expected
    late = await told_at(disturbed) - await told_at(alone)
    # each death may cost the look at which it would have been told
    looks = len(disturbed.killed) * (WAIT + 1)
    assert 0 <= late <= (looks if others else waits * WAIT + LISTENS) * SECOND


@pytest.mark.parametrize("death", range(2, 8))
async def test_one_death_costs_no_more_than_the_time_that_a_host_has(store: Store, death: int) -> None:
    steps = silence(6, others=False, returns=False)
    story = Story(store, deaths={death: [0]})
    began = story.context.at
    await story.tell(steps)
    assert story.killed
    died = began + (15 * 10 + (death - 1) * WAIT) * SECOND
    assert await told_at(story) - died <= FIRST_LOOK + PATIENCE + 2 * WAIT * SECOND
