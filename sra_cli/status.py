"""`sra status`: how things stand now. From the shell; to /status."""
from __future__ import annotations

from collections.abc import Mapping

from . import casefile, options, output, session

#: What a detector does not do for a series for which it has no room.
_LEFT_OUT = {
    "baseline": "their usual is not learned",
    "threshold": "held against fixed bounds alone",
    "absence": "not missed when silent",
}
ROOM = ("the series that were there first are watched, so send fewer, or spread the hosts over more "
        "accounts; docs/detection-metrics.md has the limits")


def unwatched(series: Mapping[str, int]) -> str:
    """Say for which series detection has no room, and what that means; nothing if there are none."""
    return ", ".join(f"{n} of {name} ({_LEFT_OUT.get(name, 'not watched')})"
                     for name, n in sorted(series.items()))


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
    if left_out := unwatched(now.series_unwatched):
        output.show(f"  no room for series: {output.plain(left_out)}")
        output.show(f"    what to do: {ROOM}")
    for one in now.incidents:
        output.show(f"  {casefile.headline(one)}")
