"""What nobody can send again and is lost all the same is counted: over kill -9, and with a lost spool."""
from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.ports import free_port

from . import balance, struck
from .extent import by_form, figure
from .numbered import line
from .site import Site, site

DROPS = "SELECT sum(value) FROM counters WHERE name LIKE 'dropped:syslog_udp%'"
WAYS = ("the file", "the directory")


def flood(port: int, n: int, *, size: int = 0) -> None:
    """Send numbered datagrams, somewhat faster than they can be kept when they are large."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        for seq in range(n):
            udp.sendto(f"<13>{line('udp', seq)} {'x' * size}".encode(), ("127.0.0.1", port))
            if seq % 50 == 49:
                time.sleep(0.001)


def spool(here: Site, query: str) -> int:
    """Return a number from the spool's file, as a kill would leave it."""
    with closing(sqlite3.connect(f"file:{here.state / 'spool.db'}?mode=ro", uri=True, timeout=5)) as conn:
        row = conn.execute(query).fetchone()
    return int(row[0] or 0) if row is not None else 0


def start_listening(here: Site, port: int, crash_at: str = "") -> None:
    """Start the agent, and return once datagrams to the port are taken."""
    here.start_agent(crash_at=crash_at)
    here.wait_for(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text(), 20, "syslog to listen")


@pytest.mark.timeout(120)
def test_counts_of_drops_survive_a_kill(tmp_path: Path):
    sent, port = by_form(4_000, 4_000, 40_000), free_port()
    with site(tmp_path, agent_settings=f'syslog_udp = "127.0.0.1:{port}"\nspool_bytes = 1048576\n') as here:
        start_listening(here, port)
        flood(port, 1)  # a batch tells what was dropped before it; this one waits for the server
        here.wait_for(lambda: spool(here, "SELECT count(*) FROM seals") == 1, 20, "a batch in flight")
        flood(port, sent, size=1500)
        time.sleep(2.5)  # the kernel's drops are looked for every 2 s, and all counts are kept every second
        counted = spool(here, DROPS)
        here.agent.kill()
        here.start_server()
        here.start_agent()
        here.wait_for(lambda: told(here) > 0, 15, "the server to be told")
        after = told(here)
    figure("kill -9 after more syslog than could be kept (UDP)", "the count of what was dropped stands",
           f"{counted:,} of {sent:,} were dropped and counted; after the kill {after:,} are told")
    assert counted >= sent // 10 and after == counted


@pytest.mark.timeout(120)
def test_a_kill_while_counts_are_written_leaves_the_balance_whole(tmp_path: Path):
    port = free_port()
    with site(tmp_path, agent_settings=f'syslog_udp = "127.0.0.1:{port}"\nspool_bytes = 1048576\n') as here:
        for point in struck.each(struck.AGENT_COUNTS):
            start_listening(here, port, crash_at=point)
            flood(port, 4_000, size=1500)
            here.wait_for(lambda: here.agent.died() is not None, 15, f"the agent to pass {point}")
            assert here.agent.died() == -9, here.errors()
        start_listening(here, port)
        flood(port, 4_000, size=1500)
        here.wait_for(lambda: spool(here, DROPS) > 0, 15, "drops to be counted")
        waiting = "SELECT sum(logs + points) FROM chunks"
        here.start_server()
        here.wait_for(lambda: spool(here, waiting) == 0, 30, "all to be sent")
        balance.checked(here.state, here.database)
        own = balance.of_spool(here.state)
    figure("kill -9 while counts of drops are written", "written = stored + dropped + spooled", f"{own}")
    assert own is not None and own.dropped > 0


def told(here: Site) -> int:
    """Return how many drops of syslog the server was told of."""
    with closing(sqlite3.connect(f"file:{here.data / 'sra.db'}?mode=ro", uri=True, timeout=10)) as conn:
        said = [json.loads(row[0]) for row in conn.execute("SELECT dropped FROM producers")]
    return sum(n for reasons in said for reason, n in reasons.items() if reason.startswith("syslog_udp"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("what", by_form(WAYS[:1], WAYS, WAYS, whole=True))
def test_what_a_lost_spool_held_is_counted_or_called_unknown(tmp_path: Path, what: str):
    lines, port = by_form(200, 200, 20_000), free_port()
    with site(tmp_path, agent_settings=f'syslog_udp = "127.0.0.1:{port}"\n') as here:
        here.start_server()
        here.write(10)
        start_listening(here, port)
        here.wait_for(here.all_stored, 30, "the first lines")
        here.server.kill()
        flood(port, lines)
        here.wait_for(lambda: spool(here, "SELECT sum(once) FROM chunks") == lines, 20, "all to be spooled")
        here.agent.kill()
        if what == "the file":
            for path in here.state.glob("spool.db*"):
                path.write_bytes(bytes(path.stat().st_size))
        else:
            shutil.rmtree(here.state)
        here.start_agent()
        here.start_server()
        here.write(10)
        here.wait_for(here.all_stored, 30, "the lines after the loss")
        said = f"spool_lost {lines if what == 'the file' else 'unknown'}"
        lost = "SELECT sum(json_extract(counters, '$.spools_lost')) FROM hosts"
        here.wait_for(lambda: here.database.column(lost) == [1], 20, "the word that a spool was lost")
        shows, verdict = shown(here), here.settled()
    figure(f"spool lost ({what}) with {lines:,} lines of syslog in it", "counted by reason, or as unknown",
           f"`sra hosts show` says {said}; of the files {verdict}")
    assert verdict.clean and said in shows, (verdict, shows)


def shown(here: Site) -> str:
    """Return what `sra hosts show` prints of the host."""
    done = subprocess.run(
        [sys.executable, "-m", "sra_cli", "hosts", "show", "web-1", "--server", f"http://127.0.0.1:{here.port}"],
        env=here.environment, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr
