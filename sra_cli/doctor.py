"""`sra doctor`: is everything there that the loop needs, and what to do where it is not. From the shell."""
from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import typer

from sra_sdk.errors import ServerAnswered, SraError

from . import options, output, session
from .status import ROOM, unwatched

if TYPE_CHECKING:
    from sra_sdk.api import Client
    from sra_sdk.models import HealthOut

#: A clock that is further off makes times in incidents misleading.
SKEW = 5.0
State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `hint` says what to do unless it is ok."""

    check: str
    state: State
    text: str
    hint: str | None = None


def clock(health: HealthOut, before: datetime, after: datetime) -> Finding:
    """Compare this clock with the server's, which read its own somewhere between the two."""
    off = max((before - health.timestamp).total_seconds(), (health.timestamp - after).total_seconds(), 0.0)
    if off > SKEW:
        return Finding(check="clock", state="warning", text=f"differs from the server's by {off:.0f} s",
                       hint="let both follow a time server (chrony, systemd-timesyncd)")
    return Finding(check="clock", state="ok", text="agrees with the server's")


def server(client: Client) -> Iterator[Finding]:
    """Reachable, healthy, in time."""
    before = datetime.now(UTC)
    try:
        health, version = client.health(), client.version()
    except SraError as error:
        yield Finding(check="server", state="failed", text=error.message, hint=error.hint)
        return
    yield Finding(check="server", state="ok", text=f"{client.url} answers, version {version.version}")
    if health.database == "ok":
        yield Finding(check="database", state="ok", text="takes writes")
    else:
        yield Finding(check="database", state="failed", text="the server cannot write to its database",
                      hint="look at the server's log; is the disk full, is PostgreSQL up?")
    yield clock(health, before, datetime.now(UTC))


def account(client: Client, found: session.Session) -> Iterator[Finding]:
    """Signed in, and what the detection and the hosts look like from there."""
    if not (found.token or found.api_key):
        yield Finding(check="sign-in", state="failed", text=f"not signed in to {found.server}",
                      hint="run `sra login`, or set SRA_TOKEN or SRA_API_KEY")
        return
    try:
        status = client.status()
        hosts = client.hosts()
    except ServerAnswered as error:
        yield Finding(check="sign-in", state="failed", text=error.message, hint=error.hint)
        return
    yield Finding(check="sign-in", state="ok", text=f"accepted, credential from {found.source}")
    if status.detection_lag_batches > 100:
        yield Finding(check="detection", state="warning",
                      text=f"is {status.detection_lag_batches} batches behind", hint="look at the load")
    else:
        yield Finding(check="detection", state="ok", text="is up to date")
    if left_out := unwatched(status.series_unwatched):
        yield Finding(check="series", state="warning", text=f"no room for {left_out}", hint=ROOM)
    for problem in status.signature_problems:
        yield Finding(check="signatures", state="warning", text=problem,
                      hint="try the file with `sra server signatures check`, then start the server again")
    name = socket.gethostname()
    here = next((host for host in hosts if host.host == name), None)
    if here is None:
        others = f"; {len(hosts)} other hosts have one" if hosts else ""
        yield Finding(check="agent", state="warning", text=f"no agent has reported from {name}{others}",
                      hint="start one with `sra agent run` or `sra up`")
        return
    if not here.online:
        yield Finding(check="agent", state="failed", text=f"was last seen {output.age(here.last_seen)}",
                      hint="start it again with `sra agent run`, and read what it prints")
        return
    yield Finding(check="agent", state="ok", text=f"is online and watches {len(here.watches)} sources")
    for text in here.cannot_watch:
        yield Finding(check="agent", state="warning", text=f"cannot watch {text}",
                      hint="make it readable for the agent's user, or leave it out")
    # a host without a policy is a beginning, not a fault
    if here.policy_problem and "policy_missing" not in here.policy_problem:
        yield Finding(check="executor", state="failed", text=here.policy_problem,
                      hint="run `sra agent policy check`")
    elif not here.inventory:
        yield Finding(check="executor", state="warning", text="no action is allowed on this host",
                      hint="run `sra agent policy init`, then name targets in the file")
    else:
        live = sum(offer.mode == "live" for offer in here.inventory)
        yield Finding(check="executor", state="ok",
                      text=f"offers {len(here.inventory)} actions, {live} of them live")
    if status.dry_run:
        yield Finding(check="dry-run", state="ok", text="is on: nothing is changed (sra dry-run off to act)")
    else:
        yield Finding(check="dry-run", state="ok", text="is off: approved actions are done on live hosts")


def policy() -> Iterator[Finding]:
    """The file on this machine, read as the executor reads it."""
    try:
        from .agent import policy_findings
        found = policy_findings()
    except ImportError:
        yield Finding(check="policy", state="warning", text="the agent is not installed here",
                      hint="pip install 'sra-assistant[agent]'")
        return
    for severity, text in found:
        fault = severity == "error" and "policy_missing" not in text
        yield Finding(check="policy", state="failed" if fault else "warning", text=text,
                      hint="see `sra agent policy check` and `sra agent policy init`")
    if not found:
        yield Finding(check="policy", state="ok", text="is in order")


def command(server_url: options.Server = None, json: options.Json = False) -> None:
    """Check server, sign-in, agent, executor, policy and clock; exit 1 if something has failed.

    \b
    Examples:
      sra doctor
      sra doctor --server https://sra.example.com --json
    """
    found = session.find(server_url)
    with session.connect(server_url, signed_in=False) as client:
        findings = list(server(client))
        if findings[0].state == "ok":
            findings += account(client, found)
    findings += policy()
    if json:
        output.emit([asdict(each) for each in findings])
    for each in [] if json else findings:
        state = output.colour(each.state.ljust(7), each.state)
        output.show(f"{state}  {each.check:9}  {output.plain(each.text)}")
        if each.hint and each.state != "ok":
            output.show(f"                    what to do: {output.plain(each.hint)}")
    if any(each.state == "failed" for each in findings):
        raise typer.Exit(1)
