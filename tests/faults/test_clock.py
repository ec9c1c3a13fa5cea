"""The wall clock of a program jumps, by a day and by ten years, both ways: no loss, no busy loop.

And nothing is done because of it: cooldowns and the ten minutes of a plan go by the time since boot.
"""
from __future__ import annotations

import os
import sqlite3
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from sra_server.store import Store, remedies
from tests.acceptance.executor_host import ENVIRONMENT, Host
from tests.ports import free_port
from tests.services import needs
from tests.unit.server import making

from .extent import by_form, figure, not_quick
from .site import KEY, Process, Site, site

DAY = 86_400
JUMPS = (DAY, -DAY, 10 * 365 * DAY, -10 * 365 * DAY, 0)
BOTH = ("agent", "server")


def set_clock(clock: Path, jump: int) -> None:
    """Let the wall clock of whoever runs with the shim be wrong by so many seconds."""
    with clock.open("r+b") as file:
        file.write(struct.pack("q", jump))


def cpu(process: Process) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@needs("gcc")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("whose", by_form(("agent",), BOTH, BOTH, whole=True))
def test_the_clock_jumps(tmp_path: Path, shim: Path, whose: str):
    clock, lines, used = tmp_path / "clock", 500, []
    clock.write_bytes(bytes(8))
    wrong = {"LD_PRELOAD": str(shim), "SRA_SHIM_CLOCK": str(clock)}
    with site(tmp_path) as here:
        here.start_server(**(wrong if whose == "server" else {}))
        here.write(lines)
        here.start_agent(**(wrong if whose == "agent" else {}))
        here.wait_for(here.all_stored, 30, "the first lines")
        process = here.agent if whose == "agent" else here.server
        for jump in JUMPS[by_form(3, 0, 0, whole=True):]:
            set_clock(clock, jump)
            here.write(lines)
            took = here.wait_for(here.all_stored, 20, f"the lines after a jump of {jump} s")
            time.sleep(0.5)
            before, began = cpu(process), time.monotonic()
            time.sleep(by_form(0.7, 0.7, 5.0))
            used.append((cpu(process) - before) / (time.monotonic() - began))
            assert took <= 5.0
        verdict = here.settled()
    figure(f"clock of the {whose} jumps by ±1 d and ±10 y", "no loss, no busy loop",
           f"{verdict}; idle afterwards at most {max(used):.0%} of a core")
    assert verdict.clean and max(used) < 0.3, (verdict, used)


@pytest.fixture
def host(tmp_path: Path, shim: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host whose executor has a wall clock of its own, in the file `clock`."""
    (tmp_path / "clock").write_bytes(bytes(8))
    monkeypatch.setitem(ENVIRONMENT, "LD_PRELOAD", str(shim))
    monkeypatch.setitem(ENVIRONMENT, "SRA_SHIM_CLOCK", str(tmp_path / "clock"))
    made = Host(tmp_path, free_port())
    made.restarts_by(made.serves())
    yield made
    made.close()


LIMITS = '[limits]\ncooldown = "{cooldown}"\nper_hour = 100\n[verify]\nwindow = "300ms"\nsettle = "1s"\n'


@needs("gcc")
@pytest.mark.timeout(120)
def test_a_cooldown_is_neither_shorter_nor_longer(host: Host):
    host.write_policy(limits=LIMITS.format(cooldown="1h"))
    executor, hints = host.start(), set()
    host.approve(executor)
    first = executor.event("outcome")["body"]["status"]
    for number, jump in enumerate(JUMPS):
        set_clock(host.folder / "clock", jump)
        remedy = f"again-{number}"
        digest = executor.ask("plan", task=host.task(remedy_id=remedy))["ok"]["digest"]
        executor.ask("execute", task=host.task(kind="execute", remedy_id=remedy, digest=digest))
        refused = executor.event("refused", "outcome")["body"]
        hints.add((refused.get("code"), refused.get("hint")))
    figure("cooldown of 1 h, and the executor's clock jumps by ±1 d and ±10 y", "monotonic: 0 acts",
           f"{host.runs - 1} acts in {len(JUMPS)} attempts; all were told to {hints.pop()[1]}")
    assert first == "succeeded" and host.runs == 1
    assert not hints, hints


@not_quick
@needs("gcc", "root")
@pytest.mark.timeout(120)
def test_an_approval_ends_with_its_plan_whatever_the_clock_says(host: Host):
    """The wall clock says that the plan is new, or very old; since boot ten minutes have passed, or none."""
    host.write_policy(limits=LIMITS.format(cooldown="0s"))
    clock, said = host.folder / "clock", []
    later = ("unshare", "--time", "--fork", "--kill-child", "--boottime", "601", "--monotonic", "601")
    for number, jump in enumerate(JUMPS):
        remedy = f"late-{number}"
        set_clock(clock, 0)
        executor = host.start()
        digest = executor.ask("plan", task=host.task(remedy_id=remedy))["ok"]["digest"]
        executor.end()
        set_clock(clock, jump)
        executor = host.start(under=later)
        executor.ask("execute", task=host.task(kind="execute", remedy_id=remedy, digest=digest))
        said.append(executor.event("refused", "outcome")["body"].get("code"))
        executor.end()
    acted = host.runs
    executor = host.start()
    digest = executor.ask("plan", task=host.task())["ok"]["digest"]
    set_clock(clock, JUMPS[2])
    executor.ask("execute", task=host.task(kind="execute", digest=digest))
    status = executor.event("refused", "outcome")["body"].get("status")
    figure("approval of a plan older than 10 min, and the executor's clock jumps by ±1 d and ±10 y",
           "fails closed: 0 acts", f"{acted} acts in {len(said)} attempts; refused as {sorted(set(said))}")
    assert acted == 0 and set(said) == {"plan_expired"}
    assert status == "succeeded" and host.runs == 1  # a plan that is young enough is no older for it


@not_quick
@needs("gcc")
@pytest.mark.timeout(120)
async def test_no_approval_outlives_a_jump_of_the_servers_clock(tmp_path: Path, shim: Path):
    """What was planned, or approved, before the jump is not handed to the host, whichever way it went."""
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))
    with site(tmp_path) as here:
        here.start_server()
        here.server.stop()
        row = await template(here)
        here.start_server(LD_PRELOAD=str(shim), SRA_SHIM_CLOCK=str(clock))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{here.port}", headers={"X-API-Key": KEY},
                                     timeout=30) as http:
            said = await http.post("/agent/hello", json={
                "host": "web-1", "agent_version": "0", "boot_id": "b", "services": ["checkout"],
                "inventory": [{"service": "checkout", "action": "restart_service", "platform": "command",
                               "mode": "live"}]})
            assert said.status_code == 200, said.text
            handed = []
            for number, jump in enumerate(JUMPS):
                set_clock(clock, 0)
                plant(here, row, f"early-{number}", f"late-{number}")
                early = await http.post(f"/remedies/early-{number}/approve", json={"digest": "d1"})
                assert early.json()["status"] == "approved", early.text
                set_clock(clock, jump)
                late = await http.post(f"/remedies/late-{number}/approve", json={"digest": "d1"})
                tasks = (await http.get("/agent/tasks", params={"host": "web-1", "wait": 0})).json()["tasks"]
                handed.append({task["remedy_id"] for task in tasks if task["kind"] == "execute"})
                if jump:
                    assert late.status_code == 409 or late.json()["status"] == "proposed", late.text
    figure("plans and approvals from before the server's clock jumps by ±1 d and ±10 y",
           "fail closed: 0 handed to the host",
           f"{sum(map(len, handed[:-1]))} of {2 * (len(JUMPS) - 1)} handed over in {len(JUMPS) - 1} jumps; "
           f"with the clock right again they are: {bool(handed[-1])}")
    assert handed[:-1] == [set()] * (len(JUMPS) - 1), handed
    assert handed[-1] >= {f"early-{number}", f"late-{number}"}  # so that they would have been seen


async def template(here: Site) -> dict[str, object]:
    """Return the row of a remedy whose plan waits for approval, in the account of the key."""
    store = await Store.open(f"sqlite:///{here.data / 'sra.db'}")
    try:
        async with store.writing() as conn:
            account = str(await conn.scalar(remedies.remedies.metadata.tables["accounts"].select()))
            await remedies.create(conn, account, making.planned())
    finally:
        await store.close()
    with closing(sqlite3.connect(here.data / "sra.db")) as conn:
        conn.row_factory = sqlite3.Row
        return dict(conn.execute("SELECT * FROM remedies").fetchone())


def plant(here: Site, row: dict[str, object], *names: str) -> None:
    """Store copies of the row under these names, planned just now."""
    with closing(sqlite3.connect(here.data / "sra.db", timeout=10)) as conn, conn:
        for name in names:
            at = time.time_ns() // 1000
            copy = {**row, "id": name, "task_token": f"token-{name}", "created_at": at, "updated_at": at}
            conn.execute(f"INSERT INTO remedies ({', '.join(copy)}) VALUES ({', '.join('?' * len(copy))})",
                         list(copy.values()))
