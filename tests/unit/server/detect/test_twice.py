"""One failed request is one failure, though nginx writes it to two logs; through the fold."""
from __future__ import annotations

import pytest

from sra_sdk.lines.parse import LineReader
from sra_server.domain.record import Record

from ..world import World, batch, record

ERROR = ('2026/11/25 06:32:47 [error] 18#18: *218 connect() failed (111: Connection refused) while '
         'connecting to upstream, client: 10.9.0.1, server: shop, request: "GET /cart/{n} HTTP/1.1", '
         'upstream: "http://10.4.0.9:8001/cart/{n}", host: "shop"')
ACCESS = '10.9.0.1 - - [25/Nov/2026:06:32:47 +0000] "GET /cart/{n} HTTP/1.1" {status} 157 "-" "Firefox/128.0"'

SLOW = ERROR.replace("connect() failed (111: Connection refused) while connecting to upstream",
                     "upstream timed out (110: Connection timed out) while connecting to upstream")


def read(text: str, second: float, number: int) -> Record:
    parsed = LineReader(service="nginx", host="web-1").read(text)
    given = {key: value for key, value in parsed.metadata.items() if key != "host"}
    return record(parsed.message, second, service="nginx", level=40, number=number, **given)


def told(times: int, *, error: bool = True, access: bool = True, status: int = 502) -> World:
    """Return a world in which nginx was well for long and then so many requests fail in a minute."""
    world = World()
    for second in range(-900, 0, 60):
        fine = [record("fine", second + n / 100, service="nginx", level=20, number=n) for n in range(200)]
        world.fold(batch(second + 10, *fine))
    for n in range(times):
        moment = n * 50 / times
        both = [read(ERROR.format(n=n), moment, 2 * n)] * error + [
            read(ACCESS.format(n=n, status=status), moment, 2 * n + 1)] * access
        world.fold(batch(moment + 0.5, *both))
    return world


def bursts(world: World) -> list[int]:
    return [signal.count for case in world.state.cases.values() for signal in case.signals
            if signal.detector == "burst"]


@pytest.mark.parametrize(("error", "access"), [(True, True), (True, False), (False, True)])
def test_a_burst_is_as_strong_as_requests_fail(error: bool, access: bool) -> None:
    assert bursts(told(30, error=error, access=access)) == [30]
    assert bursts(told(5, error=error, access=access)) == [], "which are not ten"


def test_what_only_one_log_tells_counts_in_full() -> None:
    world = told(12)
    world.fold(batch(52, *(read(ACCESS.format(n=n, status=500), 51, 900 + n) for n in range(12))))
    assert bursts(world) == [24]


def test_a_sign_counts_a_failure_once_whichever_log_tells_it() -> None:
    world = World()
    lines = [read(text.format(n=n, status=504), n, 2 * n + m) for n in range(10)
             for m, text in enumerate((SLOW, ACCESS))]
    world.fold(batch(9, *lines))
    signals = [signal for case in world.state.cases.values() for signal in case.signals]
    assert [(each.title, each.count) for each in signals] == [("an upstream does not answer", 10)]
