"""Called: which service a client means that does not name it. From case; pure.

Who is killed or frozen writes nothing, and his clients mostly say no more than an address. What port that
has, what kind of store the words are of, and who else complains leads to one service; where two may be meant
nobody is.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from .place import normal, places_in
from .record import SECOND
from .signal import Signal
from .software import at_port, follows, is_store, kind_of, kind_spoken, of_kind

#: What a client says of its store, often in the store's own words.
OF_STORES = frozenset({"database_failure", "deadlock", "disk_full", "memory_exhaustion"})
#: What is said of somebody who does not answer.
_MISSED = frozenset({"database_failure", "external_api_down", "network_failure", "service_crash",
                     "queue_backlog", "error_burst"})
#: That something asked for is not there, as a store says it: the question is wrong, and so is who asked.
NOT_THERE = re.compile(r"\b(?:relation|column|table|type|function|schema|collection|index)\b[^\n]{0,120}"
                       r"\b(?:does not|doesn't) exist\b"
                       r"|\bunknown (?:column|table)\b|\bno such (?:table|column)\b")
#: Words of a store that refuses because of itself, by the port of its kind: it has no room, or too many ask.
_REFUSES = (("'maxmemory'", "6379"), ("oom command not allowed", "6379"),
            ("max number of clients reached", "6379"), ("too many clients already", "5432"),
            ("remaining connection slots are reserved", "5432"), ("lock wait timeout exceeded", "3306"),
            ("out of memory storing object", "11211"),
            ("no more connections allowed (max_client_conn", "6432"),
            ("misconf redis", "6379"), ("misconf errors writing", "6379"))
#: Words of a store that takes no writes at all; one that only follows another says the same.
_READS_ONLY = (("--read-only option", "3306"), ("--super-read-only option", "3306"),
               ("in a read-only transaction", "5432"))
#: The socket of a file that a client could not connect to, by the words of its name.
_SOCKET = re.compile(r"\bunix:(?:/[\w.@+-]{1,64}){0,7}/([\w.@+-]{1,64})")
#: So short a word of a name may be anything.
_WORD = 3
#: So short a word of a place may be anything.
_TELLING = 4
#: Whose own store leads it says so in these words.
_LEADER = re.compile(r"\b(?:master|primary|leader|upstream server|source)\b|\bwal stream\b|for sync:")
#: That nobody listens at a place, and not only that who listens is slow or answers with an error.
_NOBODY = re.compile(r"connection refused|econnrefused|connectionrefused|actively refused|errno 111\b"
                     r"|error 111\b|error=111\b|<nosrv>|no server is available"
                     r"|no live upstreams|no healthy upstream|no route to host"
                     r"|connection_refused|has failed and is disabled")
#: That it is the connection which is gone, and not what was wanted over it.
_LOST = re.compile(r"can(?:no|')t contact|\bno (?:answer|reply|response)\b|\brefused\b"
                   r"|\blost\b|could not connect|\btimed? ?out\b|unreachable|no route to host"
                   r"|can't connect|closed the connection|\bconnection[ _]closed\b|\bdisconnected\b"
                   r"|\bno servers? available\b")
#: How a server says that it no longer hears a client, and a client that it waited in vain.
_UNHEARD = re.compile(r"missed heartbeats from client|got timeout reading communication packets"
                      r"|could not receive data from client: connection timed out"
                      r"|exceeded timeout, disconnecting|keep-?alive timeout")
_WAITED = re.compile(r"\btimed? ?out\b|timeout(?:\b|error|exception)|\betimedout\b|\bdeadline[_ ]exceeded\b")
#: Stores that pass messages on; their clients seldom speak of them for another reason.
_BROKERS = frozenset({"5672", "9092", "1883", "4222", "61616"})
#: And so it is with those who are asked who somebody is, or to pass on a letter.
_ASKED = frozenset({"88", "389", "1812", "25"})
#: So much of a text is searched for the kind of store that it speaks of.
_KIND = 6000
#: So many pieces of evidence are the latest.
_LATEST = 2
#: Of stores that are ill the one that was so this much earlier is the cause.
_EARLIER = 2 * SECOND
#: Where anybody's web server listens.
_WEB_PORTS = frozenset({"80", "443"})
#: Names that lead to a machine of one's own, whoever else is on it.
_PRIVATE = (".lan", ".local", ".internal", ".localdomain", ".home.arpa", ".svc", ".intranet", ".corp")


def store_of(effect: Signal, signals: Iterable[Signal]) -> str:
    """Return the store of which a client speaks without its name: the one that is in trouble as well."""
    if effect.cls not in OF_STORES or not effect.service or is_store(effect.service):
        return ""
    ill: dict[str, int] = {}
    for each in signals:
        if is_store(each.service) and (
                effect.cls in ("database_failure", "deadlock") or each.cls == effect.cls):
            ill[each.service] = min(each.at, ill.get(each.service, each.at))
    return _likeliest(ill)


def _likeliest(ill: dict[str, int]) -> str:
    """Return the only one, or of several of one kind who was ill first, or else who is followed."""
    if len(ill) < 2:
        return next(iter(ill), "")
    if len({kind_of(each) for each in ill}) > 1:
        return ""
    first = min(ill.values())
    early = [each for each, at in ill.items() if at - first < _EARLIER]
    leads = [each for each in early if not follows(each)]
    return (early if len(early) == 1 else leads if len(leads) == 1 else [""])[0]


def leader_of(effect: Signal, services: frozenset[str]) -> str:
    """Return whom a store follows, where it says that it has lost it; the only other of its kind."""
    if not is_store(effect.service) or effect.detector != "signature" or effect.cls not in _MISSED:
        return ""
    text = text_of(effect)
    if _LEADER.search(text) is None or _LOST.search(text) is None:
        return ""
    found = at_port(kind_of(effect.service), services) - {effect.service}
    leads = [each for each in found if not follows(each)]
    return (list(found) if len(found) == 1 else leads if len(leads) == 1 else [""])[0]


def silent_server(effect: Signal, services: frozenset[str]) -> str:
    """Return what a client misses and that says nothing itself: the only service of its kind."""
    found = may_be_missed(effect, services)
    if len(found) > 1 and answers(effect):
        found = frozenset(each for each in found if not follows(each))
    return next(iter(found)) if len(found) == 1 else ""


def may_be_missed(effect: Signal, services: frozenset[str]) -> frozenset[str]:
    """Return the services of the kind that a client misses, or is refused by, near it; not itself."""
    if not effect.service or is_store(effect.service) or effect.detector != "signature":
        return frozenset()
    text = text_of(effect)
    refused = next((kind for words, kind in (*_REFUSES, *_READS_ONLY) if words in text), "")
    missed = effect.cls in _MISSED and effect.unanswered
    if not (missed or effect.cls == "deadlock" or (refused and effect.cls in (*OF_STORES, "error_burst"))):
        return frozenset()
    if NOT_THERE.search(text) is not None:
        return frozenset()  # what is said of a wrong question is said by a store that answers
    places = [each for each in (effect.subject, *places_in(text)) if each]
    others = services - {effect.service}
    if not refused and missed:
        # on the way to somebody far the proxy next door may be what does not answer
        by_port = [_spoken_of(each, found if near(each) else _called_after(each, found))
                   for each in places if ":" in each and (found := at_port(each.rpartition(":")[2], others))]
        if any(by_port):
            return next(filter(None, by_port))
        if by_socket := _at_socket(text, others):
            return by_socket
    if not all(map(near, places)):
        return frozenset()  # what stands at an address of another machine is not known by its kind
    kind = refused or kind_spoken(text)
    # who is missed over HTTP may speak of a store as well; of that one it must be said that it fails
    if not refused and effect.cls not in ("database_failure", "deadlock") and (
            kind not in _BROKERS | _ASKED or "http" in text
            or not (nobody_there(effect) or _LOST.search(text))):
        return frozenset()
    return of_kind(kind, others) if kind else frozenset()


def _spoken_of(place: str, found: frozenset[str]) -> frozenset[str]:
    """Return of several services that may be at a place the one after which its host is called, or all."""
    host = place.rpartition(":")[0]
    words = {each: set(re.split(r"[^a-z]+", each.lower())) for each in found}
    called = [each for each in found if any(
        len(word) >= _TELLING and word in host and not any(
            other.startswith(word) for name in found if name != each for other in words[name])
        for word in words[each])]
    return frozenset(called) if len(called) == 1 else found


def _called_after(place: str, services: frozenset[str]) -> frozenset[str]:
    """Return those services after which the machine of a place is called: influx.example, and influxdb."""
    first = re.split(r"[^a-z]", place)[0]
    first = first[:-1] if first.endswith("s") else first
    return frozenset(each for each in services if len(first) >= _TELLING and any(
        word.startswith(first) or (len(word) >= _TELLING and first.startswith(word))
        for word in re.split(r"[^a-z]+", each.lower())))


def _at_socket(text: str, services: frozenset[str]) -> frozenset[str]:
    """Return the only service whose name begins as the socket of a file does that nobody answers at."""
    names = {match.group(1) for match in _SOCKET.finditer(text)}
    if len(names) != 1:
        return frozenset()
    said = re.split(r"[^a-z]+", names.pop())
    found = frozenset(each for each in services
                      if len(first := re.split(r"[^a-z]+", each.lower())[0]) >= _WORD and first in said)
    return found if len(found) == 1 else frozenset()


def calls(signal: Signal) -> bool:
    """Say whether a sign is of a service which tells that somebody does not answer."""
    missed = signal.unanswered or signal.cls == "network_failure"
    return signal.opens and missed and signal.detector == "signature" and bool(signal.service)


def nobody_there(signal: Signal) -> bool:
    """Say whether a caller found nobody where it called, of late: it may have had other troubles before."""
    return signal.unanswered and any(
        _NOBODY.search(each.text[:_KIND].lower()) for each in signal.evidence[-_LATEST:])


def cut_off(own: Iterable[Signal], effects: Iterable[Signal]) -> bool:
    """Say whether neither side of a connection hears the other: then it is what lies between them."""
    return any(_UNHEARD.search(text_of(each)) for each in own) and any(
        each.unanswered and _WAITED.search(_lately(each)) for each in effects)


def _lately(signal: Signal) -> str:
    return "\n".join(each.text[:_KIND] for each in signal.evidence).lower()


def answers(effect: Signal) -> bool:
    """Say whether what is told was said by a server, which so can only be one that is written to."""
    text = text_of(effect)
    return any(words in text for words, _ in _REFUSES)


def of_its_host(place: str, services: frozenset[str]) -> str:
    """Return the service after which the machine of a place is called: pager.example:8060, and pager.

    What stands at a port of the web on a public name is somebody else's, whatever one's own is called.
    """
    host, _, port = normal(place).rpartition(":")
    first, _, rest = host.partition(".")
    own = port not in _WEB_PORTS or near(place)
    return first if rest and not first.isdigit() and first in services and own else ""


def near(place: str) -> bool:
    """Say whether a place is on this machine, or has a name that only a net of one's own knows."""
    place = normal(place)
    host = place.rpartition(":")[0] if place.rpartition(":")[2].isdigit() else place
    return place.startswith(("127.", "[::1]", "/")) or "." not in host or host.endswith(_PRIVATE)


def text_of(signal: Signal) -> str:
    """Return what a signal's evidence says, in lower case."""
    return "\n".join(each.text for each in signal.evidence[:3])[:_KIND].lower()
