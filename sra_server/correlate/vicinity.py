"""Vicinity: which troubles of one host at one time may be one, though nobody names the other. From relation.

Pure. On a host many services run, and two of them may fail at the same time by chance. What the host is
short of (disk, memory, processor, network) is a cause for everybody on it; but of two services one must show
that it suffers from somebody: it passes on what others answer, it says that a store fails, or that somebody
does not answer. And what it says must not speak of somebody else.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..domain.called import nobody_there
from ..domain.effect import brings
from ..domain.known import Known
from ..domain.names import TOO_COMMON, names
from ..domain.own import own
from ..domain.place import loopback, places_in
from ..domain.record import SECOND
from ..domain.signal import Signal
from ..domain.software import (
    OF_HOST,
    USUAL_PORTS,
    is_store,
    kind_of,
    kind_spoken,
    may_listen,
    of_kind,
    passes_on,
)
from ..domain.witness import gives_up, guarded
from .echo import speaks_of_kind, speaks_of_store

#: Signs of one host this close together may be one trouble.
CLOSE = 30 * SECOND
#: Who calls a store waits for half a minute before he gives up and says so.
_PATIENT = 60 * SECOND
#: What a service suffers from another shows within this time, for a count needs its minute. What the host is
#: short of does harm as long as it lasts.
_SHOWN = 120 * SECOND

#: What the host gives to all of its services.
_SHARED = frozenset({"disk_full", "memory_exhaustion", "cpu_overload", "network_failure"})
#: Who is short of these is slow, or gets no memory; what else he says is a fault of his own.
_SLOWS = frozenset({"memory_exhaustion", "cpu_overload"})
#: So speaks who has to wait, as for a processor ...
_SLOWED = (r"\btim(?:ed?|ing)[ -]?out\b|timeout(?:s|error|exception|expired|ed)?\b|\bdeadline"
           r"|\bslow(?:ly|er)?\b|\btook \d|\bbusy\b|\boverload|\bunavailable\b|\bhang(?:s|ing)?\b|\bhung\b"
           r"|\bstall(?:s|ed)?\b|\bunresponsive\b|\bnot respond|\bno response\b|\bheart-?beats?\b"
           r"|\breset by peer\b|\bqueue (?:is )?full\b|\bbacklog\b" r'|" (?:499|50[234])\b')
#: ... and so who may also lack memory.
_STARVED = re.compile(_SLOWED + r"|\bmemory\b|memoryerror|outofmemory|\bkilled\b|\boom\b|bad_alloc|\benomem\b"
                      r"|\bswap|\bfork\b|\brefused\b|\bbroken pipe\b")
_SLOW = re.compile(_SLOWED)
#: These tell what is to come: nobody suffers from it yet.
_AHEAD = frozenset({"forecast", "leak"})
#: Who is called by nobody, and so can be missed by nobody.
_UNCALLED = frozenset({"cron", "crond", "anacron", "atd", "sshd", "su", "sudo", "logrotate", "fail2ban"})
#: What a client says of its store in the same words as the store.
_OF_STORES = frozenset({"database_failure", "deadlock", "auth_failures", "error_burst"})
#: A request that failed, as access logs write it.
_FAILED_REQUEST = re.compile(r'\b(?:get|post|put|patch|delete|head|options) \S+(?: http/[\d.]+)?" 5\d\d\b')
_CONNECTION = re.compile(r"\bconnect(?:ion|ed|ing)?\b|\btimed? ?out\b|\bunavailable\b|\bbroken pipe\b")
#: Addresses of nets of one's own, as a host gives them to its containers.
_PRIVATE = re.compile(r"(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)\.[\d.]+\Z")
#: Of these Docker gives addresses to containers, unless it is told otherwise.
_CONTAINER = re.compile(r"172\.(?:1[6-9]|2\d|3[01])\.|[^.]*\Z|[^.]*:\d+\Z")
#: File systems where every program writes, and folders that are mostly on one of these. What is full
#: elsewhere stops those alone that work there.
_COMMON = re.compile(r"/(?:(?:var|tmp|run|usr|opt|home)(?:/(?:log|lib|tmp|cache|spool))?/?)?$")
_COMMON_TOPS = frozenset({"/var", "/tmp", "/run", "/usr", "/opt", "/home", "/etc"})  # noqa: S108
_PATH = re.compile(r"(?<![\w./:<])(/(?:[\w@+-][\w.@+-]*/)*[\w@+-][\w.@+-]*)")
#: From where a request came is no place that failed.
_REFERRER = re.compile(r'referr?er: "[^"]*"')
_WEB = (":80", ":443")
#: Where a pool in front of a database listens.
_POOL = "6432"
_EVIDENCE = 3
_TEXT = 2000


def beside(signals: Sequence[Signal], signal: Signal, known: Known) -> tuple[int, Signal] | None:
    """Return the nearest sign on its host that may be one trouble with a sign, and how far in time it is."""
    # of one service it was asked already
    found = [(_apart(each, signal), each) for each in signals if each.opens and _here(each, signal)]
    found = [each for each in found if not signal.service or each[1].service != signal.service]
    near = [(gap, each) for gap, each in found if gap <= _PATIENT and _one(each, signal, known, gap)]
    return min(near, key=lambda pair: (pair[0], pair[1].at, pair[1].fingerprint), default=None)


def of_host(signal: Signal) -> bool:
    """Say whether a sign is of the host, or of nobody who is known, and not of one of its services."""
    return not signal.service or (signal.cls in _SHARED and signal.service.lower() in OF_HOST)


def host_gone(signal: Signal) -> bool:
    """Say whether a sign is that a host is heard of no more."""
    return signal.detector == "absence" and not signal.service


def own_place(place: str) -> bool:
    """Say whether a place means something else on each host: an address of the own machine, or a mount."""
    return place.startswith("/") or loopback(place)


def _here(one: Signal, other: Signal) -> bool:
    return one.host == other.host and not _looks_afar(one) and not _looks_afar(other)


def _looks_afar(signal: Signal) -> bool:
    """Say whether a sign is a health check of another host: then its own is where it is looked from."""
    return signal.detector == "probe" and bool(signal.subject) and not _at_host(signal.subject, signal.host)


def _at_host(place: str, host: str) -> bool:
    name = place.rpartition(":")[0] or place
    return own_place(place) or (bool(host) and name.partition(".")[0] == host.lower().partition(".")[0])


def _apart(one: Signal, other: Signal) -> int:
    return min(abs(other.at - one.at), abs(other.at - one.last_at))


def _one(one: Signal, other: Signal, known: Known, gap: int) -> bool:
    return _leads(one, other, known, gap) or _leads(other, one, known, gap)


def _leads(cause: Signal, effect: Signal, known: Known, gap: int) -> bool:
    """Say whether one sign may well be an effect of another on the same host."""
    if not brings(cause.cls, effect.cls) or (cause.detector in _AHEAD and cause.cls != effect.cls):
        return False
    if own(effect) or (nobody_there(effect) and _refuses_not(cause, effect)):
        return False
    if cause.at - effect.at > _SHOWN and cause.cls not in _SLOWS:
        return False  # what began so much later brought nothing about; who is slow is so before it is told
    if cause.cls == "disk_full":
        # a store that waits for room says so once, and who waits for its locks gives up after a minute
        waits = is_store(cause.service) and effect.cls == "deadlock"
        return gap <= (_PATIENT if waits else CLOSE) and _room(cause, effect)
    if cause.cls in _SLOWS and cause.opens and of_host(cause) and cause.cls != effect.cls:
        # who gets no memory dies without a word; of a slow processor who suffers says so, and it may be busy
        # for hours in which much else breaks
        mute = effect.cls != "error_burst" and (
            cause.cls != "cpu_overload" or abs(cause.at - effect.at) <= CLOSE)
        said = _said(effect)
        return gap <= CLOSE and (mute or (said.slow if cause.cls == "cpu_overload" else said.starved))
    if of_host(effect) and not of_host(cause) and cause.at - effect.at > CLOSE:
        return False  # what the host was short of long before does not come of this
    if of_host(cause) or of_host(effect) or cause.cls == effect.cls == "network_failure":
        return gap <= CLOSE
    patient = is_store(cause.service) and effect.cls != "external_api_down"
    if gap > (_PATIENT if patient else CLOSE) or abs(cause.at - effect.at) > _SHOWN:
        return False
    return cause.service.lower() not in _UNCALLED and _suffers(cause, effect) and not _elsewhere(
        cause, effect, known)


def _refuses_not(cause: Signal, effect: Signal) -> bool:
    """Say whether a refusal cannot come of a cause: who is busy refuses nobody, who lacks room nobody far."""
    if cause.cls == "cpu_overload":
        return True
    if cause.cls not in ("disk_full", "memory_exhaustion") or is_store(cause.service):
        return False
    places = [each for each in (effect.subject, *_said(effect).places) if each]
    return bool(places) and not any(_at_host(each, effect.host) or _CONTAINER.match(each) for each in places)


def _room(cause: Signal, effect: Signal) -> bool:
    """Say whether one may suffer from a file system that is full: is it known which, and who works there?"""
    mount = cause.subject if cause.subject.startswith("/") else ""
    tops = {_top(mount)} if mount else {_top(each) for each in _said(cause).paths}
    if not tops or (_COMMON.match(mount) if mount else tops & _COMMON_TOPS):
        return True
    if is_store(cause.service) and effect.cls == "deadlock":
        return True  # the store has said itself that it has no room
    theirs = {_top(each) for each in (*_said(effect).paths, effect.subject) if each.startswith("/")}
    if cause.cls == effect.cls:
        return of_host(cause) or not theirs or bool(theirs & tops)
    return is_store(effect.service) or bool(theirs & tops)


def _top(path: str) -> str:
    return "/".join(path.split("/")[:2])


def _suffers(cause: Signal, effect: Signal) -> bool:
    """Say whether a sign of a service shows that it suffers from another, which may be this."""
    if gives_up(effect):
        return guarded(cause)
    asked = effect.detector == "probe" or effect.cls in ("external_api_down", "error_burst")
    if asked and is_front(effect):
        # who is refused by his store fails his own callers; whose visitors are refused does not
        return cause.cls != "auth_failures" or (not is_store(cause.service) and speaks_of_store(cause))
    if is_store(cause.service) and cause.cls == effect.cls and cause.cls in _OF_STORES:
        return True
    if effect.detector == "probe" or cause.cls in ("certificate_expired", "auth_failures"):
        return False
    if effect.cls == "database_failure":
        return is_store(cause.service) or (cause.cls == effect.cls and not is_store(effect.service))
    if effect.cls == "cpu_overload":  # whoever waits for one that does not answer has all his workers busy
        return effect.detector == "signature" and cause.unanswered
    if effect.cls == "external_api_down":
        return cause.cls != effect.cls or any(map(loopback, _said(effect).places))
    return effect.cls == "error_burst" and is_store(cause.service) and _said(effect).connection


def _elsewhere(cause: Signal, effect: Signal, known: Known) -> bool:
    """Say whether what a sign says speaks of somebody else than this cause."""
    pointed = names(effect, (cause, effect), known)
    if pointed:
        return cause.service not in pointed
    if _of_another_kind(cause, effect):
        return True
    store = is_store(cause.service)
    said = [each for each in _said(effect).places if not (store and each.endswith(_WEB))]
    theirs = set(_said(cause).places)
    if cause.cls == effect.cls and theirs and said and not store:
        # both miss somebody: whoever that is, it is not the same if they name different ones
        return not theirs & set(said) and not any(map(own_place, said))
    if store and speaks_of_kind(effect, cause.service, known.services) and not any(
            each.rpartition(":")[2] in USUAL_PORTS for each in said):
        return False  # a port of its own leads to it, as that of a container does
    return bool(said) and not any(_may_be(each, cause) for each in said)


def _of_another_kind(cause: Signal, effect: Signal) -> bool:
    """Say whether an effect tells which kind of store it misses, and the cause is none, nor misses one.

    A store calls nobody but its like, or of whom it speaks, and a pool the store behind it.
    """
    spoken = _said(effect).kind
    if is_store(effect.service) and kind_of(effect.service) != _POOL:
        return is_store(cause.service) and kind_of(cause.service) not in (kind_of(effect.service), spoken)
    if not spoken or is_front(effect) or of_kind(spoken, {cause.service}):
        return False
    theirs = _said(cause).kind  # who fails alike, and does not say at whom, may miss the same
    return theirs != spoken and (is_store(cause.service) or bool(theirs) or cause.cls != effect.cls)


def _may_be(place: str, cause: Signal) -> bool:
    """Say whether a service may be what stands at a place."""
    name, _, port = place.rpartition(":")
    name = name or place
    service = cause.service.lower()
    if service == name.partition(".")[0] and service not in TOO_COMMON:
        return True
    if cause.detector == "probe" and port == cause.subject.rpartition(":")[2] and _PRIVATE.match(name):
        return True  # a container is looked after at its host's port and called at an address of its own
    listens = may_listen(service, port)
    return listens if listens is not None else _at_host(place, cause.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the texts of a sign tell: addresses, paths, failures, slowness, and of which kind of store."""

    places: tuple[str, ...]
    paths: tuple[str, ...]
    failed: bool
    connection: bool
    slow: bool
    starved: bool
    kind: str


def _said(signal: Signal) -> _Said:
    return _read(tuple(each.text[:_TEXT] for each in signal.evidence[:_EVIDENCE]))


@lru_cache(maxsize=256)  # in a storm each sign is held against every other
def _read(texts: tuple[str, ...]) -> _Said:
    low = [text.lower() for text in texts]
    failed = [_FAILED_REQUEST.search(text) is not None for text in low]
    # a request that failed is told with who asked, and what for; a bare word before a number is no address
    named = [place for text, of_request in zip(low, failed, strict=True) if not of_request
             for place in places_in(_REFERRER.sub("", text))]
    return _Said(places=tuple(place for place in named if "." in place or place.startswith("[")),
                 paths=tuple(path for text in low if "/" in text for path in _PATH.findall(text)),
                 kind=kind_spoken("\n".join(_first_lines(text) for text in low)),
                 failed=any(failed), connection=any(map(_CONNECTION.search, low)),
                 slow=any(_SLOW.search(_first_lines(text)) for text in low),
                 starved=any(_STARVED.search(_first_lines(text)) for text in low))


def _first_lines(text: str) -> str:
    """Return a text without the frames of a stack."""
    return "\n".join(line for line in text.split("\n") if not line.startswith((" ", "\t")))


def is_front(signal: Signal) -> bool:
    """Say whether a sign is of one that passes on what others answer, as its name or its lines tell."""
    return passes_on(signal.service) or _said(signal).failed
