"""Hostile HTTP against a server at work: slow-loris, a gzip bomb, smuggled lengths, deep JSON."""
from __future__ import annotations

import gzip
import http.client
import json
import socket
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from .extent import by_form, figure, not_quick
from .site import KEY, Site, site

MEGABYTE = 1024 * 1024
HEADERS = {"Content-Type": "application/json", "X-API-Key": KEY}


def good_client(here: Site, n: int) -> float:
    """Return the p99 in seconds of n requests of a client that behaves."""
    times = []
    conn = http.client.HTTPConnection("127.0.0.1", here.port, timeout=30)
    for _ in range(n):
        began = time.perf_counter()
        conn.request("POST", "/ingest/logs", b'{"logs":[{"message":"hello"}]}', HEADERS)
        answer = conn.getresponse()
        answer.read()
        assert answer.status == 200
        times.append(time.perf_counter() - began)
    conn.close()
    return statistics.quantiles(times, n=100)[98]


def raw(here: Site, request: bytes) -> int:
    """Send bytes and return the status."""
    with socket.create_connection(("127.0.0.1", here.port), timeout=10) as peer:
        peer.sendall(request)
        return int(peer.recv(65536).split(b" ")[1])


@not_quick
@pytest.mark.timeout(120)
def test_slow_loris(tmp_path: Path):
    sockets, n = 500, by_form(200, 400, 2000)
    with site(tmp_path) as here, ExitStack() as stack:
        here.start_server()
        good_client(here, 50)
        quiet = min(good_client(here, n) for _ in range(3))
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", here.port), timeout=5))
                 for _ in range(sockets)]
        opened = time.monotonic()
        for number, peer in enumerate(crowd):
            peer.sendall(b"POST /ingest/logs HTTP/1.1\r\nHost: x\r\n" if number % 2 else
                         b"POST /ingest/logs HTTP/1.1\r\nHost: x\r\nX-API-Key: " + KEY.encode() +
                         b"\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{")
        crowded = min(good_client(here, n) for _ in range(3))
        closed, waited = 0, by_form(0.0, 0.0, 35.0, whole=True)
        if waited:
            time.sleep(max(0.0, opened + waited - time.monotonic()))
            for peer in crowd:
                peer.settimeout(0.01)
                try:
                    while peer.recv(4096):
                        pass
                    closed += 1
                except ConnectionError:
                    closed += 1
                except TimeoutError:
                    pass
    figure("slow-loris, 500 sockets", "good-client p99 <= 2x baseline (or <= 20 ms)",
           f"p99 {quiet * 1000:.1f} ms without, {crowded * 1000:.1f} ms beside them ({crowded / quiet:.2f}x)"
           + (f"; {closed} of {sockets} were closed by the server after {waited:.0f} s" if waited else ""))
    assert crowded <= max(2 * quiet, 0.02)
    assert not waited or closed == sockets


@pytest.mark.timeout(60)
def test_bombs_and_smuggling(tmp_path: Path):
    with site(tmp_path) as here:
        here.start_server()
        good_client(here, 20)
        before = here.server.rss()
        bomb = gzip.compress(bytes(1024 * MEGABYTE // by_form(4, 1, 1, whole=True)), 9)
        began = time.monotonic()
        said = here.post("/ingest/logs", bomb, {"Content-Encoding": "gzip"})
        took, grown = time.monotonic() - began, here.server.rss() - before
        both = raw(here, b"POST /ingest/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: "
                         b"chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        twice = raw(here, b"POST /ingest/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                          b"Content-Length: 5\r\n\r\n{}{}")
        deep = here.post("/ingest/logs", b'{"logs":[{"message":"x","metadata":' + b'{"a":' * 50_000 + b"1"
                         + b"}" * 50_000 + b"}]}", {})
        oversize = json.dumps({"logs": [{"message": "x" * 9 * MEGABYTE}]}).encode()
        large = here.post("/ingest/logs", oversize, {})
        alive = good_client(here, 20)
    figure("gzip bomb; CL+TE; two Content-Length; deep and oversize JSON", "413/400; RSS bounded",
           f"bomb of {len(bomb) / MEGABYTE:.2f} MB: {said} in {took:.2f} s, RSS +{grown / MEGABYTE:.0f} MB; "
           f"CL+TE {both}; two lengths {twice}; deep {deep}; oversize {large}; p99 after "
           f"{alive * 1000:.1f} ms")
    assert (said, both, twice, large) == (413, 400, 400, 413) and deep in (400, 413, 422)
    assert grown < 96 * MEGABYTE
