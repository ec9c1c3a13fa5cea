"""Who uses most of a processor or of memory is told with the sign, if it was measured with it."""
from __future__ import annotations

import pytest

from sra_server.detect.memory import Memory
from sra_server.detect.threshold import Threshold
from sra_server.domain.record import Point
from sra_server.domain.signal import Signal

from ..world import batch, point


def told(name: str, value: float, users: dict[str, float], *, host: str = "web-1") -> Signal:
    """Return the last sign of a host that is used up for minutes while these processes were measured."""
    of = "process.cpu_percent" if "cpu" in name else "process.memory_bytes"
    memory, found = Memory(), list[Signal]()
    for second in range(0, 130, 10):
        points: list[Point] = [point(name, value, second)]
        points += [point(of, used, second, host=host, process=each) for each, used in users.items()]
        found += Threshold().detect(memory, batch(second, points=points))
    return found[-1]


def test_who_uses_most_of_the_processor_is_named_with_the_others() -> None:
    signal = told("system.cpu_percent", 99, {"cron": 0.4, "ffmpeg": 187.2, "postgres": 12, "sshd": 3})
    assert signal.evidence[-1].text == (
        "process.cpu_percent on web-1: most is used by ffmpeg 187 % of a core, "
        "postgres 12 % of a core, sshd 3 % of a core")
    assert signal.cause == "there is more work than the processor can do; ffmpeg uses most of it"


def test_of_several_who_share_it_none_is_called_the_cause() -> None:
    signal = told("system.memory_percent", 97, {"java": 900 << 20, "postgres": 800 << 20, "redis": 700 << 20})
    assert signal.evidence[-1].text.endswith("java 900 MiB, postgres 800 MiB, redis 700 MiB")
    assert signal.cause == "processes on this host use almost all of its memory"


@pytest.mark.parametrize(("name", "host"), [
    ("system.cpu_percent", "web-2"), ("system.disk_percent", "web-1")])
def test_another_host_s_processes_and_other_metrics_are_no_evidence(name: str, host: str) -> None:
    assert [each.source for each in told(name, 99, {"ffmpeg": 187}, host=host).evidence] == [name]
