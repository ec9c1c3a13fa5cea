"""`sra agent quarantine …`: what the server rejected. From the shell; to sra_agent.quarantine."""
from __future__ import annotations

import json as jsonlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sra_sdk.errors import BadInput

from . import options, output

if TYPE_CHECKING:
    from sra_agent.quarantine import Kept, Quarantine

app = options.group("The items that the server rejected: list, show, send again, give up.")
LARGEST = 2**63 - 1
StateDir = Annotated[Path | None, typer.Option(
    "--state-dir", metavar="DIR",
    help="Of the agent; else as in --config, else the usual one or that of `sra up`.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The agent's sra.toml.")]
Ids = Annotated[list[int] | None, typer.Argument(
    metavar="ID", min=1, max=LARGEST, help="As `list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="Every item.")]


@app.command("list")
def list_(state_dir: StateDir = None, config: Config = None, json: options.Json = False) -> None:
    """List the items that the server rejected, with its reason; the latest 100 are kept.

    \b
    Examples:
      sra agent quarantine list
      sra agent quarantine list --config /etc/sra/sra.toml --json
    """
    found = _quarantine(state_dir, config).items()
    if json:
        return output.emit([_shown(kept) for kept in found])
    output.table(("ID", "SINCE", "REASON", "", "ITEM"),
                 [(str(kept.id), output.local(_moment(kept)), kept.reason,
                   "to be sent" if kept.resend else "", _line(kept)) for kept in found],
                 empty="nothing was rejected, or it was sent again or given up")


@app.command()
def show(item: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST,
                                               help="As `list` shows it.")],
         state_dir: StateDir = None, config: Config = None, json: options.Json = False) -> None:
    """Show one item whole.

    \b
    Examples:
      sra agent quarantine show 7
      sra agent quarantine show 7 --json | jq .item
    """
    one = next((kept for kept in _quarantine(state_dir, config).items() if kept.id == item), None)
    if one is None:
        raise BadInput(f"the quarantine holds no item {item}", hint="`sra agent quarantine list` lists them")
    if json:
        return output.emit(_shown(one))
    output.show(f"{one.id}: set apart {output.local(_moment(one))}, {output.plain(one.reason)}"
                + (", to be sent again" if one.resend else ""))
    for name, value in one.item.items():
        said = value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)
        output.show(f"  {output.plain(name)}: {output.plain(said)}")


@app.command()
def resend(items: Ids = None, every: All = False, state_dir: StateDir = None, config: Config = None,
           json: options.Json = False) -> None:
    """Send items again: the agent does it within seconds while it runs, else when it starts.

    What the server rejects once more is set apart once more.

    \b
    Examples:
      sra agent quarantine resend 7 8
      sra agent quarantine resend --all
    """
    apart = _quarantine(state_dir, config)
    chosen = _chosen(apart, items, every)
    apart.resend(chosen)
    if json:
        return output.emit({"resend": chosen})
    output.show(f"{_n(chosen)} sent again: within seconds while the agent runs, else when it starts.")


@app.command()
def drop(items: Ids = None, every: All = False, yes: options.Yes = False, state_dir: StateDir = None,
         config: Config = None, json: options.Json = False) -> None:
    """Give items up for good; they stay counted as dropped.

    \b
    Examples:
      sra agent quarantine drop 7
      sra agent quarantine drop --all --yes
    """
    apart = _quarantine(state_dir, config)
    chosen = _chosen(apart, items, every)
    if chosen:
        options.confirm(f"Give up {len(chosen)} of the rejected items for good?", yes)
    apart.drop(chosen)
    if json:
        return output.emit({"dropped": chosen})
    output.show(f"{_n(chosen)} given up.")


def _quarantine(state_dir: Path | None, config: Path | None) -> Quarantine:
    from sra_agent.config import default_state_dir, read_table
    from sra_agent.quarantine import Quarantine
    if state_dir is not None and config is not None:
        raise BadInput("state-dir: give it or --config, not both")
    named: Any = state_dir or (read_table(config).get("state_dir") if config else None)
    if named or config:
        return Quarantine(Path(named or default_state_dir()))
    usual = [Quarantine(Path(default_state_dir())), Quarantine(_of_up())]
    here = [apart for apart in usual if apart.exists()]
    if len(here) > 1:
        raise BadInput(f"state-dir: there is an agent's in {here[0].folder} and, of `sra up`, in "
                       f"{here[1].folder}", hint="name one with --state-dir")
    return (here or usual)[0]


def _of_up() -> Path:
    """Return where the agent of `sra up` keeps its spool."""
    import platformdirs
    return Path(os.environ.get("SRA_DATA_DIR") or platformdirs.user_data_dir("sra")) / "agent"


def _chosen(apart: Quarantine, items: list[int] | None, every: bool) -> list[int]:
    if bool(items) == every:
        raise BadInput("id: name some items, or --all", hint="`sra agent quarantine list` lists them")
    return [kept.id for kept in apart.items()] if every else sorted(set(items or ()))


def _shown(kept: Kept) -> dict[str, Any]:
    return {"id": kept.id, "set_apart_at": _moment(kept).isoformat(), "reason": kept.reason,
            "resend": kept.resend, "item": kept.item}


def _moment(kept: Kept) -> datetime:
    return datetime.fromtimestamp(kept.at, UTC)


def _line(kept: Kept) -> str:
    item = kept.item
    text = item["message"] if "message" in item else f"{item.get('name')} = {item.get('value')}"
    return f"{item['service']}: {text}" if item.get("service") else str(text)


def _n(chosen: list[int]) -> str:
    return "1 item is" if len(chosen) == 1 else f"{len(chosen)} items are"
