"""`sra dry-run …`: the switch between simulating and acting. From the shell; to /autoheal/dry-run."""
from __future__ import annotations

from typing import TYPE_CHECKING

from . import options, output, session

if TYPE_CHECKING:
    from sra_sdk.models import DryRunOut

app = options.group("The server's switch between simulating and acting. It can only narrow what hosts allow.")


def _show(state: DryRunOut, json: bool) -> None:
    if json:
        return output.emit(state)
    if state.dry_run:
        output.show(f"on ({state.source}): hosts plan and simulate, nothing is changed")
    else:
        output.show(f"off ({state.source}): hosts whose own policy is live do what is approved")


@app.command()
def on(server: options.Server = None, json: options.Json = False) -> None:
    """Only simulate.

    \b
    Example:
      sra dry-run on
    """
    with session.connect(server) as client:
        _show(client.set_dry_run(True), json)


@app.command()
def off(server: options.Server = None, json: options.Json = False) -> None:
    """Let hosts whose own policy is live do what is approved.

    \b
    Example:
      sra dry-run off
    """
    with session.connect(server) as client:
        _show(client.set_dry_run(False), json)


@app.command()
def status(server: options.Server = None, json: options.Json = False) -> None:
    """Say how the switch stands, and who set it.

    \b
    Example:
      sra dry-run status
    """
    with session.connect(server) as client:
        _show(client.dry_run(), json)
