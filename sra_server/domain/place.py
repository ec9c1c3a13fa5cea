"""Places: the host:port pairs and names that a text or probe speaks of. From detect; to correlate."""
from __future__ import annotations

import re
from collections.abc import Iterator

_LOCAL = re.compile(r"^(?:localhost|\[?::1\]?|0\.0\.0\.0)(?=:|$)")
_HOST = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]|[a-z](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9-]+)*)"
#: Addresses that mean another machine on each.
_LOOPBACK = re.compile(r"127\.|\[?::1\]?(?::|$)")
_URL = re.compile(rf"\b([a-z][a-z0-9+]{{1,20}})://(?:[^\s/@\"']*@)?({_HOST})(?::(\d{{1,5}}))?")
#: Neither a version ("firefox/128.0") nor a place in a program ("events:524:28") nor a time of day is meant.
_PAIR = re.compile(rf"(?<![\w./@-])({_HOST})[:/](\d{{2,5}})(?!\d|\.\d|:\d)")
#: Where people are sent to read about an error nothing has failed.
_READ = re.compile(r"\b(?:on this error at|see|see also|information at|details at|documentation at|visit)"
                   r"[: ]{1,2}https?://\S+")
#: Systems give each connection a port of its own, from here on; who has one has called.
_OWN_PORTS = 32768
_OWN_PORT = r"(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[4-6]\d{4})(?!\d)"
_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\])"
#: Who asked, by what name, the page that led there, and the own end of a connection: none of them has failed.
_ASKED = re.compile(
    r"\[(?:client|remote) [^\]\s]{1,60}\]|\breferr?er: \S{1,300}"
    r"|, (?:client|server): [^,\s]{1,100}|, host: \"[^\"\s]{1,200}\"|\" \d{3} (?:\d{1,12}|-) \"[^\"]{1,300}\""
    rf"|\b(?:downstream_(?:remote|local)_address|(?:remote|client|local)_addr(?:ess)?|laddr)\W{{1,4}}{_ADDRESS}:\d{{1,5}}"
    rf"|\b(?:client|from|peer|remote|raddr)\W{{1,4}}{_ADDRESS}:{_OWN_PORT}"
    rf"|\b(?:l:/|listening on (?:tcp )?)[\w.:\[\]-]{{2,60}}:\d{{1,5}}|\A{_ADDRESS}:\d{{1,5}} \[\d\d/"
    r"|(?<![\w.:])[\w.:\[\]-]{2,60}:\d{1,5} ?-> ?(?=[\[\w])")
_WORDS = re.compile(rf"(?:host(?:name)?|server at|server on|connect(?:ion)? to(?! server| the| a| database))"
                    rf"[ =:'\"]+({_HOST})['\"]?"
                    rf"[^\n]{{0,40}}?\bport[ =:'\"]+(\d{{2,5}})")
_LOOKUP = re.compile(r"(?<![a-z])(?:enotfound|eai_again|resolve(?: host| name| hostname)?:?|lookup|host name)"
                     rf"[ :'\"(]+({_HOST})")
#: To whom a mail server or a proxy speaks: by name, its address in brackets, or only the domain.
_FAR = re.compile(
    rf"\bconnect(?:ion|ing)? to ({_HOST})\[[0-9a-f.:]{{2,45}}\]:(\d{{2,5}})|\bh=({_HOST}) \["
    r"|(?:\bconnect(?:ion|ing)? to |== [^\s@]{1,64}@)"
    r"((?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})(?=\s|[,;]|\.?\Z)")
_LOOKUP_WORDS = ("enotfound", "eai_again", "resolve", "lookup", "host name")
_PORT = re.compile(r"[:/]\d\d")
_PORTS = {"http": "80", "https": "443", "postgres": "5432", "postgresql": "5432", "redis": "6379",
          "mysql": "3306", "amqp": "5672", "mongodb": "27017"}
_FILES = (".py", ".java", ".go", ".js", ".ts", ".c", ".cc", ".cpp", ".h", ".rb", ".rs", ".kt", ".php", ".cs",
          ".log", ".conf", ".scala", "config.ru")
_NOT_A_HOST = frozenset({"at", "line", "on", "port", "pid", "status", "code", "error", "errno", "column",
                         "tcp", "udp"})


def normal(place: str) -> str:
    """Return a place in one form: lower case, every name of the own machine as 127.0.0.1."""
    return _LOCAL.sub("127.0.0.1", place.strip().lower())


def loopback(place: str) -> bool:
    """Say whether a place is an address of the own machine, whoever's that is."""
    return _LOOPBACK.match(normal(place)) is not None


def seen_from(place: str, host: str) -> str:
    """Return the key of a place as a host means it: an address of the own machine is another one on each."""
    return f"{host.lower()}|{place}" if loopback(place) else place


def without_own_port(place: str) -> str:
    """Return a place without a port that is a connection's own, for the next one has another."""
    host, _, port = place.rpartition(":")
    return host if host and port.isdigit() and int(port) >= _OWN_PORTS else place


def of_target(target: str) -> str:
    """Return the host:port of a probe's target, which is a URL or a pair."""
    found = _URL.search(target.lower())
    if found:
        port = found.group(3) or _PORTS.get(found.group(1), "")
        return normal(f"{found.group(2)}:{port}" if port else found.group(2))
    return normal(target)


def places_in(text: str, limit: int = 4) -> tuple[str, ...]:
    """Return the places that a message names, in the order of trust: URL, words, lookup, bare pair."""
    found: dict[str, None] = {}
    for place in _named(text[:4096].lower()):
        found[normal(place)] = None
        if len(found) == limit:
            break
    return tuple(found)


def _named(low: str) -> Iterator[str]:
    """Yield what is named; most texts lack what each kind needs, which is seen sooner than searched."""
    if _PORT.search(low) is not None or "://" in low:
        low = _ASKED.sub(" ", low)
    if "://" in low:
        low = _READ.sub(" ", low)
        for scheme, host, port in _URL.findall(low):
            port = port or _PORTS.get(scheme, "")
            yield f"{host}:{port}" if port else host
    if "connect" in low or "h=" in low or "== " in low:
        for mail, port, host, name in _FAR.findall(low):
            yield f"{mail}:{port}" if mail else host or name
    if "port" in low:
        for host, port in _WORDS.findall(low):
            yield f"{host}:{port}"
    if any(word in low for word in _LOOKUP_WORDS):
        yield from _LOOKUP.findall(low)
    if (port_at := _PORT.search(low)) is not None:
        # no host has a space in it, so none begins before the word in which the first port stands
        for host, port in _PAIR.findall(low, low.rfind(" ", 0, port_at.start()) + 1):
            if host not in _NOT_A_HOST and not host.endswith(_FILES):
                yield f"{host}:{port}"
