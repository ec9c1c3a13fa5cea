"""The state goes through JSON and back, and refuses what another release wrote."""
from __future__ import annotations

import json

import pytest

from sra_sdk.errors import BadInput
from sra_server.state import State

from .world import World, batch, point, probe, record


def test_it_comes_back_as_it_was() -> None:
    world = World(through_json=False)
    world.fold(batch(0, record("No space left on device", 0), record("Failed password for root", 0),
                     points=[probe(0, 0), probe(0, 5), point("latency_ms", 3.5, 0, service="shop")]))
    text = world.state.to_json()
    assert State.from_json(text).to_json() == text
    assert State.from_json(text) == world.state


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
