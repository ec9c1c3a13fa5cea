"""Between agent and server: replies that are lost, a server that hangs, is away, or a network that tears."""
from __future__ import annotations

import json
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.ports import free_port

from .extent import by_form, figure, not_quick
from .numbered import Writer, line
from .proxy import BLACKHOLE, DROP_REPLY, PASS, RESET, SLOW, Proxy, body_of, problem
from .site import site

MEGABYTE = 1024 * 1024
AWAY = ("stopped", "blackhole", "killed")


@pytest.mark.timeout(180)
def test_lost_replies_torn_and_slow_connections(tmp_path: Path):
    """Every third reply is lost after the server has stored the batch, others never arrive or crawl."""
    def rule(n: int, _request: bytes) -> str:
        return DROP_REPLY if n % 3 == 0 else RESET if n % 7 == 1 else SLOW if n % 11 == 2 else PASS

    lines = by_form(4_000, 20_000, 200_000)
    with site(tmp_path) as here, Proxy(here.port, rule) as proxy:
        here.start_server()
        here.point_agent_at(proxy.port)
        here.start_agent()
        writer = Writer(here.logs / "app.log", lines, a_second=lines / by_form(4, 8, 60))
        writer.start()
        writer.join()
        here.written["app"] = lines
        verdict = here.settled(60)
        answered = here.agent.stop()
    figure("lost ACK: every 3rd reply dropped, others torn or slow", "0 lost, 0 duplicated",
           f"{verdict}; {proxy.faults} of {proxy.requests} requests harmed")
    assert verdict.clean, verdict
    assert proxy.faults >= 3 and answered == 0


@pytest.mark.timeout(180)
def test_poison_is_set_apart_and_the_rest_goes_on(tmp_path: Path):
    """The server refuses every batch with a poisoned line: it is found by halving, the queue goes on."""
    def rule(_n: int, request: bytes) -> str | bytes:
        return problem(400, "validation_failed") if b" poison" in body_of(request) else PASS

    with site(tmp_path) as here, Proxy(here.port, rule) as proxy:
        here.start_server()
        here.point_agent_at(proxy.port)
        bad = frozenset({3, 700, 701, 1999})
        here.write(2000, poison=bad)
        here.start_agent()
        took = here.wait_for(lambda: here.database.stored() >= 2000 - len(bad), 60, "all but the poison")
        here.write(500)
        verdict = here.settled(dropped=len(bad))
        dropped = here.database.column("SELECT dropped FROM producers")
    figure("poison batch", "quarantined, bisected, queue not blocked",
           f"{len(bad)} of 2,500 set apart, the others stored once after {took:.1f} s and "
           f"{proxy.requests} requests; counted as {dropped}")
    assert {seq for _, seq in verdict.lost} == bad and verdict.duplicated == verdict.corrupt == 0, verdict
    assert any(json.loads(reasons) == {"rejected": len(bad)} for reasons in dropped), dropped


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", by_form(("stopped",), AWAY, AWAY, whole=True))
def test_the_server_is_away(tmp_path: Path, how: str):
    """It hangs, the network swallows everything, or it is gone; what was written meanwhile comes after."""
    away, lines = by_form(4.0, 4.0, 60.0), by_form(8_000, 20_000, 300_000)
    with site(tmp_path) as here, Proxy(here.port) as proxy:
        here.start_server()
        here.point_agent_at(proxy.port)
        here.start_agent()
        writer = Writer(here.logs / "app.log", lines, a_second=lines / (away + 2))
        writer.start()
        here.wait_for(lambda: here.database.stored() > 0, 30, "the first lines")
        if how == "stopped":
            here.server.signal(signal.SIGSTOP)
        elif how == "blackhole":
            proxy.rule = lambda _n, _request: BLACKHOLE
        else:
            here.server.kill()
        time.sleep(away)
        behind = writer.written - here.database.stored()
        rss = here.agent.rss()
        if how == "stopped":
            here.server.signal(signal.SIGCONT)
        elif how == "blackhole":
            proxy.rule = lambda _n, _request: PASS
        else:
            here.start_server()
        began, before = time.monotonic(), here.database.stored()
        resumed = here.wait_for(lambda: here.database.stored() > before, 60, "going on")
        writer.join()
        here.written["app"] = lines
        verdict = here.settled(90)
        drained = time.monotonic() - began
    figure(f"server {how} for {away:.0f} s", "0 lost; agent RSS <= 150 MB",
           f"{verdict}; {behind:,} lines waited, went on after {resumed:.1f} s, drained after {drained:.1f} "
           f"s; agent RSS {rss / MEGABYTE:.0f} MB")
    assert verdict.clean, verdict
    assert behind > 0 and rss <= 150 * MEGABYTE
    assert resumed <= 5.0


@not_quick
@pytest.mark.timeout(1800)
def test_an_hour_of_lines_is_drained_in_ten_minutes(tmp_path: Path):
    """What an outage of 60 minutes at 1,000 lines/s brings waits in the spool; then the server is back."""
    lines, spool = by_form(60_000, 60_000, 3_600_000), tmp_path / "state" / "spool.db"
    lines -= lines % 10_000
    most = 0

    def watched(done: Callable[[], bool]) -> Callable[[], bool]:
        def look() -> bool:
            nonlocal most
            most = max(most, here.agent.rss())
            time.sleep(0.1)
            return done()
        return look

    def written() -> int:
        with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True, timeout=10)) as conn:
            return int(conn.execute("SELECT value FROM counters WHERE name = 'written'").fetchone()[0])

    with site(tmp_path, agent_settings=f"spool_bytes = {4 << 30}\n") as here:
        here.start_server()
        here.write(1)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the first line")
        here.server.kill()
        for _ in range(lines // 10_000):
            here.write(10_000)
        spooled = here.wait_for(
            watched(lambda: written() == lines + 1), 30 + lines / 5_000, "all to be spooled")
        size = spool.stat().st_size
        here.start_server()
        took = here.wait_for(watched(here.all_stored), 60 + lines / 2_000, "the backlog")
        verdict = here.settled()
    goal = 600 * lines / 3_600_000
    figure(f"backlog of an outage of {lines / 60_000:.0f} min at 1,000 lines/s, all of it in the spool",
           f"drained in <= {goal:.0f} s; agent RSS <= 150 MB",
           f"{lines:,} lines drained in {took:.1f} s ({lines / took:,.0f} lines/s), from a spool of "
           f"{size / MEGABYTE:,.0f} MiB that took {spooled:.0f} s to fill; {verdict}; agent RSS at most "
           f"{most / MEGABYTE:.0f} MB")
    assert verdict.clean, verdict
    assert took <= goal and most <= 150 * MEGABYTE


@pytest.mark.timeout(120)
def test_syslog_is_heard_before_the_server_was_ever_reached(tmp_path: Path):
    """A new spool asks the server where files stand; what nobody can send again does not wait for that."""
    lines, port = by_form(100, 300, 5_000), free_port()
    with site(tmp_path, agent_settings=f'syslog_udp = "127.0.0.1:{port}"\nsyslog_tcp = "127.0.0.1:{port}"\n'
              ) as here:
        here.start_agent()
        here.wait_for(lambda: listens(port), 20, "syslog to listen")
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp, \
                closing(socket.create_connection(("127.0.0.1", port))) as tcp:
            for seq in range(lines):
                udp.sendto(f"<13>{line('udp', seq)}".encode(), ("127.0.0.1", port))
                tcp.sendall(f"<13>{line('tcp', seq)}\n".encode())
                time.sleep(0.0005)
            here.write(lines)
            time.sleep(by_form(0.5, 1.0, 5.0))
            here.start_server()
            here.written |= {"udp": lines, "tcp": lines}
            verdict = here.settled(30)
    figure("syslog to an agent whose server was never there (UDP, TCP)", "0 lost, 0 duplicated", f"{verdict}")
    assert verdict.clean, verdict


def listens(port: int) -> bool:
    """Return whether somebody listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
