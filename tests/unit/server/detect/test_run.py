"""Since when a trouble is: from the first line of the run that led to it, whatever was there before."""
from __future__ import annotations

import pytest

from ..world import World, at, batch, record

UPSTREAM = "upstream timed out (110: Connection timed out) while reading response header from upstream"
TOKEN = "JsonWebTokenError: invalid signature"
LOCK = "canceling statement due to lock timeout"


def started(text: str, *seconds: float, together: bool = False) -> float:
    """Return how many seconds after the start of the world the only incident is said to have begun."""
    world = World()
    told = [record(text, each, service="api", number=n) for n, each in enumerate(seconds)]
    if together:
        world.fold(batch(seconds[-1] + 1, *told))
    else:
        for each, second in zip(told, seconds, strict=True):
            world.fold(batch(second + 0.5, each))
    incident = world.only()
    shown = [each.at for case in world.state.cases.values() for signal in case.signals
             for each in signal.evidence if signal.detector == "signature"]
    assert min(shown) == incident.started_at
    return (incident.started_at - at(0)) / 1e6


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("text", "seconds", "begins"), [
    (UPSTREAM, (0, 50, 51, 52, 53, 58), 50),  # a lone line before
    (TOKEN, (0, 45, 90, 135, 140, 141, 142, 143, 144), 135),  # some, far apart
    (UPSTREAM, (0, 1, 40, 41, 42, 43, 48), 40),  # a hiccup that passed
    (LOCK, (0, 70), 0),  # of two the first is half of the proof
    (UPSTREAM, (0, 8, 17, 24), 0), (TOKEN, (0, 12, 22, 36, 44), 0),  # slow, and one run
])
def test_a_trouble_begins_with_the_run_that_led_to_it(
        text: str, seconds: tuple[float, ...], begins: float, together: bool) -> None:
    assert started(text, *seconds, together=together) == begins


def test_a_trickle_for_hours_is_no_beginning_of_what_comes_then() -> None:
    trickle = [30.0 * n for n in range(120)]
    assert started(TOKEN, *trickle, *(3600 + n for n in range(20))) == 3600


def test_a_pause_in_a_trouble_that_is_told_moves_its_beginning_no_more() -> None:
    assert started(TOKEN, *range(8), *range(40, 48)) == 0


def test_a_state_of_an_earlier_release_is_read_as_it_is() -> None:
    world = World()
    for second in (0, 1):
        world.fold(batch(second, record(TOKEN, second, service="api", number=second)))
    memory = world.state.memory("signature")
    [(key, stored)] = [each for each in memory.items() if each[0].startswith("signature|")]
    memory.put(key, stored[:4])
    for second in (2, 3, 4):
        world.fold(batch(second, record(TOKEN, second, service="api", number=second)))
    assert world.only().started_at == at(0)
