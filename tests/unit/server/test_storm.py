"""A storm of ever other errors is one incident and stays bounded; signals that only support open nothing."""
from __future__ import annotations

import random
import string
from dataclasses import replace

from sra_server.correlate import Rules, correlate
from sra_server.domain.record import MINUTE, SECOND
from sra_server.domain.signal import Signal

from .world import World, at, batch, record

DICE = random.Random(7)


def word() -> str:
    return "".join(DICE.choices(string.ascii_lowercase, k=DICE.randint(3, 9)))


def storm(world: World, begin: int, n: int) -> None:
    """A minute of so many errors, no two alike, in batches of 500."""
    texts = [" ".join(word() for _ in range(8)) for _ in range(n)]
    for start in range(0, n, 500):
        second = begin + start * 60 // n
        world.fold(batch(second, *(record(text, second, number=start + i)
                                   for i, text in enumerate(texts[start:start + 500]))))


def test_ten_thousand_distinct_errors_in_a_minute_are_one_incident() -> None:
    world = World()
    for minute in range(20):
        world.fold(batch(minute * 60, alive=["shop", "web"]))
    before = len(world.state.to_json())
    storm(world, 1200, 10_000)
    incident = world.only()
    assert (incident.cls, incident.service, incident.status) == ("error_burst", "shop", "open")
    size = len(world.state.to_json())
    assert size - before < 60_000, "what is remembered does not grow with the storm"
    storm(world, 1260, 2_000)
    world.only()
    assert len(world.state.to_json()) < size + 20_000


def supporting(service: str, second: float) -> Signal:
    return Signal(detector="novelty", fingerprint=f"novelty|{service}|1", cls="error_burst", severity="low",
                  title="a new error", at=at(second), last_at=at(second), service=service, host="web-1",
                  cause="it is new", opens=False)


def test_a_signal_that_only_supports_opens_nothing_joins_what_is_open_and_reopens_nothing() -> None:
    rules = Rules(quiet=120 * SECOND, reopen=600 * SECOND)
    cases, changes = correlate([supporting("shop", 0)], {}, (), {}, at(0), rules, lambda: "i1")
    assert (cases, changes) == ({}, [])
    real = replace(supporting("shop", 1), detector="signature", fingerprint="s", cls="disk_full", opens=True)
    cases, changes = correlate([real], cases, (), {}, at(1), rules, lambda: "i1")
    opened = changes[0].incident
    cases, changes = correlate([supporting("shop", 2), supporting("other", 2)], cases, (opened,), {}, at(2),
                               rules, lambda: "i2")
    [joined] = changes
    assert joined.kind == "attached" and joined.incident.cls == "disk_full"
    assert "novelty|shop|1" in {each.fingerprint for each in cases["i1"].signals}
    assert joined.incident.firing == ("s",)
    done = joined.incident.move("resolved", at(300))
    late = supporting("shop", 301)
    _, changes = correlate([late], {}, (done,), {}, at(0) + 6 * MINUTE, rules, lambda: "i3")
    assert changes == []


#: Six troubles that have nothing to do with one another.
UNLIKE = ("FATAL:  sorry, too many clients already", "Found one Java-level deadlock:",
          "getaddrinfo failed: Temporary failure in name resolution", "write failed: No space left on device",
          "api.service: Main process exited, code=killed, status=9/KILL",
          "certificate verify failed: certificate has expired",
          "java.lang.OutOfMemoryError: Java heap space")


def test_what_fails_unlike_at_hosts_of_their_own_is_no_storm() -> None:
    world = World()
    for second in range(20):
        world.fold(batch(second, *(record(text, second, service=f"svc{n}x", host=f"h{n}", level=50)
                                   for n, text in enumerate(UNLIKE) if second >= n)))
    assert len(world.incidents) == len(UNLIKE), [each.reason for each in world.changes]


def test_places_of_several_classes_of_which_most_fail_alike_are_one_storm() -> None:
    world = World()
    for second in range(12):
        world.fold(batch(second, *(record(UNLIKE[0 if n % 4 else 1], second, service=f"svc{n}x", host=f"h{n}")
                                   for n in range(12))))
    assert any("a storm: 12 places" in each.reason for each in world.changes)
