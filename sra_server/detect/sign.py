"""Sign: what a fingerprint stands for, in words, with its service and host. From present; to people.

Each detector makes its fingerprints of its own name, what it saw and where. Reading them back needs nothing
stored beside them, so it holds for what was learned before as well.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..domain.reach import ANY
from .catalogue import Catalogue
from .threshold import BOUNDS
from .watch import watch_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What was seen, and where; service and host are "" where a sign has none."""

    text: str
    service: str = ""
    host: str = ""


def sign_of(fingerprint: str, catalogue: Catalogue) -> Sign:
    """Return what a fingerprint stands for; one that nobody knows any more stands for itself.

    Of what a lesson holds for everywhere, service or host are "".
    """
    sign = _read(fingerprint, catalogue)
    return replace(sign, service="" if sign.service == ANY else sign.service,
                   host="" if sign.host == ANY else sign.host)


def _read(fingerprint: str, catalogue: Catalogue) -> Sign:
    kind, _, rest = fingerprint.partition("|")
    if kind == "signature":
        return _signature(rest, catalogue)
    reader = READERS.get(kind)
    try:
        return reader(rest) if reader else Sign(text=fingerprint)
    except (ValueError, OverflowError):
        return Sign(text=fingerprint)


def _signature(rest: str, catalogue: Catalogue) -> Sign:
    name, service, host = _ends(rest)
    known = catalogue.by_name.get(name)
    return Sign(text=known.title if known else name.replace("_", " "), service=service, host=host)


def _probe(rest: str) -> Sign:
    name, service, host = _ends(rest)
    return Sign(text=f"the health check {name} fails" if name else "its health check fails",
                service=service, host=host)


def _forecast(rest: str) -> Sign:
    host, service, mount = _ends(rest)
    return Sign(text=f"{mount or 'the disk'} fills up", service=service, host=host)


def _leak(rest: str) -> Sign:
    return _series(rest, lambda name: "memory grows steadily")


def _threshold(rest: str) -> Sign:
    return _series(rest, lambda name: BOUNDS[name].title if name in BOUNDS else f"{name} is beyond its bound")


def _baseline(rest: str) -> Sign:
    def words(name: str) -> str:
        watch = watch_of(name)
        return watch.title if watch else f"{name} is unusual"
    return _series(rest, words)


def _unusual(rest: str) -> Sign:
    return _series(rest, lambda name: f"{name} is unusual")


def _habit(rest: str) -> Sign:
    return _series(rest, lambda name: f"{BOUNDS[name].title if name in BOUNDS else name}, as it was before")


def _absence(rest: str) -> Sign:
    kind, _, name = rest.partition("|")
    if kind == "host":
        return Sign(text="the host went silent", host=name)
    return Sign(text="the service went silent", service=name)


def _servers(rest: str) -> Sign:
    service, _, host = rest.rpartition("|")
    return Sign(text="a server is lost to its balancer", service=service, host=host)


def _burst(rest: str) -> Sign:
    return _placed("many errors in one minute", rest)


def _novelty(rest: str) -> Sign:
    key, _, text = rest.rpartition("|")
    if not text.isdecimal():
        return _placed(f"a new kind of error: {text}", key)
    # of older releases, which called it by its first minute
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(text))
    return _placed(f"a new kind of error, first seen {at:%Y-%m-%d %H:%M:%S} UTC", key)


READERS: dict[str, Callable[[str], Sign]] = {
    "probe": _probe, "threshold": _threshold, "forecast": _forecast, "leak": _leak, "baseline": _baseline,
    "unusual": _unusual, "habit": _habit, "absence": _absence,
    "servers": _servers, "burst": _burst, "novelty": _novelty,
}


def _ends(rest: str) -> tuple[str, str, str]:
    """Part three names; what stands between the first and the last bar is the middle one's."""
    first, _, others = rest.partition("|")
    middle, _, last = others.rpartition("|")
    return first, middle, last


def _series(rest: str, words: Callable[[str], str]) -> Sign:
    """Read the key of a series, as Point.series makes it; its tags tell it from its neighbours."""
    name, host, service, *tags = rest.split("|")
    which = ", ".join(tag.replace("=", " ", 1) for tag in tags)
    return Sign(text=f"{words(name)} ({which})" if which else words(name), service=service, host=host)


def _placed(text: str, key: str) -> Sign:
    """Read a service, or the host behind an @ of what names no service."""
    return Sign(text=text, host=key[1:]) if key.startswith("@") else Sign(text=text, service=key)
