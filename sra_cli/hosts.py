"""`sra hosts`: the hosts with an agent and what each offers. From the shell; to /hosts."""
from __future__ import annotations

from typing import Annotated, Any

import typer

from . import options, output, session

app = options.group("The hosts with an agent, and what each offers.")


@app.callback(invoke_without_command=True, no_args_is_help=False)
def list_(context: typer.Context, server: options.Server = None, json: options.Json = False) -> None:
    """List the hosts with an agent; `sra hosts show HOST` for one.

    \b
    Examples:
      sra hosts
      sra hosts --json
      sra hosts show web-1
    """
    if context.invoked_subcommand:
        return
    with session.connect(server) as client:
        found = client.hosts()
    if json:
        return output.emit(found)
    output.table(
        ("HOST", "STATE", "SEEN", "AGENT", "WATCHES", "OFFERS"),
        [(one.host, "online" if one.online else "offline", output.age(one.last_seen),
          one.agent_version or "-", str(len(one.watches)), str(len(one.inventory))) for one in found],
        empty="no host has reported yet; start an agent with `sra agent run` or `sra up`")


def counts(counters: dict[str, Any]) -> list[str]:
    """The balance in one line, with what was dropped by reason, then every other count."""
    rest = dict(counters)
    balance = {"written", "stored", "spooled", "dropped"}
    if not balance <= rest.keys() or not isinstance(rest["dropped"], dict):
        return [f"{name}: {value}" for name, value in rest.items()]
    written, stored, spooled = (rest.pop(name) for name in ("written", "stored", "spooled"))
    dropped = rest.pop("dropped")
    told = [f"{reason} {n}" for reason, n in dropped.items()]
    told += ["spool_lost unknown"] if rest.pop("lost_unknown", 0) else []
    reasons = ", ".join(told)
    lost = f"{sum(dropped.values())} dropped" + (f" ({reasons})" if reasons else "")
    return [f"{written} written = {stored} stored + {lost} + {spooled} spooled",
            *(f"{name}: {value}" for name, value in rest.items())]


@app.command()
def show(host: Annotated[str, typer.Argument(help="Its name.")], server: options.Server = None,
         json: options.Json = False) -> None:
    """Show what a host watches, what it cannot watch, and which actions its policy offers.

    \b
    Example:
      sra hosts show web-1
    """
    with session.connect(server) as client:
        one = client.host(host)
    if json:
        return output.emit(one)
    state = "online" if one.online else "offline"
    output.show(f"{output.plain(one.host)}: {state}, seen {output.age(one.last_seen)}, "
                f"agent {output.plain(one.agent_version or 'unknown')}")
    if one.policy_problem:
        output.show(f"  policy problem: {output.plain(one.policy_problem)}")
    for title, lines in (
        ("watches", one.watches), ("cannot watch", one.cannot_watch), ("services", one.services),
        ("offers", [f"{offer.action} {offer.service} ({offer.platform}, {offer.mode})"
                    for offer in one.inventory]),
        ("counts", counts(one.counters)),
    ):
        if lines:
            output.show(f"  {title}")
        for text in lines:
            output.show(f"    {output.plain(text)}")
    if not one.inventory:
        output.show("  no action is allowed yet: sra agent policy init")
