"""The state goes through JSON and back, and refuses what another release wrote."""
from __future__ import annotations

import json

import pytest

from sra_sdk.errors import BadInput
from sra_server.state import State, counted

from .world import World, batch, point, probe, record


def test_it_comes_back_as_it_was() -> None:
    world = World(through_json=False)
    world.fold(batch(0, record("No space left on device", 0), record("Failed password for root", 0),
                     points=[probe(0, 0), probe(0, 5), point("latency_ms", 3.5, 0, service="shop")]))
    text = world.state.to_json()
    assert State.from_json(text).to_json() == text
    assert State.from_json(text) == world.state


def test_it_tells_how_many_records_each_sign_of_an_incident_has_by_now() -> None:
    world = World()
    for second in range(12):
        world.fold(batch(second, record("Failed password for root", second)))
    incident = world.only()
    assert incident.signals < 12, "its row is written now and then"
    [n] = counted(world.state.to_json(), incident.id).values()
    assert n >= 7
    assert counted(world.state.to_json(), "inc_none") == counted(None, "inc_1") == {}


def test_no_text_is_the_empty_state() -> None:
    assert State.from_json("") == State.empty()


def test_another_version_is_refused_with_what_to_do() -> None:
    stored = json.loads(State.empty().to_json())
    stored["version"] = 999
    with pytest.raises(BadInput, match="999"):
        State.from_json(json.dumps(stored))


def test_it_stays_bounded_and_counts_what_it_gave_up() -> None:
    world = World(through_json=False)
    for part in range(12):
        world.fold(batch(part, *(record("Failed password for root", part, service=f"s{part}-{n}", number=n)
                                 for n in range(1000))))
    assert world.state.evicted > 0
    assert len(world.state.to_json()) < 5_000_000


def test_a_state_that_grew_too_long_forgets_the_least_recent_and_counts_it() -> None:
    world = World(through_json=False)
    for second in range(40):
        world.fold(batch(second, *(record(f"No space left on device {'x' * 500}", second, number=n,
                                          service=f"s{second}-{n}") for n in range(20))))
    whole = world.state.to_json()
    state, text = world.state.saved(len(whole) // 3)
    assert len(text) <= len(whole) // 3
    assert state.evicted > world.state.evicted
    assert world.state.to_json() == whole
    assert State.from_json(text).to_json() == text
    newest = [key for key, _ in state.memory("signature").items()]
    assert any("|s39-" in key for key in newest) and not any("|s0-" in key for key in newest)
    assert world.state.saved() == (world.state, whole)


@pytest.mark.parametrize("odd", ["half of a character: \ud83d", 2**80])
def test_what_the_quick_writer_refuses_is_kept_all_the_same(odd: object) -> None:
    state = State.empty()
    state.memory("signature").put("key", [odd])
    assert State.from_json(state.to_json()).memory("signature").get("key") == [odd]
