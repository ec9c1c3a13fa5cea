"""Silent: who is behind a trouble of which only the callers tell, by who has stopped writing. From correlate.

A killed or frozen service says nothing; its callers say that somebody does not answer. Who wrote all the
time on their host and stopped when their errors began is the cause, if it can be only one; and of several of
a kind the one that complains, or the one that is not heard while the others are. What is found is a sign of
its own that opens nothing: its evidence says since when there is silence. Pure.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..domain.called import calls, may_be_missed, near, text_of
from ..domain.case import SILENCE, Case
from ..domain.evidence import Evidence
from ..domain.incident import Incident
from ..domain.known import Known
from ..domain.place import places_in
from ..domain.record import MINUTE, SECOND
from ..domain.signal import Signal
from ..domain.software import RESOLVER, at_port, follows, is_store, passes_on
from .rhythm import Rhythm, Rhythms, by_host

#: A trouble older than this has shown what there is to see.
LOOKED_FOR = 5 * MINUTE
#: Last words come with the first errors, or a little after them.
_LAST_WORDS = 2 * SECOND
#: And silence may have begun before anybody asked.
_BEFORE = 10 * SECOND
#: Who is not heard for so long, while another of its kind is, is the one that is missed; so is a resolver.
_UNHEARD = 10 * SECOND
#: Names that cannot be resolved for now, and not names that are unknown.
_UNRESOLVED = re.compile(r"temporary failure in name resolution|eai_again|servfail|server misbehaving"
                         r"|no servers could be reached|lookup [^\n]{1,120}(?:i/o timeout|timed out|refused)"
                         r"|resolv[^\n]{1,80}timed out")
#: Who tells of one of these has said what is the matter.
_TOLD = frozenset({"certificate_expired", "auth_failures", "disk_full", "memory_exhaustion", "rate_limited"})
#: Who is not trusted on the way leaves those behind it without work.
_TRUST = re.compile(r"certificate|x509|handshak|\bssl\b|\btls\b")
#: What tells one of several of a kind from another: fares1 and fares2, api-1 and api-2.
_NUMBER = re.compile(r"[-_.]?\d+\Z")
_ACCESS = re.compile(r'" [1-5]\d\d (?:\d|-)')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Host:
    """Who calls in vain on one host, since when (event time, receipt), and who is heard of there."""

    callers: list[Signal]
    began: int
    noticed: int
    heard: dict[str, Rhythm]


def since(incident: Incident, case: Case) -> int:
    """Return when a trouble was noticed, or was there again (receipt time)."""
    return max(incident.created_at, case.returned)


class Ear:
    """Listens for one fold, at `now`, to who is heard of on the hosts where callers complain."""

    def __init__(self, rhythms: Rhythms | None, known: Known, now: int) -> None:
        self._rhythms, self._known, self._now = rhythms, known, now
        self._hosts: dict[str, dict[str, Rhythm]] | None = None

    def asks(self, incident: Incident, case: Case) -> bool:
        """Say whether it is worth listening: the trouble is young, and somebody calls in vain."""
        return self._rhythms is not None and self._now - since(incident, case) <= LOOKED_FOR \
            and any(map(calls, case.signals)) and not any(
                each.detector == SILENCE or (each.opens and each.cls in _TOLD) for each in case.signals)

    def silence(self, signals: Sequence[Signal], noticed: int) -> Signal | None:
        """Return the sign of who else is silent than tells of a trouble, which was noticed (receipt) then."""
        callers = [each for each in signals if calls(each)]
        if not callers:
            return None
        where = callers[0].host
        callers = [each for each in callers if each.host == where]
        told = {each.service for each in signals if each.opens}
        heard = {name: each for name, each in self._heard(where).items() if name not in told}
        # what was told of an earlier time, before it came back, is not when this began
        lately = [each.at for caller in callers for each in caller.evidence
                  if each.at >= noticed - LOOKED_FOR]
        one = _Host(callers=callers, began=min(lately, default=noticed), noticed=noticed, heard=heard)
        return _resolver(one, self._now) or _of_a_kind(one, self._known, self._now) or _fallen(one, self._now)

    def _heard(self, host: str) -> dict[str, Rhythm]:
        if self._hosts is None:  # read once for all troubles, and only where there is one to ask about
            self._hosts = by_host(self._rhythms) if self._rhythms is not None else {}
        return self._hosts.get(host, {})


def _resolver(one: _Host, now: int) -> Signal | None:
    """Return the resolver of the host, where names are not resolved and it is silent, or complains."""
    asked = [each for each in one.callers if _UNRESOLVED.search(text_of(each))]
    found = at_port(RESOLVER, one.heard)
    if not asked or len(found) != 1:
        return None
    name = next(iter(found))
    rhythm = one.heard[name]
    if rhythm.warned >= one.began:
        return _sign(name, asked, one, now, "network_failure",
                     f"{name} resolves names there and complains")
    if rhythm.heard > one.noticed + _LAST_WORDS or now - one.noticed < _UNHEARD:
        return None
    return _sign(name, asked, one, now, "network_failure",
                 f"{name} resolves names there and {_nothing(rhythm)}")


def _of_a_kind(one: _Host, known: Known, now: int) -> Signal | None:
    """Return of several that may be meant the one that complains, or that is not heard of as others are."""
    for each in one.callers:
        may = {name: one.heard[name] for name in may_be_missed(each, known.services) if name in one.heard}
        if len(may) < 2:
            continue
        unheard = [name for name, rhythm in may.items() if rhythm.heard <= one.noticed + _LAST_WORDS]
        warn = [name for name, rhythm in may.items() if rhythm.warned >= one.began
                and not (follows(name) and unheard)]
        if len(warn) == 1:
            return _sign(warn[0], [each], one, now, each.cls,
                         f"of {_all(may)} only {warn[0]} complains")
        if len(unheard) == 1 and now - one.noticed >= _UNHEARD:
            name = unheard[0]
            return _sign(name, [each], one, now, each.cls,
                         f"of {_all(may)} only {name} {_nothing(may[name])}")
    return None


def _fallen(one: _Host, now: int) -> Signal | None:
    """Return who wrote regularly and stopped when the errors began, if it can be only one."""
    asked = [each for each in one.callers if each.cls in ("external_api_down", "database_failure")
             and not is_store(each.service) and all(map(near, _places(each)))]  # a store calls nobody
    text = "\n".join(map(text_of, asked))
    if not asked or _TRUST.search(text):
        return None
    # nobody takes a proxy for his database
    database = all(each.cls == "database_failure" for each in asked)
    still = {name: each for name, each in one.heard.items() if each.regular
             and not (database and passes_on(name))
             and one.began - max(_BEFORE, each.limit) <= each.heard <= one.noticed + _LAST_WORDS}
    if not still or not all(each.silent(now) for each in still.values()):
        return None
    spoken = sorted((at, name) for name in still if (at := _spoken(text, name)) >= 0)
    fronts = [name for name in still if passes_on(name)]
    others = [name for name in still if not is_store(name)]
    if len(still) == 1:
        name = next(iter(still))
    elif len(fronts) == 1:
        name = fronts[0]  # who is behind it has no work either
    elif spoken:
        name = spoken[0][1]
    elif len({_NUMBER.sub("", name) for name in others or still}) == 1:
        name = min(others or still)  # nor has the store of who is frozen; one of a kind stands for all
    else:
        return None
    return _sign(name, asked, one, now, "service_crash", f"{name} {_nothing(still[name])}")


def _places(signal: Signal) -> list[str]:
    """Return the places that a sign names, without what access lines tell of who asked."""
    said = [each.text for each in signal.evidence[:3] if not _ACCESS.search(each.text)]
    return [*filter(None, [signal.subject]), *(place for text in said for place in places_in(text))]


def _spoken(text: str, service: str) -> int:
    found = re.search(rf"(?<![\w-]){re.escape(service.lower())}(?![\w-])", text)
    return found.start() if found else -1


def _sign(name: str, asked: list[Signal], one: _Host, now: int, cls: str, why: str) -> Signal:
    who = sorted({each.service for each in asked})
    host, heard = asked[0].host, one.heard[name].heard
    text = f"{why}; the errors of {_all(who)} began at {_clock(one.began)}"
    return Signal(
        detector=SILENCE, fingerprint=f"{SILENCE}|{name}|{host}", cls=cls, severity="medium",
        title="it is not heard of", at=heard, last_at=now, service=name, host=host, opens=False,
        cause="who calls it gets no answer, and it writes nothing itself",
        evidence=(Evidence(id=f"{SILENCE}|{name}|{host}|{heard}", kind="event", at=heard,
                           text=text, service=name, host=host, source=SILENCE),))


def _nothing(rhythm: Rhythm) -> str:
    return f"has written nothing since {_clock(rhythm.heard)}"


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%H:%M:%S")
