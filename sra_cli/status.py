"""`sra status`: how things stand now. From the shell; to /status."""
from __future__ import annotations

from . import casefile, options, output, session


def command(server: options.Server = None, json: options.Json = False) -> None:
    """Say how things stand now.

    \b
    Examples:
      sra status
      sra status --json | jq -r .status
    """
    with session.connect(server) as client:
        now = client.status()
    if json:
        return output.emit(now)
    output.show(f"{output.colour(now.status)} ({now.stability_trend}) at {client.url}")
    output.show(f"  hosts online {now.hosts_online} of {now.hosts_total}; "
                f"records stored {now.records_stored}; "
                f"detection behind by {now.detection_lag_batches} batches")
    output.show("  dry-run is on: nothing is changed on any host" if now.dry_run
                else "  dry-run is off: hosts whose own policy is live do what is approved")
    for one in now.incidents:
        output.show(f"  {casefile.headline(one)}")
