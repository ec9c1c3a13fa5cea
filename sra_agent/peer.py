"""Where the executor is: a child of ours over a socketpair, or a unit behind a socket. From app; to relay.

Whichever it is, a connection that ends is made again, with growing pauses.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .channel import LINE_BYTES

log = logging.getLogger("sra.agent.executor")
END_SECONDS = 5.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def child(state_dir: Path, policy: str | None, host: str) -> AsyncIterator[Streams]:
    """Run the executor as a child while the block runs; it finishes an act in hand before it ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = state_dir / "executor"
    argv = [
        sys.executable,
        "-P",  # nothing is taken from the folder where the agent happens to be started
        "-m",
        "sra_agent.executor",
        "--fd",
        str(theirs.fileno()),
        "--state-dir",
        str(folder),
        "--host",
        host,
    ]
    argv += ["--policy", policy] if policy else []
    try:
        # Popen, because closing asyncio's transport would kill a child that is in the middle of an act.
        process = subprocess.Popen(
            argv, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, env=_environment()
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_BYTES)
    try:
        yield reader, writer
    finally:
        writer.close()
        await _ended(process)


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Wait a little for the child to end; it is never killed, for that would leave an act unjudged."""
    for _ in range(int(END_SECONDS / 0.05)):
        if process.poll() is not None:
            if process.returncode:
                log.warning("the executor ended with %d", process.returncode, extra={"action": "stop"})
            return
        await asyncio.sleep(0.05)
    log.warning(
        "the executor (pid %d) finishes an action and ends by itself", process.pid, extra={"action": "stop"}
    )


def _environment() -> dict[str, str]:
    """Return our environment without what only the shipper needs."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("SRA_API_KEY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "SRA_CRASH_AT")
    }


@asynccontextmanager
async def unit(path: str) -> AsyncIterator[Streams]:
    """Be connected with an executor that runs by itself."""
    reader, writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES)
    try:
        yield reader, writer
    finally:
        writer.close()
