"""Make a database and a spool as version 0.1.0 does, for later versions to prove their upgrade from it.

    python tests/upgrade/make_v0_1_0.py FOLDER

Run with version 0.1.0 installed. Everything is done through the public ways in: a server, an account
over HTTP and another one, keys in use and revoked, an agent that follows a file and measures, an open
and a closed incident, a remedy that was simulated and one that waits, alerts in the outbox. Then the
server stops and the agent reads on, so that its spool holds what nobody has stored yet.
FOLDER/facts.json says what a later version must find.
"""
from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from sra_agent import Agent, AgentConfig, __version__
from sra_sdk.api import AsyncClient
from sra_server.app import serving
from sra_server.config import ServerConfig

EMAIL, OTHER, PASSWORD = "upgrade@example.com", "other@example.com", "a-password-for-tests"
HOST, SERVICE = "old-host", "checkout"
STORED, SPOOLED = 500, 300
FAILURE = "java.lang.OutOfMemoryError: Java heap space"


def lines(first: int, n: int) -> str:
    """Return numbered lines as an application writes them."""
    return "".join(f"2026-01-01 10:00:00,000 - {SERVICE} - INFO - line {number}\n"
                   for number in range(first, first + n))


async def until(what: str, check, seconds: float = 30.0) -> None:
    """Wait until an asynchronous check holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():
        if asyncio.get_running_loop().time() > deadline:
            raise SystemExit(f"not reached within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.2)


async def make(folder: Path) -> dict[str, object]:
    """Make the data and return what a later version must find in it."""
    folder.mkdir(parents=True)
    log = folder / "checkout.log"
    log.write_text(lines(0, STORED))
    policy = folder / "policy.toml"
    policy.write_text('mode = "dry-run"\n[[allow]]\naction = "restart_service"\nservice = "checkout"\n'
                      'platform = "command"\nargv = ["/bin/true"]\n')
    policy.chmod(0o600)
    config = ServerConfig(port=0, data_dir=folder / "server",
                          webhook_url="http://127.0.0.1:9/nobody-listens")  # so the alerts stay in the outbox
    async with serving(config) as url:
        token = await registered(url, EMAIL)
        await other_account(url)
        async with AsyncClient(url, token=token) as sra:
            revoked = await sra.create_key("revoked")
            await sra.revoke_key(revoked.prefix)
            key = (await sra.create_key("agent")).key
            closed = await closed_incident(sra)
            agent = Agent(AgentConfig(server=url, key=key, host=HOST, files=(f"{SERVICE}={log}",),
                                      state_dir=str(folder / "agent"), policy=str(policy), from_start=True,
                                      metrics_seconds=0.5, drain_seconds=1.0))
            async with agent:
                await until("all lines are stored", lambda: counted(agent, "stored", STORED))
                await until("the policy is announced", lambda: offered(sra))
                with log.open("a") as more:
                    more.write(f"2026-01-01 10:00:01,000 - {SERVICE} - ERROR - {FAILURE}\n" * 3)
                await until("an incident has a planned remedy", lambda: reached(sra, "planned"))
                ended = (await sra.remedies(status="planned"))[0]
                await sra.approve(ended.id, ended.plan.digest if ended.plan else None)
                await until("the remedy is simulated", lambda: reached(sra, "simulated"))
                waiting = await sra.heal("restart_service", service=SERVICE)
            incident = next(one for one in await sra.incidents() if one.service == SERVICE)
            watches = (await sra.hosts())[0].watches
    # the server is gone; a new agent on the same state reads on and keeps what it reads
    async with Agent(AgentConfig(server=url, key=key, host=HOST, files=(f"{SERVICE}={log}",),
                                 state_dir=str(folder / "agent"), executor="off", metrics_seconds=0.0,
                                 drain_seconds=0.0)) as agent:
        with log.open("a") as more:
            more.write(lines(STORED, SPOOLED))
        await until("the spool holds what nobody stored", lambda: counted(agent, "spooled", SPOOLED))
    return {"version": __version__, "email": EMAIL, "password": PASSWORD, "key": key, "host": HOST,
            "revoked_key": revoked.key, "other_email": OTHER, "service": SERVICE, "lines_stored": STORED,
            "lines_spooled": SPOOLED, "watches": watches, "incident": incident.id,
            "incident_class": incident.class_, "closed_incident": closed, "remedy_simulated": ended.id,
            "remedy_waiting": waiting.id}


async def registered(url: str, email: str) -> str:
    """Register and return the session's token."""
    async with AsyncClient(url) as nobody:
        return (await nobody.register(email, PASSWORD)).access_token


async def other_account(url: str) -> None:
    """Make a second account with rows of its own."""
    async with AsyncClient(url, token=await registered(url, OTHER)) as sra:
        await sra.ingest_logs([{"message": "of the other account", "level": "warning"}], service="other")
        await sra.ingest_metrics([{"name": "orders", "value": 1.0}], service="other")


async def closed_incident(sra: AsyncClient) -> str:
    """Let an incident come and close it with a note; return its id."""
    full = {"message": "write failed: No space left on device", "level": "error"}
    await sra.ingest_logs([full] * 3, service="archive", host="other-host")
    await until("an incident is open", lambda: any_incident(sra))
    found = (await sra.incidents())[0]
    await sra.acknowledge(found.id)
    await sra.note(found.id, "an old disk")
    await sra.resolve(found.id, "made room")
    await sra.close(found.id)
    return found.id


async def any_incident(sra: AsyncClient) -> bool:
    """Say whether there is an incident."""
    return bool(await sra.incidents())


async def counted(agent: Agent, name: str, least: int) -> bool:
    """Say whether a counter of the agent has reached a number."""
    return int(agent.counters()[name]) >= least


async def offered(sra: AsyncClient) -> bool:
    """Say whether the host has announced what its policy offers."""
    return any(host.inventory for host in await sra.hosts())


async def reached(sra: AsyncClient, status: str) -> bool:
    """Say whether a remedy has come to a status."""
    return any(remedy.status == status for remedy in await sra.remedies())


def main() -> int:
    """Make the folder that the command line names."""
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        print("give one folder that does not exist yet", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    facts = asyncio.run(make(folder))
    (folder / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
