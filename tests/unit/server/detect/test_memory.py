"""Bounded, counted, and never shared by accident."""
from __future__ import annotations

import json

from sra_server.detect.memory import Memory
from sra_server.domain.record import MINUTE


def test_the_least_recently_used_goes_and_is_counted() -> None:
    memory = Memory(2)
    memory.put("a", 1)
    memory.put("b", 2)
    memory.put("a", 3)
    memory.put("c", 4)
    assert memory.items() == [("a", 3), ("c", 4)]
    assert memory.evicted == 1


def test_a_fork_is_written_apart_in_both_directions() -> None:
    memory = Memory()
    memory.put("a", 1)
    fork = memory.fork()
    memory.put("a", 2)
    fork.put("b", 3)
    fork.drop("a")
    assert memory.items() == [("a", 2)]
    assert fork.items() == [("b", 3)]


def test_json_keeps_the_order_and_the_losses() -> None:
    memory = Memory(2)
    for key in "abc":
        memory.put(key, [key])
    again = Memory.from_json(json.loads(json.dumps(memory.to_json())), 2)
    assert again == memory
    again.put("d", 1)
    assert [key for key, _ in again.items()] == ["c", "d"]
    assert again.evicted == 2


def test_what_is_in_use_is_not_given_up_for_what_is_new() -> None:
    memory = Memory(2, lasting=60 * MINUTE, clock=100 * MINUTE)
    for key in "abca":
        memory.put(key, key)
    assert [key for key, _ in memory.items()] == ["b", "a"]
    assert (memory.refused(), memory.evicted) == (1, 0)
    later = memory.fork(161 * MINUTE)
    later.put("c", 1)
    assert [key for key, _ in later.items()] == ["a", "c"]
    assert (later.refused(), later.evicted) == (0, 1)


def test_when_an_entry_was_used_goes_through_json() -> None:
    memory = Memory(3, lasting=60 * MINUTE, clock=100 * MINUTE)
    memory.put("a", 1)
    memory.clock = 130 * MINUTE
    for key in "bc":
        memory.put(key, 1)
    assert memory.used() == [[100, 1], [130, 2]]
    stored = json.loads(json.dumps([memory.to_json(), memory.used()]))
    again = Memory.from_json(stored[0], 3, lasting=60 * MINUTE, clock=161 * MINUTE, used=stored[1])
    for key in "de":
        again.put(key, 1)
    assert ([key for key, _ in again.items()], again.refused()) == (["b", "c", "d"], 1)


def test_what_an_older_release_stored_counts_as_used_just_now() -> None:
    again = Memory.from_json([0, [["a", 1]]], 1, lasting=60 * MINUTE, clock=100 * MINUTE)
    again.put("b", 1)
    assert (again.items(), again.refused()) == ([("a", 1)], 1)
