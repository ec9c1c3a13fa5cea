"""`sra remedies …`: actions on a host, from plan to verdict. From the shell; to /remedies and /autoheal."""
from __future__ import annotations

import json as json_format
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sra_sdk.errors import BadInput, Refused

from . import casefile, options, output, session

if TYPE_CHECKING:
    from sra_sdk.api import Client
    from sra_sdk.models import RemedyOut

app = options.group("Actions on a host: list, show, approve, reject, run.")
Id = Annotated[str, typer.Argument(metavar="REMEDY", help="Its id, as `sra remedies list` shows it.")]
Wait = Annotated[float, typer.Option(min=0, max=3600, help="Wait so many seconds for the outcome.")]
#: Nothing moves a remedy on from these but a person.
AT_REST = frozenset({"planned", "succeeded", "failed", "no_change", "unknown", "refused", "rejected",
                     "cancelled", "expired", "simulated"})
BAD = frozenset({"failed", "refused", "unknown", "expired"})


def _show(one: RemedyOut, json: bool) -> None:
    if json:
        return output.emit(one)
    for line in casefile.remedy(one):
        output.show(line)


def _settle(client: Client, one: RemedyOut, seconds: float, leave: frozenset[str]) -> RemedyOut:
    """Look again each second until its status is one to stop at, or the time is over."""
    end = time.monotonic() + seconds
    while one.status not in leave and time.monotonic() < end:
        time.sleep(min(1.0, max(0.05, end - time.monotonic())))
        one = client.remedy(one.id)
    return one


def _leave(one: RemedyOut) -> None:
    """Exit 1 when the remedy did not do what was asked."""
    verdict = one.outcome.verdict if one.outcome else None
    if one.status in BAD or verdict in ("ineffective", "worse"):
        raise typer.Exit(1)


@app.callback(invoke_without_command=True, no_args_is_help=False)
def group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="planned, executing, succeeded, …")] = None,
    host: Annotated[str | None, typer.Option(help="Of this host only.")] = None,
    limit: options.Limit = 50, server: options.Server = None, json: options.Json = False,
) -> None:
    """List remedies, newest first.

    \b
    Examples:
      sra remedies list
      sra remedies list --status planned
    """
    with session.connect(server) as client:
        found = client.remedies(status=status, host=host, limit=limit)
    if json:
        return output.emit(found)
    output.table(
        ("ID", "STATUS", "ACTION", "SERVICE", "HOST", "AGE", "VERDICT"),
        [(one.id, one.status, one.action, one.service, one.host, output.age(one.created_at),
          (one.outcome.verdict if one.outcome else None) or "-") for one in found],
        empty="no remedies")


@app.command()
def show(remedy: Id, server: options.Server = None, json: options.Json = False) -> None:
    """Show the plan with its exact steps, and the outcome.

    \b
    Example:
      sra remedies show rem_91c0
    """
    with session.connect(server) as client:
        _show(client.remedy(remedy), json)


@app.command()
def approve(remedy: Id, yes: options.Yes = False, wait: Wait = 0.0, server: options.Server = None,
            json: options.Json = False) -> None:
    """Show the plan, ask, and let the host do exactly that.

    \b
    Examples:
      sra remedies approve rem_91c0
      sra remedies approve rem_91c0 --yes --wait 60
    """
    with session.connect(server) as client:
        one = client.remedy(remedy)
        if one.plan is None and one.status in ("proposed", "planned"):
            raise Refused(f"{one.host} has not answered with its plan yet, and only a plan can be approved",
                          hint=f"look again with: sra remedies show {remedy}")
        if one.status == "planned":
            for line in casefile.remedy(one):
                output.tell(line)
            options.confirm("Approve exactly this?", yes)
        # a plan that changed since it was shown has another digest, and the server refuses the approval
        one = client.approve(remedy, one.plan.digest if one.plan else None)
        one = _settle(client, one, wait, AT_REST - {"planned"})
    _show(one, json)
    _leave(one)


@app.command()
def reject(remedy: Id, reason: Annotated[str | None, typer.Option(help="Why not.")] = None,
           server: options.Server = None, json: options.Json = False) -> None:
    """Decide against it.

    \b
    Example:
      sra remedies reject rem_91c0 --reason 'maintenance'
    """
    with session.connect(server) as client:
        _show(client.reject(remedy, reason), json)


def parameters(given: list[str]) -> dict[str, Any]:
    """k=v pairs; a value that is JSON is taken as that (3, true), anything else as text."""
    out: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"param: {pair!r} is not name=value", hint="write it like --param replicas=3")
        try:
            out[name] = json_format.loads(value)
        except ValueError:
            out[name] = value
    return out


@app.command()
def run(
    action: Annotated[str, typer.Argument(help="restart_service, scale_replicas, flush_cache, clear_queue, "
                                               "reroute_traffic, rollback_deployment or clear_disk.")],
    service: Annotated[str, typer.Argument(help="The service, as the host's policy names it.")],
    host: Annotated[str | None, typer.Option(help="Needed when several hosts offer it.")] = None,
    incident: Annotated[str | None, typer.Option(help="The incident that it shall end.")] = None,
    param: Annotated[list[str] | None, typer.Option(metavar="K=V", help="May be repeated.")] = None,
    wait: Wait = 0.0, yes: options.Yes = False, server: options.Server = None, json: options.Json = False,
) -> None:
    """Ask a host for an action now. The host's policy and the dry-run switch decide what really runs.

    \b
    Examples:
      sra remedies run restart_service checkout --wait 60
      sra remedies run scale_replicas web --host web-1 --param replicas=3
    """
    given = parameters(param or [])
    options.confirm(f"{action} {service}{f' on {host}' if host else ''}: whatever plan the host makes?", yes)
    with session.connect(server) as client:
        one = client.heal(action, service=service, host=host, incident_id=incident, parameters=given)
        one = _settle(client, one, wait, AT_REST - {"planned"})
    _show(one, json)
    _leave(one)
