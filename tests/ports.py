"""Ports for programs that a test starts, kills and starts again: no other program takes one meanwhile.

A port that the system hands out for nothing ("port 0") lies where it also finds the local ends of all
outgoing connections, and where the next test asks: while a server is dead its port may be given to
somebody else, who then gets what was sent to the server. These lie below that range, and each belongs to
one process of the tests for as long as that lives.
"""
from __future__ import annotations

import random
import socket

#: Below 32768, where Linux begins to hand out, and above what services use by default.
_FIRST, _LAST = 20_000, 32_000
_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at, and that no other test will be given."""
    for port in random.SystemRandom().sample(range(_FIRST, _LAST), _LAST - _FIRST):
        if _reserve(port):
            return port
    raise AssertionError(f"no port between {_FIRST} and {_LAST} is free")


def _reserve(port: int) -> bool:
    claim, probe = socket.socket(socket.AF_UNIX), socket.socket()
    with probe:
        try:
            claim.bind(f"\0sra-test-port-{port}")  # an abstract name: the kernel drops it when we end
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            return False
    _held.append(claim)
    return True
