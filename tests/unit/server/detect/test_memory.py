"""Bounded, counted, and never shared by accident."""
from __future__ import annotations

import json

from sra_server.detect.memory import Memory


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
