"""Echo: whether two signs repeat the same words, so that one answers the other. From relation; pure.

A client repeats what its store said to it, whichever port it reached it by. Who check the same tokens name
the same issuer, key or audience. Words that any program writes, as those of the system's errors, and the
frames of a stack are no echo.
"""
from __future__ import annotations

import re
from functools import lru_cache

from ..domain.place import normal, places_in
from ..domain.record import SECOND
from ..domain.signal import Signal
from ..domain.software import is_store, kind_spoken, of_kind, passes_on

#: What is said and what is repeated lie no further apart.
_AT_ONCE = 30 * SECOND
#: Two clients who are refused by the same begin no further apart.
_SAME_MOMENT = 10 * SECOND
#: What somebody called does to all who call him. That something has expired each may have for himself.
_MEETS_ALL = ("signature|rate_limited|", "signature|certificate_refused|", "signature|store_access_denied|")
#: That somebody is missed who is not named.
_MISSED = ("signature|calls_fail|", "signature|upstream_down|")
#: So many words in a row are no chance: "sorry, too many clients already".
_RUN = 5
_EVIDENCE, _TEXT = 5, 2000
#: That a process was killed for lack of memory, and how it is named.
_KILLED = "signature|kernel_oom|"
_PROCESS = re.compile(r"\bkilled process \d{1,10} \(([^)\n]{2,40})\)")
#: What Kubernetes adds to the name of a program, of which the first has a digit.
_POD = re.compile(r"-(?=[a-z]{0,9}\d)[a-z0-9]{4,10}(?:-[a-z0-9]{5})?\Z")
#: So soon who was killed is started again in vain.
_RESTARTED = 60 * SECOND
#: What tells one of several of a program from another.
_NUMBER = re.compile(r"(?:[-_.]?\d{1,4}|[-_.][a-h])\Z")
#: These a store and its client may have without each other: each has a disk, a memory, a net of its own.
_OWN = frozenset({"disk_full", "memory_exhaustion", "cpu_overload", "network_failure", "certificate_expired"})
_SYSTEM = re.compile(
    r"no space left on device|name or service not known|temporary failure in name resolution"
    r"|(?:operation|connection) (?:timed out|refused|reset by peer)|no such file or directory"
    r"|permission denied"
    r"|too many open files|address already in use|resource temporarily unavailable|no route to host"
    r"|certificate verify failed[^\n]{0,80}|traceback \(most recent call last\)"
    r"|is the server running[^\n]{0,80}"
    r"|terminat(?:ed|ing)[^\n]{0,40}(?:signal|administrator command)[^\n]{0,40}")
_WORD = re.compile(r"[a-z_\"'`][\w.'\"`/@-]*")
_QUOTES = str.maketrans("", "", "\"'`")

#: Of whom tokens are, for whom, and by which key.
_OF_TOKENS = re.compile(r"\b(?:iss(?:uer)?|kid|key id|signing key|aud(?:ience)?|jwks?|client[_ ]id|realm)\b")
_NAMED = re.compile(r"https?://[^\s\"'<>,;)]{4,200}|[\"'`]([\w.:/@+-]{4,200})[\"'`]"
                    r"|\b(?:iss|issuer|kid|aud|audience|client_id|realm)[=:] ?([\w.:/@+-]{4,200})")
#: Ways of signing, and words that every such text has.
_ANY_TOKEN = re.compile(r"(?:[hrep]s|eddsa|es|none)\d*k?\Z|(?:access|refresh|id)_token\Z"
                        r"|(?:bearer|null|none)\Z|invalid_(?:token|grant|client)\Z|(?:sub|exp|nbf|iat|auth|email|token|error)\Z")


def said_by_both(one: Signal, other: Signal) -> str:
    """Return what a store and its client say at the same moment on the same host, in words, or ""."""
    for store, client in ((one, other), (other, one)):
        if is_store(store.service) and client.service and not is_store(client.service):
            break
    else:
        return ""
    if store.host != client.host or not _at_once(one, other) or {one.cls, other.cls} & _OWN:
        return ""
    theirs = _runs(_texts(client))
    shared = next((each for each in _runs(_texts(store)) if each in theirs), ())
    return f"{store.service} and {client.service} say the same: {' '.join(shared)}" if shared else ""


def same_tokens(one: Signal, other: Signal) -> str:
    """Return which issuer, key or audience of tokens two signs name at the same moment, in words, or ""."""
    if not one.cls == other.cls == "auth_failures" or not _at_once(one, other):
        return ""
    shared = _of_tokens(_texts(one)) & _of_tokens(_texts(other))
    return f"both refuse tokens of {min(shared)}" if shared else ""


def same_call(one: Signal, other: Signal) -> str:
    """Return in words that two clients of one host are refused alike from the same moment on, or "".

    A certificate that nobody trusts, a limit or a store's list of rights meets everybody who calls there, and
    so does who no longer answers. Who refuses his own visitors is no client, and two who name different
    places have two troubles.
    """
    if one.cls != other.cls or not _of_all(one, other) or one.host != other.host or not one.service \
            or not other.service or abs(one.at - other.at) > _SAME_MOMENT \
            or any(passes_on(each.service) or is_store(each.service) for each in (one, other)):
        return ""
    named = [{normal(each).partition(":")[0] for each in (signal.subject, *_places(_texts(signal))) if each}
             for signal in (one, other)]
    if all(named) and not named[0] & named[1]:
        return ""
    return f"{one.service} and {other.service} are refused alike from the same moment on"


def _of_all(one: Signal, other: Signal) -> bool:
    """Say whether what two signs tell meets all clients; of one who is missed neither knows more."""
    if one.fingerprint.startswith(_MISSED) and other.fingerprint.startswith(_MISSED):
        return not any(each.subject or _places(_texts(each)) for each in (one, other))
    return one.fingerprint.startswith(_MEETS_ALL) and other.fingerprint.startswith(_MEETS_ALL)


def same_program(one: Signal, other: Signal) -> str:
    """Return in words that two of one program fail alike from the same moment on, or "".

    Instances that differ by their number or letter alone run the same release and call the same others. What
    each has of its own, as a disk, may fail at two of them; and two who name different places miss two.
    """
    if one.service == other.service or one.cls != other.cls or one.cls in _OWN \
            or one.fingerprint.split("|")[1:2] != other.fingerprint.split("|")[1:2] \
            or abs(one.at - other.at) > _SAME_MOMENT or not _one_program(one.service, other.service):
        return ""
    named = [set(filter(None, (normal(each.subject),))) for each in (one, other)]
    if all(named) and not named[0] & named[1]:
        return ""
    return f"{one.service} and {other.service} are of one program and fail alike from the same moment on"


def _one_program(one: str, other: str) -> bool:
    """Say whether two names differ by their number alone: fares1 and fares2, api-a and api-b; no stores."""
    names = [_NUMBER.sub("", each.lower()) for each in (one, other)]
    return names[0] == names[1] != "" and one != other and not is_store(one) and all(
        _NUMBER.search(each.lower()) for each in (one, other))


def of_killed(one: Signal, other: Signal) -> str:
    """Return in words that one sign is of a process that was killed, and one that it does not stay up, or "".

    Kubernetes tells of the process by its name, and of the pod, without its node, by that name and a hash.
    """
    for kernel, crash in ((one, other), (other, one)):
        if not kernel.fingerprint.startswith(_KILLED) or crash.cls != "service_crash" \
                or crash.host not in ("", kernel.host) \
                or max(one.at, other.at) - min(one.last_at, other.last_at) > _RESTARTED:
            continue
        service = crash.service.lower()
        for name in {match[1] for text in _texts(kernel) for match in _PROCESS.finditer(text.lower())}:
            if service == name or (service.startswith(name) and _POD.match(service, len(name))):
                return f"{name} was killed, and {crash.service} does not stay up"
    return ""


def echoed(one: Signal, other: Signal) -> str:
    """Return why two signs are of one trouble by what they repeat, in words, or ""."""
    if {one.detector, other.detector} != {"signature"}:
        return ""
    return (said_by_both(one, other) or same_tokens(one, other) or same_call(one, other)
            or same_program(one, other) or of_killed(one, other))


def same_words(one: Signal, other: Signal) -> bool:
    """Say whether two signs of one service have a line, or a run of words, in common."""
    mine, theirs = _records(one), _records(other)
    return not _lines(mine).isdisjoint(_lines(theirs)) or any(each in _runs(mine) for each in _runs(theirs))


def _records(signal: Signal) -> tuple[str, ...]:
    return tuple(each.text[:_TEXT] for each in signal.evidence[:_EVIDENCE] if each.kind == "record")


def _lines(texts: tuple[str, ...]) -> set[str]:
    """Return the lines of texts without what differs each time: numbers, and what is in quotation marks."""
    lines = (line for text in texts for line in text.lower().split("\n") if not line.startswith((" ", "\t")))
    return {said for each in lines if (said := " ".join(_WORD.findall(_SYSTEM.sub(" ", each))))}


def speaks_of_store(signal: Signal) -> bool:
    """Say whether a sign's words are those of a client of some store."""
    return bool(kind_spoken("\n".join(_texts(signal)).lower()))


def speaks_of_kind(client: Signal, store: str, services: frozenset[str]) -> bool:
    """Say whether a client's words are of the kind that a store is of, and there is no other of the kind."""
    kind = kind_spoken("\n".join(_texts(client)).lower())
    return bool(kind) and of_kind(kind, {*services, store}) == {store}


def _at_once(one: Signal, other: Signal) -> bool:
    return max(one.at, other.at) - min(one.last_at, other.last_at) <= _AT_ONCE


def _texts(signal: Signal) -> tuple[str, ...]:
    return tuple(each.text[:_TEXT] for each in signal.evidence[:_EVIDENCE])


@lru_cache(maxsize=256)
def _places(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(place for text in texts for place in places_in(text))


@lru_cache(maxsize=256)  # in a storm each sign is held against every other
def _runs(texts: tuple[str, ...]) -> dict[tuple[str, ...], None]:
    """Return the runs of words in texts in their order, without frames of stacks, numbers, system's words."""
    found: dict[tuple[str, ...], None] = {}
    for text in texts:
        for line in text.lower().split("\n"):
            if line.startswith((" ", "\t")):
                continue
            for part in _SYSTEM.split(line):
                words = [each.translate(_QUOTES).rstrip(".,:") for each in _WORD.findall(part)]
                found |= dict.fromkeys(tuple(words[n:n + _RUN]) for n in range(len(words) - _RUN + 1))
    return found


@lru_cache(maxsize=256)
def _of_tokens(texts: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for text in texts:
        low = text.lower()
        if _OF_TOKENS.search(low) is None:
            continue
        named = (next(filter(None, each.groups()), each[0]).rstrip("/.:") for each in _NAMED.finditer(low))
        found.update(each for each in named if _ANY_TOKEN.match(each) is None)
    return frozenset(found)
