"""Watch: which metrics mean trouble when they are far from their usual, and in which direction. To baseline.

The names are those of the SDK and of common exporters; what fits none is evidence at most. A floor says from
where on a metric can hurt at all: a processor that is unusually busy at 40 percent is nobody's trouble.
"""
from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`up`: which way is bad; at least (or, downwards, at most) `times` the usual value, and `floor`.

    `habit`: what it got over by itself before is waited for (habit.py); what people feel at once is not.
    `busy`: it says how much is done, which is waited for in the first week; threshold tells what is used up.
    """

    name: re.Pattern[str]
    cls: str
    up: bool
    times: float
    floor: float
    title: str
    means: str
    remedies: tuple[str, ...]
    habit: bool = False
    busy: bool = False

    def hurts(self, value: float, usual: float) -> bool:
        """Say whether a value is so far on the bad side that people want to know."""
        if self.up:
            return value >= max(self.floor, self.times * usual)
        return usual >= self.floor and value <= self.times * usual


_UNITS = "ms|seconds|percent|ratio|avg|mean|p50|p90|p95|p99"


def _of(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[._/])(?:{words})(?:[._/](?:{_UNITS}))*$")


WATCHES: tuple[Watch, ...] = (
    Watch(name=_of("error_rate|errors_per_second|failure_rate"), cls="error_burst", up=True,
          times=3, floor=0.05, title="the error rate is far above its usual",
          means="a larger part of the requests fails than usual",
          remedies=("restart_service", "rollback_deployment")),
    Watch(name=_of("latency|response_time|request_duration|request_latency"), cls="cpu_overload", up=True,
          times=3, floor=0, title="answers take far longer than usual",
          means="requests are answered much later than usual",
          remedies=("scale_replicas", "restart_service")),
    Watch(name=_of("request_rate|requests_per_second|requests_per_minute|throughput|rps"),
          cls="service_crash", up=False, times=0.2, floor=1, title="hardly any requests arrive",
          means="what sends requests is down or no longer reaches it", remedies=("restart_service",)),
    Watch(name=_of("queue_(?:depth|length|size)|backlog|consumer_lag|messages_ready"), cls="queue_backlog",
          up=True, times=3, floor=100, habit=True, title="far more work waits than usual",
          means="work comes faster than it is done", remedies=("scale_replicas", "restart_service")),
    Watch(name=re.compile(r"system\.cpu_percent$"), cls="cpu_overload", up=True, times=1.5, floor=85,
          habit=True, busy=True,
          title="the processor is far busier than usual",
          means="there is much more work than usual at this hour",
          remedies=("scale_replicas", "restart_service")),
    Watch(name=re.compile(r"system\.memory_percent$"), cls="memory_exhaustion", up=True, times=1.2, floor=85,
          habit=True, busy=True,
          title="far more memory is used than usual", means="something took memory that is usually free",
          remedies=("restart_service",)),
)

#: What an unusual series is a sign of, if it is a sign of anything, by a word in its name.
_SIGNS = (("cpu", "cpu_overload"), ("load", "cpu_overload"), ("mem", "memory_exhaustion"),
          ("swap", "memory_exhaustion"), ("heap", "memory_exhaustion"), ("disk", "disk_full"),
          ("inode", "disk_full"), ("network", "network_failure"), ("queue", "queue_backlog"),
          ("latency", "cpu_overload"), ("seconds", "cpu_overload"), ("connection", "database_failure"))


def watch_of(name: str) -> Watch | None:
    """Return what is watched under a metric's name, or None."""
    return next((each for each in WATCHES if each.name.search(name)), None)


def class_of(name: str) -> str:
    """Return the class of trouble that an unusual series could belong to."""
    return next((cls for word, cls in _SIGNS if word in name), "error_burst")
