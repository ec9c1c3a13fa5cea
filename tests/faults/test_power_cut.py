"""The power goes: 0 acknowledged lost, it always starts, nobody has to delete anything by hand.

kill -9 keeps what the kernel holds, so it says nothing of this. Here a real program's writes and syncs are
recorded (shim.c), and its folder is made anew as a disk may hold it after a cut at any moment (powercut.py).
"""
from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import random
import shutil
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sra_agent import Agent
from sra_agent.config import AgentConfig
from sra_agent.heal.audit import Audit, verify
from sra_agent.heal.journal import Journal
from sra_sdk.errors import SraError
from sra_server.store import Store
from tests.acceptance import executor_host
from tests.acceptance.executor_host import Host
from tests.ports import free_port
from tests.services import needs

from . import powercut
from .extent import by_form, figure, not_quick
from .numbered import Writer, judge, line
from .shelf import Shelf, shelved
from .site import KEY, Site, site

pytestmark = needs("gcc")
BATCHES, OF, PRODUCERS = by_form(60, 80, 400), 100, 4


def file_of(producer: int) -> str:
    """Return the file that a producer's lines name."""
    return "app" if producer == 1 else f"app{producer}"


def numbered_batch(number: int, producer: int = 1) -> tuple[bytes, dict[str, str]]:
    """Return the body and the seal of a batch of OF lines; each producer has a file of its own."""
    logs = [{"message": line(file_of(producer), seq)} for seq in range((number - 1) * OF, number * OF)]
    raw = json.dumps({"host": "web-1", "logs": logs, "metrics": [], "ends": {}, "dropped": {}}).encode()
    return raw, {"X-SRA-Producer": f"p{producer}", "X-SRA-Sequence": str(number),
                 "X-SRA-Digest": hashlib.sha256(raw).hexdigest()}


def whole_batches(folder: Path) -> Counter[int]:
    """Open what a cut left as the server will; return how many whole batches of each producer are there."""
    there: Counter[int] = Counter()
    with closing(sqlite3.connect(folder / "sra.db")) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        if not conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone():
            return there
        for producer, sequence in conn.execute("SELECT producer, sequence FROM batches ORDER BY 1, 2"):
            there[int(producer[1:])] += 1
            assert sequence == there[int(producer[1:])]
        messages = (row[0] for row in conn.execute("SELECT message FROM records"))
        found = judge({file_of(producer): n * OF for producer, n in there.items()}, messages)
        assert found.clean, found
        return there


def send_together(here: Site) -> None:
    """Let the producers send: the first batch of each in turn, which tells their sockets, then at once."""
    links = [http.client.HTTPConnection("127.0.0.1", here.port, timeout=30) for _ in range(PRODUCERS)]

    def send(producer: int, number: int) -> None:
        body, seal = numbered_batch(number, producer)
        links[producer - 1].request("POST", "/ingest/batch", body, {
            "Content-Type": "application/json", "X-API-Key": KEY, **seal})
        with links[producer - 1].getresponse() as answer:
            assert answer.status == 200, answer.read()
            answer.read()

    producers = range(1, PRODUCERS + 1)
    with ThreadPoolExecutor(PRODUCERS) as pool:
        for producer in producers:
            send(producer, 1)
        for number in range(2, BATCHES // PRODUCERS + 1):
            list(pool.map(send, producers, [number] * PRODUCERS))
    for link in links:
        link.close()


def groups(events: list[powercut.Event], folder: Path, most: int) -> list[int]:
    """Return how many batches each of the first commits brought: each ends with a sync of the log."""
    disk, chance, sizes, before = powercut.Disk(), random.Random(0), [], 0
    for event in events:
        disk.take(event)
        if event.kind == "S" and event.name == "sra.db-wal" and len(sizes) < most:
            folder.mkdir()
            disk.held(folder, chance)
            now = sum(whole_batches(folder).values())
            shutil.rmtree(folder)
            if now > before:
                sizes.append(now - before)
            before = now
    return sizes


@pytest.mark.timeout(900)
def test_the_power_of_the_server_goes(tmp_path: Path, shim: Path):
    log = tmp_path / "shim.log"
    with site(tmp_path) as here:
        here.start_server(**powercut.recording(shim, log, here.data))
        send_together(here)
        here.server.kill()
    events = powercut.read(log)
    kinds = {(event.kind, event.name) for event in events}
    assert {("S", "sra.db-wal"), ("S", "sra.db"), ("W", "sra.db")} <= kinds, "the run must reach a checkpoint"
    shared = groups(events, tmp_path / "held", by_form(30, 60, 200))
    chance, lost, tried, opened = random.Random(7), 0, 0, 0
    n, starts = by_form(60, 200, 2000), by_form(6, 10, 1000)
    answered = [event.place if event.kind == "A" and event.data.startswith(b"HTTP/1.1 200") else 0
                for event in events]
    sockets = {socket: number for number, socket in enumerate(filter(None, answered), 1)
               if number <= PRODUCERS}
    assert len(sockets) == PRODUCERS and set(filter(None, answered)) == set(sockets)
    assert sum(map(bool, answered)) == BATCHES
    for number, (place, disk) in enumerate(powercut.cuts(events, n, chance)):
        folder = tmp_path / "cut"
        folder.mkdir()
        disk.cut(folder, chance)
        if number % (n // starts) == 0:
            tried += 1
            opened += asyncio.run(starts_on(f"sqlite:///{folder / 'sra.db'}"))
        acknowledged = Counter(sockets[socket] for socket in answered[:place] if socket)
        there = whole_batches(folder) if (folder / "sra.db").exists() else Counter[int]()
        lost += (acknowledged - there).total() * OF
        shutil.rmtree(folder)
    figure("power cut of the server (SQLite)", "0 acknowledged lost; always starts",
           f"{lost} of {BATCHES * OF:,} acknowledged lines of {PRODUCERS} producers lost at {n:,} moments; "
           f"it started at {opened:,} of the {tried:,} at which that was tried; {sum(n > 1 for n in shared)} "
           f"of the first {len(shared)} transactions held several batches, up to {max(shared)}")
    assert lost == 0 and opened == tried
    assert max(shared) > 1, "no two batches ever shared a transaction"


async def starts_on(url: str) -> bool:
    """Open the store as the server does at its start; it must not ask anybody to delete anything."""
    try:
        store = await Store.open(url)
    except SraError:
        return False
    await store.close()
    return True


@not_quick
@pytest.mark.timeout(120)
def test_after_a_cut_the_server_takes_again_what_it_has_not(tmp_path: Path, shim: Path):
    """A producer that sends everything again after the cut: each line is there once."""
    log, n = tmp_path / "shim.log", 30
    with site(tmp_path) as here:
        here.start_server(**powercut.recording(shim, log, here.data))
        for number in range(1, n + 1):
            body, seal = numbered_batch(number)
            here.post("/ingest/batch", body, seal)
        here.server.kill()
        events, chance = powercut.read(log), random.Random(11)
        answers = [place for place, event in enumerate(events)
                   if event.kind == "A" and event.data.startswith(b"HTTP/1.1 200")]
        middle = answers[n // 2] + 1
        disk = powercut.Disk()
        for event in events[:middle]:
            disk.take(event)
        shutil.rmtree(here.data)
        here.data.mkdir()
        disk.cut(here.data, chance)
        here.start_server()
        for number in range(1, n + 1):
            body, seal = numbered_batch(number)
            assert here.post("/ingest/batch", body, seal) == 200
        here.written["app"] = n * OF
        assert here.settled().clean


async def until_all(config: AgentConfig, shelf: Shelf, total: int) -> dict[str, Any]:
    """Run the agent until the shelf holds so many lines, and return its counters."""
    async with Agent(config) as agent:
        for _ in range(2000):
            if len(shelf.messages()) >= total:
                break
            await asyncio.sleep(0.01)
        return agent.counters()


@pytest.mark.timeout(600)
async def test_the_power_of_the_agent_goes(tmp_path: Path, shim: Path):
    log, total = tmp_path / "shim.log", 6000
    with shelved() as shelf, site(tmp_path) as here:
        here.point_agent_at(shelf.port)
        here.start_agent(**powercut.recording(shim, log, here.state))
        writer = Writer(here.logs / "app.log", total, a_second=3000)
        writer.start()
        here.wait_for(lambda: len(shelf.messages()) >= total, 30, "all lines")
        writer.join()
        here.agent.kill()
        events, kept = powercut.read(log), list(shelf.kept)
        sent = [event.kind == "A" and event.data.startswith(b"POST /ingest/batch") for event in events]
        assert sum(sent) == len(kept) and ("S", "spool.db-wal") in {(e.kind, e.name) for e in events}
        config = AgentConfig(server=f"http://127.0.0.1:{shelf.port}", key="k", host="web-1",
                             files=(f"{here.logs}/*.log",), state_dir=str(tmp_path / "cut"), from_start=True,
                             executor="off", metrics_seconds=0, poll_seconds=0.02, drain_seconds=0)
        chance, bad, lost_spools, n = random.Random(7), [], 0, by_form(8, 15, 250)
        for place, disk in powercut.cuts(events, n, chance):
            (tmp_path / "cut").mkdir()
            disk.cut(tmp_path / "cut", chance)
            shelf.back_to(reached(events, sent, place, chance), kept)
            counters = await until_all(config, shelf, total)
            lost_spools += counters["spools_lost"]
            verdict = judge({"app": total}, shelf.messages())
            if not verdict.clean:
                bad.append((place, str(verdict)))
            shutil.rmtree(tmp_path / "cut")
    figure("power cut of the agent (spool)", "0 lost, 0 duplicated; always starts; no spool lost",
           f"{len(bad)} of {n} moments with a loss or a duplicate of {total:,} lines; {lost_spools} spools "
           "lost")
    assert not bad and lost_spools == 0, bad


def reached(events: list[powercut.Event], sent: list[bool], place: int, chance: random.Random) -> int:
    """Return how many batches the server had: the last that was sent may not have come through.

    Anything that the agent wrote after it may rest on its answer; then it had come through.
    """
    n = sum(sent[:place])
    last = max((number for number in range(place) if sent[number]), default=-1)
    wrote = any(event.kind == "W" for event in events[last + 1:place])
    return n if n == 0 or wrote else n - chance.randrange(2)


@pytest.mark.timeout(120)
def test_the_power_of_the_executor_goes(tmp_path: Path, shim: Path, monkeypatch: pytest.MonkeyPatch):
    """From the moment at which the act may have begun, the journal says so whatever the disk holds."""
    host, log = Host(tmp_path, free_port()), tmp_path / "shim.log"
    try:
        host.restarts_by(host.serves())
        host.write_policy()
        host.state.mkdir(mode=0o700)
        for name, value in powercut.recording(shim, log, host.state).items():
            monkeypatch.setitem(executor_host.ENVIRONMENT, name, value)
        executor = host.start()
        host.approve(executor)
        executor.event("outcome")
        executor.end()
    finally:
        host.close()
    events, chance = powercut.read(log), random.Random(7)
    acted = next(n for n, event in enumerate(events) if event.kind == "X" and event.name == str(host.script))
    forgotten, broken, n = 0, 0, by_form(150, 400, 4000)
    for place, disk in powercut.cuts(events, n, chance):
        folder = tmp_path / "cut"
        folder.mkdir()
        disk.cut(folder, chance)
        Journal(str(folder / "journal.db")).close()  # always starts
        with closing(sqlite3.connect(folder / "journal.db")) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            phases = [row[0] for row in conn.execute("SELECT phase FROM acts")]
            head = conn.execute("SELECT value FROM meta WHERE name = 'audit_head'").fetchone()
        forgotten += place > acted and phases not in (["intent"], ["acted"], ["done"])
        Audit(str(folder / "audit.jsonl"))  # cuts a torn end
        broken += head is not None and verify(str(folder / "audit.jsonl"), head[0]) != []
        shutil.rmtree(folder)
    figure("power cut of the executor (journal)",
           "no act without its intent on disk, no line of the audit log lost",
           f"{forgotten} of {n:,} moments at which a begun act was forgotten, {broken} at which the audit "
           "log did not reach what the journal knows of")
    assert forgotten == broken == 0


