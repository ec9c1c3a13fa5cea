"""`sra demo`: break a little service for real, and watch the loop close. From the shell; to demo_world.

Every text that is shown as SRA's finding, plan or outcome is what the server answered.
"""
from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sra_sdk.errors import BadInput, Refused, SraError, Unavailable

from . import casefile, options, output
from .demo_show import Show
from .demo_world import World

if TYPE_CHECKING:
    from sra_sdk.api import Client
    from sra_sdk.models import IncidentDetail, RemedyOut

T = TypeVar("T")
LOOK = 0.2
#: So long may the failing health probe take to join the evidence before the story goes on without it.
PROBE_SECONDS = 6.0
FINAL = frozenset({"succeeded", "failed", "no_change", "unknown", "refused", "rejected", "cancelled",
                   "expired", "simulated"})


def until(world: World, what: str, seconds: float, look: Callable[[], T | None]) -> T:
    """Look again and again until there is something; a dead process or too long a wait is an error."""
    end = time.monotonic() + seconds
    while True:
        world.check()
        with contextlib.suppress(Unavailable):
            if (found := look()) is not None:
                return found
        if time.monotonic() > end:
            raise SraError(f"the demo waited {seconds:g} s in vain for {what}",
                           hint="run again with --keep DIR and read the *.out files there; please report it")
        time.sleep(LOOK)


def begin(world: World, show: Show) -> Client:
    """Start everything, sign in, and wait until a host with an allowed repair reports a healthy shop."""
    from sra_sdk.api import Client
    show.step("Starting a server, an agent with its executor, and a shop that needs an inventory")
    world.write()
    world.start_services()
    world.start_server()
    anonymous = Client(world.url, timeout=5.0)
    until(world, "the server", 20, lambda: anonymous.health().status == "healthy" or None)
    account = anonymous.register("demo@example.com", secrets.token_urlsafe(24))
    anonymous.disconnect()
    client = Client(world.url, token=account.access_token)
    world.start_agent(client.create_key("demo-agent", ["ingest"]).key)
    host = until(world, "the agent", 20, lambda: next((
        one for one in client.hosts() if one.online and one.inventory), None))
    watched = ", ".join(text.replace(f"{world.folder}/", "") for text in host.watches)
    show.say(f"{host.host} watches {watched}")
    for offer in host.inventory:
        show.say(f"its policy allows: {offer.action} {offer.service} by {offer.platform} ({offer.mode})")
    until(world, "records of the shop", 15, lambda: client.logs(service="shop", limit=1).logs or None)
    served = world.orders["served"]
    until(world, "orders that are served", 15, lambda: world.orders["served"] >= served + 10 or None)
    show.say(f"healthy: {world.orders['served']} orders served, status {client.status().status}")
    return client


def detect(world: World, show: Show, client: Client) -> tuple[IncidentDetail, RemedyOut, float]:
    """Kill the inventory and wait for the incident, its root cause and the plan of its repair."""
    pid = world.kill_inventory()
    killed = time.monotonic()
    show.step(f"Killed the inventory for real: process {pid}, SIGKILL")
    until(world, "an error in the log", 15,
          lambda: client.logs(service="shop", level="error", limit=1).logs or None)
    for record in client.logs(service="shop", level="error", limit=1).logs:
        show.say(f"read from {record.source or 'the log'}: {record.message}")
    first = until(world, "an incident", 20, lambda: next(iter(client.incidents(status="open")), None))
    seconds = time.monotonic() - killed
    show.step(f"Incident after {seconds:.1f} s: {first.title}")

    patience = time.monotonic() + PROBE_SECONDS

    def ready() -> tuple[IncidentDetail, RemedyOut] | None:
        for each in client.incidents():
            one = client.incident(each.id)
            for remedy in one.remedies:
                # the log speaks at once, the health probe after its second failure: both are worth seeing
                both = any(piece.kind == "points" for piece in one.evidence)
                if remedy.status == "planned" and (both or time.monotonic() > patience):
                    return one, remedy
                if remedy.status in FINAL:
                    reason = remedy.outcome.reason if remedy.outcome else remedy.reason
                    raise SraError(f"the remedy was {remedy.status}: {reason}", hint=world.tail("agent"))
        return None
    found, remedy = until(world, "a plan of the repair", 20, ready)
    return found, remedy, seconds


def explain(show: Show, client: Client, found: IncidentDetail, remedy: RemedyOut) -> None:
    """Root cause with its evidence, then the plan: exactly what would be done, with nothing done."""
    show.say(f"{found.id}: {found.severity}, {found.class_}: {found.title}")
    if found.analysis:
        show.step(f"Root cause ({found.analysis.analyst} analysis, "
                  f"confidence {found.analysis.confidence:.0%}): {found.analysis.root_cause}")
        for claim in found.analysis.claims:
            show.say(f"- {claim.text}  [{', '.join(claim.evidence[:4])}]")
    for piece in found.evidence[:6]:
        for line in casefile.evidence(piece):
            show.say(line, "dim")
    if len(found.evidence) > 6:
        show.say(f"  and {len(found.evidence) - 6} more", "dim")
    dry = client.dry_run()
    state = f"dry-run is on ({dry.source}): nothing has been done" if dry.dry_run else "dry-run is off"
    show.step(f"Plan of the host; {state}")
    for line in casefile.remedy(remedy):
        show.quote(line)


def repair(world: World, show: Show, client: Client, remedy: RemedyOut) -> tuple[RemedyOut, float]:
    """Approve exactly the plan that was shown, and follow what the host does."""
    show.step("Approved: dry-run off for this account, and this plan goes to the host")
    client.set_dry_run(False)
    begun = time.monotonic()
    client.approve(remedy.id, remedy.plan.digest if remedy.plan else None)
    seen = ""

    def ended() -> RemedyOut | None:
        nonlocal seen
        now = client.remedy(remedy.id)
        if now.status != seen:
            seen = now.status
            show.say(f"{now.id} is {now.status}")
        return now if now.status in FINAL and now.outcome and now.outcome.verdict else None
    done = until(world, "the outcome", 30, ended)
    seconds = time.monotonic() - begun
    if done.outcome:
        show.step(f"Verdict after {seconds:.1f} s: {done.outcome.verdict}: {done.outcome.reason}")
    return done, seconds


def tell(world: World, show: Show, *, yes: bool) -> dict[str, Any]:
    """The whole story; gives what `--json` prints."""
    client = begin(world, show)
    with client:
        found, remedy, detecting = detect(world, show, client)
        explain(show, client, found, remedy)
        if not yes and not show.ask("Approve exactly this?"):
            client.reject(remedy.id, "not approved in the demo")
            raise Refused("the repair was not approved, so nothing was done")
        done, repairing = repair(world, show, client, remedy)
        verdict = done.outcome.verdict if done.outcome else None

        def resolved() -> IncidentDetail | None:
            now = client.incident(found.id)
            return now if now.status in ("resolved", "closed") else None
        if verdict == "recovered":
            found = until(world, "the incident to be resolved", 20, resolved)
            before = world.orders["served"]
            until(world, "the shop to serve again", 10, lambda: world.orders["served"] > before or None)
        else:
            found = client.incident(found.id)
        why = f": {found.resolution_summary}" if found.resolution_summary else ""
        show.step(f"Incident {found.status}{why}")
        for entry in found.timeline:
            show.say(f"{output.local(entry.at, date=False)}  {entry.kind}: {entry.text}", "dim")
        show.say(f"orders: {world.orders['served']} served, {world.orders['failed']} failed in between")
        whole = found.model_dump(mode="json", by_alias=True)
        return {
            "incident": {name: value for name, value in whole.items()
                         if name not in ("analysis", "remedies", "timeline")},
            "analysis": whole["analysis"],
            "remedy": done.model_dump(mode="json", by_alias=True),
            "verdict": verdict,
            "timeline": whole["timeline"],
            "seconds": {"detect": round(detecting, 2), "repair": round(repairing, 2),
                        "total": round(show.seconds, 2)},
        }


@contextlib.contextmanager
def place(keep: Path | None) -> Iterator[Path]:
    """The folder of the demo: a temporary one that goes, or one that stays."""
    if keep is not None:
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise BadInput(f"keep: {keep} is not an empty folder", hint="name a new one")
        keep.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="sra-demo-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ended(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def command(
    yes: options.Yes = False,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep data and logs there.")] = None,
    json: options.Json = False,
) -> None:
    """Break a little service and watch SRA find out why and repair it, in under a minute.

    Everything is real and runs on temporary data: a server, an agent with its executor, a shop and the
    inventory that it needs, which is killed. Nothing outlives the demo.

    \b
    Examples:
      sra demo
      sra demo --yes --json
      sra demo --yes --keep ./demo-data
    """
    if not yes and not sys.stdin.isatty():
        raise BadInput("there is no terminal to ask for the approval on", hint="give it with --yes")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended)  # so that the folder and the processes go in any case
    with place(keep) as folder, Show(to_stderr=json) as show, World(folder) as world:
        result = tell(world, show, yes=yes)
    if json:
        output.emit(result)
    if result["verdict"] != "recovered":
        raise typer.Exit(1)
