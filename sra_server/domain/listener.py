"""Listener: which service a client means by an address, as an agent told. From pipeline and case; pure.

What an agent tells is kept when the program is gone, for then it is asked for. An address of the own machine
means the client's host; a name means the host that is called so, as far as its program listens for others.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from .place import normal
from .software import kind_of, of_kind

_OWN = ("127.", "[::1]")


def key(host: str, place: str) -> str:
    """Return under which key a listener of a host is kept; `place` is its address and port."""
    address, _, port = place.rpartition(":")
    return _key(host, port, own=address.startswith(_OWN))


def _key(host: str, port: str, *, own: bool) -> str:
    return f"{host.lower()}|{'' if own else '*'}:{port}"


def listens(listening: Mapping[str, Sequence[str]], services: frozenset[str], place: str, host: str) -> str:
    """Return the service that is meant by a place which a client on a host names, or "".

    `listening` are program and unit by `key`. Of their names that counts by which a service is heard; else
    that of the only service of the program's kind; else the unit's, or the program's.
    """
    address, _, port = normal(place).rpartition(":")
    if not listening or not address or not port.isdigit():
        return ""
    if address.startswith(_OWN):
        keys = [_key(host, port, own=True), _key(host, port, own=False)]
    else:
        first = address.partition(".")[0]
        keys = [_key(each, port, own=False) for each in (address, first) if not first.isdigit()]
    program, unit = next((listening[each] for each in keys if each in listening), ("", ""))
    heard = {each.lower(): each for each in services}
    for name in (unit, program):
        if name.lower() in heard and name:
            return heard[name.lower()]
    same = of_kind(kind_of(program), services) if kind_of(program) else frozenset()
    return next(iter(same)) if len(same) == 1 else unit or program
